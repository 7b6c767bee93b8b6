/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of transports. */

#include <errno.h>
#include <string.h>

#include "transport.h"

#define TRANSPORTS_MAX 8

/* The first one is the default. */
static const struct fido_transport_ops *transports[TRANSPORTS_MAX] = {
	&fido_transport_host,
	&fido_transport_vm,
	&fido_transport_xen,
};

int
fido_transport_add(const struct fido_transport_ops *ops)
{
	for (size_t i = 0; i < TRANSPORTS_MAX; i++)
		if (transports[i] == NULL) {
			transports[i] = ops;
			return 0;
		}
	return -ENOSPC;
}

const struct fido_transport_ops *
fido_transport_find(const char *group, const char **name)
{
	const char *colon = strchr(group, ':');

	if (colon == NULL) {
		*name = group;
		return transports[0];
	}
	for (size_t i = 0; i < TRANSPORTS_MAX && transports[i] != NULL; i++)
		if (strlen(transports[i]->name) == (size_t)(colon - group) &&
			memcmp(transports[i]->name, group, (size_t)(colon - group)) == 0) {
			*name = colon + 1;
			return transports[i];
		}
	return NULL;
}
