/* SPDX-License-Identifier: BSD-3-Clause */
/* Sessions of the host transport: send, queue, receive and check messages with descriptors. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fido/control_shm.h>
#include "fork_guard.h"
#include "host_session.h"

/* Limits of a session's queue: a stopped peer must not use up our memory and descriptors. */
#define QUEUED_MAX 1024
#define QUEUED_FDS_MAX 4096

/* A message queued until the socket has room. */
struct fido_host_out {
	struct fido_host_out *next;
	size_t len;
	int nfds;
	int fds[FIDO_HOST_FDS_MAX];
	char bytes[];
};

struct fido_host_session *
fido_host_session_create(int fd)
{
	struct fido_host_session *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		fido_fork_close(fd);
		return NULL;
	}
	s->fd = fd;
	s->owner = -1;
	s->out_end = &s->out;
	s->fds_max = FIDO_HOST_EXTENTS_MAX;
	s->fds_taken = 1;
	return s;
}

static void
out_free(struct fido_host_out *o)
{
	for (int i = 0; i < o->nfds; i++)
		close(o->fds[i]);
	free(o);
}

void
fido_host_session_destroy(struct fido_host_session *s)
{
	struct fido_host_out *o;

	if (s == NULL)
		return;
	while ((o = s->out) != NULL) {
		s->out = o->next;
		out_free(o);
	}
	fido_fork_close(s->fd);
	if (s->owner >= 0)
		close(s->owner);
	free(s);
}

static int
send_now(int fd, const void *msg, size_t len, const int *fds, int nfds)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int) * FIDO_HOST_FDS_MAX)];
	} control;
	struct iovec iov = {(void *)(uintptr_t)msg, len};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};

	if (nfds > 0) {
		struct cmsghdr *c;

		memset(&control, 0, sizeof(control));
		mh.msg_control = control.buf;
		mh.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)nfds);
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)nfds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * (size_t)nfds);
	}
	if (sendmsg(fd, &mh, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	/* The peer closed its end, or exited with messages unread. */
	return errno == ECONNRESET || errno == ENOTCONN ? -EPIPE : -errno;
}

/* @return true: no room in the socket, or too many descriptors in flight: send later */
static bool
is_busy(int err)
{
	return err == -EAGAIN || err == -EWOULDBLOCK || err == -ENOBUFS || err == -ETOOMANYREFS;
}

bool
fido_host_flush(struct fido_host_session *s)
{
	struct fido_host_out *o;

	while ((o = s->out) != NULL) {
		if (is_busy(send_now(s->fd, o->bytes, o->len, o->fds, o->nfds)))
			return false;
		/* Sent, or the peer is gone, which the next read detects. */
		s->out = o->next;
		s->queued--;
		s->queued_fds -= (unsigned int)o->nfds;
		if (s->out == NULL)
			s->out_end = &s->out;
		out_free(o);
	}
	return true;
}

static void
close_all(const int *fds, int nfds)
{
	for (int i = 0; i < nfds; i++)
		close(fds[i]);
}

/* Queue a message. Takes over fds. @return 0, -ENOBUFS: session->deaf, -ENOMEM: try again */
static int
enqueue(struct fido_host_session *s, const void *msg, size_t len, const int *fds, int nfds)
{
	bool changed = ((const struct fido_host_header *)msg)->type == FIDO_HOST_CHANGED;
	struct fido_host_out *o;

	if (changed && s->out != NULL && s->changed_last)
		return 0; /* The queued CHANGED covers this change too. */
	s->deaf |= s->queued == QUEUED_MAX || s->queued_fds + (unsigned int)nfds > QUEUED_FDS_MAX;
	o = s->deaf ? NULL : malloc(sizeof(*o) + len);
	if (o == NULL) {
		close_all(fds, nfds);
		/*
		 * Messages with descriptors are sent again later. Without one of the others the
		 * peer's view would be wrong for ever.
		 */
		s->deaf |= nfds == 0;
		return s->deaf ? -ENOBUFS : -ENOMEM;
	}
	s->changed_last = changed;
	s->queued++;
	s->queued_fds += (unsigned int)nfds;
	o->next = NULL;
	o->len = len;
	o->nfds = nfds;
	memcpy(o->bytes, msg, len);
	if (nfds > 0)
		memcpy(o->fds, fds, sizeof(int) * (size_t)nfds);
	*s->out_end = o;
	s->out_end = &o->next;
	return 0;
}

/* Reopen a file read-only. Fails without /proc, as in some containers and chroots. */
static int
open_read_only(int fd)
{
	char path[32];
	int copy;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	copy = open(path, O_RDONLY | O_CLOEXEC);
	return copy >= 0 ? copy : -errno;
}

/* @return true: the seals forbid to write by this descriptor, and to shrink the file */
static bool
is_sealed(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & (F_SEAL_FUTURE_WRITE | F_SEAL_WRITE)) &&
		(seals & F_SEAL_SHRINK) && (seals & F_SEAL_SEAL);
}

/* Copy a descriptor; if read_only, so that a peer cannot write by it. @return the copy, -errno */
static int
duplicate(int fd, bool read_only)
{
	int copy = read_only ? open_read_only(fd) : -ENOENT;

	if (copy >= 0 || copy == -EMFILE || copy == -ENFILE || (read_only && !is_sealed(fd)))
		return copy;
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return copy >= 0 ? copy : -errno;
}

