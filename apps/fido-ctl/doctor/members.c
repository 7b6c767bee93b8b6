/* SPDX-License-Identifier: BSD-3-Clause */
#include "members.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <fido/log.h>
#include <fido/observer.h>

#include "program.h"

#define LOOK_MS 4000
/* Exit statuses of the child. */
enum {
	SEEN,
	NO_GROUP,
	NO_PERMISSION,
	NOT_SEEN
};

struct look {
	const struct doctor_machine *m;
	const char *group;
};

/* The child prints its messages, or the domains. */
static void
on_message(enum fido_log_level level, const char *message)
{
	if (level == FIDO_LOG_ERROR)
		printf("%s ", message);
}

static void
print_domains(const struct fido_observer *o)
{
	for (unsigned int i = 0; i < fido_observer_count(o); i++) {
		const struct fido_observation *d = fido_observer_domain(o, i);

		printf("%s%s%s", i != 0 ? ", " : "", d->name,
			d->control == NULL ? " (does not answer)" : "");
	}
}

static int
observe(void *arg)
{
	const struct look *l = arg;
	struct fido_observer *o;
	char run[DOCTOR_PATH_MAX];
	int ret;

	if (!doctor_tree_path(run, "%s", l->m->run) || setenv("FIDO_RUNDIR", run, 1) != 0)
		return NOT_SEEN;
	fido_log_set(on_message);
	ret = fido_observer_open(&o, l->group);
	if (ret != 0)
		return ret == -ENOENT                     ? NO_GROUP
			: ret == -EACCES || ret == -EPERM ? NO_PERMISSION
							  : NOT_SEEN;
	fido_log_set(NULL);
	print_domains(o);
	fido_observer_close(o);
	return SEEN;
}

/* ---- what mends it ---- */

static bool
is_of(const char *group, const char *transport)
{
	return strncmp(group, transport, strlen(transport)) == 0;
}

static struct doctor_finding
mend(struct doctor_finding f, const struct doctor_machine *m, const char *group, int status)
{
	if (is_of(group, "xen:"))
		return status == NO_PERMISSION
			? doctor_mend(f, "fido-group add %s DOMAIN     # in dom0", m->group)
			: doctor_mend(f, "fido-group create %s DOMAIN...     # in dom0", m->group);
	if (is_of(group, "vm:"))
		return status == NO_PERMISSION
			? doctor_mend(f, "sudo fido-ctl doctor --group %s", group)
			: doctor_mend(f, "fido-vmd create %s --vm NAME...     # on the host",
				  m->group);
	return status == NO_PERMISSION
		? doctor_mend(f, "sudo fido-ctl create %s --gid NAME", m->group)
		: doctor_mend(f, "fido-fwd ... --vdev=net_mmnet0,group=%s,domain=NAME,peer=NAME",
			  group);
}

static struct doctor_finding
read_status(const struct doctor_machine *m, const char *group, int status, char *said)
{
	size_t len = strlen(said);

	while (len != 0 && said[len - 1] == ' ')
		said[--len] = '\0';
	switch (status) {
	case SEEN:
		if (said[0] != '\0')
			return doctor_ok("group %s is there: %s", group, said);
		return doctor_mend(doctor_note("group %s is there; nobody is in it", group),
			"fido-fwd ... --vdev=net_mmnet0,group=%s,domain=NAME,peer=NAME", group);
	case NO_GROUP:
	case NO_PERMISSION:
	case NOT_SEEN:
		if (said[0] != '\0')
			return mend(doctor_fail("%s", said), m, group, status);
		return mend(doctor_fail("group %s cannot be looked at", group), m, group, status);
	default:
		return doctor_mend(doctor_fail("group %s: its domains do not answer", group),
			"fido-ctl list --group %s", group);
	}
}

struct doctor_finding
doctor_members_look(const struct doctor_machine *m, const char *group)
{
	struct look l = {m, group};
	char said[500];
	bool elsewhere =
		is_of(group, "xen:") || (is_of(group, "vm:") && !doctor_vm_is_host(m, m->group));

	if (doctor_tree_is_fake() && elsewhere)
		return doctor_note("group %s is not looked at: this is another machine's tree",
			group);
	return read_status(m, group, doctor_program_run(observe, &l, LOOK_MS, said, sizeof(said)),
		said);
}
