/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TRANSPORT_FAULT_H
#define TRANSPORT_FAULT_H

/**
 * @file
 * A transport that wraps another one (the host transport, or that of FIDO_TEST_GROUP) and injects
 * errors, delays and death: groups named "fault:NAME". Its domains are in the same group as those
 * of "host:NAME". Lost and extra doorbells are injected below it: fault_bell_wrap().
 *
 * The process has one plan; calls are counted from fault_plan() on.
 */

#include <stdbool.h>
#include <stdint.h>

#include <fido/doorbell.h>

/** What to do, and when. Zero: nothing. */
struct fault_plan {
	uint32_t fail_at; /**< number of the call to fail, among those that can; 1 is the first */
	int error;        /**< -errno that it fails with */
	uint32_t die_at; /**< number of the call, of any kind, before which the process is killed */
	uint32_t lose_exports; /**< number of exports, from now on, that are not passed on */
	uint32_t slow;         /**< percentage of looks for incoming messages that are skipped */
	uint32_t slow_us;      /**< ... or take this much longer */
	uint32_t hold_back;    /**< percentage of notices to peers held back until the next one */
};

/** Register the transport and set the plan. */
void fault_plan(const struct fault_plan *plan);
/** @return calls that can fail since the plan was set */
uint32_t fault_calls_that_fail(void);
/** @return calls of any kind since the plan was set */
uint32_t fault_calls(void);

/** What a wrapped doorbell does. */
struct fault_bell_plan {
	uint32_t lost;  /**< percentage of rings that do nothing */
	uint32_t extra; /**< percentage of rings that ring twice */
};

/**
 * Create a doorbell that rings another one, or not. The other one must live longer.
 * @return doorbell to free with fault_bell_unwrap()
 */
struct fido_doorbell *fault_bell_wrap(const struct fido_doorbell *inner,
	const struct fault_bell_plan *plan);
void fault_bell_unwrap(struct fido_doorbell *bell);
/** @return number of lost rings */
uint32_t fault_bell_lost(const struct fido_doorbell *bell);

#endif
