/* SPDX-License-Identifier: BSD-3-Clause */
/* Make and remove groups, whatever their transport. */

#include <fido/group.h>

#include <errno.h>

#include <fido/control_shm.h>
#include <fido/log.h>

#include "transport.h"

/* @return the group's transport, *name its own name; NULL: none that makes groups (message written) */
static const struct fido_transport_ops *
find_maker(const char *group, const char **name)
{
	const struct fido_transport_ops *ops = fido_transport_find(group, name);

	if (ops == NULL || !fido_name_valid(*name)) {
		fido_log(FIDO_LOG_ERROR,
			"group %s: no such transport, or not a name: names are 1 to %d of A-Z a-z "
			"0-9 _ . - and do not start with a dot",
			group, FIDO_NAME_MAX - 1);
		return NULL;
	}
	if (ops->group_create != NULL)
		return ops;
	fido_log(FIDO_LOG_ERROR,
		"group %s: only groups of this machine are made so; groups of Xen domains: "
		"fido-group, in dom0",
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
