/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VTAP_ARGS_H
#define VTAP_ARGS_H

/** @file Device arguments. */

#include <limits.h>
#include <linux/if.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>

/** Queues of a port, at most. */
#define VTAP_QUEUES_MAX 64

struct vtap_args {
	char iface[IFNAMSIZ]; /**< the interface's name */
	char netns[PATH_MAX]; /**< path of its network namespace; "": the process's own */
	uint16_t queues;      /**< Rx queues, and Tx queues, at most */
	bool has_persist;     /**< persist was given; if not, the interface stays what it was */
	bool persist;         /**< the interface outlives the process */
	bool has_mac;         /**< mac was given */
	struct rte_ether_addr mac;
};

/**
 * Parse the arguments of a device.
 * @param name the device's name, for messages
 * @return 0, -EINVAL: one is wrong or unknown; a message has been logged
 */
int vtap_args_parse(struct vtap_args *args, const char *name, const char *text);

#endif
