/* SPDX-License-Identifier: BSD-3-Clause */
/* The owner's side of the tables of grant references. xen_view.c is the reader's side. */

#include "xen_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xengnttab.h>

#include <fido/control_shm.h>
#include <fido/log.h>
#include "seqlock.h"

/* The private part of a piece. */
struct piece {
	uint64_t grant;
	bool granted;
};

struct fido_xen_table {
	xengntshr_handle *handle;
	unsigned int domid;
	struct fido_xen_root_shm *root;
	uint32_t root_ref;
	struct fido_xen_piece_shm *pieces[FIDO_XEN_PIECE_PAGES_OF_TABLE];
	uint32_t *refs[FIDO_XEN_REF_PAGES];
	struct fido_xen_bells_shm *bells[FIDO_XEN_BELL_PAGES];
	struct piece own[FIDO_XEN_PIECES_MAX];
};

int
fido_xen_table_create(struct fido_xen_table **out, unsigned int domid, uint32_t port)
{
	struct fido_xen_table *t = calloc(1, sizeof(*t));
	int err = ENOMEM;

	if (t == NULL)
		return -ENOMEM;
	t->domid = domid;
	t->handle = xengntshr_open(NULL, 0);
	if (t->handle != NULL)
		t->root = xengntshr_share_page_notify(t->handle, domid, &t->root_ref, 0,
			offsetof(struct fido_xen_root_shm, alive), port);
	if (t->root != NULL) {
		*out = t;
		return 0;
	}
	err = errno != 0 ? errno : EIO;
	fido_log(FIDO_LOG_ERROR,
		"cannot grant a page to Xen domain %u: %s: modprobe xen-gntalloc (limit=N to raise "
		"its number of pages), run as root, and see max_grant_frames in xl.cfg",
		domid, strerror(err));
	if (t->handle != NULL)
		xengntshr_close(t->handle);
	free(t);
	return -err;
}

/* ---- pages of the table ---- */

static void
page_free(struct fido_xen_table *t, void *page)
{
	if (page != NULL)
		xengntshr_unshare(t->handle, page, 1);
}

/* Get a page that the root names; create it on first use. @return NULL: no memory, or no grants */
static void *
page_get(struct fido_xen_table *t, void **page, uint32_t *named)
{
	uint32_t ref;

	if (*page != NULL)
		return *page;
	*page = xengntshr_share_pages(t->handle, t->domid, 1, &ref, 0);
	/* R16: pairs with A16. The page is zeroed before the root names it. */
	if (*page != NULL)
		fido_store_release(named, ref);
	return *page;
}

void
fido_xen_table_destroy(struct fido_xen_table *t, struct fido_xen_grants *g)
{
	if (t == NULL)
		return;
	for (uint32_t i = 0; i < FIDO_XEN_PIECES_MAX; i++)
		if (t->own[i].granted)
			fido_xen_grants_end(g, t->own[i].grant);
	for (uint32_t i = 0; i < FIDO_XEN_PIECE_PAGES_OF_TABLE; i++)
		page_free(t, t->pieces[i]);
	for (uint32_t i = 0; i < FIDO_XEN_REF_PAGES; i++)
		page_free(t, t->refs[i]);
	for (uint32_t i = 0; i < FIDO_XEN_BELL_PAGES; i++)
		page_free(t, t->bells[i]);
	page_free(t, t->root);
	xengntshr_close(t->handle);
	free(t);
}

struct fido_xen_root_shm *
fido_xen_table_root(struct fido_xen_table *t, uint32_t *ref)
{
	if (ref != NULL)
		*ref = t->root_ref;
	return t->root;
}

/* ---- pieces ---- */

/* @return the piece; NULL: its page does not exist yet */
static struct fido_xen_piece_shm *
piece_at(const struct fido_xen_table *t, uint32_t i)
{
	struct fido_xen_piece_shm *page = t->pieces[i / FIDO_XEN_PIECES_PER_PAGE];

	return page != NULL ? page + i % FIDO_XEN_PIECES_PER_PAGE : NULL;
}

static uint32_t *
refs_get(struct fido_xen_table *t, uint32_t i)
{
	uint32_t *page = page_get(t, (void **)&t->refs[i / 2], &t->root->ref_pages[i / 2]);

	return page != NULL ? page + i % 2 * FIDO_XEN_PIECE_PAGES : NULL;
}

