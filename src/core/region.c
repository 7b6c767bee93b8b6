/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Regions: arenas, imported memory, and the epochs that export and withdraw their pages. The file
 * is long because both kinds of region share the code that places, exports and withdraws them.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fido/log.h>

#include "domain_private.h"
#include "link_private.h"
#include "memfile.h"
#include "own_slot.h"
#include "peer.h"
#include "sigbus.h"
#include "withdraw.h"

/* How long fido_region_destroy() waits until no domain reads the memory, and then until none maps
 * it. The withdrawal continues in the background. */
#define DESTROY_WAIT_MS 20

static uint64_t
round_up(uint64_t n, uint64_t align)
{
	return (n + align - 1) & ~(align - 1);
}

/* @return the end of an obstacle in [at, at + len); 0: there is none */
static uint64_t
place_taken(const struct fido_domain *d, uint64_t at, uint64_t len)
{
	for (int i = 0; i < FIDO_REGIONS_MAX; i++) {
		const struct fido_region *r = d->regions[i];

		if (r != NULL && at < d->region_end[i] && r->gaddr < at + len)
			return d->region_end[i];
	}
	/*
	 * A withdrawal is pending, or another domain of this process has not unmapped the old
	 * pages.
	 */
	return fido_slot_taken(at, len);
}

uint64_t
fido_domain_memory_offset(const struct fido_domain *d, uint64_t gaddr)
{
	return d->ops->memory_offset != NULL ? d->ops->memory_offset(d->transport, gaddr) : 0;
}

/*
 * @param memory the transport must have memory there; else there must be none, if it has memory for
 *               a part of the slot
 * @return the first address behind the control region with room for len bytes; 0: none
 */
static uint64_t
slot_place(const struct fido_domain *d, uint64_t len, uint64_t align, bool memory)
{
	uint64_t base = fido_layout_slot_base(&d->layout, d->slot);
	uint64_t all = UINT64_C(1) << d->layout.slot_shift;
	uint64_t top = base + (memory && d->memory_size != 0 ? d->memory_size : all);
	uint64_t first = memory || d->memory_size == 0 ? d->control_size : d->memory_size;
	uint64_t at = round_up(base + first, align), end;

	if (len > top - base)
		return 0;
	len = fido_granules_up(len);
	while ((end = place_taken(d, at, len)) != 0)
		at = round_up(end, align);
	return len <= top - base && at <= top - len ? at : 0;
}

static struct fido_region *
region_alloc(struct fido_domain *d, uint64_t len, uint64_t align, bool memory)
{
	struct fido_region *r = calloc(1, sizeof(*r));
	uint64_t granules = fido_granules_up(len) >> FIDO_GRANULE_SHIFT;
	uint32_t i = 0;

	if (r == NULL)
		return NULL;
	r->fd = -1;
	r->domain = d;
	r->len = len;
	r->gaddr = slot_place(d, len, align, memory);
	while (i < FIDO_REGIONS_MAX - 1 && d->regions[i] != NULL)
		i++;
	if (i == FIDO_REGIONS_MAX - 1)
		fido_log(FIDO_LOG_ERROR,
			"domain %s cannot have another region: it has %u regions, the maximum: "
			"destroy one",
			d->name, i);
	else if (r->gaddr == 0)
		fido_log(FIDO_LOG_ERROR,
			"domain %s: no room for a region of %llu bytes in a slot of %llu: create "
			"the group with larger slots",
			d->name, (unsigned long long)len,
			memory && d->memory_size != 0 ? (unsigned long long)d->memory_size
						      : 1ull << d->layout.slot_shift);
	else
		r->granule_epoch = calloc(granules, sizeof(*r->granule_epoch));
	if (r->granule_epoch == NULL) {
		free(r);
		return NULL;
	}
	r->index = i;
	d->region_end[i] = r->gaddr + (granules << FIDO_GRANULE_SHIFT);
	return r;
}

/* The data path scans regions[] without a lock, so a region is complete before it is entered. The
 * scan skips NULL entries. */
static void
region_publish(struct fido_region *r)
{
	struct fido_domain *d = r->domain;
	/* Entry 0 of the control block is the control region. */
	struct fido_region_shm *shm = &d->control->regions[r->index + 1];

	fido_store_relaxed(&shm->len, r->len);
	fido_store_relaxed(&shm->arena, r->arena);
	fido_store_relaxed(&shm->page_size, r->page_size);
	fido_store_release(&shm->gaddr, r->gaddr);
	fido_own_slot_add(d, r);
	fido_store_release(&d->regions[r->index], r);
}

/* Senders test granules, so only whole granules are exported or withdrawn; the region may end
 * within the last one. */
