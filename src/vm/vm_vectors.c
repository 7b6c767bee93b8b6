/* SPDX-License-Identifier: BSD-3-Clause */
#include "vm_vectors.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <fido/atomic.h>

#include "event.h"

void
fido_vm_vectors_init(struct fido_vm_vectors *v)
{
	*v = (struct fido_vm_vectors){.device_fd = -1, .container_fd = -1, .group_fd = -1};
}

bool
fido_vm_vectors_open_guest(struct fido_vm_vectors *v, const char *group)
{
	return fido_vm_vectors_open_module(v, group) || fido_vm_vectors_open_vfio(v, group);
}

void
fido_vm_vectors_close(struct fido_vm_vectors *v)
{
	if (v->ops != NULL)
		v->ops->close(v);
	fido_vm_vectors_init(v);
}

bool
fido_vm_label_fits(const struct fido_bell_label *label, const char *group)
{
	return label->magic == FIDO_BELL_LABEL_MAGIC && label->version == FIDO_BELL_ABI &&
		strncmp(label->group, group, sizeof(label->group)) == 0;
}

/* ---- our own ---- */

int
fido_vm_vectors_take(struct fido_vm_vectors *v, uint32_t *vector)
{
	if (v->ops == NULL || v->lost)
		return -ENOSPC;
	return v->ops->take(v, vector);
}

void
fido_vm_vectors_drop(struct fido_vm_vectors *v, uint32_t vector)
{
	if (v->ops != NULL)
		v->ops->drop(v, vector);
}

int
fido_vm_vectors_take_lowest(struct fido_vm_vectors *v, uint32_t *vector)
{
	uint32_t lowest =
		v->taken != UINT64_MAX ? (uint32_t)__builtin_ctzll(~v->taken) : UINT32_MAX;

	if (lowest >= v->count)
		return -ENOSPC;
	v->taken |= UINT64_C(1) << lowest;
	*vector = lowest;
	return 0;
}

void
fido_vm_vectors_drop_own(struct fido_vm_vectors *v, uint32_t vector)
{
	v->taken &= ~(UINT64_C(1) << vector);
}

int
fido_vm_vectors_take_eventfd(struct fido_vm_vectors *v, const int *eventfds, uint32_t *vector)
{
	int ret = fido_vm_vectors_take_lowest(v, vector), fd;

	if (ret != 0)
		return ret;
	fd = fcntl(eventfds[*vector], F_DUPFD_CLOEXEC, 0);
	if (fd < 0) {
		ret = -errno;
		fido_vm_vectors_drop_own(v, *vector);
		return ret;
	}
	/* Rings for its former owner. */
	fido_event_take(fd);
	return fd;
}

/* ---- rings ---- */

bool
fido_vm_vectors_ring(const struct fido_vm_vectors *v, uint32_t id, uint32_t vector)
{
	if (v->ops == NULL || id == FIDO_VM_ANY || vector >= v->count ||
		fido_load_relaxed(&v->lost) != 0)
		return false;
	if (v->registers == NULL)
		return v->ops->ring(v, id, vector);
	/*
	 * No fence: on x86 an uncached store is not reordered with those before it. Elsewhere, too,
	 * it traps, and its processor then wakes the sleeper, under locks, after all stores before
	 * it.
	 */
	*(volatile uint32_t *)(void *)(v->registers + FIDO_BELL_RING) = FIDO_BELL_WORD(id, vector);
	return true;
}

/* ---- the module only ---- */

bool
fido_vm_vectors_can_testify(const struct fido_vm_vectors *v)
{
	return v->ops != NULL && v->group_fd < 0 && v->device_fd >= 0;
}

void
fido_vm_vectors_testify(struct fido_vm_vectors *v, uint32_t vector)
{
	struct fido_bell_testament t = {.count = 1,
		.words = {FIDO_BELL_WORD(FIDO_VM_BELL_DAEMON, vector)}};

	/* Should it fail, fido-vmd learns of our end by other ways, as without the module. */
	if (fido_vm_vectors_can_testify(v) && vector < v->count)
		ioctl(v->device_fd, FIDO_BELL_IOC_TESTAMENT, &t);
}

bool
fido_vm_vectors_look(struct fido_vm_vectors *v)
{
	struct pollfd p = {.fd = v->device_fd};

	if (!fido_vm_vectors_can_testify(v) || v->lost || poll(&p, 1, 0) <= 0 ||
		(p.revents & POLLHUP) == 0)
		return false;
	fido_store_relaxed(&v->lost, 1);
	return true;
}
