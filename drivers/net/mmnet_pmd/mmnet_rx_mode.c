/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of Rx modes. */

#include <errno.h>
#include <string.h>

#include <ethdev_driver.h>
#include <rte_common.h>
#include <rte_string_fns.h>

#include "mmnet_log.h"
#include "mmnet_port.h"
#include "mmnet_rx.h"
#include "mmnet_rx_mode.h"

enum {
	AUTO = MMNET_RX_MODE_DEFAULT,
	COPY,
	HEADER,
	ZERO
};

static bool
has_scatter(const struct rte_eth_dev *dev)
{
	return (dev->data->dev_conf.rxmode.offloads & RTE_ETH_RX_OFFLOAD_SCATTER) != 0;
}

/* Packets may leave by a physical port, which cannot read a peer's memory. */
static unsigned int
choose_auto(const struct rte_eth_dev *dev)
{
	return has_scatter(dev) && !mmnet_has_physical_port() ? HEADER : COPY;
}

static const struct mmnet_rx_mode modes[] = {
	/* Chooses header or copy when the port starts; until then it is reported as copy. */
	[AUTO] = {.name = "auto", .info = "Copy", .needs_pointers = true, .choose = choose_auto},
	/* All bytes are copied into the application's mbufs. */
	[COPY] = {.name = "copy",
		.info = "Copy",
		.burst = mmnet_rx_burst_copy,
		.burst_offload = mmnet_rx_burst_copy_offload},
	/*
	 * The first bytes of longer packets are copied; read-only segments in the peer's memory
	 * follow.
	 */
	[HEADER] = {.name = "header",
		.info = "Header copy",
		.needs_pointers = true,
		.needs_scatter = true,
		.burst = mmnet_rx_burst_header,
		.burst_offload = mmnet_rx_burst_header_offload},
	/* Mbufs point into the peer's memory. */
	[ZERO] = {.name = "zero",
		.info = "Zero copy",
		.needs_pointers = true,
		.any_length = true,
		.burst = mmnet_rx_burst_zero,
		.burst_offload = mmnet_rx_burst_zero_offload},
};

const struct mmnet_rx_mode *
mmnet_rx_mode_get(unsigned int mode)
{
	return &modes[mode];
}

void
mmnet_rx_mode_names(char *out, size_t size)
{
	strlcpy(out, modes[0].name, size);
	for (unsigned int i = 1; i < RTE_DIM(modes); i++) {
		strlcat(out, i + 1 < RTE_DIM(modes) ? ", " : " or ", size);
		strlcat(out, modes[i].name, size);
	}
}

int
mmnet_rx_mode_parse(const char *name, unsigned int *mode)
{
	for (unsigned int i = 0; i < RTE_DIM(modes); i++)
		if (strcmp(name, modes[i].name) == 0) {
			*mode = i;
			return 0;
		}
	return -EINVAL;
}

int
mmnet_rx_mode_choose(const struct rte_eth_dev *dev, unsigned int *mode)
{
	const struct mmnet_port *port = mmnet_port_of(dev);

	*mode = port->args.rx;
	if (modes[*mode].choose != NULL)
		*mode = modes[*mode].choose(dev);
	if (!modes[*mode].needs_scatter || has_scatter(dev))
		return 0;
	MMNET_LOG(ERR,
		"port %u: rx=%s needs scattered Rx: enable it (testpmd: --enable-scatter), or use "
		"rx=auto",
		port->port_id, modes[*mode].name);
	return -EINVAL;
}
