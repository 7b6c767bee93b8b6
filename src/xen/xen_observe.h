/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_XEN_OBSERVE_H
#define FIDO_XEN_OBSERVE_H

/**
 * @file
 * Observe a group on Xen. Domains grant their control regions to members only, so an observer
 * joins, as long as its process lives: as domain "watcher-DOMID-PID", without links. The others
 * grant it their control regions and nothing else. It needs a slot of its Xen domain.
 */

#include <fido/observer.h>

/** fido_transport_ops.observe and observe_end. */
int fido_xen_observe_all(const char *group, int (*fn)(void *arg, struct fido_observation *o),
	void *arg);
void fido_xen_observation_end(struct fido_observation *o);

#endif
