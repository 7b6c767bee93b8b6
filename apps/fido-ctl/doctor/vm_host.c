/* SPDX-License-Identifier: BSD-3-Clause */
/* A group vm:NAME on its host: fido-vmd, the slots' files, the virtual machines. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "header.h"
#include "machine.h"
#include "vm_protocol.h"
#include "vmd.h"

#define PREFIX "vm."
#define START "systemctl start fido-vmd     # or: fido-vmd serve"

/* ---- groups ---- */

struct each_group {
	const struct doctor_machine *m;
	void (*fn)(void *arg, const char *group);
	void *arg;
};

static bool
see_folder(void *arg, const char *name)
{
	const struct each_group *e = arg;

	if (strncmp(name, PREFIX, strlen(PREFIX)) == 0 && fido_name_valid(name + strlen(PREFIX)))
		e->fn(e->arg, name + strlen(PREFIX));
	return false;
}

void
doctor_vm_host_groups(const struct doctor_machine *m, void (*fn)(void *arg, const char *group),
	void *arg)
{
	struct each_group e = {m, fn, arg};

	doctor_tree_each(see_folder, &e, "%s", m->run);
}

bool
doctor_vm_is_host(const struct doctor_machine *m, const char *group)
{
	return doctor_tree_exists("%s/" FIDO_VM_FOLDER, m->run, group);
}

/* ---- the daemon ---- */

static struct doctor_finding
check_vmd(const struct doctor_machine *m, const void *arg)
{
	char dir[DOCTOR_PATH_MAX], program[DOCTOR_PATH_MAX];
	int ret = doctor_tree_path(dir, "%s/" FIDO_VM_FOLDER, m->run, m->group)
		? doctor_vmd_ask(dir)
		: -ENAMETOOLONG;

	(void)arg;
	switch (ret) {
	case 0:
		return doctor_ok("fido-vmd serves the group");
	case -EACCES:
	case -EPERM:
		return doctor_mend(doctor_fail("%s is not for this user", dir),
			"run it as root, or make the group for a Unix group of this user");
	case -ETIMEDOUT:
		return doctor_mend(doctor_fail("fido-vmd does not answer"),
			"systemctl restart fido-vmd");
	default:
		if (!doctor_tree_program(program, "fido-vmd"))
			return doctor_mend(doctor_fail("fido-vmd is not installed"),
				"apt-get install fido-vmd");
		return doctor_mend(doctor_fail("fido-vmd does not serve the group"), START);
	}
}

/* ---- the slots ---- */

/* Of files of RAM only damage is told. */
struct slots {
	const struct doctor_machine *m;
	bool ram_damaged;
	uint64_t named; /* by slot */
	uint64_t missing;
	uint64_t damaged;
	uint64_t unreadable;
};

static bool
see_slot(void *arg, const char *name)
{
	struct slots *s = arg;
	char path[DOCTOR_PATH_MAX];
	unsigned int slot;
	int end = 0, ret;

	if (sscanf(name, "ram.%u.mem%n", &slot, &end) == 1 && name[end] == '\0' && end != 0 &&
		slot < FIDO_SLOTS_MAX &&
		doctor_tree_path(path, "%s/" FIDO_VM_FOLDER "/%s", s->m->run, s->m->group, name)) {
		s->ram_damaged |=
			doctor_header_check(path, s->m->group, FIDO_VM_RAM(slot)) == -EUCLEAN;
		return false;
	}
	end = 0;
	if (sscanf(name, "slot.%u.mem%n", &slot, &end) != 1 || name[end] != '\0' || end == 0 ||
		slot >= FIDO_SLOTS_MAX ||
		!doctor_tree_path(path, "%s/" FIDO_VM_FOLDER "/%s", s->m->run, s->m->group, name))
		return false;
	s->named |= UINT64_C(1) << slot;
	ret = doctor_header_check(path, s->m->group, slot);
	if (ret == -ENOENT)
		s->missing |= UINT64_C(1) << slot;
	else if (ret == -EUCLEAN)
		s->damaged |= UINT64_C(1) << slot;
	else if (ret != 0)
		s->unreadable |= UINT64_C(1) << slot;
	return false;
}

static struct slots
look_at_slots(const struct doctor_machine *m)
{
	struct slots s = {.m = m};

	doctor_tree_each(see_slot, &s, "%s/" FIDO_VM_FOLDER, m->run, m->group);
	return s;
}

