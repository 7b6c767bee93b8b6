/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The hostile block client. Its control thread runs on and may crash over the scribbling, which
 * kills the process.
 */

#include "hostile_front.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>

#include <fido/region.h>

#include "domain_private.h"
#include "link_private.h"
#include "protocol.h"
#include "test.h"

#define QUEUES 2
#define RING 1024u
#define KEPT_MAX 200
#define OPENS 16

static struct fido_domain *d;
static struct fido_region *mem;
static struct fido_link *link_;
static struct fido_rx kept[KEPT_MAX];
static uint16_t kept_by[KEPT_MAX];
static unsigned int kept_count;
static uint64_t seed;

static uint64_t
any(uint64_t below)
{
	return test_random(&seed) % below;
}

static struct blk_open_shm *
open_struct(unsigned int i)
{
	return (struct blk_open_shm *)mem->va + i;
}

static void
make_opens(void)
{
	for (unsigned int i = 0; i < OPENS; i++) {
		struct blk_open_shm o = {.magic = BLK_MAGIC,
			.version = BLK_VERSION,
			.session = i % 3};

		o.flags = i == 5 ? BLK_OPEN_EXCLUSIVE : (uint32_t)any(4) & ~BLK_OPEN_EXCLUSIVE;
		strcpy(o.volume, i == 5 ? "v0" : i == 6 ? "none" : i % 2 ? "v1" : "v2");
		*open_struct(i) = o;
	}
}

/* ---- commands ---- */

static uint64_t
some_memory(void)
{
	return any(16)   ? mem->gaddr + 65536 + any(256) * 4096
		: any(2) ? test_random(&seed)
			 : mem->gaddr + mem->len - any(8192);
}

static void
put(struct fido_sender *s, uint64_t addr, uint32_t len, uint16_t flags)
{
	if (fido_sender_room(s) != 0)
		fido_sender_put(s, addr & FIDO_GADDR_MASK, len, flags, s);
}

/* Put a command that is valid, or nearly. */
static void
command(struct fido_sender *s)
{
	unsigned int op = (unsigned int)(any(8) ? 1 + any(5) : any(16)), pieces = 0;
	unsigned int flags = any(8) == 0 ? BLK_FLAG_FUA : 0;
	uint64_t sector = any(16) ? any(2048) * 8 : test_random(&seed);
	uint32_t len = (uint32_t)(1 + any(16)) * 4096;

	if (op == BLK_OP_OPEN || any(32) == 0) {
		put(s, (uintptr_t)open_struct((unsigned int)any(OPENS)) + (any(16) ? 0 : any(200)),
			any(16) ? sizeof(struct blk_open_shm) : (uint32_t)any(200),
			(uint16_t)(BLK_OP_OPEN << FIDO_DESC_USER_SHIFT));
		return;
	}
	if (op == FIDO_BLK_WRITE || any(64) == 0)
		pieces = (unsigned int)(any(32) ? 1 + any(6) : any(300));
	if (any(32) == 0)
		len = (uint32_t)test_random(&seed);
	if (fido_sender_room(s) < pieces + 1)
		return;
	put(s, sector, blk_op_in_sectors(op) ? len / 512 : len,
		(uint16_t)(blk_command_flags(op, flags) | (pieces != 0 ? FIDO_DESC_CHAINED : 0)));
	for (unsigned int i = 0; i < pieces; i++)
		put(s, some_memory(), i == 0 ? len - (pieces - 1) * 512 : 512,
			(uint16_t)((i + 1 < pieces ? FIDO_DESC_CHAINED : 0) |
				(any(256) ? 0 : FIDO_DESC_INLINE)));
}

static void
send_some(struct fido_txq *q)
{
	void *cookies[64];
	uint16_t status[64];

	while (fido_txq_reap_status(q, cookies, status, 64) != 0)
		;
	fido_lock_take(&q->lock);
	if (q->open && q->sender != NULL) {
		for (uint64_t i = any(20); i > 0; i--)
			command(q->sender);
		/* A message without an end closes the link. */
		if (any(4000) == 0)
			put(q->sender, 0, 4096,
				blk_command_flags(FIDO_BLK_WRITE, 0) | FIDO_DESC_CHAINED);
		fido_sender_publish(q->sender);
		fido_txq_wake_receiver(q);
	}
	fido_lock_release(&q->lock);
}

