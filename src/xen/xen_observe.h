/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_XEN_OBSERVE_H
#define FIDO_XEN_OBSERVE_H

/**
 * @file
 * Watching a group on Xen. A control region is granted to members only, so the one who watches is a member for as long as
 * its process lives: a domain "watcher-DOMID-PID" without links, to which
 * others grant their control regions and no more. It needs a slot of its Xen domain.
 */

#include <fido/observer.h>

/** As fido_transport_ops.observe and observe_end. */
int fido_xen_observe_all(const char *group, int (*fn)(void *arg, struct fido_observation *o),
	void *arg);
void fido_xen_observation_end(struct fido_observation *o);

#endif