static struct doctor_finding
check_memory(const struct doctor_machine *m, const void *arg)
{
	struct slots s = look_at_slots(m);

	(void)arg;
	if (s.named == 0 &&
		!doctor_tree_allows(R_OK | X_OK, "%s/" FIDO_VM_FOLDER, m->run, m->group))
		return doctor_mend(doctor_fail("the group's folder cannot be read: this check "
					       "needs root"),
			"sudo fido-ctl doctor --group vm:%s", m->group);
	if (s.named != 0 && s.missing == 0)
		return doctor_ok("the memory of %s is there", doctor_slots(s.named).s);
	return doctor_mend(s.named == 0
			? doctor_fail("no slot has memory")
			: doctor_fail("the memory of %s is gone", doctor_slots(s.missing).s),
		"fido-vmd destroy %s --force; fido-vmd create %s ...", m->group, m->group);
}

static struct doctor_finding
check_headers(const struct doctor_machine *m, const void *arg)
{
	struct slots s = look_at_slots(m);

	(void)arg;
	if (s.damaged != 0 || s.ram_damaged)
		return doctor_mend(doctor_fail("the header of %s%s is damaged: guests that "
					       "start now do not see that memory",
					   s.damaged != 0 ? doctor_slots(s.damaged).s : "",
					   s.ram_damaged ? s.damaged != 0 ? " and a file of RAM"
									  : "a file of RAM"
							 : ""),
			"systemctl restart fido-vmd     # writes them anew");
	if (s.unreadable != 0)
		return doctor_mend(doctor_note("the memory of %s is not for this user: this "
					       "check needs root",
					   doctor_slots(s.unreadable).s),
			"sudo fido-ctl doctor --group vm:%s", m->group);
	return doctor_ok("the header of %s is right", doctor_slots(s.named & ~s.missing).s);
}

/* ---- the virtual machines ---- */

struct machines {
	const struct doctor_machine *m;
	char running[200];
	char others[200];
	char first[FIDO_NAME_MAX]; /* of the others */
};

/* QMP has one client at a time, which is fido-vmd: look for its socket, do not connect. */
static bool
listens(const struct doctor_machine *m, const char *vm)
{
	FILE *f = doctor_tree_open("/proc/net/unix");
	char line[2 * DOCTOR_PATH_MAX], flat[DOCTOR_PATH_MAX + 80], deep[DOCTOR_PATH_MAX + 80];
	bool found = false;

	snprintf(flat, sizeof(flat), "%s/" FIDO_VM_FOLDER "/%s.qmp", m->run, m->group, vm);
	snprintf(deep, sizeof(deep), "%s/" FIDO_VM_FOLDER "/%s.vm/qmp", m->run, m->group, vm);
	while (f != NULL && !found && fgets(line, sizeof(line), f) != NULL) {
		const char *path = strchr(line, '/');

		line[strcspn(line, "\n")] = '\0';
		found = path != NULL && (strcmp(path, flat) == 0 || strcmp(path, deep) == 0);
	}
	if (f != NULL)
		fclose(f);
	return found;
}

static bool
see_machine(void *arg, const char *file)
{
	struct machines *s = arg;
	size_t len = strlen(file);
	char vm[FIDO_NAME_MAX];
	char *list;

	if (len <= 4 || len - 4 >= sizeof(vm) || strcmp(file + len - 4, ".qmp") != 0)
		return false;
	snprintf(vm, sizeof(vm), "%.*s", (int)(len - 4), file);
	list = listens(s->m, vm) ? s->running : s->others;
	if (list == s->others && list[0] == '\0')
		memcpy(s->first, vm, sizeof(vm));
	doctor_append(list, sizeof(s->running), "%s%s", list[0] != '\0' ? ", " : "", vm);
	return false;
}

static struct doctor_finding
check_machines(const struct doctor_machine *m, const void *arg)
{
	struct machines s = {.m = m};

	(void)arg;
	doctor_tree_each(see_machine, &s, "%s/" FIDO_VM_FOLDER, m->run, m->group);
	if (s.others[0] != '\0')
		return doctor_mend(doctor_note("machines without a QMP socket that listens: %s: "
					       "they do not run, or the deaths of their processes "
					       "are not seen%s%s",
					   s.others, s.running[0] != '\0' ? "; with one: " : "",
					   s.running),
			"mapfile -t a < <(fido-vmd args %s --vm %s --format qemu); "
			"qemu-system-x86_64 ... \"${a[@]}\"",
			m->group, s.first);
	if (s.running[0] != '\0')
		return doctor_ok("machines run: %s", s.running);
	return doctor_ok("no machine has a QMP socket");
}

const struct doctor_check doctor_vm_host_checks[] = {
	{"fido-vmd", check_vmd, NULL},
	{"memory", check_memory, NULL},
	{"headers", check_headers, NULL},
	{"machines", check_machines, NULL},
	{0},
};
