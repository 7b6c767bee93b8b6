/* SPDX-License-Identifier: BSD-3-Clause */
#include "doctor.h"

#include <string.h>

#include "machine.h"
#include "members.h"
#include "report.h"

struct doctor {
	struct doctor_machine machine;
	struct doctor_report report;
	unsigned int vm_groups;
};

static void
run_table(struct doctor *d, const struct doctor_check *checks, const char *scope)
{
	for (const struct doctor_check *c = checks; c->name != NULL; c++) {
		struct doctor_finding f = c->fn(&d->machine, c->arg);

		doctor_report_add(&d->report, scope, c->name, &f);
	}
}

static void
run_group_table(struct doctor *d, const struct doctor_check *checks, const char *group)
{
	char scope[64];

	snprintf(scope, sizeof(scope), "vm:%s", group);
	d->machine.group = group;
	run_table(d, checks, scope);
	d->vm_groups++;
}

static void
run_host(void *arg, const char *group)
{
	run_group_table(arg, doctor_vm_host_checks, group);
}

static void
run_guest(void *arg, const char *group)
{
	run_group_table(arg, doctor_vm_guest_checks, group);
}

/* Whatever is on this machine. */
static void
run_all(struct doctor *d)
{
	doctor_vm_host_groups(&d->machine, run_host, d);
	doctor_vm_guest_groups(run_guest, d);
	d->machine.group = NULL;
	if (d->vm_groups == 0 || !d->machine.guest)
		run_table(d, doctor_vm_tools_checks, NULL);
	if (d->machine.xen)
		run_table(d, doctor_xen_checks, NULL);
}

static void
run_no_vm_group(struct doctor *d, const char *name)
{
	struct doctor_finding f = doctor_fail("group vm:%s is not here: neither the folder "
					      "%s/vm.%s nor a port fido.%s.N",
		name, d->machine.run, name, name);

	if (d->machine.guest)
		f = doctor_mend(f,
			"fido-vmd args %s --vm NAME --format qemu     " DOCTOR_VM_ARGS_TO, name);
	else
		f = doctor_mend(f, "fido-vmd create %s --vm NAME...", name);
	doctor_report_add(&d->report, NULL, "group", &f);
}

static void
run_members(struct doctor *d, const char *group)
{
	struct doctor_finding f = doctor_members_look(&d->machine, group);

	doctor_report_add(&d->report, group, "group", &f);
}

static void
run_vm(struct doctor *d, const char *name)
{
	if (doctor_vm_is_host(&d->machine, name)) {
		run_host(d, name);
		run_table(d, doctor_vm_tools_checks, NULL);
	} else if (doctor_vm_is_guest(name)) {
		run_guest(d, name);
	} else {
		if (d->machine.guest)
			run_table(d, doctor_vm_any_guest_checks, NULL);
		run_no_vm_group(d, name);
	}
}

static void
run_one(struct doctor *d, const char *group)
{
	const char *colon = strchr(group, ':'), *name = colon != NULL ? colon + 1 : group;

	d->machine.group = name;
	d->machine.asked = true;
	if (strncmp(group, "vm:", 3) == 0)
		run_vm(d, name);
	else if (strncmp(group, "xen:", 4) == 0)
		run_table(d, d->machine.xen ? doctor_xen_checks : doctor_no_xen_checks, group);
	/* To look at it takes all that was checked. */
	if (d->report.fails == 0)
		run_members(d, group);
}

int
doctor_run(const char *group, bool json)
{
	struct doctor d = {.vm_groups = 0};
	int ret;

	doctor_machine_look(&d.machine);
	doctor_report_begin(&d.report, group, json);
	run_table(&d, doctor_process_checks, NULL);
	run_table(&d, doctor_memory_checks, NULL);
	run_table(&d, doctor_folder_checks, NULL);
	if (group != NULL)
		run_one(&d, group);
	else
		run_all(&d);
	ret = doctor_report_end(&d.report);
	return ret != 0 ? ret : (int)d.report.fails;
}
