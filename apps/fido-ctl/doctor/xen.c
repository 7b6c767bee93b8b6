/* SPDX-License-Identifier: BSD-3-Clause */
/* What a Xen domain needs for groups xen:NAME. */
#include <unistd.h>

#include "machine.h"

struct module {
	const char *name;
	const char *device;
	const char *without;
	const char *load;
	bool optional;
};

static const struct module evtchn = {"xen-evtchn", "evtchn", "no doorbells", "modprobe xen-evtchn",
	false};
static const struct module gntdev = {"xen-gntdev", "gntdev", "no memory of others can be mapped",
	"modprobe xen-gntdev", false};
static const struct module gntalloc = {"xen-gntalloc", "gntalloc", "no memory can be granted",
	"modprobe xen-gntalloc limit=65536", false};
static const struct module grant = {"fido-grant", "fido-grant",
	"a group has two Xen domains at most, and only arenas are sent without a copy",
	"make -C drivers/xen/fido-grant && insmod drivers/xen/fido-grant/fido-grant.ko", true};

static struct doctor_finding
check_module(const struct doctor_machine *m, const void *arg)
{
	const struct module *module = arg;

	if (!doctor_tree_exists("/dev/xen/%s", module->device))
		return doctor_mend(doctor_if_needed(doctor_note("module %s is not loaded: %s",
							    module->name, module->without),
					   m->asked && !module->optional),
			"%s", module->load);
	if (!m->root && !doctor_tree_allows(R_OK | W_OK, "/dev/xen/%s", module->device))
		return doctor_mend(doctor_if_needed(doctor_note("/dev/xen/%s is not for this user",
							    module->device),
					   m->asked),
			"run Fido as root");
	return doctor_ok("module %s is loaded", module->name);
}

static struct doctor_finding
check_xenstore(const struct doctor_machine *m, const void *arg)
{
	static const char *const ways[] = {"/dev/xen/xenbus", "/proc/xen/xenbus",
		"/run/xenstored/socket", "/var/run/xenstored/socket"};

	(void)arg;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (!doctor_tree_exists("%s", ways[i]))
			continue;
		if (m->root || doctor_tree_allows(R_OK | W_OK, "%s", ways[i]))
			return doctor_ok("xenstore is reached by %s", ways[i]);
		return doctor_mend(doctor_if_needed(doctor_note("xenstore (%s) is not for this "
								"user: this check needs root",
							    ways[i]),
					   m->asked),
			"run Fido as root");
	}
	return doctor_mend(doctor_if_needed(doctor_note("xenstore cannot be reached"), m->asked),
		"modprobe xenfs; mount -t xenfs xenfs /proc/xen");
}

static struct doctor_finding
check_domain(const struct doctor_machine *m, const void *arg)
{
	(void)arg;
	if (m->xen)
		return doctor_ok("this is %s", m->dom0 ? "dom0" : "a domU");
	return doctor_mend(doctor_fail("this is no Xen domain: groups xen:NAME are for the domains "
				       "of a Xen host"),
		"--group NAME, or --group vm:NAME");
}

const struct doctor_check doctor_no_xen_checks[] = {
	{"xen", check_domain, NULL},
	{0},
};

const struct doctor_check doctor_xen_checks[] = {
	{"xen", check_domain, NULL},
	{"xenstore", check_xenstore, NULL},
	{"xen-evtchn", check_module, &evtchn},
	{"xen-gntdev", check_module, &gntdev},
	{"xen-gntalloc", check_module, &gntalloc},
	{"fido-grant", check_module, &grant},
	{0},
};
