/* SPDX-License-Identifier: BSD-3-Clause */
/* One queue of the front-end. */

#include "front.h"
#include "fuzz-blk.h"

#define DEPTH 8
#define LEN_MAX 16384u

static struct fido_blk blk;
static struct fido_blk_queue *q;
static struct fido_region bounce;

struct slot {
	bool busy;
	enum fido_blk_op op;
	bool lend;
	uint32_t len;
	char *mem; /* from malloc: exactly the bytes to be read */
};

static struct slot slots[DEPTH];
static struct fido_blk_lent *lent[DEPTH];
static unsigned int lent_count, busy_count;

/* ---- the backend ---- */

static void
lend_info(uint8_t how)
{
	struct blk_info_shm *i = (struct blk_info_shm *)(uintptr_t)fb.base;

	*i = (struct blk_info_shm){.magic = BLK_MAGIC,
		.version = BLK_VERSION,
		.size = 1 << 20,
		.identity = how >> 7,
		.block_size = 512,
		.max_transfer = how & 64 ? 1u << 16 : UINT32_MAX,
		.max_segments = how & 32 ? 16 : UINT32_MAX,
		.features = 0x1f};
	if ((how & 15) < 10)
		((uint32_t *)i)[how & 15] = (uint32_t)how << 24;
	fb_put(fb.base, sizeof(*i), (uint16_t)(q->open_ticket << FIDO_DESC_USER_SHIFT));
}

/* @return the length of the read that has this ticket */
static uint32_t
wanted(uint16_t tag)
{
	uint16_t place = q->by_ticket[tag];

	return place != 0 && place != COOKIE_OPEN ? (uint32_t)q->requests[place - 1].length : 512;
}

/*
 * Lend memory for a ticket that is held, or for any; of the right length, or not. The message may
 * go on.
 */
static void
lend(struct fuzz_in *in)
{
	uint8_t how = fuzz_u8(in), which = fuzz_u8(in);
	uint16_t tag = fb.their_tickets != 0 && which < 240
		? fb.their_ticket[which % fb.their_tickets]
		: which;
	uint32_t len = how & 1 ? fuzz_u16(in) : how & 8 ? 512u * (1 + (how >> 4)) : wanted(tag);
	unsigned int pieces = how & 2 ? 1 + fuzz_u8(in) % 8 : 1;

	for (unsigned int i = 0; i < pieces; i++)
		fb_put(how & 4 ? fb_address(in) : fb.base, len,
			(uint16_t)(tag << FIDO_DESC_USER_SHIFT |
				(i + 1 < pieces || which >= 200 ? FIDO_DESC_CHAINED : 0)));
}

/* ---- the application ---- */

static void
submit(struct fuzz_in *in)
{
	uint8_t how = fuzz_u8(in);
	struct slot *s = &slots[how >> 5];
	struct iovec iov[3];
	struct fido_blk_request r = {.op = (enum fido_blk_op)(1 + how % 5),
		.offset = 512u * fuzz_u8(in),
		.iov = iov,
		.cookie = s};
	uint32_t cut;

	if (s->busy || busy_count + lent_count == DEPTH)
		return;
	s->op = r.op;
	s->len = 512u * (1 + fuzz_u8(in) % (LEN_MAX / 512));
	s->lend = r.op == FIDO_BLK_READ && how & 8;
	r.flags = s->lend ? FIDO_BLK_LEND : 0;
	r.length = s->len;
	s->mem = malloc(s->len);
	FUZZ_CHECK(s->mem != NULL);
	memset(s->mem, 0, s->len);
	cut = fuzz_u16(in) % (s->len + 1);
	/* The data to write is in exported memory, or needs a copy. */
	iov[0] = (struct iovec){r.op == FIDO_BLK_WRITE && how & 16
			? (char *)(uintptr_t)(fb.ours + FIDO_GRANULE_SIZE)
			: s->mem,
		cut};
	iov[1] = (struct iovec){NULL, 0};
	iov[2] = (struct iovec){(char *)iov[0].iov_base + cut, s->len - cut};
	r.iovcnt = 3;
	if (fido_blk_submit(q, &r, 1) != 1) {
		free(s->mem);
		return;
	}
	s->busy = true;
	busy_count++;
}

static void
check_lent(const struct fido_blk_completion *c, uint32_t len)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < c->iovcnt; i++) {
		const volatile char *p = c->iov[i].iov_base;

		for (size_t k = 0; k < c->iov[i].iov_len; k++)
			(void)p[k];
		sum += c->iov[i].iov_len;
	}
	FUZZ_CHECK(sum == len);
}