static bool
range_valid(const struct fido_region *r, uint64_t offset, uint64_t len)
{
	return len != 0 && offset <= r->len && len <= r->len - offset &&
		offset % FIDO_GRANULE_SIZE == 0 &&
		(len % FIDO_GRANULE_SIZE == 0 || offset + len == r->len);
}

static bool
is_exported(const struct fido_domain *d, uint64_t gaddr, uint64_t len)
{
	return fido_extents_bytes(&d->extents, gaddr, len) != 0 ||
		fido_withdrawal_pending(d, gaddr, len) != 0;
}

static void
mark_granules(struct fido_region *r, uint64_t offset, uint64_t len, uint32_t epoch)
{
	uint64_t g = offset >> FIDO_GRANULE_SHIFT;
	uint64_t last = (offset + len - 1) >> FIDO_GRANULE_SHIFT;

	for (; g <= last; g++)
		fido_store_release(&r->granule_epoch[g], epoch);
}

/*
 * Map our own pages in our own slot, so that we can read our memory when it comes back from a peer.
 */
static int
map_own(struct fido_domain *d, const struct fido_extent *e, int prot)
{
	struct fido_fd_map m = {.fd = e->fd, .offset = e->fd_offset, .prot = prot};
	int ret = fido_slot_map(&d->layout, e->gaddr, e->len, fido_map_fd, &m);

	if (ret == 0)
		fido_map_set(&d->map, e->gaddr, e->len);
	return ret;
}

static int
export_locked(struct fido_region *r, uint64_t offset, const struct fido_extent *e, int prot)
{
	struct fido_domain *d = r->domain;
	struct fido_region_shm *shm = &d->control->regions[r->index + 1];
	uint32_t epoch;
	int ret = fido_extents_reserve(&d->extents, e->gaddr, e->len);

	if (ret == 0)
		ret = fido_withdrawals_reserve(d, e->gaddr, e->len);
	if (ret == 0)
		ret = map_own(d, e, prot);
	if (ret != 0)
		return ret;
	epoch = (uint32_t)d->control->epoch + 1;
	if (e->sealed)
		ret = d->ops->memory_seal(d->transport, e->fd);
	if (ret != 0) {
		fido_map_clear(&d->map, e->gaddr, e->len);
		fido_slot_unmap(&d->layout, e->gaddr, e->len);
		return ret;
	}
	fido_extents_add(&d->extents, e, epoch);
	for (uint32_t i = 0; i < FIDO_DOMAIN_LINKS_MAX; i++) /* No peer has the new epoch yet. */
		if (d->links[i] != NULL)
			__atomic_fetch_and(&d->links[i]->view.slots, ~(UINT64_C(1) << d->slot),
				__ATOMIC_SEQ_CST);
	fido_domain_next_epoch(d);
	mark_granules(r, offset, e->len, epoch);
	fido_store_relaxed(&shm->exported, shm->exported + e->len);
	d->ops->export(d->transport);
	return 0;
}

/* ---- regions ---- */

int
fido_region_import(struct fido_domain *d, void *va, size_t len, size_t align,
	struct fido_region **out)
{
	struct fido_region *r;

	if (len == 0 || (align & (align - 1)) != 0)
		return -EINVAL;
	if (align < FIDO_GRANULE_SIZE)
		align = FIDO_GRANULE_SIZE;
	pthread_mutex_lock(&d->lock);
	r = region_alloc(d, len, align, false);
	if (r != NULL) {
		r->va = (uintptr_t)va;
		r->page_size = (uint32_t)align;
		region_publish(r);
	}
	pthread_mutex_unlock(&d->lock);
	*out = r;
	return r != NULL ? 0 : -ENOSPC;
}

int
fido_region_export(struct fido_region *r, uint64_t offset, uint64_t len, int fd, uint64_t fd_offset)
{
	struct fido_extent e = {.gaddr = r->gaddr + offset,
		.len = len,
		.fd = fd,
		.fd_offset = fd_offset};
	struct stat st;
	int ret;

	if (!range_valid(r, offset, len) || len % FIDO_HEAP_PAGE != 0)
		return -EINVAL;
	if (fstat(fd, &st) != 0)
		return -errno;
	/* Peers refuse pages that the file does not have. */
	if ((uint64_t)st.st_size < len || fd_offset > (uint64_t)st.st_size - len)
		return -EINVAL;
	pthread_mutex_lock(&r->domain->lock);
	ret = r->domain->ops->can_export != NULL ? r->domain->ops->can_export(r->domain->transport,
							   (const void *)(r->va + offset), &e)
						 : 0;
	if (ret == 0)
		ret = is_exported(r->domain, e.gaddr, len)
			? -EBUSY
			: export_locked(r, offset, &e, PROT_READ);
	pthread_mutex_unlock(&r->domain->lock);
	return ret;
}

