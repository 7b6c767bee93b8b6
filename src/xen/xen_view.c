/* SPDX-License-Identifier: BSD-3-Clause */
/* The reader's side of a peer's tables. Any value may be wrong, and may change at any time. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <fido/control_shm.h>

#include "seqlock.h"
#include "xen_table.h"

/* After this many tries read the piece at the owner's next event: it is being rewritten. */
#define READ_TRIES 100

struct seen {
	uint64_t gaddr;
	uint32_t pages;
	uint32_t serial;
};

struct fido_xen_view {
	struct fido_xen_grants *grants;
	unsigned int domid;
	const struct fido_xen_root_shm *root;
	const struct fido_xen_piece_shm *pieces[FIDO_XEN_PIECE_PAGES_OF_TABLE];
	const uint32_t *refs[FIDO_XEN_REF_PAGES];
	const struct fido_xen_bells_shm *bells[FIDO_XEN_BELL_PAGES];
	uint32_t bells_seen[FIDO_DOMAIN_LINKS_MAX];
	struct seen seen[FIDO_XEN_PIECES_MAX];
};

int
fido_xen_view_open(struct fido_xen_view **out, struct fido_xen_grants *g, unsigned int domid,
	uint32_t ref, uint32_t *version)
{
	struct fido_xen_view *v = calloc(1, sizeof(*v));

	*version = FIDO_LAYOUT_VERSION;
	if (v == NULL)
		return -ENOMEM;
	v->grants = g;
	v->domid = domid;
	v->root = fido_xen_grants_map_page(g, domid, ref);
	if (v->root == NULL) {
		free(v);
		return -EINVAL;
	}
	*version = fido_load_relaxed(&v->root->version);
	if (fido_load_acquire(&v->root->magic) != FIDO_XEN_MAGIC ||
		*version != FIDO_LAYOUT_VERSION) {
		fido_xen_view_close(v);
		return -EPROTO;
	}
	*out = v;
	return 0;
}

static void
page_drop(const void *page)
{
	if (page != NULL)
		fido_xen_grants_unmap((void *)(uintptr_t)page, 1);
}

void
fido_xen_view_close(struct fido_xen_view *v)
{
	if (v == NULL)
		return;
	for (uint32_t i = 0; i < FIDO_XEN_PIECE_PAGES_OF_TABLE; i++)
		page_drop(v->pieces[i]);
	for (uint32_t i = 0; i < FIDO_XEN_REF_PAGES; i++)
		page_drop(v->refs[i]);
	for (uint32_t i = 0; i < FIDO_XEN_BELL_PAGES; i++)
		page_drop(v->bells[i]);
	page_drop(v->root);
	free(v);
}

const struct fido_xen_root_shm *
fido_xen_view_root(const struct fido_xen_view *v)
{
	return v->root;
}

/* @return a page that the root names, mapped; NULL: not named yet, or it cannot be mapped */
static const void *
page_get(struct fido_xen_view *v, const void **page, const uint32_t *named)
{
	/* A16: pairs with R16. */
	uint32_t ref = fido_load_acquire(named);

	if (*page == NULL && ref != 0)
		*page = fido_xen_grants_map_page(v->grants, v->domid, ref);
	return *page;
}

static const struct fido_xen_piece_shm *
piece_at(struct fido_xen_view *v, uint32_t i)
{
	uint32_t n = i / FIDO_XEN_PIECES_PER_PAGE;
	const struct fido_xen_piece_shm *page =
		page_get(v, (const void **)&v->pieces[n], &v->root->piece_pages[n]);

	return page != NULL ? page + i % FIDO_XEN_PIECES_PER_PAGE : NULL;
}

/*
 * Copy a consistent snapshot of a piece and, unless refs is NULL, of its references.
 * @return false: it is being written
 */
static bool
piece_read(struct fido_xen_view *v, uint32_t i, struct seen *copy, uint32_t *refs)
{
	const struct fido_xen_piece_shm *p = piece_at(v, i);
	const uint32_t *page = refs != NULL
		? page_get(v, (const void **)&v->refs[i / 2], &v->root->ref_pages[i / 2])
		: NULL;

	if (p == NULL || (refs != NULL && page == NULL))
		return false;
	for (int try = 0; try < READ_TRIES; try++) {
		copy->serial = fido_seq_read_begin(&p->serial);
		copy->gaddr = fido_load_relaxed(&p->gaddr);
		copy->pages = fido_load_relaxed(&p->pages);
		for (uint32_t k = 0; refs != NULL && k < FIDO_XEN_PIECE_PAGES; k++)
			refs[k] = fido_load_relaxed(&page[i % 2 * FIDO_XEN_PIECE_PAGES + k]);
		if (fido_seq_read_whole(&p->serial, copy->serial))
			return true;
	}
	return false;
}

static uint64_t
bytes(const struct seen *s)
{
	return (uint64_t)s->pages * FIDO_XEN_PAGE;
}

/* A piece lies within one granule, the unit in which memory is withdrawn. */
static bool
piece_valid(const struct seen *s)
{
	return s->pages == 0 ||
		(s->pages <= FIDO_XEN_PIECE_PAGES && s->gaddr % FIDO_XEN_PAGE == 0 &&
			s->gaddr % FIDO_GRANULE_SIZE + bytes(s) <= FIDO_GRANULE_SIZE);
}

