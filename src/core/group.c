/* SPDX-License-Identifier: BSD-3-Clause */
/* Create and remove groups, on transports that support it. */

#include <fido/group.h>

#include <errno.h>

#include <fido/control_shm.h>
#include <fido/log.h>

#include "transport.h"

/* @return the transport, and *name without its prefix; NULL: it cannot create groups (logged) */
static const struct fido_transport_ops *
find_maker(const char *group, const char **name)
{
	const struct fido_transport_ops *ops = fido_transport_find(group, name);

	if (ops == NULL || !fido_name_valid(*name)) {
		fido_log(FIDO_LOG_ERROR,
			"group %s: no such transport, or an invalid name: names are 1 to %d of A-Z "
			"a-z 0-9 _ . - and do not start with a dot",
			group, FIDO_NAME_MAX - 1);
		return NULL;
	}
	if (ops->group_create != NULL)
		return ops;
	fido_log(FIDO_LOG_ERROR,
		"group %s: only groups of this machine can be created and removed here: for "
		"groups of Xen domains run fido-group in dom0",
		group);
	return NULL;
}

int
fido_group_create(const char *group, const struct fido_group_config *config)
{
	const char *name;
	const struct fido_transport_ops *ops = find_maker(group, &name);

	return ops != NULL ? ops->group_create(name, config) : -EINVAL;
}

int
fido_group_destroy(const char *group)
{
	const char *name;
	const struct fido_transport_ops *ops = find_maker(group, &name);

	return ops != NULL ? ops->group_destroy(name) : -EINVAL;
}
