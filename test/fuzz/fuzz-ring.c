/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rings: the honest end of a queue survives whatever the peer writes into its ring.
 *
 * It reads no unmapped byte, returns no cookie twice, holds no ticket twice, and never works
 * without end.
 *
 * There are two queues, each with one honest end: a receiver with a hostile sender, and a sender
 * with a hostile receiver. The honest ends are used through the queue's own verbs and through
 * fido_rxq/fido_txq.
 */

#include <sys/eventfd.h>
#include <sys/mman.h>

#include "fuzz.h"

#define N 16
#define GRANULES 6
#define BURST 20

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t base;
/* Granules 1, 2 and 4 can be read; the others are holes. */
static uint8_t granules[GRANULES] = {[1] = 1, [2] = 1, [4] = 1};
static struct fido_map map;
static struct fido_domain domain;
static struct fido_link the_link;

static struct fido_sender_shm *their_sender;
static struct fido_receiver_shm *our_receiver;
static struct fido_receiver *r;
static struct fido_rxq rxq;
static struct fido_rx_stats_shm rx_stats;
static struct fido_rx held[N];
static unsigned int held_count;

static struct fido_receiver_shm *their_receiver;
static struct fido_sender_shm *our_sender;
static struct fido_sender *s;
static struct fido_txq txq;
static struct fido_tx_stats_shm tx_stats;
static bool out[4 * N];
static unsigned int out_count;

