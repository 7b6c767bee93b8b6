/* SPDX-License-Identifier: BSD-3-Clause */
#include "vm_port.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fork_guard.h"

void
fido_vm_port_init(struct fido_vm_port *p, uint64_t generation)
{
	p->generation = generation;
	p->fd = -1;
	pthread_mutex_init(&p->lock, NULL);
}

/* The lock is held. */
static void
forget(struct fido_vm_port *p)
{
	p->queued = 0;
	p->sent = 0;
	p->lost = false;
}

void
fido_vm_port_use(struct fido_vm_port *p, int fd)
{
	struct stat st;

	pthread_mutex_lock(&p->lock);
	fido_fork_close(p->fd);
	p->fd = fd;
	p->is_socket = fd >= 0 && fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
	p->in.len = 0;
	forget(p);
	pthread_mutex_unlock(&p->lock);
}

void
fido_vm_port_fini(struct fido_vm_port *p)
{
	fido_vm_port_use(p, -1);
	pthread_mutex_destroy(&p->lock);
}

/* ---- sending; the lock is held ---- */

static size_t
length_of(const struct fido_vm_frame *f)
{
	return FIDO_VM_FRAME_HEADER + f->len;
}

/* @return bytes of the frame that were sent, 0 if the connection takes none now or has ended */
static size_t
write_from(const struct fido_vm_port *p, const struct fido_vm_frame *f, size_t from)
{
	const char *bytes = (const char *)f + from;
	size_t len = length_of(f) - from;
	/* A socket whose other end is closed must not raise SIGPIPE in the application. */
	ssize_t n = p->is_socket ? send(p->fd, bytes, len, MSG_NOSIGNAL) : write(p->fd, bytes, len);

	return n > 0 ? (size_t)n : 0;
}

static void
write_queue(struct fido_vm_port *p)
{
	unsigned int done = 0;

	while (done < p->queued) {
		p->sent += write_from(p, &p->queue[done], p->sent);
		if (p->sent < length_of(&p->queue[done]))
			break;
		p->sent = 0;
		done++;
	}
	p->queued -= done;
	if (done != 0)
		memmove(p->queue, p->queue + done, p->queued * sizeof(p->queue[0]));
}

static bool
waits_already(const struct fido_vm_port *p, const struct fido_vm_frame *f)
{
	for (unsigned int i = 0; i < p->queued; i++)
		if (p->queue[i].sum == f->sum && length_of(&p->queue[i]) == length_of(f) &&
			memcmp(&p->queue[i], f, length_of(f)) == 0)
			return true;
	return false;
}

static void
enqueue(struct fido_vm_port *p, const struct fido_vm_frame *f)
{
	if (p->lost || waits_already(p, f))
		return;
	if (p->queued == FIDO_VM_QUEUED_MAX) {
		forget(p);
		p->lost = true;
		return;
	}
	p->queue[p->queued++] = *f;
}

static bool
send_locked(struct fido_vm_port *p, const struct fido_vm_frame *f)
{
	size_t len = length_of(f), n = 0;

	if (p->fd < 0)
		return false;
	if (p->queued == 0 && !p->lost)
		n = write_from(p, f, 0);
	if (n == len)
		return false;
	enqueue(p, f);
	if (n != 0)
		p->sent = n;
	return true;
}

bool
fido_vm_port_send(struct fido_vm_port *p, enum fido_vm_type type, const void *payload)
{
	struct fido_vm_frame f;
	bool waits;

	fido_vm_frame_make(&f, type, p->generation, payload);
	pthread_mutex_lock(&p->lock);
	waits = send_locked(p, &f);
	pthread_mutex_unlock(&p->lock);
	return waits;
}

bool
fido_vm_port_restart(struct fido_vm_port *p, enum fido_vm_type type, const void *payload)
{
	struct fido_vm_frame f;
	bool waits;

	fido_vm_frame_make(&f, type, p->generation, payload);
	pthread_mutex_lock(&p->lock);
	forget(p);
	waits = send_locked(p, &f);
	pthread_mutex_unlock(&p->lock);
	return waits;
}

int
fido_vm_port_flush(struct fido_vm_port *p)
{
	int ret;

	pthread_mutex_lock(&p->lock);
	if (p->fd >= 0)
		write_queue(p);
	ret = p->lost ? -ENOBUFS : p->queued != 0 ? -EAGAIN : 0;
	pthread_mutex_unlock(&p->lock);
	return ret;
}

/* ---- receiving ---- */

int
fido_vm_port_read(struct fido_vm_port *p)
{
	size_t room;
	char *to = fido_vm_stream_room(&p->in, &room);
	ssize_t n = p->fd >= 0 ? read(p->fd, to, room) : 0;

	if (n > 0) {
		fido_vm_stream_added(&p->in, (size_t)n);
		return 0;
	}
	return n < 0 && (errno == EAGAIN || errno == EINTR) ? -EAGAIN : -EPIPE;
}

bool
fido_vm_port_next(struct fido_vm_port *p, struct fido_vm_frame *f)
{
	while (fido_vm_stream_next(&p->in, f))
		if (f->generation == p->generation)
			return true;
	return false;
}