static int
look_for_gone(struct fido_xen_view *v, uint32_t i,
	int (*gone)(void *arg, uint64_t gaddr, uint64_t len), void *arg)
{
	struct seen *s = &v->seen[i], now;
	int ret;

	if (s->pages == 0 || !piece_read(v, i, &now, NULL) || now.serial == s->serial)
		return 0;
	ret = gone(arg, s->gaddr, bytes(s));
	s->pages = 0;
	return ret;
}

static int
look_for_new(struct fido_xen_view *v, uint32_t i,
	int (*came)(void *arg, uint64_t gaddr, uint64_t len), void *arg)
{
	struct seen *s = &v->seen[i], now;
	int ret;

	if (s->pages != 0 || !piece_read(v, i, &now, NULL) || now.serial == s->serial)
		return 0;
	if (!piece_valid(&now))
		return -EPROTO;
	*s = now;
	ret = now.pages != 0 ? came(arg, now.gaddr, bytes(&now)) : 0;
	if (ret != 0)
		*s = (struct seen){0}; /* Count it as new next time. */
	return ret < 0 ? ret : 0;
}

int
fido_xen_view_pieces(struct fido_xen_view *v, int (*gone)(void *arg, uint64_t gaddr, uint64_t len),
	int (*came)(void *arg, uint64_t gaddr, uint64_t len), void *arg)
{
	int ret = 0;

	for (uint32_t i = 0; i < FIDO_XEN_PIECES_MAX && ret == 0 && piece_at(v, i) != NULL; i++)
		ret = look_for_gone(v, i, gone, arg);
	for (uint32_t i = 0; i < FIDO_XEN_PIECES_MAX && ret == 0 && piece_at(v, i) != NULL; i++)
		ret = look_for_new(v, i, came, arg);
	return ret;
}

/* Copy the piece that begins at gaddr, and its references. @return its index, -ENOENT */
static int
piece_with(struct fido_xen_view *v, uint64_t gaddr, struct seen *copy, uint32_t *refs)
{
	for (uint32_t i = 0; i < FIDO_XEN_PIECES_MAX && piece_at(v, i) != NULL; i++)
		if (fido_load_relaxed(&piece_at(v, i)->gaddr) == gaddr &&
			piece_read(v, i, copy, refs) && copy->gaddr == gaddr && copy->pages != 0 &&
			piece_valid(copy))
			return (int)i;
	return -ENOENT;
}

int
fido_xen_view_map(void *arg, void *addr, size_t len)
{
	struct fido_xen_view *v = arg;
	uint32_t refs[FIDO_XEN_PIECE_PAGES];
	char *at = addr, *end = at + len;

	while (at < end) {
		struct seen piece;
		int ret = piece_with(v, (uintptr_t)at, &piece, refs);

		if (ret < 0)
			return -EAGAIN;
		if (bytes(&piece) > (size_t)(end - at))
			return -EPROTO;
		v->seen[ret] = piece;
		ret = fido_xen_grants_map(v->grants, v->domid, refs, piece.pages, at);
		if (ret != 0)
			return ret;
		at += bytes(&piece);
	}
	return 0;
}

/* ---- bells ---- */

static bool
bells_read(const struct fido_xen_bells_shm *from, struct fido_xen_bells_shm *copy)
{
	for (int try = 0; try < READ_TRIES; try++) {
		copy->serial = fido_seq_read_begin(&from->serial);
		for (size_t k = 0; k < sizeof(copy->link); k++)
			copy->link[k] = fido_load_relaxed(&from->link[k]);
		copy->nrx = fido_load_relaxed(&from->nrx);
		copy->ntx = fido_load_relaxed(&from->ntx);
		for (uint32_t k = 0; k < 2 * FIDO_LINK_QUEUES_MAX; k++)
			copy->ports[k] = fido_load_relaxed(&from->ports[k]);
		if (fido_seq_read_whole(&from->serial, copy->serial))
			return true;
	}
	return false;
}

int
fido_xen_view_bells(struct fido_xen_view *v,
	void (*fn)(void *arg, const struct fido_xen_bells_shm *bells), void *arg)
{
	for (uint32_t i = 0; i < FIDO_DOMAIN_LINKS_MAX; i++) {
		uint32_t n = i / FIDO_XEN_BELLS_PER_PAGE;
		const struct fido_xen_bells_shm *page =
			page_get(v, (const void **)&v->bells[n], &v->root->bell_pages[n]);
		struct fido_xen_bells_shm copy;

		if (page == NULL ||
			fido_load_relaxed(&page[i % FIDO_XEN_BELLS_PER_PAGE].serial) ==
				v->bells_seen[i] ||
			!bells_read(&page[i % FIDO_XEN_BELLS_PER_PAGE], &copy))
			continue;
		v->bells_seen[i] = copy.serial;
		if (copy.nrx > FIDO_LINK_QUEUES_MAX || copy.ntx > FIDO_LINK_QUEUES_MAX)
			return -EPROTO;
		fn(arg, &copy);
	}
	return 0;
}