static void
poll_queue(unsigned int max)
{
	struct fido_blk_completion c[DEPTH];
	unsigned int n = fido_blk_poll(q, c, max < DEPTH ? max : DEPTH);

	for (unsigned int i = 0; i < n; i++) {
		struct slot *s = c[i].cookie;

		FUZZ_CHECK(s >= slots && s < slots + DEPTH && s->busy);
		FUZZ_CHECK(c[i].error <= 0 && c[i].error >= -4095 &&
			(c[i].lent != NULL) == (c[i].error == 0 && s->lend));
		s->busy = false;
		busy_count--;
		free(s->mem);
		if (c[i].lent == NULL)
			continue;
		check_lent(&c[i], s->len);
		lent[lent_count++] = c[i].lent;
	}
	FUZZ_CHECK(fido_blk_inflight(q) == busy_count + lent_count);
}

static void
release(unsigned int n)
{
	while (n-- > 0 && lent_count != 0)
		fido_blk_release(q, &lent[--lent_count], 1);
}

/* ---- life ---- */

static void
start_queue(uint8_t how)
{
	bounce = (struct fido_region){.va = fb.ours, .gaddr = fb.ours, .len = BLK_BUFFER_MAX};
	blk = (struct fido_blk){.domain = &fb.domain,
		.link = &fb.link,
		.bounce = &bounce,
		.volume = "v0",
		.backend = "x",
		.client = 1,
		.config = {.queues = 1,
			.depth = DEPTH,
			.bounce_size = BLK_BUFFER_MAX,
			.read_only = how >> 1 & 1}};
	pthread_mutex_init(&blk.lock, NULL);
	FUZZ_CHECK(blk_front_queue_create(&blk, 0, &q) == 0);
	blk.queues[0] = q;
	blk.queue_count = 1;
	q->txq = &fb.txq;
	q->rxq = &fb.rxq;
	lent_count = busy_count = 0;
	memset(slots, 0, sizeof(slots));
	poll_queue(1); /* OPEN */
	fb_their_turn();
	if (how & 128) {
		lend_info(how & 64 ? 64 | 32 | 15 : 15);
		fb_complete(0, 0);
		fb_their_turn();
		poll_queue(1);
		FUZZ_CHECK(q->state == SESSION_OPEN);
	}
}

/* The backend is dead: the link returns what was sent, and there is no peer to send to. */
static void
end_queue(void)
{
	void *cookies[FB_RING];

	release(DEPTH);
	fb.link.error = -EPROTO;
	for (int i = 0; i < 3; i++)
		poll_queue(DEPTH);
	release(DEPTH);
	/* Writes are left, whose memory may still be read. */
	for (unsigned int i = 0; i < DEPTH; i++)
		FUZZ_CHECK(!slots[i].busy ||
			(slots[i].op == FIDO_BLK_WRITE && fido_sender_out(fb.our_s) != 0));
	FUZZ_CHECK(fb.our_r->held_count == 0);
	fb_recall(cookies);
	for (unsigned int i = 0; i < DEPTH; i++)
		if (slots[i].busy)
			free(slots[i].mem);
	blk_front_queue_destroy(q);
	pthread_mutex_destroy(&blk.lock);
}

static void
one_step(struct fuzz_in *in)
{
	uint8_t what = fuzz_u8(in);

	switch (what & 15) {
	case 0:
	case 1:
	case 2:
		submit(in);
		break;
	case 3:
	case 4:
		lend(in);
		break;
	case 5:
		lend_info(fuzz_u8(in));
		break;
	case 6:
		fb_write_raw(in);
		break;
	case 7:
	case 8:
		fb_complete(what >> 4, 0);
		break;
	case 9:
		fb_complete(fuzz_u8(in),
			what & 128          ? fuzz_u16(in)
				: what >> 4 ? what >> 4
					    : BLK_STATUS_NOT_OPEN);
		break;
	case 10:
		fb_put(fb_address(in), fuzz_u16(in), fuzz_u16(in));
		break;
	case 11:
		release(1 + (what >> 4));
		break;
	case 12: /* as if the link had new rings */
		if (what >> 4 == 0)
			fb.our_s->queue_id++;
		break;
	default:
		fb_their_turn();
		poll_queue(1 + (what >> 4));
		break;
	}
}

void
fuzz_blk_front(struct fuzz_in *in, uint8_t start)
{
	start_queue(start);
	while (in->left != 0)
		one_step(in);
	end_queue();
}
