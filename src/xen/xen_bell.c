/* SPDX-License-Identifier: BSD-3-Clause */
#include "xen_bell.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <xenevtchn.h>

#include <fido/log.h>

#include "doorbell_private.h"

struct port {
	struct port *next;
	uint64_t tag;
	evtchn_port_t number;
};

/* Our own bell, or a peer's. Each has its own handle, whose descriptor signals its ports only. */
struct xen_bell {
	struct fido_doorbell base; /* first; fd: epoll over handle and self_fd; a peer's: -1 */
	xenevtchn_handle *handle;
	int self_fd;        /* own: eventfd, for rings by ourselves */
	struct port *ports; /* own: those offered to peers; a peer's: the one bound */
};

static struct xen_bell *
of(const struct fido_doorbell *bell)
{
	return (struct xen_bell *)(uintptr_t)bell;
}

static void
ring_self(const struct fido_doorbell *bell)
{
	eventfd_write(of(bell)->self_fd, 1);
}

static void
ring_peer(const struct fido_doorbell *bell)
{
	xenevtchn_notify(of(bell)->handle, of(bell)->ports->number);
}

/* An event masks its port. Unmasking delivers an event that came meanwhile. */
static void
clear_own(const struct fido_doorbell *bell)
{
	xenevtchn_handle *handle = of(bell)->handle;
	eventfd_t value;
	int port;

	eventfd_read(of(bell)->self_fd, &value);
	while ((port = xenevtchn_pending(handle)) >= 0)
		xenevtchn_unmask(handle, (evtchn_port_t)port);
}

static void
nothing_to_clear(const struct fido_doorbell *bell)
{
	(void)bell;
}

static void
bell_destroy(struct fido_doorbell *base)
{
	struct xen_bell *bell = of(base);
	struct port *port;

	while ((port = bell->ports) != NULL) {
		bell->ports = port->next;
		free(port);
	}
	if (bell->handle != NULL)
		xenevtchn_close(bell->handle); /* closes all its ports */
	if (bell->self_fd >= 0)
		close(bell->self_fd);
	if (base->fd >= 0)
		close(base->fd);
	free(bell);
}

static struct xen_bell *
bell_alloc(void)
{
	struct xen_bell *bell = calloc(1, sizeof(*bell));

	if (bell == NULL)
		return NULL;
	bell->base = (struct fido_doorbell){-1, ring_peer, nothing_to_clear, bell_destroy};
	bell->self_fd = -1;
	bell->handle = xenevtchn_open(NULL, 0);
	if (bell->handle != NULL)
		return bell;
	fido_log(FIDO_LOG_ERROR,
		"cannot open /dev/xen/evtchn: %s: modprobe xen-evtchn; run as root; raise the "
		"limit of open files (ulimit -n)",
		strerror(errno));
	bell_destroy(&bell->base);
	return NULL;
}

static int
watch(int epoll_fd, int fd)
{
	struct epoll_event ev = {.events = EPOLLIN};

	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev);
}

int
fido_xen_bell_create(void *transport, struct fido_doorbell **out)
{
	struct xen_bell *bell = bell_alloc();
	int fd, err;

	(void)transport;
	if (bell == NULL)
		return -ENODEV;
	bell->base.ring = ring_self;
	bell->base.clear = clear_own;
	bell->base.fd = epoll_create1(EPOLL_CLOEXEC);
	bell->self_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	fd = xenevtchn_fd(bell->handle);
	if (bell->base.fd < 0 || bell->self_fd < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0 ||
		watch(bell->base.fd, bell->self_fd) != 0 || watch(bell->base.fd, fd) != 0) {
		err = errno;
		bell_destroy(&bell->base);
		return -err;
	}
	*out = &bell->base;
	return 0;
}

static struct port *
find_port(struct xen_bell *bell, uint64_t tag)
{
	for (struct port *port = bell->ports; port != NULL; port = port->next)
		if (port->tag == tag)
			return port;
	return NULL;
}

int
fido_xen_bell_offer(struct fido_doorbell *base, uint64_t tag, unsigned int domid)
{
	struct xen_bell *bell = of(base);
	struct port *port = find_port(bell, tag);
	int number = xenevtchn_bind_unbound_port(bell->handle, domid);

	if (number < 0)
		return -errno;
	if (port != NULL) {
		xenevtchn_unbind(bell->handle, port->number);
	} else {
		port = calloc(1, sizeof(*port));
		if (port == NULL) {
			xenevtchn_unbind(bell->handle, (evtchn_port_t)number);
			return -ENOMEM;
		}
		port->tag = tag;
		port->next = bell->ports;
		bell->ports = port;
	}
	port->number = (evtchn_port_t)number;
	/* A ring on the former port may have been lost with it. */
	ring_self(base);
	return number;
}

struct fido_doorbell *
fido_xen_bell_bind(unsigned int domid, uint32_t remote)
{
	struct xen_bell *bell = bell_alloc();
	int number;

	if (bell == NULL)
		return NULL;
	bell->ports = calloc(1, sizeof(*bell->ports));
	number = bell->ports != NULL ? xenevtchn_bind_interdomain(bell->handle, domid, remote) : -1;
	if (number < 0) {
		bell_destroy(&bell->base);
		return NULL;
	}
	bell->ports->number = (evtchn_port_t)number;
	return &bell->base;
}