/* @return the index of a free piece whose pages exist, -ENOSPC */
static int
piece_find(struct fido_xen_table *t)
{
	for (uint32_t i = 0; i < FIDO_XEN_PIECES_MAX; i++) {
		uint32_t page = i / FIDO_XEN_PIECES_PER_PAGE;

		if (page_get(t, (void **)&t->pieces[page], &t->root->piece_pages[page]) == NULL)
			return -ENOSPC;
		if (piece_at(t, i)->pages == 0)
			return refs_get(t, i) != NULL ? (int)i : -ENOSPC;
	}
	return -ENOSPC;
}

/* Write a piece and its references. pages 0: free the piece. */
static void
piece_write(struct fido_xen_piece_shm *p, uint64_t gaddr, uint32_t pages, uint32_t *to,
	const uint32_t *refs)
{
	uint32_t serial = fido_seq_write_begin(&p->serial);

	for (uint32_t i = 0; i < pages; i++)
		fido_store_relaxed(&to[i], refs[i]);
	fido_store_relaxed(&p->gaddr, gaddr);
	fido_store_relaxed(&p->pages, pages);
	fido_seq_write_end(&p->serial, serial);
}

static int
piece_add(struct fido_xen_table *t, struct fido_xen_grants *g, const struct fido_extent *e,
	uint64_t gaddr, uint32_t pages)
{
	uint32_t refs[FIDO_XEN_PIECE_PAGES] = {0};
	int i = piece_find(t);
	int ret = 0;

	if (i < 0)
		return i;
	if (g != NULL)
		ret = fido_xen_grants_add(g, e, gaddr, pages, t->domid, refs, &t->own[i].grant);
	if (ret != 0)
		return ret;
	t->own[i].granted = g != NULL;
	piece_write(piece_at(t, (uint32_t)i), gaddr, pages, refs_get(t, (uint32_t)i), refs);
	return 0;
}

int
fido_xen_table_add(struct fido_xen_table *t, struct fido_xen_grants *g, const struct fido_extent *e)
{
	uint64_t gaddr = e->gaddr, end = e->gaddr + e->len;
	int ret = 0;

	/* Split at granules, the unit in which memory is withdrawn. */
	while (gaddr < end && ret == 0) {
		uint64_t next = (gaddr | (FIDO_GRANULE_SIZE - 1)) + 1;

		if (next > end)
			next = end;
		ret = piece_add(t, g, e, gaddr, (uint32_t)((next - gaddr) / FIDO_XEN_PAGE));
		gaddr = next;
	}
	return ret;
}

void
fido_xen_table_remove(struct fido_xen_table *t, struct fido_xen_grants *g, uint64_t gaddr,
	uint64_t len)
{
	for (uint32_t i = 0; i < FIDO_XEN_PIECES_MAX; i++) {
		struct fido_xen_piece_shm *p = piece_at(t, i);

		if (p == NULL)
			return;
		if (p->pages == 0 || p->gaddr - gaddr >= len)
			continue;
		piece_write(p, 0, 0, NULL, NULL);
		if (t->own[i].granted)
			fido_xen_grants_end(g, t->own[i].grant);
		t->own[i].granted = false;
	}
}

/* ---- bells ---- */

int
fido_xen_table_set_bells(struct fido_xen_table *t, uint32_t i,
	const struct fido_xen_bells_shm *bells)
{
	uint32_t n = i / FIDO_XEN_BELLS_PER_PAGE;
	struct fido_xen_bells_shm *page =
		page_get(t, (void **)&t->bells[n], &t->root->bell_pages[n]);
	struct fido_xen_bells_shm *to;
	uint32_t serial;

	if (page == NULL)
		return -ENOSPC;
	to = page + i % FIDO_XEN_BELLS_PER_PAGE;
	serial = fido_seq_write_begin(&to->serial);
	memcpy(to->link, bells->link, sizeof(to->link));
	fido_store_relaxed(&to->nrx, bells->nrx);
	fido_store_relaxed(&to->ntx, bells->ntx);
	for (uint32_t k = 0; k < 2 * FIDO_LINK_QUEUES_MAX; k++)
		fido_store_relaxed(&to->ports[k], bells->ports[k]);
	fido_seq_write_end(&to->serial, serial);
	return 0;
}
