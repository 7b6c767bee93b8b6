/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_COMPAT_H
#define MMNET_COMPAT_H

/**
 * @file
 * What the driver meets of the differences between DPDK 22.11 and later releases. The rest of it is written once, as the
 * latest release wants it; no other file asks for DPDK's version.
 *
 *   23.11  rte_thread_create_control() in place of rte_ctrl_thread_create()
 *   24.03  dev_supported_ptypes_get says how many types there are; before, a last one ended them
 *   24.11  rte_kvargs_process() refuses a key without a value, with no message of ours; ..._opt() passes it on
 *   25.11  the queues' counters have left struct rte_eth_stats: stats_get gets a structure of their own, or NULL
 *   25.11  rte_tel_data_add_dict_u64() has gone; ..._uint() has come with 23.03
 *   any    what counts the packets of a receive queue returns what ethdev says
 *
 * Headers that others once included with theirs are included here. test/lint/dpdk-versions.sh compiles the driver with
 * headers that are changed in the same way.
 */

#include <pthread.h>

#include <ethdev_driver.h>
#include <rte_bitops.h>
#include <rte_cycles.h>
#include <rte_kvargs.h>
#include <rte_lcore.h>
#include <rte_mempool.h>
#include <rte_string_fns.h>
#include <rte_telemetry.h>
#include <rte_thread.h>
#include <rte_version.h>

/** What rte_eth_rx_queue_count() is told by a driver. */
#define MMNET_QUEUE_COUNT __typeof__(((eth_rx_queue_count_t)NULL)(NULL))

/* ---- packet types ---- */

/** The types that the port tells apart, *n of them, and after them RTE_PTYPE_UNKNOWN; NULL: none. mmnet_ethdev.c */
const uint32_t *mmnet_ptypes(struct rte_eth_dev *dev, size_t *n);

#if RTE_VERSION >= RTE_VERSION_NUM(24, 3, 0, 0)
static inline const uint32_t *
mmnet_supported_ptypes_get(struct rte_eth_dev *dev, size_t *n)
{
	return mmnet_ptypes(dev, n);
}
#else
static inline const uint32_t *
mmnet_supported_ptypes_get(struct rte_eth_dev *dev)
{
	size_t n;

	return mmnet_ptypes(dev, &n);
}
#endif

/* ---- counters ---- */

#if RTE_VERSION >= RTE_VERSION_NUM(25, 11, 0, 0)
#define mmnet_queue_stats eth_queue_stats
#else
#define mmnet_queue_stats rte_eth_stats
#endif

/** Add a port's counters, and its queues' unless `queues` is NULL. mmnet_stats.c @return 0, -errno */
int mmnet_stats_fill(struct rte_eth_dev *dev, struct rte_eth_stats *port,
	struct mmnet_queue_stats *queues);

#if RTE_VERSION >= RTE_VERSION_NUM(25, 11, 0, 0)
static inline int
mmnet_stats_get(struct rte_eth_dev *dev, struct rte_eth_stats *stats,
	struct eth_queue_stats *queues)
{
	return mmnet_stats_fill(dev, stats, queues);
}
#else
static inline int
mmnet_stats_get(struct rte_eth_dev *dev, struct rte_eth_stats *stats)
{
	return mmnet_stats_fill(dev, stats, stats);
}
#endif

/* ---- threads ---- */

/** A function, and what it is given. */
struct mmnet_call {
	void (*fn)(void *arg);
	void *arg;
};

/**
 * Call a function in a thread that runs where EAL has its control threads, on no lcore's core, and wait for it. So do the
 * threads that it starts.
 * @return 0, -errno: no thread, the function was not called
 */
#if RTE_VERSION >= RTE_VERSION_NUM(23, 11, 0, 0)
static inline uint32_t
mmnet_call_start(void *arg)
{
	const struct mmnet_call *call = arg;

	call->fn(call->arg);
	return 0;
}

static inline int
mmnet_call_off_lcores(struct mmnet_call *call)
{
	rte_thread_t thread;
	int ret = rte_thread_create_control(&thread, "mmnet", mmnet_call_start, call);

	return ret != 0 ? ret : -rte_thread_join(thread, NULL);
}
#else
static inline void *
mmnet_call_start(void *arg)
{
	const struct mmnet_call *call = arg;

	call->fn(call->arg);
	return NULL;
}

static inline int
mmnet_call_off_lcores(struct mmnet_call *call)
{
	pthread_t thread;
	int ret = rte_ctrl_thread_create(&thread, "mmnet", NULL, mmnet_call_start, call);

	return ret != 0 ? ret : -pthread_join(thread, NULL);
}
#endif

/* ---- libraries ---- */

/** Call the handler for each argument; its value is NULL where it has none. @return 0, or what the handler says */
static inline int
mmnet_kvargs_each(const struct rte_kvargs *kv, arg_handler_t handler, void *opaque)
{
#if RTE_VERSION >= RTE_VERSION_NUM(24, 11, 0, 0)
	return rte_kvargs_process_opt(kv, NULL, handler, opaque);
#else
	return rte_kvargs_process(kv, NULL, handler, opaque);
#endif
}

/** Add a number to a dictionary of telemetry. */
static inline void
mmnet_tel_add(struct rte_tel_data *d, const char *name, uint64_t value)
{
#if RTE_VERSION >= RTE_VERSION_NUM(23, 3, 0, 0)
	rte_tel_data_add_dict_uint(d, name, value);
#else
	rte_tel_data_add_dict_u64(d, name, value);
#endif
}

#endif
