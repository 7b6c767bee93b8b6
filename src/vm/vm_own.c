/* SPDX-License-Identifier: BSD-3-Clause */
/* Our own slot: its memory, and the root by which peers find what we export. */

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fido/log.h>

#include "map.h"
#include "seqlock.h"
#include "vm_private.h"

static uint64_t
root_offset(const struct fido_vm *v)
{
	return v->welcome.size - FIDO_GRANULE_SIZE;
}

/* @return that part of the slot, mapped writable; NULL */
static void *
map_part(const struct fido_vm *v, uint64_t offset, size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, v->memory_fd,
		(off_t)(v->memory_offset + offset));

	return p != MAP_FAILED ? p : NULL;
}

/*
 * What a former owner left: nobody maps it any more. Of the control region only the fixed part: its
 * heap is cleared when it is allocated.
 */
static int
clear(struct fido_vm *v)
{
	size_t len = fido_granules_up(FIDO_CONTROL_HEAP_OFFSET);
	void *control = map_part(v, 0, len);

	v->root = map_part(v, root_offset(v), FIDO_GRANULE_SIZE);
	if (control == NULL || v->root == NULL)
		return -errno;
	memset(control, 0, FIDO_CONTROL_HEAP_OFFSET);
	munmap(control, len);
	memset(v->root, 0, sizeof(*v->root));
	return 0;
}

/* A store behind the end of a file that was cut short would end this process. */
static int
check_size(const struct fido_vm *v)
{
	struct stat st;

	if (fstat(v->memory_fd, &st) != 0)
		return -errno;
	return S_ISREG(st.st_mode) && (uint64_t)st.st_size >= v->memory_offset + v->welcome.size
		? 0
		: -ENODATA;
}

static const char *
remedy(const struct fido_vm *v, int err)
{
	if (!v->place.is_host)
		return "run as root; the machine needs the modules nfit, nd_pmem, device_dax and "
		       "dax_pmem, and what `fido-vmd args` prints";
	if (err == -ENOENT || err == -ENODATA)
		return "its file was removed or cut short: destroy the group (fido-vmd destroy) "
		       "and create it again";
	return "this user needs read and write permission for the group's folder and its files";
}

int
fido_vm_own_open(struct fido_vm *v)
{
	const struct fido_domain *d = v->domain;
	int ret = 0;

	fido_vm_ram_open(&v->ram, &v->place);
	v->memory_fd = fido_vm_place_memory(&v->place, d->slot, true, &v->memory_offset);
	if (v->memory_fd < 0)
		ret = v->memory_fd;
	if (ret == 0 && v->place.is_host)
		ret = check_size(v);
	if (ret == 0)
		ret = clear(v);
	if (ret == 0)
		return 0;
	fido_log(FIDO_LOG_ERROR, "group vm:%s: cannot use the memory of slot %u: %s: %s", d->group,
		d->slot, strerror(-ret), remedy(v, ret));
	return ret;
}

void
fido_vm_own_close(struct fido_vm *v)
{
	if (v->root != NULL)
		munmap(v->root, FIDO_GRANULE_SIZE);
	if (v->memory_fd >= 0)
		close(v->memory_fd);
	fido_vm_ram_close(&v->ram);
	v->root = NULL;
	v->memory_fd = -1;
}

/*
 * Map the root at its gaddr too, so that nothing else is placed there. Another domain of this
 * process may have mapped it there before, for reading: we write by the first mapping.
 */
static int
take_root(const struct fido_vm *v)
{
	const struct fido_domain *d = v->domain;
	struct fido_fd_map map = {.fd = v->memory_fd,
		.offset = v->memory_offset + root_offset(v),
		.prot = PROT_READ};

	return fido_slot_map(&d->layout,
		fido_layout_slot_base(&d->layout, d->slot) + root_offset(v), FIDO_GRANULE_SIZE,
		fido_map_fd, &map);
}

int
fido_vm_own_publish(struct fido_vm *v)
{
	struct fido_vm_root_shm *root = v->root;
	int ret = take_root(v);

	if (ret != 0)
		return ret;
	root->version = FIDO_VM_VERSION;
	root->slot = v->domain->slot;
	root->generation = v->domain->generation;
	root->control_size = v->domain->control_size;
	fido_vm_own_write_extents(v);
	/* R22: pairs with A22 in vm_session.c. The root is written before its magic. */
	fido_store_release(&root->magic, FIDO_VM_ROOT_MAGIC);
	return 0;
}

static uint64_t
place_of(const struct fido_vm *v, const struct fido_extent *e)
{
	const struct fido_domain *d = v->domain;

	return FIDO_VM_PLACE_FILE(e->place) >= FIDO_VM_RAM(0)
		? e->place
		: FIDO_VM_PLACE(d->slot, e->gaddr - fido_layout_slot_base(&d->layout, d->slot));
}

/* @return the extent that comes next by address; NULL: none is left */
static const struct fido_extents_item *
next_of(const struct fido_extents *a, size_t *i, const struct fido_extents *b, size_t *k)
{
	if (*k == b->count ||
		(*i < a->count && a->items[*i].extent.gaddr < b->items[*k].extent.gaddr))
		return *i < a->count ? &a->items[(*i)++] : NULL;
	return &b->items[(*k)++];
}

/*
 * List what is exported, and what is being withdrawn: peers unmap what a ticket names only when it
 * has come back (withdraw.h).
 * @param sent receives the epoch up to which all is listed
 * @return number of extents
 */
static uint32_t
list_extents(struct fido_vm *v, uint32_t *sent)
{
	const struct fido_domain *d = v->domain;
	const struct fido_extents_item *item;
	size_t i = 0, k = 0;
	uint32_t n = 0;

	*sent = (uint32_t)d->control->epoch;
	while ((item = next_of(&d->extents, &i, &d->pending, &k)) != NULL) {
		if (n == FIDO_VM_EXTENTS_MAX) {
			if (k == 0 || item != &d->pending.items[k - 1])
				*sent = item->tag - 1 < *sent ? item->tag - 1 : *sent;
			continue;
		}
		fido_store_relaxed(&v->root->extents[n].gaddr, item->extent.gaddr);
		fido_store_relaxed(&v->root->extents[n].len, item->extent.len);
		fido_store_relaxed(&v->root->extents[n].place, place_of(v, &item->extent));
		n++;
	}
	return n;
}

void
fido_vm_own_write_extents(struct fido_vm *v)
{
	struct fido_vm_root_shm *root = v->root;
	uint32_t seq = fido_seq_write_begin(&root->seq), sent;

	fido_store_relaxed(&root->count, list_extents(v, &sent));
	fido_store_relaxed(&root->sent, sent);
	fido_store_relaxed(&root->epoch, (uint32_t)v->domain->control->epoch);
	fido_seq_write_end(&root->seq, seq);
}

void
fido_vm_own_write_bells(struct fido_vm *v, uint32_t link, const char *name, uint16_t nrx,
	uint16_t ntx, const uint32_t *bells)
{
	struct fido_vm_bells_shm *shm = &v->root->bells[link];
	uint32_t seq = fido_seq_write_begin(&shm->seq);

	for (size_t i = 0; i < sizeof(shm->link); i++)
		fido_store_relaxed(&shm->link[i], name[i]);
	fido_store_relaxed(&shm->nrx, nrx);
	fido_store_relaxed(&shm->ntx, ntx);
	for (uint32_t i = 0; i < (uint32_t)nrx + ntx; i++)
		fido_store_relaxed(&shm->bells[i], bells[i]);
	fido_seq_write_end(&shm->seq, seq);
}
