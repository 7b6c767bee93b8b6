/* SPDX-License-Identifier: BSD-3-Clause */
/* route: which port's packets leave by which port. */
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
	struct fwd_route route[RTE_MAX_ETHPORTS]; /* a port is the beginning of one at most */
	unsigned int count;
};

/*
 * Find the routes that the options ask for, among the ports that EAL found.
 *
 * @return
 *   - 0: at least one route
 *   - -EINVAL, -ENODEV: impossible; a message has been printed
 */
int fwd_routes_find(struct fwd_routes *routes, const struct fwd_options *opt);

#endif
