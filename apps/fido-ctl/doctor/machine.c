/* SPDX-License-Identifier: BSD-3-Clause */
#include "machine.h"

#include <string.h>
#include <unistd.h>

#include <fido/group.h>

/* @return true: a line of the file has one of the words; NULL ends them */
static bool
has_word(FILE *f, const char *const *words)
{
	char line[4096];
	bool found = false;

	while (f != NULL && !found && fgets(line, sizeof(line), f) != NULL)
		for (const char *const *w = words; *w != NULL && !found; w++)
			found = strstr(line, *w) != NULL;
	if (f != NULL)
		fclose(f);
	return found;
}

static bool
is_container(void)
{
	static const char *const words[] = {"docker", "kubepods", "lxc", "libpod", "containerd",
		NULL};

	return doctor_tree_exists("/.dockerenv") || doctor_tree_exists("/run/.containerenv") ||
		doctor_tree_exists("/run/systemd/container") ||
		has_word(doctor_tree_open("/proc/1/cgroup"), words);
}

static bool
is_xen(void)
{
	char type[32];

	return doctor_tree_exists("/proc/xen") ||
		(doctor_tree_line(type, sizeof(type), "/sys/hypervisor/type") &&
			strcmp(type, "xen") == 0);
}

void
doctor_machine_look(struct doctor_machine *m)
{
	static const char *const hypervisor[] = {" hypervisor", NULL};
	static const char *const control[] = {"control_d", NULL};

	m->container = is_container();
	m->guest = has_word(doctor_tree_open("/proc/cpuinfo"), hypervisor);
	m->xen = is_xen();
	m->dom0 = m->xen && has_word(doctor_tree_open("/proc/xen/capabilities"), control);
	m->root = geteuid() == 0;
	if (fido_group_run_dir(m->run, sizeof(m->run)) != 0)
		m->run[0] = '\0';
}
