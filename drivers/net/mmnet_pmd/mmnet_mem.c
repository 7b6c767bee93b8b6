/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Export EAL's heap: one region for each list of memory segments (an address range that EAL has
 * reserved), one extent for each huge page or run of small pages. EAL calls on_event() when it has
 * added pages and before it frees pages, with its memory lock held; see the locking rule in
 * libfido's domain_private.h.
 */

#include <errno.h>
#include <string.h>

#include <rte_common.h>
#include <rte_eal_memconfig.h>
#include <rte_errno.h>
#include <rte_memory.h>

#include <fido/domain.h>
#include <fido/gaddr.h>
#include <fido/region.h>

#include "mmnet_log.h"
#include "mmnet_mem.h"

#define CALLBACK_NAME "mmnet"
/* A page that EAL frees waits this long for the peers to return its packets and unmap it. */
#define WITHDRAW_MS 1000

struct heap_region {
	const void *base;
	struct fido_region *region;
};

static struct fido_domain *domain;
static struct heap_region heap[FIDO_REGIONS_MAX];
static unsigned int heap_count;
static bool warned;
/* The transport shares only memory that it has allocated itself. */
static bool unsupported;

static struct fido_region *
find_region(const struct rte_memseg_list *msl)
{
	for (unsigned int i = 0; i < heap_count; i++)
		if (heap[i].base == msl->base_va)
			return heap[i].region;
	return NULL;
}

/*
 * @return the list's region, created if it has none; NULL: it cannot be exported, its packets are
 * copied
 */
static struct fido_region *
get_region(const struct rte_memseg_list *msl)
{
	struct fido_region *r = find_region(msl);

	if (r != NULL || heap_count == RTE_DIM(heap))
		return r;
	if (fido_region_import(domain, msl->base_va, msl->len, msl->page_sz, &r) != 0)
		return NULL;
	heap[heap_count].base = msl->base_va;
	heap[heap_count++].region = r;
	return r;
}

/* A run of pages that are adjacent in memory and in one file. */
struct run {
	const struct rte_memseg_list *msl;
	struct fido_region *region;
	uint64_t offset;
	uint64_t len;
	int fd;
	uint64_t fd_offset;
};

static void
warn_once(const char *what)
{
	if (!warned)
		MMNET_LOG(WARNING,
			"some of EAL's memory cannot be exported (%s): packets in it are copied "
			"once; use hugepages or --no-huge with memfd support, and a group with "
			"larger slots",
			what);
	warned = true;
}

static void
run_flush(struct run *run)
{
	int ret = 0;

	if (run->len != 0)
		ret = fido_region_export(run->region, run->offset, run->len, run->fd,
			run->fd_offset);
	if (ret == -EOPNOTSUPP)
		unsupported = true;
	else if (ret == -ENOENT)
		warn_once("it lies outside the memory that the group shares");
	else if (ret != 0)
		warn_once(strerror(-ret));
	run->len = 0;
}

/* Add a page to the run, or flush the run and begin another. EAL's memory lock is held. */
static void
run_add(struct run *run, const struct rte_memseg_list *msl, const struct rte_memseg *ms)
{
	uint64_t offset = (uint64_t)((const char *)ms->addr - (const char *)msl->base_va);
	size_t fd_offset = 0;
	int fd = rte_memseg_get_fd_thread_unsafe(ms);

	if (fd < 0 || rte_memseg_get_fd_offset_thread_unsafe(ms, &fd_offset) < 0) {
		warn_once(rte_strerror(rte_errno));
		return;
	}
	/*
	 * EAL may free huge pages one by one, so each is an extent. It never frees small ones
	 * (--no-huge).
	 */
	if (ms->len < FIDO_GRANULE_SIZE && run->len != 0 && run->msl == msl && run->fd == fd &&
		run->offset + run->len == offset && run->fd_offset + run->len == fd_offset) {
		run->len += ms->len;
		return;
	}
	run_flush(run);
	run->msl = msl;
	run->region = get_region(msl);
	if (run->region == NULL) {
		warn_once("no room in the slot");
		return;
	}
	run->offset = offset;
	run->len = ms->len;
	run->fd = fd;
	run->fd_offset = fd_offset;
}

static int
export_segment(const struct rte_memseg_list *msl, const struct rte_memseg *ms, void *arg)
{
	if (!msl->external)
		run_add(arg, msl, ms);
	return unsupported;
}

static void
on_alloc(const void *addr, size_t len)
{
	const struct rte_memseg_list *msl = rte_mem_virt2memseg_list(addr);
	struct run run = {0};

	if (msl == NULL || msl->external)
		return;
	for (size_t done = 0; done < len;) {
		const struct rte_memseg *ms = rte_mem_virt2memseg((const char *)addr + done, msl);

		if (ms == NULL)
			break;
		run_add(&run, msl, ms);
		done += ms->len;
	}
	run_flush(&run);
}

static void
on_free(const void *addr, size_t len)
{
	const struct rte_memseg_list *msl = rte_mem_virt2memseg_list(addr);
	struct fido_region *r = msl != NULL && !msl->external ? find_region(msl) : NULL;
	uint64_t offset;

	if (r == NULL)
		return;
	offset = (uint64_t)((const char *)addr - (const char *)msl->base_va);
	if (fido_region_withdraw(r, offset, len, WITHDRAW_MS) == -ETIMEDOUT)
		MMNET_LOG(WARNING,
			"EAL frees %zu bytes of memory that a peer reads or has mapped: the peer "
			"keeps them until it unmaps them; free a mempool when all its packets are "
			"back",
			len);
}

static void
on_event(enum rte_mem_event event, const void *addr, size_t len, void *arg)
{
	(void)arg;
	if (event == RTE_MEM_EVENT_ALLOC)
		on_alloc(addr, len);
	else
		on_free(addr, len);
}

/* The transport cannot export the heap. No extent has been exported yet. */
static void
give_up(void)
{
	MMNET_LOG(WARNING,
		"EAL's memory cannot be exported: packets in it are copied once, and counted; "
		"pools=arena avoids that, so does /proc in a container, on Xen the kernel "
		"module fido-grant, and in a virtual machine huge pages in its shared RAM (see "
		"doc/mmnet.md, doc/xen.md, doc/vm.md)");
	while (heap_count != 0)
		fido_region_destroy(heap[--heap_count].region);
}

int
mmnet_mem_export(struct fido_domain *d)
{
	struct run run = {0};
	int ret = 0;

	domain = d;
	heap_count = 0;
	warned = false;
	unsupported = false;
	/* Under the lock no page comes or goes between the walk and the registration. */
	rte_mcfg_mem_read_lock();
	rte_memseg_walk_thread_unsafe(export_segment, &run);
	run_flush(&run);
	if (!unsupported)
		ret = rte_mem_event_callback_register(CALLBACK_NAME, on_event, NULL);
	rte_mcfg_mem_read_unlock();
	if (unsupported)
		give_up();
	/* ENOTSUP: with --legacy-mem the heap never changes. */
	if (ret != 0 && rte_errno != ENOTSUP) {
		MMNET_LOG(ERR, "cannot follow EAL's memory: %s", rte_strerror(rte_errno));
		return -rte_errno;
	}
	return 0;
}

void
mmnet_mem_unexport(void)
{
	rte_mem_event_callback_unregister(CALLBACK_NAME, NULL);
	/* The regions go with the domain. */
	heap_count = 0;
	domain = NULL;
}
