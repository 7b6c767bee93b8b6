/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The hostile block backend. It polls its rings as an honest one does, but its answers are
 * nonsense.
 */

#include "hostile_backend.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>

#include <fido/region.h>

#include "domain_private.h"
#include "link_private.h"
#include "test.h"

#define RING 1024u
#define LINKS 16
#define ENDS (LINKS * 4)
#define DATA ((uint64_t)1 << 20) /* where lent memory begins in the arena */

/* One queue. */
struct end {
	struct fido_txq *txq;
	struct fido_rxq *rxq;
	uint32_t count; /* commands received */
};

struct command {
	struct fido_receiver *rx;
	unsigned int op;
	uint32_t len;
	const struct blk_open_shm *open; /* what OPEN names */
	uint16_t tickets[FIDO_BLK_SEGMENTS_MAX + 1];
	unsigned int ticket_count;
};

typedef void (*answer_fn)(struct end *e, const struct command *c);

static struct fido_domain *d;
static struct fido_region *mem;
static struct fido_link *links[LINKS];
static unsigned int link_count;
static struct end ends[ENDS];
static unsigned int end_count;
static uint64_t seed;
static uint32_t opens;
static bool at_random;

#define GOOD_INFO                                                                               \
	.magic = BLK_MAGIC, .version = BLK_VERSION, .size = HOSTILE_VOLUME_SIZE, .identity = 1, \
	.block_size = 512, .max_transfer = 1 << 20, .max_segments = 256,                        \
	.features = FIDO_BLK_CAN_WRITE | FIDO_BLK_CAN_FLUSH | FIDO_BLK_CAN_DISCARD |            \
		FIDO_BLK_CAN_WRITE_ZEROES

static const struct blk_info_shm good_info = {GOOD_INFO};

#define LEN sizeof(struct blk_info_shm)
/* The last initializer of a field wins. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
#ifdef __clang__
#pragma GCC diagnostic ignored "-Winitializer-overrides"
#endif
const struct hostile_open hostile_opens[] = {
	{{GOOD_INFO, .magic = 1}, LEN, 0, 0, -EPROTO},
	{{GOOD_INFO, .version = 99}, LEN, 0, 0, -EPROTO},
	{{GOOD_INFO, .size = 0}, LEN, 0, 0, -EPROTO},
	{{GOOD_INFO, .size = 1000}, LEN, 0, 0, -EPROTO},
	{{GOOD_INFO, .size = UINT64_MAX & ~UINT64_C(511)}, LEN, 0, 0, -EPROTO},
	{{GOOD_INFO, .block_size = 0}, LEN, 0, 0, -EPROTO},
	{{GOOD_INFO, .block_size = 513}, LEN, 0, 0, -EPROTO},
	{{GOOD_INFO, .block_size = 1u << 31}, LEN, 0, 0, -EPROTO},
	{{GOOD_INFO, .max_transfer = 0}, LEN, 0, 0, -EPROTO},
	{{GOOD_INFO, .max_segments = 0}, LEN, 0, 0, -EPROTO},
	{{GOOD_INFO}, LEN - 1, 0, 0, -EPROTO},
	{{GOOD_INFO}, LEN, 4, 0, -EPROTO},
	{{GOOD_INFO}, 0, 0, FIDO_STATUS_USER, -EPROTO}, /* the status "no error" is nonsense too */
	{{GOOD_INFO}, 0, 0, UINT16_MAX, -EPROTO},
	{{GOOD_INFO}, 0, 0, BLK_STATUS_ERRNO(ENOENT), -ENOENT},
	{{GOOD_INFO}, LEN, 0, 0, 0},
};
#pragma GCC diagnostic pop
const size_t hostile_open_count = sizeof(hostile_opens) / sizeof(hostile_opens[0]);

static uint64_t
any(uint64_t below)
{
	return test_random(&seed) % below;
}

/* ---- answering ---- */

static void
lend(struct end *e, uint16_t tag, uint64_t gaddr, uint32_t len, uint16_t flags)
{
	void *cookies[64];

	while (fido_txq_reap(e->txq, cookies, 64) != 0)
		;
	fido_lock_take(&e->txq->lock);
	if (e->txq->open && e->txq->sender != NULL && fido_sender_room(e->txq->sender) != 0)
		fido_sender_put(e->txq->sender, gaddr & FIDO_GADDR_MASK, len,
			(uint16_t)(tag << FIDO_DESC_USER_SHIFT | flags), e);
	fido_lock_release(&e->txq->lock);
}