int
fido_host_can_share(int fd)
{
	int copy = duplicate(fd, true);

	if (copy >= 0)
		close(copy);
	return copy >= 0 || copy == -EMFILE || copy == -ENFILE ? 0 : copy;
}

int
fido_host_send(struct fido_host_session *s, enum fido_host_type type, void *msg, size_t len,
	const int *fds, int nfds, bool read_only)
{
	struct fido_host_header *h = msg;
	int copies[FIDO_HOST_FDS_MAX];
	int ret = -EAGAIN;

	if (s->closed)
		return -EPIPE;
	*h = (struct fido_host_header){FIDO_CONTROL_MAGIC, FIDO_LAYOUT_VERSION, (uint16_t)type};
	for (int i = 0; i < nfds; i++) {
		copies[i] = duplicate(fds[i], read_only);
		if (copies[i] < 0) {
			ret = copies[i];
			while (i-- > 0)
				close(copies[i]);
			return ret;
		}
	}
	if (s->out == NULL)
		ret = send_now(s->fd, msg, len, copies, nfds);
	if (is_busy(ret))
		return enqueue(s, msg, len, copies, nfds);
	close_all(copies, nfds);
	return ret;
}

static size_t
length_of(unsigned int type)
{
	switch (type) {
	case FIDO_HOST_HELLO:
		return sizeof(struct fido_host_hello);
	case FIDO_HOST_MAP:
		return offsetof(struct fido_host_map, extents);
	case FIDO_HOST_UNMAP:
		return sizeof(struct fido_host_unmap);
	case FIDO_HOST_BELLS:
		return sizeof(struct fido_host_bells);
	case FIDO_HOST_BYE:
		return sizeof(struct fido_host_bye);
	case FIDO_HOST_REFUSE:
		return sizeof(struct fido_host_refuse);
	case FIDO_HOST_AGAIN:
		return sizeof(struct fido_host_again);
	case FIDO_HOST_CHANGED:
	case FIDO_HOST_OBSERVE:
		return sizeof(struct fido_host_header);
	default:
		return SIZE_MAX;
	}
}

/* @return true: n descriptors came, or fewer if some were lost */
static bool
fds_fit(const struct fido_host_message *m, unsigned int n)
{
	return m->lost ? (unsigned int)m->nfds < n : (unsigned int)m->nfds == n;
}

/* Check a message's header, length and counts. @return 1, -EPROTO */
static int
check(const struct fido_host_message *m, unsigned int *version)
{
	if (m->len < sizeof(m->h) || m->h.magic != FIDO_CONTROL_MAGIC)
		return -EPROTO;
	*version = m->h.version;
	if (m->h.version != FIDO_LAYOUT_VERSION || m->len < length_of(m->h.type))
		return -EPROTO;
	if (m->h.type == FIDO_HOST_MAP &&
		(m->map.count > FIDO_HOST_EXTENTS_MAX || !fds_fit(m, m->map.count) ||
			m->len < offsetof(struct fido_host_map, extents) +
					m->map.count * sizeof(struct fido_host_extent)))
		return -EPROTO;
	if (m->h.type == FIDO_HOST_BELLS &&
		(m->bells.nrx > FIDO_LINK_QUEUES_MAX || m->bells.ntx > FIDO_LINK_QUEUES_MAX ||
			!fds_fit(m, m->bells.nrx + m->bells.ntx)))
		return -EPROTO;
	return 1;
}

int
fido_host_receive(int fd, struct fido_host_message *m, unsigned int *version)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int) * FIDO_HOST_FDS_MAX)];
	} control;
	struct iovec iov = {m->bytes, sizeof(m->bytes)};
	struct msghdr mh = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf)};
	ssize_t n = recvmsg(fd, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	int ret;

	*version = 0;
	m->nfds = 0;
	m->lost = false;
	/*
	 * It closed its end with messages unread. What it sent before, such as BYE, is still here.
	 */
	if (n < 0 && errno == ECONNRESET)
		n = recvmsg(fd, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -EPIPE;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&mh); c != NULL; c = CMSG_NXTHDR(&mh, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
			m->nfds = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
			memcpy(m->fds, CMSG_DATA(c), (size_t)m->nfds * sizeof(int));
		}
	m->len = (size_t)n;
	/*
	 * The buffer has room for all descriptors: only our limit of open files can truncate them.
	 */
	m->lost = (mh.msg_flags & MSG_CTRUNC) && m->nfds < FIDO_HOST_FDS_MAX;
	if (n == 0) /* End of connection, or an empty message, which may carry descriptors. */
		ret = m->nfds == 0 ? -EPIPE : -EPROTO;
	else
		ret = (mh.msg_flags & MSG_TRUNC) || (!m->lost && (mh.msg_flags & MSG_CTRUNC))
			? -EPROTO
			: check(m, version);
	if (ret < 0)
		fido_host_message_close(m);
	return ret;
}

void
fido_host_message_close(struct fido_host_message *m)
{
	for (int i = 0; i < m->nfds; i++)
		if (m->fds[i] >= 0)
			close(m->fds[i]);
	m->nfds = 0;
}
