/* SPDX-License-Identifier: BSD-3-Clause */
/* Whatever a peer writes into its grant tables, and when, only complete, valid pieces come out. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include <xengnttab.h>

#include <fido/control_shm.h>

#include "xen_table.h"

/* ---- in place of Xen: a page's grant reference is its number here ---- */

#define PAGES 2048
#define SLOT UINT64_C(0x110000000000)

static void *pages[PAGES];
static uint32_t page_count = 1; /* 0: none */
static unsigned int granted, ended, mapped_pages;

xengntshr_handle *
xengntshr_open(struct xentoollog_logger *logger, unsigned int flags)
{
	(void)logger;
	(void)flags;
	return (xengntshr_handle *)pages;
}

int
xengntshr_close(xengntshr_handle *handle)
{
	(void)handle;
	return 0;
}

void *
xengntshr_share_pages(xengntshr_handle *handle, uint32_t domid, int count, uint32_t *refs,
	int writable)
{
	void *page = aligned_alloc(FIDO_XEN_PAGE, FIDO_XEN_PAGE);

	(void)handle;
	(void)domid;
	assert_int_equal(count, 1);
	assert_int_equal(writable, 0);
	assert_non_null(page);
	assert_true(page_count < PAGES);
	*refs = page_count;
	pages[page_count++] = page;
	return memset(page, 0, FIDO_XEN_PAGE);
}

void *
xengntshr_share_page_notify(xengntshr_handle *handle, uint32_t domid, uint32_t *ref, int writable,
	uint32_t notify_offset, evtchn_port_t notify_port)
{
	(void)notify_offset;
	(void)notify_port;
	return xengntshr_share_pages(handle, domid, 1, ref, writable);
}

int
xengntshr_unshare(xengntshr_handle *handle, void *start, uint32_t count)
{
	(void)handle;
	(void)start; /* The peer may still have it mapped: forget() frees it. */
	(void)count;
	return 0;
}

int
fido_xen_grants_add(struct fido_xen_grants *g, const struct fido_extent *e, uint64_t gaddr,
	uint32_t n, unsigned int domid, uint32_t *refs, uint64_t *id)
{
	(void)g;
	(void)e;
	(void)domid;
	for (uint32_t i = 0; i < n; i++)
		refs[i] = (uint32_t)(gaddr / FIDO_XEN_PAGE) + i;
	*id = ++granted;
	return 0;
}

void
fido_xen_grants_end(struct fido_xen_grants *g, uint64_t id)
{
	(void)g;
	assert_in_range(id, 1, granted);
	ended++;
}

int
fido_xen_grants_map(struct fido_xen_grants *g, unsigned int domid, const uint32_t *refs, uint32_t n,
	void *addr)
{
	(void)g;
	(void)domid;
	(void)refs;
	assert_in_range(n, 1, FIDO_XEN_PIECE_PAGES);
	assert_int_equal((uintptr_t)addr % FIDO_XEN_PAGE, 0);
	mapped_pages += n;
	return 0;
}

const void *
fido_xen_grants_map_page(struct fido_xen_grants *g, unsigned int domid, uint32_t ref)
{
	(void)g;
	(void)domid;
	return ref < page_count ? pages[ref] : NULL;
}

void
fido_xen_grants_unmap(void *addr, uint32_t n)
{
	(void)addr;
	(void)n;
}

static void
forget(void)
{
	for (uint32_t i = 1; i < page_count; i++)
		free(pages[i]);
	page_count = 1;
	granted = ended = mapped_pages = 0;
}

/* ---- a table and its reader ---- */

struct pair {
	struct fido_xen_grants *grants; /* not NULL, never dereferenced */
	struct fido_xen_table *table;
	struct fido_xen_view *view;
	unsigned int came;
	unsigned int gone;
	uint64_t lacks; /* address at which mapping fails */
};

static void
start(struct pair *p)
{
	struct fido_xen_root_shm *root;
	uint32_t ref, version;

	*p = (struct pair){.grants = (struct fido_xen_grants *)pages};
	assert_int_equal(fido_xen_table_create(&p->table, 7, 3), 0);
	root = fido_xen_table_root(p->table, &ref);
	root->version = FIDO_LAYOUT_VERSION;
	root->magic = FIDO_XEN_MAGIC;
	assert_int_equal(fido_xen_view_open(&p->view, p->grants, 7, ref, &version), 0);
}

static void
end(struct pair *p)
{
	fido_xen_view_close(p->view);
	fido_xen_table_destroy(p->table, p->grants);
	assert_int_equal(ended, granted);
	forget();
}

static void
check_piece(uint64_t gaddr, uint64_t len)
{
	assert_true(len != 0 && len <= FIDO_GRANULE_SIZE && len % FIDO_XEN_PAGE == 0);
	assert_int_equal(gaddr % FIDO_XEN_PAGE, 0);
	assert_true(gaddr % FIDO_GRANULE_SIZE + len <= FIDO_GRANULE_SIZE);
}

static int
came(void *arg, uint64_t gaddr, uint64_t len)
{
	struct pair *p = arg;

	check_piece(gaddr, len);
	p->came++;
	if (gaddr == p->lacks)
		return 1;
	fido_xen_view_map(p->view, (void *)(uintptr_t)gaddr,
		len); /* may find it changed, and refuse */
	return 0;
}

