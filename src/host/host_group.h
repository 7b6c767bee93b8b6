/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_HOST_GROUP_H
#define FIDO_HOST_GROUP_H

/** @file Create and remove groups of the host transport, that is, their folders. */

#include <fido/group.h>

/** fido_transport_ops.group_create and group_destroy. */
int fido_host_group_create(const char *group, const struct fido_group_config *config);
int fido_host_group_destroy(const char *group);

#endif
