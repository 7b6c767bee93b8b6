/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_RX_MODE_H
#define MMNET_RX_MODE_H

/** @file Rx modes: what the application receives (rx=). */

enum mmnet_rx_mode {
	MMNET_RX_AUTO,
	MMNET_RX_COPY,
	MMNET_RX_HEADER,
	MMNET_RX_ZERO
};

/** @return the name of an Rx mode, as rx= takes it. */
const char *mmnet_mode_name(enum mmnet_rx_mode mode);

#endif