static void
publish(struct end *e)
{
	fido_lock_take(&e->txq->lock);
	if (e->txq->open && e->txq->sender != NULL) {
		fido_sender_publish(e->txq->sender);
		fido_txq_wake_receiver(e->txq);
	}
	fido_lock_release(&e->txq->lock);
}

static void
reply(struct end *e, const struct command *c, uint16_t status)
{
	fido_lock_take(&e->rxq->lock);
	for (unsigned int i = 0; i < c->ticket_count; i++)
		fido_receiver_complete(c->rx, c->tickets[i], status);
	fido_receiver_flush(c->rx);
	if (fido_receiver_must_wake(c->rx))
		fido_rxq_ring_sender(e->rxq, c->rx);
	fido_lock_release(&e->rxq->lock);
}

/* Break the rules of the ring: complete a ticket that does not exist. */
static void
break_ring(const struct command *c)
{
	struct fido_receiver *r = c->rx;

	fido_store_release(&r->comp[r->prod & r->mask],
		UINT64_C(1) << 32 | UINT64_C(9999) << 16 | (uint16_t)((r->prod >> r->shift) + 1));
}

static uint64_t
data(void)
{
	return mem->gaddr + DATA;
}

static void
lend_info(struct end *e, const struct command *c, const struct hostile_open *o)
{
	char *at = (char *)mem->va + (opens++ % 64) * 128 + o->offset;

	memcpy(at, &o->info, sizeof(o->info));
	if (o->len != 0)
		lend(e, c->tickets[0], (uintptr_t)at, o->len, 0);
	publish(e);
	reply(e, c, o->status);
}

/* Answer as an honest backend would. */
static void
good(struct end *e, const struct command *c)
{
	const struct hostile_open o = {.info = good_info, .len = LEN};

	if (c->op == BLK_OP_OPEN) {
		lend_info(e, c, &o);
		return;
	}
	if (c->op == FIDO_BLK_READ)
		lend(e, c->tickets[0], data(), c->len, 0);
	publish(e);
	reply(e, c, 0);
}

/* ---- kinds of nonsense: unless stated otherwise, OPEN is answered well ---- */

/* The volume's name selects the answer, since OPEN can come twice. */
static void
bad_opens(struct end *e, const struct command *c)
{
	size_t which = c->open != NULL && !at_random ? (size_t)atoi(c->open->volume)
						     : any(hostile_open_count);

	if (c->op == BLK_OP_OPEN)
		lend_info(e, c, &hostile_opens[which % hostile_open_count]);
	else
		good(e, c);
}

static void
wrong_tags(struct end *e, const struct command *c)
{
	lend(e, c->tickets[0] + 1, data(), c->len, 0);
	lend(e, BLK_RING_MAX - 1, data(), c->len, 0);
	publish(e);
	reply(e, c, 0);
}

/* Also for commands other than reads; and twice. */
static void
memory_for_all(struct end *e, const struct command *c)
{
	for (int i = 0; i < 3; i++)
		lend(e, c->tickets[0], data(), c->len, 0);
	publish(e);
	reply(e, c, 0);
	lend(e, c->tickets[0], data(), c->len, 0);
	publish(e);
}

static void
too_little(struct end *e, const struct command *c)
{
	lend(e, c->tickets[0], data(), c->len / 2, 0);
	publish(e);
	reply(e, c, 0);
}

static void
too_much(struct end *e, const struct command *c)
{
	lend(e, c->tickets[0], data(), c->len, FIDO_DESC_CHAINED);
	lend(e, c->tickets[0], data(), 512, 0);
	publish(e);
	reply(e, c, 0);
}

static void
too_many(struct end *e, const struct command *c)
{
	for (uint32_t i = 0; i < 300; i++)
		lend(e, c->tickets[0], data(), i == 0 ? c->len : 0,
			i < 299 ? FIDO_DESC_CHAINED : 0);
	publish(e);
	reply(e, c, 0);
}

static void
without_memory(struct end *e, const struct command *c)
{
	lend(e, c->tickets[0], data(), c->len, FIDO_DESC_INLINE);
	lend(e, c->tickets[0], 1, c->len, FIDO_DESC_INLINE);
	publish(e);
	reply(e, c, 0);
}

