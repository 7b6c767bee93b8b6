/* SPDX-License-Identifier: BSD-3-Clause */
#include "machine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fido/clock.h>
#include <fido/log.h>

#include "clock_number.h"
#include "process.h"
#include "served.h"
#include "unix_socket.h"

/* How often to try to connect to QMP. */
#define RETRY_MS 500

/* QMP is a source of its own: it finds the machine by both. */
static struct machine *
of_qmp(struct qmp *q)
{
	return (struct machine *)((char *)q - offsetof(struct machine, qmp));
}

static struct machine *
of_monitor(struct source *s)
{
	return (struct machine *)((char *)s - offsetof(struct machine, monitor));
}

static const struct vmd_vm *
config_of(const struct machine *m)
{
	return &m->served->group.vms[m->index];
}

static struct vmd_vm_shm *
state_of(const struct machine *m)
{
	return &m->served->state->vms[m->index];
}

static void
all_died(struct machine *m)
{
	const struct vmd_vm *vm = config_of(m);

	for (uint32_t slot = vm->first; slot < vm->first + vm->count; slot++)
		members_died(&m->served->members, slot, false);
}

/* ---- QEMU's process ---- */

static void
set_process(struct machine *m, uint64_t pid, uint64_t start)
{
	struct vmd_vm_shm *state = state_of(m);

	fido_store_release(&state->pid, 0);
	fido_store_release(&state->start, start);
	fido_store_release(&state->pid, pid);
}

static void
ended(struct machine *m)
{
	source_close(&m->process);
	all_died(m);
	bells_machine_reset(&m->served->bells, m->index);
	set_process(m, 0, 0);
	vmd_count(&state_of(m)->deaths, 1);
	fido_store_relaxed(&state_of(m)->paused, 0);
	fido_log(FIDO_LOG_INFO, "group %s: %s has ended", m->served->group.name,
		config_of(m)->name);
}

static void
on_process_end(struct source *source, uint32_t events)
{
	(void)events;
	ended((struct machine *)source);
}

/* @return 0; -ESRCH: it has ended; -errno (message written) */
static int
watch(struct machine *m, uint64_t pid, uint64_t start)
{
	int fd = process_open(pid, start);

	if (fd >= 0)
		fd = source_open(&m->process, m->served->loop, fd, EPOLLIN);
	if (fd < 0 && fd != -ESRCH)
		fido_log(FIDO_LOG_ERROR,
			"group %s: cannot watch process %llu of %s: %s: when it ends its slots "
			"stay taken until fido-vmd is restarted",
			m->served->group.name, (unsigned long long)pid, config_of(m)->name,
			strerror(-fd));
	return fd;
}

void
machine_open(struct machine *m)
{
	const struct vmd_vm_shm *state = state_of(m);

	if (state->pid != 0 && watch(m, state->pid, state->start) == -ESRCH)
		ended(m);
}

bool
machine_has_process(struct machine *m, uint64_t pid, uint64_t start)
{
	const struct vmd_vm_shm *state = state_of(m);

	if (pid == 0 || (pid == state->pid && start == state->start))
		return true;
	if (process_lives(state->pid, state->start)) {
		fido_log(FIDO_LOG_WARNING,
			"group %s: process %llu is refused: %s runs as process %llu",
			m->served->group.name, (unsigned long long)pid, config_of(m)->name,
			(unsigned long long)state->pid);
		return false;
	}
	if (state->pid != 0)
		ended(m);
	else
		all_died(m);
	if (watch(m, pid, start) == -ESRCH)
		return false;
	set_process(m, pid, start);
	m->retry_ms = 0;
	/* Its kernel reads the headers when it starts. */
	served_repair(m->served);
	return true;
}

uint64_t
machine_clock(const struct machine *m)
{
	return clock_number(CLOCK_NUMBER_ROOT, state_of(m)->pid, m->index);
}

/* ---- QMP ---- */

static void
ask(struct machine *m)
{
	const struct vmd_vm *vm = config_of(m);

	if (!m->qmp.ready)
		return;
	if (m->asked) {
		m->ask_again = true;
		return;
	}
	m->asked = true;
	m->ask_again = false;
	for (uint32_t slot = vm->first; slot < vm->first + vm->count; slot++) {
		const struct vmd_slot_shm *s = &m->served->state->slots[slot];

		m->suspects[slot] = vmd_slot_lives(s) ? s->generation : 0;
	}
	qmp_ask_ports(&m->qmp);
}

void
machine_has_member(struct machine *m, uint32_t slot)
{
	if ((m->open & UINT64_C(1) << slot) == 0)
		ask(m);
}

static void
on_ready(struct qmp *q)
{
	struct machine *m = of_qmp(q);

	fido_store_relaxed(&state_of(m)->qmp, 1);
	m->moved = UINT64_MAX;
	qmp_watch_migration(q);
	ask(m);
}

/* Peers would go on with memory that the machine has left, on a host that it is not on any more. */
static void
refuse_migration(struct machine *m)
{
	qmp_cancel_migration(&m->qmp);
	vmd_count(&state_of(m)->migrations, 1);
	fido_log(FIDO_LOG_WARNING,
		"group %s: a migration of %s has begun, and is cancelled: the memory of its group "
		"is on this host, and its peers would stay here: shut it down, and start it there",
		m->served->group.name, config_of(m)->name);
}

