/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PMD_COMPAT_H
#define PMD_COMPAT_H

/**
 * @file
 * The differences between DPDK 22.11 and later releases, as far as the driver meets them. No other
 * file tests DPDK's version; the rest of the driver is written for the latest release.
 *
 *   23.11  rte_thread_create_control() replaces rte_ctrl_thread_create()
 *   24.03  dev_supported_ptypes_get returns the number of types; before, the last ended the list
 *   24.11  rte_kvargs_process() refuses a key without a value, without a message of the driver's;
 *          ..._opt() accepts it
 *   25.11  the queues' counters are no longer in struct rte_eth_stats: stats_get takes a structure
 *          for them, or NULL
 *   25.11  ethdev calls a port's fast-path functions without checking for NULL
 *   25.11  rte_tel_data_add_dict_u64() is gone; ..._uint() exists since 23.03
 *   any    rx_queue_count returns the type that ethdev declares
 *
 * test/lint/dpdk-versions.sh compiles the driver with headers that are changed in the same way.
 */

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include <ethdev_driver.h>
#include <rte_kvargs.h>
#include <rte_lcore.h>
#include <rte_telemetry.h>
#include <rte_thread.h>
#include <rte_version.h>

/** The type that a driver's rx_queue_count returns. */
#define PMD_QUEUE_COUNT __typeof__(((eth_rx_queue_count_t)NULL)(NULL))

/* ---- packet types ---- */

/**
 * Define the op dev_supported_ptypes_get.
 * @param fn returns the types that the port tells apart, *n of them, followed by RTE_PTYPE_UNKNOWN;
 * or NULL
 */
#if RTE_VERSION >= RTE_VERSION_NUM(24, 3, 0, 0)
#define PMD_PTYPES_OP(name, fn)                                         \
	static const uint32_t *name(struct rte_eth_dev *dev, size_t *n) \
	{                                                               \
		return fn(dev, n);                                      \
	}
#else
#define PMD_PTYPES_OP(name, fn)                              \
	static const uint32_t *name(struct rte_eth_dev *dev) \
	{                                                    \
		size_t n;                                    \
                                                             \
		return fn(dev, &n);                          \
	}
#endif

/* ---- counters ---- */

/**
 * Define the op stats_get.
 * @param fn adds a port's counters, and its queues' to a struct pmd_queue_stats unless that is
 * NULL
 */
#if RTE_VERSION >= RTE_VERSION_NUM(25, 11, 0, 0)
#define pmd_queue_stats eth_queue_stats
#define PMD_STATS_OP(name, fn)                                                \
	static int name(struct rte_eth_dev *dev, struct rte_eth_stats *stats, \
		struct eth_queue_stats *queues)                               \
	{                                                                     \
		return fn(dev, stats, queues);                                \
	}
#else
#define pmd_queue_stats rte_eth_stats
#define PMD_STATS_OP(name, fn)                                                \
	static int name(struct rte_eth_dev *dev, struct rte_eth_stats *stats) \
	{                                                                     \
		return fn(dev, stats, stats);                                 \
	}
#endif

/* ---- fast-path functions ---- */

/** The tx_pkt_prepare of a port that has nothing to prepare. */
#if RTE_VERSION >= RTE_VERSION_NUM(25, 11, 0, 0)
#define PMD_NO_PREPARE rte_eth_tx_pkt_prepare_dummy
#else
#define PMD_NO_PREPARE NULL
#endif

/** Give a port that cannot send or receive the functions that applications may call anyway. */
static inline void
pmd_no_fast_path(struct rte_eth_dev *dev)
{
	dev->rx_pkt_burst = rte_eth_pkt_burst_dummy;
	dev->tx_pkt_burst = rte_eth_pkt_burst_dummy;
	dev->tx_pkt_prepare = PMD_NO_PREPARE;
#if RTE_VERSION >= RTE_VERSION_NUM(25, 11, 0, 0)
	dev->rx_queue_count = rte_eth_queue_count_dummy;
	dev->tx_queue_count = rte_eth_queue_count_dummy;
	dev->rx_descriptor_status = rte_eth_descriptor_status_dummy;
	dev->tx_descriptor_status = rte_eth_descriptor_status_dummy;
#endif
}

/* ---- threads ---- */

/** A function and its argument. */
struct pmd_call {
	void (*fn)(void *arg);
	void *arg;
};

/**
 * Call a function in a control thread of EAL's, which runs on no lcore's core, and wait for it to
 * return. Threads that the function creates inherit the thread's cores.
 * @return 0, -errno: no thread, the function was not called
 */
#if RTE_VERSION >= RTE_VERSION_NUM(23, 11, 0, 0)
static inline uint32_t
pmd_call_start(void *arg)
{
	const struct pmd_call *call = arg;

	call->fn(call->arg);
	return 0;
}

static inline int
pmd_call_off_lcores(struct pmd_call *call)
{
	rte_thread_t thread;
	int ret = rte_thread_create_control(&thread, "mmnet", pmd_call_start, call);

	return ret != 0 ? ret : -rte_thread_join(thread, NULL);
}
#else
static inline void *
pmd_call_start(void *arg)
{
	const struct pmd_call *call = arg;

	call->fn(call->arg);
	return NULL;
}

static inline int
pmd_call_off_lcores(struct pmd_call *call)
{
	pthread_t thread;
	int ret = rte_ctrl_thread_create(&thread, "mmnet", NULL, pmd_call_start, call);

	return ret != 0 ? ret : -pthread_join(thread, NULL);
}
#endif

/* ---- libraries ---- */

/**
 * Call the handler for each argument, with value NULL for a key without one.
 * @return 0, or what the handler returns
 */
static inline int
pmd_kvargs_each(const struct rte_kvargs *kv, arg_handler_t handler, void *opaque)
{
#if RTE_VERSION >= RTE_VERSION_NUM(24, 11, 0, 0)
	return rte_kvargs_process_opt(kv, NULL, handler, opaque);
#else
	return rte_kvargs_process(kv, NULL, handler, opaque);
#endif
}

/** Add a number to a telemetry dictionary. */
static inline void
pmd_tel_add(struct rte_tel_data *d, const char *name, uint64_t value)
{
#if RTE_VERSION >= RTE_VERSION_NUM(23, 3, 0, 0)
	rte_tel_data_add_dict_uint(d, name, value);
#else
	rte_tel_data_add_dict_u64(d, name, value);
#endif
}

#endif