static int
gone(void *arg, uint64_t gaddr, uint64_t len)
{
	struct pair *p = arg;

	check_piece(gaddr, len);
	p->gone++;
	return 0;
}

static void
bells_came(void *arg, const struct fido_xen_bells_shm *bells)
{
	(void)arg;
	assert_true(bells->nrx <= FIDO_LINK_QUEUES_MAX && bells->ntx <= FIDO_LINK_QUEUES_MAX);
}

static void
look(struct pair *p)
{
	fido_xen_view_pieces(p->view, gone, came, p);
	fido_xen_view_bells(p->view, bells_came, p);
}

/* An honest owner: what it adds and removes is what the peer sees. */
static void
honest(void **state)
{
	struct fido_extent e = {.gaddr = SLOT + FIDO_GRANULE_SIZE - FIDO_XEN_PAGE,
		.len = 3 * FIDO_GRANULE_SIZE};
	struct pair p;

	(void)state;
	start(&p);
	assert_int_equal(fido_xen_table_add(p.table, p.grants, &e), 0);
	look(&p);
	assert_int_equal(p.came, 4); /* the ends of two granules, and two whole ones */
	assert_int_equal(mapped_pages, 3 * FIDO_GRANULE_SIZE / FIDO_XEN_PAGE);
	fido_xen_table_remove(p.table, p.grants, SLOT + FIDO_GRANULE_SIZE, FIDO_GRANULE_SIZE);
	look(&p);
	assert_int_equal(p.gone, 1);
	assert_int_equal(ended, 1);
	look(&p);
	assert_int_equal(p.came, 4);
	end(&p);
}

/*
 * A piece that could not be mapped is offered again at each look until it can, and blocks no other.
 */
static void
missing(void **state)
{
	struct fido_extent e = {.gaddr = SLOT + FIDO_GRANULE_SIZE, .len = 3 * FIDO_GRANULE_SIZE};
	struct pair p;

	(void)state;
	start(&p);
	assert_int_equal(fido_xen_table_add(p.table, p.grants, &e), 0);
	p.lacks = e.gaddr + FIDO_GRANULE_SIZE;
	look(&p);
	assert_int_equal(p.came, 3);
	assert_int_equal(mapped_pages, 2 * FIDO_GRANULE_SIZE / FIDO_XEN_PAGE);
	look(&p);
	assert_int_equal(p.came, 4);
	p.lacks = 0;
	look(&p);
	assert_int_equal(p.came, 5);
	assert_int_equal(mapped_pages, 3 * FIDO_GRANULE_SIZE / FIDO_XEN_PAGE);
	look(&p);
	assert_int_equal(p.came, 5);
	end(&p);
}

static void
too_much(void **state)
{
	struct fido_extent e = {.gaddr = SLOT,
		.len = (FIDO_XEN_PIECES_MAX + 1) * FIDO_GRANULE_SIZE};
	struct pair p;

	(void)state;
	start(&p);
	assert_int_equal(fido_xen_table_add(p.table, p.grants, &e), -ENOSPC);
	look(&p);
	assert_int_equal(p.came, FIDO_XEN_PIECES_MAX);
	end(&p);
}

/* Any byte of any page may change to any value between two looks. */
static void
hostile(void **state)
{
	struct fido_extent e = {.gaddr = SLOT, .len = 8 * FIDO_GRANULE_SIZE};
	struct fido_xen_bells_shm bells = {.link = "0", .nrx = 1, .ntx = 1};
	uint32_t random = 1;
	struct pair p;

	(void)state;
	start(&p);
	assert_int_equal(fido_xen_table_add(p.table, p.grants, &e), 0);
	assert_int_equal(fido_xen_table_set_bells(p.table, 5, &bells), 0);
	for (int i = 0; i < 20000; i++) {
		uint32_t *page;

		random = random * 1664525 + 1013904223;
		page = pages[1 + (random >> 8) % (page_count - 1)];
		random = random * 1664525 + 1013904223;
		page[(random >> 8) % (FIDO_XEN_PAGE / 4)] = random % 3 == 0 ? random >> 20 : random;
		if (i % 20 == 0)
			look(&p);
	}
	end(&p);
}

static void
no_root(void **state)
{
	struct fido_xen_view *view;
	struct pair p;
	uint32_t version;

	(void)state;
	start(&p);
	assert_int_equal(fido_xen_view_open(&view, p.grants, 7, 999, &version), -EINVAL);
	fido_xen_table_root(p.table, NULL)->version = FIDO_LAYOUT_VERSION + 1;
	assert_int_equal(fido_xen_view_open(&view, p.grants, 7, 1, &version), -EPROTO);
	assert_int_equal(version, FIDO_LAYOUT_VERSION + 1);
	fido_xen_table_root(p.table, NULL)->version = FIDO_LAYOUT_VERSION;
	fido_xen_table_root(p.table, NULL)->magic = 0;
	assert_int_equal(fido_xen_view_open(&view, p.grants, 7, 1, &version), -EPROTO);
	end(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(honest), cmocka_unit_test(missing),
		cmocka_unit_test(too_much), cmocka_unit_test(hostile), cmocka_unit_test(no_root)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