static void
outside(struct end *e, const struct command *c)
{
	const uint64_t bad[] = {0, 1, mem->gaddr + mem->len, mem->gaddr + mem->len - c->len + 1,
		UINT64_MAX, TEST_BASE - 1};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		lend(e, c->tickets[0], bad[i], c->len, 0);
	publish(e);
	reply(e, c, 0);
}

static void
nothing_but_ok(struct end *e, const struct command *c)
{
	reply(e, c, 0);
}

/* Every status but the good one. */
static void
statuses(struct end *e, const struct command *c)
{
	static const uint16_t list[] = {FIDO_STATUS_BAD_ADDRESS, FIDO_STATUS_DROPPED,
		FIDO_STATUS_CLOSED, FIDO_STATUS_RECALLED, 5, BLK_STATUS_NOT_OPEN, FIDO_STATUS_USER,
		FIDO_STATUS_USER + 1, BLK_STATUS_ERRNO(4095), BLK_STATUS_ERRNO(4096), UINT16_MAX};

	reply(e, c, list[e->count % (sizeof(list) / sizeof(list[0]))]);
}

/* Send part of a read's memory, then fail the read; at the second attempt, send all of it. */
static void
parts_again(struct end *e, const struct command *c)
{
	if (c->op != FIDO_BLK_READ || e->count % 3 == 0) {
		good(e, c);
		return;
	}
	lend(e, c->tickets[0], data(), c->len, FIDO_DESC_CHAINED);
	lend(e, c->tickets[0] + 1, data(), 1,
		0); /* the message's last ticket belongs to another command */
	publish(e);
	reply(e, c, e->count % 2 ? FIDO_STATUS_DROPPED : BLK_STATUS_NOT_OPEN);
}

/* Lend memory, but send no completion. */
static void
no_completion(struct end *e, const struct command *c)
{
	if (c->op == FIDO_BLK_READ)
		lend(e, c->tickets[0], data(), c->len, 0);
	publish(e);
}

/* Another volume from the second OPEN on. */
static void
changes(struct end *e, const struct command *c)
{
	struct hostile_open o = {.info = good_info, .len = LEN};

	if (c->op != BLK_OP_OPEN) {
		reply(e, c, BLK_STATUS_NOT_OPEN);
		return;
	}
	o.info.size -= opens != 0 ? 512 : 0;
	lend_info(e, c, &o);
}

/* Keep a write; break the ring at the next command. */
static void
keeps_writes(struct end *e, const struct command *c)
{
	(void)e;
	if (c->op != FIDO_BLK_WRITE)
		break_ring(c);
}

/* Never answer OPEN; lend memory without end. */
static void
endless(struct end *e, const struct command *c)
{
	reply(e, c, BLK_STATUS_NOT_OPEN);
}

static void random_answer(struct end *e, const struct command *c);

