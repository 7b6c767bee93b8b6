/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Block volumes survive any client and any backend.
 *
 * Whatever a client sends, the backend hands its stores only valid requests, reads no unmapped byte
 * and loses no memory that it lent. Whatever a backend answers, the front-end's requests complete
 * once, and successfully only if they succeeded.
 *
 * There is no domain and no thread: one queue of the backend, or one of the front-end, between two
 * rings whose other ends the input controls. It uses them by the rules, with any contents, or
 * writes them raw.
 */

#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include <fido/log.h>

#include "fuzz-blk.h"

struct fuzz_blk fb;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Granule 0 belongs to the hostile side, 1 is a hole, 2 and 3 belong to the honest side. */
#define GRANULES 4
static uint8_t granules[GRANULES] = {[0] = 1, [2] = 1, [3] = 1};

static void
silent(enum fido_log_level level, const char *message)
{
	(void)level;
	(void)message;
}

static void *
zeroed(size_t size)
{
	void *p = aligned_alloc(64, (size + 63) & ~(size_t)63);

	FUZZ_CHECK(p != NULL);
	return memset(p, 0, size);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	uint64_t size = GRANULES * FIDO_GRANULE_SIZE;
	uint64_t at = (uintptr_t)mmap(NULL, size + FIDO_GRANULE_SIZE, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	static uint32_t epochs[2] = {1, 1};

	(void)argc;
	(void)argv;
	FUZZ_CHECK(at != (uintptr_t)MAP_FAILED);
	fb.base = (at + FIDO_GRANULE_SIZE - 1) & ~(FIDO_GRANULE_SIZE - 1);
	for (unsigned int i = 0; i < GRANULES; i++)
		if (granules[i] != 0)
			FUZZ_CHECK(mprotect((void *)(uintptr_t)(fb.base + i * FIDO_GRANULE_SIZE),
					   FIDO_GRANULE_SIZE, PROT_READ | PROT_WRITE) == 0);
	fb.ours = fb.base + 2 * FIDO_GRANULE_SIZE;
	fb.map = (struct fido_map){fb.base, GRANULES, granules};
	fb.region = (struct fido_region){.va = fb.ours,
		.gaddr = fb.ours,
		.len = 2 * FIDO_GRANULE_SIZE,
		.granule_epoch = epochs};
	fb.regions[0] = &fb.region;
	fb.view = (struct fido_peer_view){.epoch = 1};
	fb.domain.wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	fido_log_set(silent);
	return 0;
}

/* ---- the rings ---- */

static void
rings_start(void)
{
	fb.their_sender_shm = zeroed(fido_sender_shm_size(FB_RING));
	fb.our_sender_shm = zeroed(fido_sender_shm_size(FB_RING));
	fb.their_receiver_shm = zeroed(fido_receiver_shm_size(FB_RING));
	fb.our_receiver_shm = zeroed(fido_receiver_shm_size(FB_RING));
	FUZZ_CHECK(fido_sender_create(&fb.their_s, fb.their_sender_shm, FB_RING, 11) == 0 &&
		fido_sender_create(&fb.our_s, fb.our_sender_shm, FB_RING, 12) == 0);
	fido_sender_attach(fb.their_s, fb.our_receiver_shm);
	fido_sender_attach(fb.our_s, fb.their_receiver_shm);
	FUZZ_CHECK(fido_receiver_create(&fb.their_r, fb.their_receiver_shm, fb.our_sender_shm,
			   FB_RING, &fb.map) == 0 &&
		fido_receiver_create(&fb.our_r, fb.our_receiver_shm, fb.their_sender_shm, FB_RING,
			&fb.map) == 0);
	fb.our_r->queue_id = 11;
	fb.tx_stats = (struct fido_tx_stats_shm){0};
	fb.rx_stats = (struct fido_rx_stats_shm){0};
	fb.link =
		(struct fido_link){.domain = &fb.domain, .up = true, .state = FIDO_LINK_CONNECTED};
	fb.txq = (struct fido_txq){.open = true,
		.sender = fb.our_s,
		.stats = &fb.tx_stats,
		.peer = &fb.view,
		.regions = (struct fido_region *const *)fb.regions,
		.link = &fb.link};
	fb.rxq = (struct fido_rxq){.count = 1,
		.receivers = {fb.our_r},
		.stats = &fb.rx_stats,
		.link = &fb.link};
	fb.their_tickets = 0;
}

static void
rings_end(void)
{
	fido_sender_destroy(fb.their_s);
	fido_sender_destroy(fb.our_s);
	fido_receiver_destroy(fb.their_r);
	fido_receiver_destroy(fb.our_r);
	free(fb.their_sender_shm);
	free(fb.our_sender_shm);
	free(fb.their_receiver_shm);
	free(fb.our_receiver_shm);
}

/* ---- the hostile ends ---- */

uint64_t
fb_address(struct fuzz_in *in)
{
	uint8_t kind = fuzz_u8(in);

	if (kind < 160)
		return fb.base + (uint64_t)kind * 4096;
	if (kind < 200) /* near a granule border */
		return fb.base + (kind % (GRANULES + 1)) * FIDO_GRANULE_SIZE +
			(uint64_t)(int64_t)(int8_t)fuzz_u8(in);
	return fuzz_odd_number(in);
}

void
fb_put(uint64_t address, uint32_t len, uint16_t flags)
{
	if (fido_sender_room(fb.their_s) != 0)
		fido_sender_put(fb.their_s, address & FIDO_GADDR_MASK, len, flags, &fb);
}

void
fb_their_turn(void)
{
	void *cookies[FB_RING];
	struct fido_desc d;

	fido_sender_publish(fb.their_s);
	fido_sender_reap(fb.their_s, cookies, FB_RING);
	while (fb.their_tickets < FB_RING && fido_receiver_next(fb.their_r, &d) == 1)
		fb.their_ticket[fb.their_tickets++] = d.ticket;
}

void
fb_complete(uint8_t which, uint16_t status)
{
	unsigned int k;

	if (fb.their_tickets == 0)
		return;
	k = which % fb.their_tickets;
	fido_receiver_complete(fb.their_r, fb.their_ticket[k], status);
	fido_receiver_flush(fb.their_r);
	memmove(&fb.their_ticket[k], &fb.their_ticket[k + 1],
		(--fb.their_tickets - k) * sizeof(fb.their_ticket[0]));
}

void
fb_write_raw(struct fuzz_in *in)
{
	uint8_t how = fuzz_u8(in);
	uint32_t at = (how & 1 ? fb.our_r->cons : fb.our_s->cons) + (how >> 5);

	if (how & 1) {
		fb.their_sender_shm->desc[at % FB_RING].w0 = fuzz_u64(in);
		fb.their_sender_shm->desc[at % FB_RING].w1 = how & 2
			? fuzz_u64(in)
			: (uint64_t)fuzz_u16(in) << 32 |
				(uint64_t)(fuzz_u8(in) % (FB_RING + 1)) << 16 |
				(uint16_t)(at / FB_RING + 1);
	} else {
		fb.their_receiver_shm->comp[at % FB_RING] = how & 2
			? fuzz_u64(in)
			: (uint64_t)fuzz_u16(in) << 48 | (uint64_t)(fuzz_u8(in) % 4) << 32 |
				(uint64_t)(fuzz_u8(in) % (FB_RING + 1)) << 16 |
				(uint16_t)(at / FB_RING + 1);
	}
}

unsigned int
fb_recall(void **cookies)
{
	for (uint32_t t = 0; t < FB_RING; t++)
		fb.our_s->posted[t].at = UINT64_MAX;
	return fido_sender_recall(fb.our_s, cookies, FB_RING);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};
	uint8_t start = fuzz_u8(&in);

	rings_start();
	if (start & 1)
		fuzz_blk_front(&in, start);
	else
		fuzz_blk_back(&in, start);
	rings_end();
	return 0;
}
