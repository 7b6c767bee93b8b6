/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_DOMAIN_H
#define MMNET_DOMAIN_H

/** @file The process's one domain, shared by its ports and its mbuf pools in arenas. */

#include <fido/domain.h>

struct mmnet_args;

/**
 * Take a reference for a port; the first one joins the group.
 * @return 0, -errno (message logged)
 */
int mmnet_domain_get(const struct mmnet_args *args, struct fido_domain **out);

/** Take a reference to the domain if the process has one. @return NULL: it has none */
struct fido_domain *mmnet_domain_hold(void);

/** Drop a reference of mmnet_domain_get() or mmnet_domain_hold(); the last one leaves the group. */
void mmnet_domain_put(void);

/** Leave the group regardless of references: the process exits. */
void mmnet_domain_abandon(void);

#endif