/*
 * Create a memory file with its pages allocated. The lock is not held, as this may take seconds.
 * @return a file descriptor, -errno
 */
static int
arena_memory(struct fido_domain *d, size_t size, bool huge)
{
	int fd, ret;

	pthread_mutex_lock(&d->lock);
	ret = d->ops->memory_create(d->transport, size, huge, &fd);
	pthread_mutex_unlock(&d->lock);
	if (ret != 0)
		return ret;
	if (d->ops->memory_offset == NULL) /* Else it has pages already. */
		ret = fido_memfile_reserve(fd, 0, size);
	if (ret == 0)
		return fd;
	close(fd);
	/* -ENOSPC would tell the caller that memory_create() has logged the failure. */
	return ret == -ENOSPC ? -ENOMEM : ret;
}

/* Allocate huge pages if there are any, otherwise ordinary pages. @return a descriptor, -errno */
static int
arena_allocate(struct fido_domain *d, size_t size, bool *huge)
{
	int fd = -ENOMEM;

	*huge = !d->no_hugepages;
	if (*huge)
		fd = arena_memory(d, size, true);
	if (fd >= 0)
		return fd;
	if (*huge)
		fido_log(FIDO_LOG_WARNING,
			"group %s: no free 2 MiB pages for an arena of %zu MiB, using ordinary "
			"pages: echo N > /proc/sys/vm/nr_hugepages, raise the container's limit "
			"(hugepages-2Mi, hugetlb.2MB.max), or pass hugepages=off",
			d->group, size >> 20);
	*huge = false;
	fd = arena_memory(d, size, false);
	if (fd < 0 && fd != -ENOSPC) /* memory_create() has logged that */
		fido_log(FIDO_LOG_ERROR,
			"group %s: no memory for an arena of %zu MiB: %s: free some, or use a "
			"smaller arena",
			d->group, size >> 20, strerror(-fd));
	return fd;
}

/* Map fd writable at its gaddr, then seal it. Takes over fd, also on failure. */
static int
arena_create_locked(struct fido_domain *d, size_t size, int fd, bool huge, struct fido_region **out)
{
	struct fido_region *r = region_alloc(d, size, FIDO_GRANULE_SIZE, true);
	struct fido_extent e = {.len = size, .fd = fd, .sealed = true};
	int ret;

	if (r == NULL) {
		close(fd);
		return -ENOSPC;
	}
	r->va = e.gaddr = r->gaddr;
	e.fd_offset = fido_domain_memory_offset(d, r->gaddr);
	r->arena = true;
	r->fd = fd;
	r->page_size = huge ? (uint32_t)FIDO_GRANULE_SIZE : FIDO_HEAP_PAGE;
	ret = fido_sigbus_own(r->gaddr, size, d->name);
	if (ret == 0) {
		ret = export_locked(r, 0, &e, PROT_READ | PROT_WRITE);
		if (ret != 0)
			fido_sigbus_disown(r->gaddr);
	}
	if (ret != 0) {
		fido_log(FIDO_LOG_ERROR,
			"group %s: cannot map an arena of %zu MiB: %s: raise vm.max_map_count, or "
			"use fewer arenas",
			d->group, size >> 20, strerror(-ret));
		close(fd);
		free(r->granule_epoch);
		free(r);
		return ret;
	}
	region_publish(r);
	*out = r;
	return 0;
}

/* Before memory is allocated for seconds, check that the slot has room for it. */
static bool
has_place(struct fido_domain *d, size_t size)
{
	struct fido_region *r;

	pthread_mutex_lock(&d->lock);
	r = region_alloc(d, size, FIDO_GRANULE_SIZE, true);
	pthread_mutex_unlock(&d->lock);
	if (r == NULL)
		return false;
	free(r->granule_epoch);
	free(r);
	return true;
}

int
fido_arena_create(struct fido_domain *d, size_t size, struct fido_region **out)
{
	bool huge;
	int fd, ret;

	if (size == 0)
		return -EINVAL;
	if (!has_place(d, size))
		return -ENOSPC;
	size = fido_granules_up(size);
	fd = arena_allocate(d, size, &huge);
	if (fd < 0)
		return fd;
	pthread_mutex_lock(&d->lock);
	ret = arena_create_locked(d, size, fd, huge, out);
	pthread_mutex_unlock(&d->lock);
	return ret;
}

/* Mark the granules, and withdraw the extents: peers unmap each once no ticket names it. */
static void
withdraw_locked(struct fido_region *r, uint64_t offset, uint64_t len)
{
	struct fido_domain *d = r->domain;
	struct fido_region_shm *shm = &d->control->regions[r->index + 1];

	mark_granules(r, offset, len, 0);
	fido_store_relaxed(&shm->exported,
		shm->exported - fido_withdrawal_begin(d, r->gaddr + offset, fido_granules_up(len)));
}

