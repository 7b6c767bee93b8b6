/* SPDX-License-Identifier: BSD-3-Clause */
/* The transports there are. */

#include <string.h>

#include "transport.h"

static const struct fido_transport_ops *const transports[] = {
	&fido_transport_host,
};

const struct fido_transport_ops *
fido_transport_find(const char *group, const char **name)
{
	const char *colon = strchr(group, ':');

	if (colon == NULL) {
		*name = group;
		return transports[0];
	}
	for (size_t i = 0; i < sizeof(transports) / sizeof(transports[0]); i++)
		if (strlen(transports[i]->name) == (size_t)(colon - group) &&
				memcmp(transports[i]->name, group, (size_t)(colon - group)) == 0) {
			*name = colon + 1;
			return transports[i];
		}
	return NULL;
}
