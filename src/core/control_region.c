/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control region: create it, and allocate rings, counters and the application's tables in it.
 */

#include "control_region.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <fido/log.h>

#include "domain_private.h"
#include "memfile.h"
#include "peer.h"
#include "sigbus.h"

/*
 * Reserve the pages of a part of the control region that is about to be used. Most of its 8 MiB
 * never is, and reserving all of it would cost each domain 8 MiB and 2 ms; a page costs 1 us.
 * @return 0, -errno (message logged)
 */
static int
control_reserve(const struct fido_domain *d, size_t offset, size_t len)
{
	int ret = d->ops->memory_offset != NULL ? 0
						: fido_memfile_reserve(d->control_fd, offset, len);

	if (ret != 0)
		fido_log(FIDO_LOG_ERROR,
			"group %s: %s: no memory for %zu KiB of its control region: %s: free some "
			"memory, or raise the container's limit",
			d->group, d->name, len >> 10, strerror(-ret));
	return ret;
}

void *
fido_domain_heap_alloc(struct fido_domain *d, size_t size)
{
	size_t pages = (d->control_size - FIDO_CONTROL_HEAP_OFFSET) / FIDO_HEAP_PAGE;
	size_t want = (size + FIDO_HEAP_PAGE - 1) / FIDO_HEAP_PAGE;
	size_t run = 0;

	for (size_t i = 0; i < pages; i++) {
		run = d->heap_used[i] ? 0 : run + 1;
		if (run == want) {
			size_t off = FIDO_CONTROL_HEAP_OFFSET + (i + 1 - want) * FIDO_HEAP_PAGE;
			char *p = (char *)d->control + off;

			if (control_reserve(d, off, want * FIDO_HEAP_PAGE) != 0)
				return NULL;

			memset(d->heap_used + i + 1 - want, 1, want);
			/* A peer may still read here for a freed queue: see link_ring.c. */
			for (size_t k = 0; k < want * FIDO_HEAP_PAGE; k += sizeof(uint64_t))
				fido_store_relaxed((uint64_t *)(void *)(p + k), 0);
			return p;
		}
	}
	return NULL;
}

void
fido_domain_heap_free(struct fido_domain *d, void *p, size_t size)
{
	size_t first;

	if (p == NULL)
		return;
	first = (size_t)((char *)p - (char *)d->control - FIDO_CONTROL_HEAP_OFFSET) /
		FIDO_HEAP_PAGE;
	memset(d->heap_used + first, 0, (size + FIDO_HEAP_PAGE - 1) / FIDO_HEAP_PAGE);
}

uint64_t
fido_domain_control_gaddr(const struct fido_domain *d, const void *p)
{
	/* The control region is mapped at its own gaddr. */
	(void)d;
	return (uintptr_t)p;
}

int
fido_control_region_create(struct fido_domain *d)
{
	struct fido_fd_map m = {.prot = PROT_READ | PROT_WRITE};
	uint64_t base = fido_layout_slot_base(&d->layout, d->slot);
	int ret;

	ret = d->ops->memory_create(d->transport, d->control_size, false, &d->control_fd);
	if (ret != 0) {
		if (ret != -ENOSPC) /* memory_create() has logged that */
			fido_log(FIDO_LOG_ERROR,
				"group %s: no memory for the control block (%zu bytes): %s: free "
				"some memory, or use a smaller control_size",
				d->group, d->control_size, strerror(-ret));
		return ret;
	}
	ret = control_reserve(d, 0, FIDO_CONTROL_HEAP_OFFSET);
	if (ret != 0)
		return ret;
	m.fd = d->control_fd;
	m.offset = fido_domain_memory_offset(d, base);
	ret = fido_slot_reserve(&d->layout, d->slot, d->generation);
	if (ret != 0) {
		fido_log(FIDO_LOG_ERROR,
			"group %s: the address range of slot %u (0x%llx) is in use in this "
			"process: create the group with another base",
			d->group, d->slot, (unsigned long long)base);
		return ret;
	}
	d->slot_reserved = true;
	ret = fido_sigbus_own(base, d->control_size, d->name);
	if (ret != 0)
		return ret;
	ret = fido_slot_map(&d->layout, base, d->control_size, fido_map_fd, &m);
	if (ret == 0)
		ret = d->ops->memory_seal(d->transport, d->control_fd);
	if (ret != 0) {
		fido_log(FIDO_LOG_ERROR, "group %s: cannot map the control block: %s", d->group,
			strerror(-ret));
		return ret;
	}
	d->control = (struct fido_control_shm *)(uintptr_t)base;
	d->heap_used = calloc((d->control_size - FIDO_CONTROL_HEAP_OFFSET) / FIDO_HEAP_PAGE, 1);
	return d->heap_used != NULL ? 0 : -ENOMEM;
}

/* ---- for the application ---- */

void *
fido_domain_shm_alloc(struct fido_domain *d, size_t size)
{
	void *p;

	pthread_mutex_lock(&d->lock);
	p = fido_domain_heap_alloc(d, size);
	pthread_mutex_unlock(&d->lock);
	return p;
}

void
fido_domain_shm_free(struct fido_domain *d, void *p, size_t size)
{
	if (p == NULL)
		return;
	pthread_mutex_lock(&d->lock);
	fido_domain_heap_free(d, p, size);
	pthread_mutex_unlock(&d->lock);
}

uint64_t
fido_domain_shm_gaddr(const struct fido_domain *d, const void *p)
{
	return fido_domain_control_gaddr(d, p);
}

void
fido_domain_publish(struct fido_domain *d, uint32_t kind, const void *table)
{
	if (table != NULL)
		fido_store_relaxed(&d->control->table_kind, kind);
	fido_store_release(&d->control->table,
		table != NULL ? fido_domain_control_gaddr(d, table) : 0);
}

int
fido_domain_peer_table(struct fido_domain *d, const char *name, uint32_t kind, void *copy,
	size_t len)
{
	const struct fido_peer *peer;
	const uint64_t *table;
	uint64_t off;
	int ret = -ENOENT;

	pthread_mutex_lock(&d->lock);
	peer = fido_domain_find_peer(d, name);
	off = peer != NULL ? fido_load_acquire(&peer->control->table) - (uintptr_t)peer->control
			   : UINT64_MAX;
	if (peer != NULL && fido_load_relaxed(&peer->control->table_kind) == kind &&
		off % sizeof(*table) == 0 && off < peer->control_size &&
		len <= peer->control_size - off) {
		table = (const uint64_t *)(const void *)((const char *)peer->control + off);
		for (size_t i = 0; i < len / sizeof(*table); i++)
			((uint64_t *)copy)[i] = fido_load_acquire(&table[i]);
		ret = 0;
	}
	pthread_mutex_unlock(&d->lock);
	return ret;
}