static const struct {
	const char *name;
	answer_fn open; /* NULL: good */
	answer_fn answer;
} kinds[] = {
	{"bad-opens", bad_opens, bad_opens},
	{"wrong-tags", NULL, wrong_tags},
	{"memory-for-all", NULL, memory_for_all},
	{"too-little", NULL, too_little},
	{"too-much", NULL, too_much},
	{"too-many", NULL, too_many},
	{"without-memory", NULL, without_memory},
	{"outside", NULL, outside},
	{"nothing-but-ok", NULL, nothing_but_ok},
	{"statuses", NULL, statuses},
	{"parts-again", NULL, parts_again},
	{"no-completion", NULL, no_completion},
	{"changes", changes, changes},
	{"keeps-writes", NULL, keeps_writes},
	{"endless", NULL, endless},
	{"random", NULL, random_answer},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static unsigned int kind;

/* ---- random answers and scribbling ---- */

static uint64_t
odd_value(void)
{
	switch (any(6)) {
	case 0:
		return any(4);
	case 1:
		return mem->gaddr + any(mem->len + 4096);
	case 2:
		return UINT64_C(1) << any(64);
	case 3: /* almost a descriptor or completion */
		return any(5000) << 32 | any(RING + 9) << 16 | any(3);
	default:
		return test_random(&seed);
	}
}

static void
scribble(void)
{
	char *heap = (char *)d->control + FIDO_CONTROL_HEAP_OFFSET;

	for (uint64_t i = any(64); i > 0; i--)
		fido_store_relaxed((uint64_t *)(void *)(heap + any(32 * FIDO_HEAP_PAGE / 8) * 8),
			odd_value());
	for (uint64_t i = any(64); i > 0; i--)
		fido_store_relaxed((uint64_t *)(mem->va + any(1024) * 8), odd_value());
	if (any(8) == 0)
		fido_store_relaxed((uint64_t *)(void *)d->control->links +
				any(sizeof(d->control->links[0]) / 8),
			odd_value());
}

static void
random_answer(struct end *e, const struct command *c)
{
	unsigned int how = (unsigned int)any(400);

	/* Either one usually ends the link: not too soon. */
	if (how == 0)
		scribble();
	else if (how == 1)
		break_ring(c);
	else if (how < 200)
		kinds[1 + any(KINDS - 2)].answer(e, c);
	else
		good(e, c);
}

/* ---- receiving ---- */

static bool
next_command(struct end *e, struct command *c)
{
	struct fido_desc desc;
	bool found = false;

	fido_lock_take(&e->rxq->lock);
	for (uint16_t i = 0; i < e->rxq->count && !found; i++) {
		c->rx = e->rxq->receivers[i];
		if (fido_receiver_next(c->rx, &desc) != 1)
			continue;
		found = true;
		c->op = (unsigned int)desc.flags >> FIDO_DESC_USER_SHIFT & BLK_OP_MASK;
		c->len = desc.len;
		c->open = c->op == BLK_OP_OPEN && desc.len == sizeof(*c->open) ? desc.data : NULL;
		c->tickets[0] = desc.ticket;
		c->ticket_count = 1;
		while ((desc.flags & FIDO_DESC_CHAINED) &&
			c->ticket_count <= FIDO_BLK_SEGMENTS_MAX &&
			fido_receiver_next(c->rx, &desc) == 1)
			c->tickets[c->ticket_count++] = desc.ticket;
		fido_receiver_stamp(c->rx);
	}
	fido_lock_release(&e->rxq->lock);
	return found;
}

static void
take_links(void)
{
	struct fido_offer offer;

	if (link_count == LINKS || fido_domain_offers(d, BLK_LINK_PREFIX, &offer, 1) != 1 ||
		end_count + offer.ntx > ENDS ||
		fido_link_create(d,
			&(struct fido_link_config){.peer = offer.peer, .name = offer.name},
			&links[link_count]) != 0)
		return;
	fido_link_configure(links[link_count], offer.nrx, offer.ntx, RING);
	for (uint16_t i = 0; i < offer.ntx; i++)
		ends[end_count++] = (struct end){fido_link_txq(links[link_count], i),
			fido_link_rxq(links[link_count], i), 0};
	fido_link_open(links[link_count++]);
}

static bool
can_answer(struct end *e)
{
	bool can;

	fido_lock_take(&e->txq->lock);
	can = e->txq->open;
	fido_lock_release(&e->txq->lock);
	return can;
}

static void
serve(struct end *e)
{
	struct command c;

	while (can_answer(e) && next_command(e, &c)) {
		answer_fn open = kinds[kind].open != NULL ? kinds[kind].open : good;

		e->count++;
		/*
		 * At random, few OPENs are answered badly: an open volume sees more of the
		 * nonsense.
		 */
		(c.op != BLK_OP_OPEN                       ? kinds[kind].answer
				: at_random && any(8) == 0 ? bad_opens
							   : open)(e, &c);
	}
	if (kinds[kind].answer == endless) {
		for (int i = 0; i < 500; i++)
			lend(e, (uint16_t)(BLK_RING_MAX - 1 - i), data(), 0, 0);
		publish(e);
	}
}

static void
silent(enum fido_log_level level, const char *message)
{
	(void)level;
	(void)message;
}

int
hostile_backend_run(const char *text)
{
	size_t len = strcspn(text, ":");

	for (kind = 0; kind < KINDS &&
		(strlen(kinds[kind].name) != len || strncmp(kinds[kind].name, text, len) != 0);
		kind++)
		;
	if (kind == KINDS)
		return 1;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	at_random = kind == KINDS - 1;
	seed = text[len] == ':' ? strtoull(text + len + 1, NULL, 10) : 1;
	fido_log_set(silent);
	d = test_join("disk");
	mem = test_arena(d, 4 << 20);
	test_fill((char *)mem->va + DATA, DATA, 7);
	printf("ready\n");
	fflush(stdout);
	/* Its own scribbling may crash it; keep the report of that out of the log. */
	if (at_random)
		dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
	for (;;) {
		take_links();
		for (unsigned int i = 0; i < end_count; i++)
			serve(&ends[i]);
		usleep(kinds[kind].answer == endless ? 0 : 50);
	}
}
