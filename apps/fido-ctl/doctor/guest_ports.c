/* SPDX-License-Identifier: BSD-3-Clause */
#include "guest_ports.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fido/control_shm.h>

#include "finding.h"

#define PORTS "/sys/class/virtio-ports"
#define PREFIX "fido."

/* ---- the ports ---- */

struct each_port {
	const char *group;
	void (*fn)(void *arg, const struct guest_port *p);
	void *arg;
};

/* "fido.GROUP.N": the group may have dots. */
static bool
parse_name(const char *name, struct guest_port *p)
{
	const char *dot = strrchr(name, '.'), *group = name + strlen(PREFIX);
	unsigned long slot;
	char *end;

	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0 || dot <= group ||
		(size_t)(dot - group) >= sizeof(p->group) || !isdigit((unsigned char)dot[1]))
		return false;
	slot = strtoul(dot + 1, &end, 10);
	if (*end != '\0' || slot >= FIDO_SLOTS_MAX)
		return false;
	snprintf(p->group, sizeof(p->group), "%.*s", (int)(dot - group), group);
	p->slot = (uint32_t)slot;
	return fido_name_valid(p->group);
}

static bool
see_port(void *arg, const char *device)
{
	const struct each_port *e = arg;
	struct guest_port p = {.slot = 0};
	char name[128];

	if (strlen(device) < sizeof(p.device) &&
		doctor_tree_line(name, sizeof(name), PORTS "/%s/name", device) &&
		parse_name(name, &p) && (e->group == NULL || strcmp(e->group, p.group) == 0)) {
		memcpy(p.device, device, strlen(device) + 1);
		e->fn(e->arg, &p);
	}
	return false;
}

void
guest_ports_each(const char *group, void (*fn)(void *arg, const struct guest_port *p), void *arg)
{
	struct each_port e = {group, fn, arg};

	doctor_tree_each(see_port, &e, PORTS);
}

/* The kernel tells root, in debugfs. @return false: not known */
static bool
is_connected(const char *device, bool *connected)
{
	FILE *f = doctor_tree_open("/sys/kernel/debug/virtio-ports/%s", device);
	char line[128];
	int value = -1;

	while (f != NULL && value < 0 && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "host_connected: %d", &value) != 1)
			value = -1;
	if (f != NULL)
		fclose(f);
	*connected = value > 0;
	return value >= 0;
}

static void
add_port(void *arg, const struct guest_port *p)
{
	struct guest_ports *all = arg;
	uint64_t bit = UINT64_C(1) << p->slot;
	bool connected;

	all->slots |= bit;
	if (!doctor_tree_allows(R_OK | W_OK, "/dev/%s", p->device)) {
		if (all->forbidden == 0)
			memcpy(all->first_forbidden, p->device, sizeof(p->device));
		all->forbidden |= bit;
	}
	if (is_connected(p->device, &connected)) {
		all->connection_known = true;
		all->unconnected |= connected ? 0 : bit;
	}
}

struct guest_ports
guest_ports_of(const char *group)
{
	struct guest_ports all = {.slots = 0};

	guest_ports_each(group, add_port, &all);
	return all;
}

/* ---- who has them open ---- */

#define DEVICES_MAX 64

struct search {
	struct guest_users users;
	struct guest_port ports[DEVICES_MAX];
	unsigned int count;
	const char *pid;
};

static void
remember_port(void *arg, const struct guest_port *p)
{
	struct search *s = arg;

	if (s->count < DEVICES_MAX)
		s->ports[s->count++] = *p;
}

static bool
see_descriptor(void *arg, const char *fd)
{
	struct search *s = arg;
	char path[DOCTOR_PATH_MAX], target[128], name[64];
	ssize_t n = -1;

	if (doctor_tree_path(path, "/proc/%s/fd/%s", s->pid, fd))
		n = readlink(path, target, sizeof(target) - 1);
	if (n <= 5)
		return false;
	target[n] = '\0';
	for (unsigned int i = 0; i < s->count && strncmp(target, "/dev/", 5) == 0; i++) {
		const struct guest_port *p = &s->ports[i];
		uint64_t bit = UINT64_C(1) << p->slot;

		if (strcmp(target + 5, p->device) != 0 || s->users.slots & bit)
			continue;
		s->users.slots |= bit;
		if (!doctor_tree_line(name, sizeof(name), "/proc/%s/comm", s->pid))
			snprintf(name, sizeof(name), "?");
		doctor_append(s->users.text, sizeof(s->users.text), "%sslot %u by %s (%s)",
			s->users.text[0] != '\0' ? ", " : "", p->slot, name, s->pid);
	}
	return false;
}

static bool
see_process(void *arg, const char *pid)
{
	struct search *s = arg;

	if (!isdigit((unsigned char)pid[0]))
		return false;
	s->pid = pid;
	doctor_tree_each(see_descriptor, s, "/proc/%s/fd", pid);
	return false;
}

struct guest_users
guest_ports_users(const char *group)
{
	struct search s = {.count = 0};

	guest_ports_each(group, remember_port, &s);
	if (s.count != 0)
		doctor_tree_each(see_process, &s, "/proc");
	return s.users;
}