static void *
memory(size_t size)
{
	void *p = aligned_alloc(64, (size + 63) & ~(size_t)63);

	FUZZ_CHECK(p != NULL);
	return p;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	uint64_t size = GRANULES * FIDO_GRANULE_SIZE;
	uint64_t at = (uintptr_t)mmap(NULL, size + FIDO_GRANULE_SIZE, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	(void)argc;
	(void)argv;
	FUZZ_CHECK(at != (uintptr_t)MAP_FAILED);
	base = (at + FIDO_GRANULE_SIZE - 1) & ~(FIDO_GRANULE_SIZE - 1);
	for (unsigned int i = 0; i < GRANULES; i++)
		if (granules[i] != 0)
			FUZZ_CHECK(mprotect((void *)(uintptr_t)(base + i * FIDO_GRANULE_SIZE),
					   FIDO_GRANULE_SIZE, PROT_READ) == 0);
	map = (struct fido_map){base, GRANULES, granules};
	domain.wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	the_link.domain = &domain;
	their_sender = memory(fido_sender_shm_size(N));
	our_sender = memory(fido_sender_shm_size(N));
	their_receiver = memory(fido_receiver_shm_size(N));
	our_receiver = memory(fido_receiver_shm_size(N));
	return 0;
}

static void
start(uint16_t lap)
{
	memset(their_sender, 0, fido_sender_shm_size(N));
	memset(our_sender, 0, fido_sender_shm_size(N));
	memset(their_receiver, 0, fido_receiver_shm_size(N));
	memset(our_receiver, 0, fido_receiver_shm_size(N));
	FUZZ_CHECK(fido_receiver_create(&r, our_receiver, their_sender, N, &map) == 0);
	FUZZ_CHECK(fido_sender_create(&s, our_sender, N, 1) == 0);
	fido_sender_attach(s, their_receiver);
	our_sender->sleeps = our_receiver->sleeps =
		1; /* already announced, so that arming need not wait */
	/* Begin somewhere in the life of the ring, so that laps wrap. */
	r->cons = r->prod = (uint32_t)lap * N;
	s->prod = s->first = s->cons = (uint32_t)lap * N;
	s->free_put = s->prod + N;
	rxq = (struct fido_rxq){.count = 1,
		.stats = &rx_stats,
		.receivers = {r},
		.link = &the_link};
	txq = (struct fido_txq){.stats = &tx_stats, .sender = s, .link = &the_link};
	rx_stats = (struct fido_rx_stats_shm){0};
	tx_stats = (struct fido_tx_stats_shm){0};
	held_count = out_count = 0;
	memset(out, 0, sizeof(out));
}

/* ---- what the hostile ends write ---- */

static uint64_t
choose_gaddr(struct fuzz_in *in)
{
	uint8_t kind = fuzz_u8(in);

	if (kind < 128) /* near a granule border */
		return base + (kind % (GRANULES + 1)) * FIDO_GRANULE_SIZE +
			(uint64_t)(int64_t)(int8_t)fuzz_u8(in);
	if (kind < 192)
		return base + fuzz_u32(in) % (GRANULES * FIDO_GRANULE_SIZE);
	return fuzz_odd_number(in);
}

static uint32_t
choose_len(struct fuzz_in *in)
{
	uint8_t kind = fuzz_u8(in);

	if (kind < 128)
		return kind;
	return kind < 192 ? (uint32_t)((kind & 63) * (FIDO_GRANULE_SIZE / 8))
			  : (uint32_t)fuzz_odd_number(in);
}

static void
write_desc(struct fuzz_in *in)
{
	uint8_t how = fuzz_u8(in);
	uint32_t pos = r->cons + (how & 15);
	struct fido_desc_shm *d = &their_sender->desc[pos & (N - 1)];
	uint8_t ticket = fuzz_u8(in);
	uint16_t flags = how >> 4 & 1;

	if (how >= 224) {
		d->w0 = fuzz_u64(in);
		d->w1 = fuzz_u64(in);
		return;
	}
	if (how & 32)
		flags |= (uint16_t)(fuzz_u8(in) << 8);
	d->w0 = (choose_gaddr(in) & FIDO_GADDR_MASK) | (uint64_t)flags << FIDO_GADDR_BITS;
	d->w1 = (uint64_t)choose_len(in) << 32 |
		(uint64_t)(ticket < 250 ? ticket % N : ticket) << 16 |
		(uint16_t)(pos / N + 1 + (ticket == 249));
}

/* A whole ring of descriptors of one shape: chained without end, or all bad. */
static void
write_all_desc(struct fuzz_in *in)
{
	uint8_t how = fuzz_u8(in);
	uint64_t gaddr = choose_gaddr(in) & FIDO_GADDR_MASK;
	uint32_t len = choose_len(in);

	for (uint32_t i = 0; i < N; i++) {
		uint32_t pos = r->cons + i;
		struct fido_desc_shm *d = &their_sender->desc[pos & (N - 1)];

		d->w0 = gaddr | (uint64_t)(how & 1) << FIDO_GADDR_BITS;
		d->w1 = (uint64_t)len << 32 | (uint64_t)((i + how) % N) << 16 |
			(uint16_t)(pos / N + 1);
	}
}

static void
write_comp(struct fuzz_in *in)
{
	uint8_t how = fuzz_u8(in);
	uint32_t pos = s->cons + (how & 3);
	uint8_t ticket = fuzz_u8(in), count = fuzz_u8(in);

	their_receiver->comp[pos & (N - 1)] = how >= 224 ? fuzz_u64(in)
							 : (uint64_t)(how >> 2 & 3) << 48 |
			(uint64_t)(count < 200 ? count % (N + 2) : count) << 32 |
			(uint64_t)(ticket < 200 ? ticket % (N + 1) : ticket) << 16 |
			(uint16_t)(pos / N + 1);
}

/* Valid completions: of what is out, from ticket `how` on. */
static void
write_good_comp(uint8_t how)
{
	uint16_t first = how % N, count = 0;

	while (count < N && s->cookie[(first + count) % N] != NULL && count <= how >> 4)
		count++;
	if (count != 0)
		their_receiver->comp[s->cons & (N - 1)] =
			(uint64_t)count << 32 | (uint64_t)first << 16 | (uint16_t)(s->cons / N + 1);
}

static void
write_flags(uint8_t how)
{
	their_sender->armed = how & 1;
	their_sender->closed = how >> 1 & 1;
	their_receiver->armed = how >> 2 & 1;
	their_receiver->size = how;
	their_sender->sleeps = their_receiver->sleeps = how >> 3 & 1;
}

/* ---- what the honest ends do ---- */

static void
check_desc(const struct fido_desc *d)
{
	uint64_t len = d->len + (d->len == 0);
	bool inside = d->gaddr >= base && d->gaddr + len <= base + GRANULES * FIDO_GRANULE_SIZE;

	for (uint64_t g = (d->gaddr - base) >> FIDO_GRANULE_SHIFT;
		inside && g <= (d->gaddr + len - 1 - base) >> FIDO_GRANULE_SHIFT; g++)
		inside = granules[g] != 0;
	FUZZ_CHECK(d->ticket < N && (d->data != NULL) == inside);
	if (inside)
		for (uint64_t i = 0; i < len; i += FIDO_GRANULE_SIZE / 2)
			(void)((const volatile uint8_t *)d->data)[i];
	if (inside)
		(void)((const volatile uint8_t *)d->data)[len - 1];
	for (unsigned int i = 0; i < held_count; i++)
		FUZZ_CHECK(held[i].desc.ticket != d->ticket);
}

static void
hold(const struct fido_desc *d)
{
	FUZZ_CHECK(held_count < N);
	check_desc(d);
	held[held_count++] = (struct fido_rx){*d, r};
}

static void
next(void)
{
	struct fido_desc d;
	int ret = fido_receiver_next(r, &d);

	if (ret == 1) {
		hold(&d);
		rx_stats.polled++;
	}
	FUZZ_CHECK(ret == 1 || ret == 0 || (ret == -EPROTO && r->broken));
}

static void
poll_queue(unsigned int max)
{
	struct fido_rx rx[BURST];
	uint32_t before = r->cons;
	unsigned int n = fido_rxq_poll(&rxq, rx, max);

	FUZZ_CHECK(n <= max && r->cons - before <= N);
	for (unsigned int i = 0; i < n; i++) {
		FUZZ_CHECK(rx[i].desc.data != NULL && rx[i].receiver == r);
		hold(&rx[i].desc);
	}
	FUZZ_CHECK(n == 0 || n == max || !(rx[n - 1].desc.flags & FIDO_DESC_CHAINED));
}

static void
complete(uint8_t how)
{
	unsigned int k;

	if (held_count == 0)
		return;
	k = (how >> 2) % held_count;
	if (how & 1) {
		fido_rxq_complete(&rxq, &held[k], 1,
			how & 2 ? FIDO_STATUS_DROPPED : FIDO_STATUS_OK);
	} else {
		fido_receiver_complete(r, held[k].desc.ticket, FIDO_STATUS_OK);
		rx_stats.completed++;
		if (how & 2)
			fido_receiver_flush(r);
	}
	held[k] = held[--held_count];
}

static void
post(unsigned int n)
{
	while (n-- > 0 && fido_sender_room(s) != 0) {
		unsigned int k = 0;

		while (out[k])
			k++;
		out[k] = true;
		out_count++;
		fido_sender_put(s, base, 1, 0, (void *)(uintptr_t)(k + 1));
	}
	fido_sender_publish(s);
	fido_sender_must_wake(s);
}

static void
take(uint8_t how)
{
	void *cookies[BURST];
	unsigned int n = how & 1 ? fido_txq_reap(&txq, cookies, how >> 2 & 15)
				 : fido_sender_reap(s, cookies, how >> 2 & 15);

	for (unsigned int i = 0; i < n; i++) {
		uintptr_t k = (uintptr_t)cookies[i] - 1;

		FUZZ_CHECK(k < 4 * N && out[k]);
		out[k] = false;
		out_count--;
	}
}

static void
one_step(struct fuzz_in *in)
{
	uint8_t what = fuzz_u8(in), how = what >> 4;

	switch (what & 15) {
	case 0:
	case 1:
	case 2:
		write_desc(in);
		break;
	case 3:
		write_all_desc(in);
		break;
	case 4:
	case 5:
		write_comp(in);
		break;
	case 6:
		write_good_comp(fuzz_u8(in));
		break;
	case 7:
		write_flags(how);
		break;
	case 8:
		next();
		break;
	case 9:
		poll_queue(1 + how < N - held_count ? 1 + how : N - held_count);
		break;
	case 10:
	case 11:
		complete(fuzz_u8(in));
		break;
	case 12:
		post(1 + how);
		break;
	case 13:
	case 14:
		take(fuzz_u8(in));
		break;
	default:
		fido_receiver_flush(r);
		fido_receiver_must_wake(r);
		fido_rxq_arm(&rxq);
		fido_rxq_disarm(&rxq, false);
		fido_txq_arm(&txq);
		fido_txq_disarm(&txq, false);
		break;
	}
	FUZZ_CHECK(r->held_count == held_count);
	FUZZ_CHECK(fido_sender_out(s) == out_count);
	FUZZ_CHECK(rx_stats.polled - rx_stats.completed == held_count);
}

/* The peer is dead: all that is out comes back, once. */
static void
recall(void)
{
	void *cookies[N];
	unsigned int n = fido_sender_recall(s, cookies, N);

	FUZZ_CHECK(n == 0); /* nothing has allowed it to come back yet */
	for (uint32_t t = 0; t < N; t++)
		s->posted[t].at = UINT64_MAX;
	n = fido_sender_recall(s, cookies, N);
	FUZZ_CHECK(n == out_count && fido_sender_out(s) == 0);
	for (unsigned int i = 0; i < n; i++) {
		uintptr_t k = (uintptr_t)cookies[i] - 1;

		FUZZ_CHECK(out[k]);
		out[k] = false;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};

	start((uint16_t)(fuzz_u8(&in) << 8 | 0xfe));
	while (in.left != 0)
		one_step(&in);
	recall();
	fido_receiver_destroy(r);
	fido_sender_destroy(s);
	return 0;
}