/* @return what a peer says that it has mapped of us; NULL: nothing, or it is gone or an observer */
static const struct fido_mapped_shm *
mapped_by(const struct fido_domain *d, const struct fido_peer *p)
{
	const struct fido_mapped_shm *m;

	if (p->gone || p->observes)
		return NULL;
	m = &p->control->mapped[d->slot];
	return fido_load_acquire(&m->generation) == d->generation ? m : NULL;
}

/* @return true: every living peer, even if it lacks other memory, has unmapped all that was
 * withdrawn up to epoch */
static bool
peers_unmapped(struct fido_domain *d, uint32_t epoch)
{
	for (struct fido_peer *p = d->peers; p != NULL; p = p->next) {
		const struct fido_mapped_shm *m = mapped_by(d, p);

		if (m != NULL && fido_load_acquire(&m->withdrawn) < epoch)
			return false;
	}
	return true;
}

bool
fido_peers_reached(struct fido_domain *d, uint32_t epoch)
{
	for (struct fido_peer *p = d->peers; p != NULL; p = p->next) {
		const struct fido_mapped_shm *m = mapped_by(d, p);

		if (m != NULL && fido_load_acquire(&m->epoch) < epoch)
			return false;
	}
	return true;
}

/* Release the lock for a moment. @return false: until_ns has passed, nothing was done */
static bool
pause_unlocked(struct fido_domain *d, uint64_t until_ns)
{
	if (fido_now_ns() > until_ns)
		return false;
	pthread_mutex_unlock(&d->lock);
	usleep(50);
	pthread_mutex_lock(&d->lock);
	return true;
}

/* @return false: timeout; a domain may still be reading a part of the range */
static bool
wait_until_told(struct fido_domain *d, uint64_t gaddr, uint64_t len, uint64_t until_ns)
{
	while (fido_withdrawals_step(d) && fido_withdrawal_pending(d, gaddr, len) != 0)
		if (!pause_unlocked(d, until_ns))
			return false;
	return true;
}

/* @return false: timeout; a peer has not unmapped all that was withdrawn */
static bool
wait_until_unmapped(struct fido_domain *d, uint64_t until_ns)
{
	uint32_t epoch = d->withdrawn_epoch;

	while (!peers_unmapped(d, epoch))
		if (!pause_unlocked(d, until_ns))
			return false;
	return true;
}

/* @param read_ms, unmap_ms timeouts from now: until no domain reads it, and until none maps it */
static int
withdraw(struct fido_region *r, uint64_t offset, uint64_t len, unsigned int read_ms,
	unsigned int unmap_ms)
{
	struct fido_domain *d = r->domain;
	uint64_t start = fido_now_ns();
	int ret = 0;

	pthread_mutex_lock(&d->lock);
	withdraw_locked(r, offset, len);
	if (!wait_until_told(d, r->gaddr + offset, len, start + read_ms * UINT64_C(1000000)) ||
		!wait_until_unmapped(d, start + unmap_ms * UINT64_C(1000000)))
		ret = -ETIMEDOUT;
	pthread_mutex_unlock(&d->lock);
	if (ret == -ETIMEDOUT)
		fido_domain_kick(d); /* The control thread continues what is pending. */
	return ret;
}

int
fido_region_withdraw(struct fido_region *r, uint64_t offset, uint64_t len, unsigned int timeout_ms)
{
	return range_valid(r, offset, len) ? withdraw(r, offset, len, timeout_ms, timeout_ms)
					   : -EINVAL;
}

void
fido_region_free(struct fido_region *r)
{
	if (r == NULL)
		return;
	fido_own_slot_remove(r->domain, r);
	fido_store_release(&r->domain->regions[r->index], NULL);
	for (uint32_t i = 0; i < FIDO_DOMAIN_LINKS_MAX; i++)
		if (r->domain->links[i] != NULL)
			fido_link_forget_region(r->domain->links[i], r);
	fido_store_release(&r->domain->control->regions[r->index + 1].gaddr, 0);
	if (r->arena)
		fido_sigbus_disown(r->gaddr);
	if (r->fd >= 0)
		close(r->fd);
	free(r->granule_epoch);
	free(r);
}

void
fido_region_destroy(struct fido_region *r)
{
	struct fido_domain *d;

	if (r == NULL)
		return;
	d = r->domain;
	withdraw(r, 0, r->len, DESTROY_WAIT_MS, DESTROY_WAIT_MS);
	pthread_mutex_lock(&d->lock); /* The control thread frees destroyed links. */
	fido_region_free(r);
	pthread_mutex_unlock(&d->lock);
}
