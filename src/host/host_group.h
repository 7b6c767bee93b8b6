/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_HOST_GROUP_H
#define FIDO_HOST_GROUP_H

/** @file Make and remove groups of the host transport: their folders, before and after any domain. */

#include <fido/group.h>

/** As fido_transport_ops.group_create and group_destroy. */
int fido_host_group_create(const char *group, const struct fido_group_config *config);
int fido_host_group_destroy(const char *group);

#endif