/* Keep lent memory for a while. */
static void
take_lent(uint16_t index)
{
	struct fido_rx rx[32];
	unsigned int n = fido_rxq_poll(fido_link_rxq(link_, index), rx, 32);

	for (unsigned int i = 0; i < n; i++) {
		if (kept_count == KEPT_MAX) {
			unsigned int k = (unsigned int)any(KEPT_MAX);

			fido_rxq_complete(fido_link_rxq(link_, kept_by[k]), &kept[k], 1,
				(uint16_t)any(3));
			kept[k] = kept[--kept_count];
			kept_by[k] = kept_by[kept_count];
		}
		kept[kept_count] = rx[i];
		kept_by[kept_count++] = index;
	}
}

/* ---- scribbling ---- */

static uint64_t
odd_value(void)
{
	switch (any(5)) {
	case 0:
		return any(4);
	case 1:
		return mem->gaddr + any(mem->len);
	case 2:
		return any(5000) << 32 | any(RING + 9) << 16 | any(3);
	default:
		return test_random(&seed);
	}
}

/* While the backend reads them. */
static void
scribble_opens(void)
{
	uint64_t *words = (uint64_t *)mem->va;

	for (int i = 0; i < 200; i++)
		fido_store_relaxed(&words[any(OPENS * sizeof(struct blk_open_shm) / 8)],
			odd_value());
	make_opens();
}

static void
scribble_rings(void)
{
	char *heap = (char *)d->control + FIDO_CONTROL_HEAP_OFFSET;

	for (uint64_t i = any(16); i > 0; i--)
		fido_store_relaxed((uint64_t *)(void *)(heap + any(32 * FIDO_HEAP_PAGE / 8) * 8),
			odd_value());
}

static void
scribble(void)
{
	uint64_t how = any(2000);

	if (how < 100)
		scribble_opens();
	else if (how < 101)
		scribble_rings();
}

/* ---- greed ---- */

/* Read all of a volume and keep it; then read and write more, which has to wait for that memory. */
static void
be_greedy(unsigned int volume)
{
	struct fido_txq *q = fido_link_txq(link_, 0);
	uint32_t len = 65536;
	struct fido_rx rx;

	fido_lock_take(&q->lock);
	put(q->sender, (uintptr_t)open_struct(volume), sizeof(struct blk_open_shm),
		BLK_OP_OPEN << FIDO_DESC_USER_SHIFT);
	fido_sender_publish(q->sender);
	fido_txq_wake_receiver(q);
	fido_lock_release(&q->lock);
	TEST_WAIT(fido_rxq_poll(fido_link_rxq(link_, 0), &rx, 1) == 1);
	fido_lock_take(&q->lock);
	/* Wait with more addresses than a list holds (FIDO_HELD_LIST_MAX). */
	for (unsigned int i = 0; i < (volume == 1 ? 128 : 900); i++)
		put(q->sender, i % 128 * (len / 512), len, blk_command_flags(FIDO_BLK_READ, 0));
	for (unsigned int i = 0; volume == 1 && i < 90; i++) {
		put(q->sender, i * (len / 512), len,
			(uint16_t)(blk_command_flags(FIDO_BLK_WRITE, 0) | FIDO_DESC_CHAINED));
		for (unsigned int k = 0; k < 8; k++)
			put(q->sender, mem->gaddr + 65536, len / 8, k < 7 ? FIDO_DESC_CHAINED : 0);
	}
	fido_sender_publish(q->sender);
	fido_txq_wake_receiver(q);
	fido_lock_release(&q->lock);
	/* Until no more completes. */
	for (uint32_t out = 0; out != fido_txq_out(q); usleep(100000)) {
		void *cookies[64];

		out = fido_txq_out(q);
		while (fido_txq_reap(q, cookies, 64) != 0)
			;
	}
	if (fido_txq_out(q) == 0)
		exit(1);
	printf("ready\n");
	fflush(stdout);
	pause();
}

static void
silent(enum fido_log_level level, const char *message)
{
	(void)level;
	(void)message;
}

int
hostile_front_run(const char *text)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	seed = strtoull(text, NULL, 10);
	fido_log_set(silent);
	d = test_join("evil");
	mem = test_arena(d, 2 << 20);
	make_opens();
	link_ = test_link(d, "disk", BLK_LINK_PREFIX "66", QUEUES, QUEUES, RING);
	TEST_WAIT(fido_link_is_up(link_));
	if (strncmp(text, "greedy", 6) == 0)
		be_greedy((unsigned int)atoi(text + 6));
	printf("ready\n");
	fflush(stdout);
	dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
	for (uint64_t turn = 0;; turn++) {
		for (uint16_t i = 0; i < QUEUES; i++) {
			send_some(fido_link_txq(link_, i));
			take_lent(i);
		}
		scribble();
		if (!fido_link_is_up(link_) && turn % 16 == 0) {
			fido_link_open(link_);
			usleep(1000);
		}
		usleep((useconds_t)any(100));
	}
}
