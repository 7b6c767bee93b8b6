/* SPDX-License-Identifier: BSD-3-Clause */
#include "port.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fido/log.h>

#include "process.h"
#include "served.h"
#include "unix_socket.h"

static struct machine *
machine_of(struct channel *c)
{
	return &c->served->machines[vmd_group_vm_of(&c->served->group, c->slot)];
}

static void
on_hello(struct channel *c, const struct fido_vm_frame *f)
{
	const struct fido_vm_refuse taken = {.reason = FIDO_VM_REASON_TAKEN};
	struct machine *machine = machine_of(c);
	const struct members_newcomer who = {.generation = f->generation,
		.clock = machine_clock(machine)};

	if (f->hello.slot != FIDO_VM_ANY && f->hello.slot != c->slot)
		served_refuse(c->served, c, f->generation, &taken);
	else if (served_hello(c->served, c, c->slot, &who, f))
		machine_has_member(machine, c->slot);
}

static void
on_frame(struct channel *c, const struct fido_vm_frame *f)
{
	if (f->type == FIDO_VM_HELLO)
		on_hello(c, f);
	else
		members_frame(&c->served->members, c->slot, f);
}

static void
disconnect(struct channel *c)
{
	channel_close(c);
	served_connect(c->served, c->slot, NULL);
}

static const struct channel_ops ops = {.frame = on_frame, .end = disconnect};

static void
on_connection(struct source *source, uint32_t events)
{
	struct port *p = (struct port *)source;
	struct channel *c = &p->channel;
	int fd = accept4(source->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	unsigned int uid;

	(void)events;
	if (fd < 0)
		return;
	process_of_socket(fd, &c->pid, &c->start, &uid);
	if (!machine_has_process(machine_of(c), c->pid, c->start)) {
		close(fd);
		return;
	}
	/* QEMU closes the former connection before it makes another one. */
	disconnect(c);
	if (channel_open(c, fd) != 0)
		return;
	served_connect(c->served, c->slot, c);
	served_who(c->served, c->slot);
}

int
port_open(struct port *p, struct served *served, uint32_t slot)
{
	const struct vmd_group *g = &served->group;
	char path[VMD_PATH_MAX];
	int ret = vmd_folder_path(path, g->dir, "slot.%u.port", slot);

	if (ret != 0)
		return ret;
	channel_create(&p->channel, served, &ops);
	p->channel.slot = slot;
	p->listener.ready = on_connection;
	ret = unix_listen(path, 0600, g->vms[vmd_group_vm_of(g, slot)].uid, (gid_t)-1);
	if (ret >= 0)
		ret = source_open(&p->listener, served->loop, ret, EPOLLIN);
	if (ret != 0)
		fido_log(FIDO_LOG_ERROR, "group %s: cannot listen at %s: %s", g->name, path,
			strerror(-ret));
	return ret;
}

void
port_close(struct port *p)
{
	source_close(&p->listener);
	channel_close(&p->channel);
}
