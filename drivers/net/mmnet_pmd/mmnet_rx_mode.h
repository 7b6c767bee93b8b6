/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_RX_MODE_H
#define MMNET_RX_MODE_H

/**
 * @file
 * Rx modes: what the application receives (rx=). A mode is one row of the table in mmnet_rx_mode.c
 * and its burst functions in mmnet_rx.c; elsewhere it is the index of its row.
 */

#include <stdbool.h>
#include <stddef.h>

#include <ethdev_driver.h>

/** The mode of a port whose user names none. */
#define MMNET_RX_MODE_DEFAULT 0

struct mmnet_rx_mode {
	const char *name;    /**< as rx= takes it */
	const char *info;    /**< for rte_eth_rx_burst_mode_get() */
	bool needs_pointers; /**< each Rx queue needs pointer mbufs */
	bool needs_scatter;  /**< the application must enable scattered Rx */
	bool any_length;     /**< a packet need not fit into the queue's mbufs */
	/**
	 * @return the mode of a port that starts. NULL: this one, which then has burst functions
	 */
	unsigned int (*choose)(const struct rte_eth_dev *dev);
	eth_rx_burst_t burst;
	eth_rx_burst_t burst_offload; /**< with metadata and Rx offloads */
};

/** @return the row of a mode */
const struct mmnet_rx_mode *mmnet_rx_mode_get(unsigned int mode);

/** List the modes' names for a message: "auto, copy, header or zero". */
void mmnet_rx_mode_names(char *out, size_t size);

/** Find a mode by its name. @return 0, -EINVAL: there is none */
int mmnet_rx_mode_parse(const char *name, unsigned int *mode);

/**
 * Choose the mode of a port that starts, by its device arguments.
 * @return 0, -EINVAL: the application's configuration does not allow it (message logged)
 */
int mmnet_rx_mode_choose(const struct rte_eth_dev *dev, unsigned int *mode);

#endif
