/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TRANSPORT_FAULT_H
#define TRANSPORT_FAULT_H

/**
 * @file
 * A transport that wraps another one (the host transport, or that of FIDO_TEST_GROUP) and injects errors, delay and death: groups named "fault:NAME". Its domains
 * are in the same group as those of "host:NAME". Lost and extra doorbells are injected below it: fault_bell_wrap().
 *
 * One plan for the whole process; calls are counted from fault_plan().
 */

#include <stdbool.h>
#include <stdint.h>

#include <fido/doorbell.h>

/** What to do, and when. Zero: nothing. */
struct fault_plan {
	uint32_t fail_at; /**< the so-manieth call that can fail, fails; 1 is the first */
	int error;        /**< ... with this: -errno */
	uint32_t
		die_at; /**< the process is killed at the beginning of the so-manieth call of any kind */
	uint32_t lose_exports; /**< so many exports from now on are not passed on */
	uint32_t slow;         /**< so many of 100 looks at what has come in are put off */
	uint32_t slow_us;      /**< ... or take so much longer */
	uint32_t
		hold_back; /**< so many of 100 notices to the peers are held back until the next one */
};

/** Make the transport known, and set the plan. */
void fault_plan(const struct fault_plan *plan);
/** @return calls that can fail, since the plan was set. */
uint32_t fault_calls_that_fail(void);
/** @return calls of any kind, since the plan was set. */
uint32_t fault_calls(void);

/** What a doorbell that is wrapped does. */
struct fault_bell_plan {
	uint32_t lost;  /**< so many of 100 rings do nothing */
	uint32_t extra; /**< so many of 100 rings ring twice */
};

/**
 * Make a doorbell that rings another, or does not. The other one must live longer.
 * @return free it with fault_bell_unwrap()
 */
struct fido_doorbell *fault_bell_wrap(const struct fido_doorbell *inner,
	const struct fault_bell_plan *plan);
void fault_bell_unwrap(struct fido_doorbell *bell);
/** @return rings that were lost. */
uint32_t fault_bell_lost(const struct fido_doorbell *bell);

#endif
