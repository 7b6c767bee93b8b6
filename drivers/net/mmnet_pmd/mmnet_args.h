/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_ARGS_H
#define MMNET_ARGS_H

/** @file Device arguments. */

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>

#include <fido/domain.h>

/** Device arguments, parsed. */
struct mmnet_args {
	char group[FIDO_NAME_MAX + 16];
	char domain[FIDO_NAME_MAX];
	char peer[FIDO_NAME_MAX];
	char link[FIDO_NAME_MAX];
	char allow[256]; /**< list of users */
	bool has_allow;
	unsigned int rx; /**< mmnet_rx_mode_get() */
	bool no_hugepages;
	bool no_heap;     /**< do not export EAL's memory */
	bool arena_pools; /**< place mbuf pools in arenas unless their creator names mempool ops */
	bool has_mac;     /**< mac is the user's; else random */
	uint16_t spread;  /**< rings of each transmit queue; 0: not given */
	struct rte_ether_addr mac;
	uint64_t arena;
	struct fido_layout layout;
};

/** Parse the device arguments. @return 0, -EINVAL (message logged) */
int mmnet_args_parse(struct mmnet_args *args, const char *name, const char *text);

#endif
