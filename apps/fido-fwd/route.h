/* SPDX-License-Identifier: BSD-3-Clause */
/* route: packets received by one port leave by another. */
#ifndef FIDO_FWD_ROUTE_H
#define FIDO_FWD_ROUTE_H

#include <stdint.h>

#include <rte_config.h>

#include "options.h"

struct fwd_route {
	uint16_t from;
	uint16_t to;
};

struct fwd_routes {
	struct fwd_route route[RTE_MAX_ETHPORTS]; /* no two from the same port */
	unsigned int count;
};

/*
 * Set the routes that the options ask for, between the ports that EAL found.
 *
 * @return
 *   - 0: at least one route
 *   - -EINVAL, -ENODEV: the options do not fit the ports; a message has been printed
 */
int fwd_routes_find(struct fwd_routes *routes, const struct fwd_options *opt);

#endif
