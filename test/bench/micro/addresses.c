/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The cost of checking a peer's address, and of translating an own one into one that the peer can
 * read.
 */

#include <fido/region.h>
#include <fido/txq.h>

#include "map.h"
#include "micro.h"

#define ADDRESSES 4096u

/* Addresses of packets, spread over `size` bytes from `base` on. */
static uint64_t *
spread(uint64_t base, uint64_t size)
{
	uint64_t *a = micro_alloc(ADDRESSES * sizeof(*a)), x = 1;

	for (unsigned int i = 0; i < ADDRESSES; i++) {
		x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		a[i] = base + ((x >> 20) % (size / MICRO_BUFFER)) * MICRO_BUFFER;
	}
	return a;
}

/* Argument: MiB that a peer has exported. */
static void
check(struct bench *b)
{
	struct fido_layout layout = {FIDO_DEFAULT_BASE, FIDO_DEFAULT_SLOT_SHIFT,
		FIDO_DEFAULT_SLOTS};
	uint64_t size = (uint64_t)bench_arg(b) << 20, *a = spread(FIDO_DEFAULT_BASE, size);
	uint32_t at = 0;
	struct fido_map map;

	if (fido_map_init(&map, &layout) != 0) {
		bench_skip(b, "no memory");
		return;
	}
	/* The address is only checked, never read. */
	fido_map_set(&map, FIDO_DEFAULT_BASE, size);
	while (bench_next(b, BENCH_TURNS))
		for (unsigned int i = 0; i < BENCH_TURNS; i++) {
			const void *p = fido_map_ptr(&map, a[at++ % ADDRESSES], 1500);

			__asm__ volatile("" : : "r"(p));
		}
	bench_items(b, 1);
	fido_map_fini(&map);
	micro_free(a, ADDRESSES * sizeof(*a));
}

/* Argument: MiB of the region that all packets lie in: DPDK's heap. */
static void
translate(struct bench *b)
{
	uint64_t size = (uint64_t)bench_arg(b) << 20, granules = size >> FIDO_GRANULE_SHIFT;
	uintptr_t va = UINT64_C(0x7f0000000000);
	struct fido_region region = {.va = va, .len = size, .gaddr = FIDO_DEFAULT_BASE};
	struct fido_peer_view peer = {.epoch = 1};
	struct fido_txq q = {.last = &region,
		.peer = &peer,
		.layout = {FIDO_DEFAULT_BASE, FIDO_DEFAULT_SLOT_SHIFT, FIDO_DEFAULT_SLOTS}};
	uint64_t *a = spread(va, size);
	uint32_t at = 0;

	region.granule_epoch = micro_alloc(granules * sizeof(*region.granule_epoch));
	for (uint64_t i = 0; i < granules; i++)
		region.granule_epoch[i] = 1;
	while (bench_next(b, BENCH_TURNS))
		for (unsigned int i = 0; i < BENCH_TURNS; i++) {
			uint64_t gaddr = 0;
			enum fido_reach reach = fido_txq_gaddr(&q,
				(void *)(uintptr_t)a[at++ % ADDRESSES], 1500, &gaddr);

			__asm__ volatile("" : : "r"(gaddr), "r"(reach));
		}
	bench_items(b, 1);
	micro_free(region.granule_epoch, granules * sizeof(*region.granule_epoch));
	micro_free(a, ADDRESSES * sizeof(*a));
}

void
register_addresses(void)
{
	static const int mib[] = {64, 1024, 65536};

	for (unsigned int i = 0; i < 3; i++) {
		bench_register("address/check", check, mib[i], false);
		bench_register("address/translate", translate, mib[i], false);
	}
}