/* @return the slot of a port's device: its id ends in the port's name; FIDO_VM_ANY: not known */
static uint32_t
slot_of_port(const struct machine *m, const char *port)
{
	const struct vmd_vm *vm = config_of(m);

	for (uint32_t slot = vm->first; slot < vm->first + vm->count; slot++) {
		char name[64];
		size_t n = (size_t)snprintf(name, sizeof(name), FIDO_VM_PORT, m->served->group.name,
			slot);

		if (strlen(port) >= n && strcmp(port + strlen(port) - n, name) == 0)
			return slot;
	}
	return FIDO_VM_ANY;
}

static void
on_port(struct machine *m, const char *port)
{
	uint32_t slot = slot_of_port(m, port);

	m->moved |= slot == FIDO_VM_ANY ? UINT64_MAX : UINT64_C(1) << slot;
	ask(m);
}

static void
on_event(struct qmp *q, enum qmp_event event, const char *port)
{
	struct machine *m = of_qmp(q);

	switch (event) {
	case QMP_PORT:
		on_port(m, port);
		break;
	case QMP_RESET:
		vmd_count(&state_of(m)->resets, 1);
		served_repair(m->served);
		bells_machine_reset(&m->served->bells, m->index);
		ask(m);
		break;
	case QMP_SHUTDOWN:
		ask(m);
		break;
	case QMP_STOP:
	case QMP_RESUME:
		fido_store_relaxed(&state_of(m)->paused, event == QMP_STOP);
		break;
	case QMP_MIGRATION:
		refuse_migration(m);
		break;
	}
}

static void
take_port(struct machine *m, uint32_t slot, int port)
{
	const struct vmd_slot_shm *s = &m->served->state->slots[slot];
	uint64_t bit = UINT64_C(1) << slot;

	m->open = port == 1 ? m->open | bit : m->open & ~bit;
	if (!vmd_slot_lives(s) || s->generation != m->suspects[slot])
		return;
	if (port == 0)
		members_died(&m->served->members, slot, false);
	else if (m->moved & bit)
		served_who(m->served, slot);
}

static void
on_ports(struct qmp *q, const char *text)
{
	struct machine *m = of_qmp(q);
	const struct vmd_vm *vm = config_of(m);

	m->asked = false;
	for (uint32_t slot = vm->first; text != NULL && slot < vm->first + vm->count; slot++) {
		char name[64];
		int port;

		snprintf(name, sizeof(name), FIDO_VM_PORT, m->served->group.name, slot);
		port = qmp_port_state(text, name);
		if (port >= 0)
			take_port(m, slot, port);
	}
	if (m->ask_again)
		ask(m);
	else
		m->moved = 0;
}

static void
on_send(struct qmp *q, const char *line)
{
	int fd = of_qmp(q)->monitor.fd;

	/* These lines are short and few. If there is no room for one, begin anew. */
	if (send(fd, line, strlen(line), MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)strlen(line))
		shutdown(fd, SHUT_RDWR);
}

static const struct qmp_ops ops = {.ready = on_ready,
	.event = on_event,
	.ports = on_ports,
	.send = on_send};

static void
disconnect(struct machine *m)
{
	source_close(&m->monitor);
	qmp_begin(&m->qmp, &ops);
	m->asked = false;
	m->open = 0;
	m->retry_ms = fido_now_ms() + RETRY_MS;
	fido_store_relaxed(&state_of(m)->qmp, 0);
}

static void
on_monitor(struct source *source, uint32_t events)
{
	struct machine *m = of_monitor(source);
	char bytes[16384];
	ssize_t n = recv(source->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || qmp_take(&m->qmp, bytes, (size_t)n) != 0)
		disconnect(m);
}

/* The socket is in a folder of the machine's user, who could have put another one there. */
static bool
is_own(const struct machine *m, unsigned int uid)
{
	return uid == config_of(m)->uid;
}

static void
connect_monitor(struct machine *m)
{
	char path[VMD_PATH_MAX];
	uint64_t pid, start;
	unsigned int uid;
	int fd;

	m->retry_ms = fido_now_ms() + RETRY_MS;
	if (vmd_folder_path(path, m->served->group.dir, "%s.vm/qmp", config_of(m)->name) != 0)
		return;
	fd = unix_connect(path);
	/* Of a machine whose process is not visible this is the only sign of its end. */
	if (fd == -ECONNREFUSED && state_of(m)->pid == 0)
		all_died(m);
	if (fd < 0)
		return;
	process_of_socket(fd, &pid, &start, &uid);
	if (!is_own(m, uid) || !machine_has_process(m, pid, start)) {
		close(fd);
		return;
	}
	qmp_begin(&m->qmp, &ops);
	if (source_open(&m->monitor, m->served->loop, fd, EPOLLIN) != 0)
		disconnect(m);
}

bool
machine_tick(struct machine *m)
{
	if (m->monitor.fd < 0 && fido_now_ms() >= m->retry_ms)
		connect_monitor(m);
	return m->monitor.fd < 0;
}

/* ---- create, close ---- */

void
machine_create(struct machine *m, struct served *served, uint32_t index)
{
	*m = (struct machine){.process = {.fd = -1, .ready = on_process_end},
		.monitor = {.fd = -1, .ready = on_monitor},
		.served = served,
		.index = index};
}

void
machine_close(struct machine *m)
{
	source_close(&m->process);
	source_close(&m->monitor);
	qmp_end(&m->qmp);
}
