/* SPDX-License-Identifier: BSD-3-Clause */
#include "channel.h"

#include <errno.h>
#include <sys/socket.h>

#include "served.h"

static void
read_some(struct channel *c)
{
	uint64_t skipped = c->in.skipped;
	struct fido_vm_frame f;
	size_t room;
	char *to = fido_vm_stream_room(&c->in, &room);
	ssize_t n = recv(c->source.fd, to, room, MSG_DONTWAIT);

	if (n <= 0) {
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			c->ops->end(c);
		return;
	}
	fido_vm_stream_added(&c->in, (size_t)n);
	/* A frame may close the channel. */
	while (channel_is_open(c) && fido_vm_stream_next(&c->in, &f))
		c->ops->frame(c, &f);
	if (c->in.skipped != skipped)
		served_skipped(c->served, c->slot, c->in.skipped - skipped);
}

static void
on_ready(struct source *s, uint32_t events)
{
	struct channel *c = (struct channel *)s;

	if (events & EPOLLOUT)
		served_wake(c->served, c->slot);
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		read_some(c);
}

void
channel_create(struct channel *c, struct served *served, const struct channel_ops *ops)
{
	*c = (struct channel){.source = {.fd = -1, .ready = on_ready},
		.ops = ops,
		.served = served,
		.slot = FIDO_VM_ANY};
}

int
channel_open(struct channel *c, int fd)
{
	int ret = source_open(&c->source, c->served->loop, fd, EPOLLIN);

	c->in = (struct fido_vm_stream){0};
	c->blocked = false;
	if (ret != 0)
		channel_close(c);
	return ret;
}

void
channel_close(struct channel *c)
{
	source_close(&c->source);
}

static void
set_blocked(struct channel *c, bool blocked)
{
	if (c->blocked == blocked)
		return;
	c->blocked = blocked;
	source_change(&c->source, blocked ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

void
channel_flush(struct channel *c, struct outbox *o, const struct vmd_state_shm *state)
{
	const char *bytes;
	size_t len;

	while ((bytes = outbox_bytes(o, state, c->slot, &len)) != NULL) {
		ssize_t n = send(c->source.fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0) {
			/* A broken connection is read to its end, too. */
			set_blocked(c, errno == EAGAIN);
			return;
		}
		outbox_sent(o, (size_t)n);
	}
	set_blocked(c, false);
}

void
channel_send(struct channel *c, const struct fido_vm_frame *f)
{
	send(c->source.fd, f, FIDO_VM_FRAME_HEADER + f->len, MSG_NOSIGNAL | MSG_DONTWAIT);
}
