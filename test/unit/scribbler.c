/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The hostile domain. Its own control thread is stopped; between attacks the scribbler runs its
 * turns.
 */

#include "scribbler.h"

#include <pthread.h>
#include <sys/socket.h>

#include "local_folder.h"
#include "host_session.h"
#include "link_private.h"
#include "recall.h"
#include "test.h"

#define QUEUES 2
#define RING 64
#define BURST 64
#define TRIES 2000

const char *const scribble_names[SCRIBBLE_KINDS] = {"control block, random words",
	"rings and counters, random words", "link record", "mapped slots", "ring headers",
	"descriptors, bad address", "descriptors, endless message",
	"descriptors, bad ticket or lap", "completions", "control messages"};

static struct fido_domain *b;
static struct fido_link *ba;
static struct fido_region *mem;
static struct scribble_shared *shared;
static uint64_t seed;
/* A copy of the valid control block, without which the domain's own code would fail. */
static struct fido_control_shm *saved;

static uint64_t
any(uint64_t below)
{
	return test_random(&seed) % below;
}

static void
wrote(enum scribble_kind kind, uint64_t n)
{
	fido_store_relaxed(&shared->items[kind], shared->items[kind] + n);
	fido_store_relaxed(&shared->total, shared->total + n);
	if (shared->total >= shared->want)
		fido_store_release(&shared->done, 1);
}

/* ---- honest life ---- */

static void
turn(void)
{
	pthread_mutex_lock(&b->lock);
	b->ops->process(b->transport);
	fido_domain_update(b);
	for (uint32_t i = 0; i < FIDO_DOMAIN_LINKS_MAX; i++)
		if (b->links[i] != NULL)
			fido_link_collect(b->links[i]);
	fido_peers_collect(b);
	fido_recall_collect(b);
	pthread_mutex_unlock(&b->lock);
}

static void
notify(void)
{
	pthread_mutex_lock(&b->lock);
	b->ops->notify(b->transport);
	pthread_mutex_unlock(&b->lock);
}

static void
stop_thread(void)
{
	pthread_mutex_lock(&b->lock);
	b->stop = true;
	pthread_mutex_unlock(&b->lock);
	fido_domain_kick(b);
	pthread_join(b->thread, NULL);
	b->thread_started = false;
}

static void
traffic(unsigned int n)
{
	struct fido_rx rx[BURST];
	void *cookies[BURST];

	for (unsigned int i = 0; i < n; i++) {
		uint16_t k = (uint16_t)(i % QUEUES);
		unsigned int got = fido_rxq_poll(fido_link_rxq(ba, k), rx, BURST);

		fido_rxq_complete(fido_link_rxq(ba, k), rx, got, FIDO_STATUS_OK);
		test_post(fido_link_txq(ba, k), mem, i % 256);
		fido_txq_reap(fido_link_txq(ba, k), cookies, BURST);
	}
}

/* Release rings that were given up, so that the peer can reuse their memory. */
static void
let_go(void)
{
	void *cookies[RING];

	for (struct fido_tx_ring *e = ba->tx_rings; e != NULL; e = e->next)
		if (e->state == FIDO_RING_RETIRED)
			fido_sender_recall(e->sender, cookies, RING);
	for (struct fido_rx_ring *e = ba->rx_rings; e != NULL; e = e->next) {
		struct fido_receiver *r = e->receiver;

		if (e->state != FIDO_RING_RETIRED)
			continue;
		e->discard = true;
		for (uint32_t t = 0; t <= r->mask; t++)
			if (r->held[t] != 0)
				fido_receiver_complete(r, (uint16_t)t, FIDO_STATUS_OK);
		fido_store_release(&e->receiver->shm->closed, 1);
	}
}

/* @return true when the link is up (again) */
static bool
come_up(void)
{
	memcpy(b->control, saved, sizeof(*saved));
	for (int i = 0; i < TRIES; i++) {
		let_go();
		turn();
		if (i > 1 && fido_link_is_up(ba))
			return true;
		if (!ba->want_open)
			fido_link_open(ba);
		usleep(i < 20 ? 0 : 500);
	}
	return false;
}

/* ---- attacks: control block, ring headers ---- */

static uint64_t
odd_value(void)
{
	static const uint64_t odd[] = {0, 1, 2, 3, 4, 5, 31, 32, 33, 63, 64, 65, 0x7fffffff,
		0xffffffff, UINT64_MAX};
	uint64_t r = any(8);

	if (r < 3)
		return odd[any(sizeof(odd) / sizeof(odd[0]))];
	if (r < 5)
		return (uintptr_t)b->control + FIDO_CONTROL_HEAP_OFFSET + any(512) * 64;
	if (r == 5)
		return (uintptr_t)b->control + b->control_size - any(64) * 64;
	return test_random(&seed) >> any(64);
}

static void
store(void *at, uint64_t value)
{
	fido_store_relaxed((uint64_t *)at, value);
}

static void
control_random(void)
{
	char *c = (char *)b->control;

	for (unsigned int i = 0; i < BURST; i++) {
		store(c + any(sizeof(*b->control) / 8) * 8, odd_value());
		if (any(8) == 0)
			notify();
	}
}

static void
heap_random(void)
{
	char *heap = (char *)b->control + FIDO_CONTROL_HEAP_OFFSET;

	for (unsigned int i = 0; i < BURST; i++)
		store(heap + any(32 * FIDO_HEAP_PAGE / 8) * 8, odd_value());
}

static void
record(void)
{
	struct fido_link_shm *rec = ba->shm;
	uint64_t *words = (uint64_t *)(void *)rec;

	for (unsigned int i = 0; i < BURST; i++) {
		/* Often an unchanged seq: a record that looks consistent. */
		if (any(4) == 0)
			fido_store_relaxed(&rec->state, (uint32_t)odd_value());
		else if (any(8) == 0)
			fido_store_relaxed(&rec->seq, (uint32_t)odd_value());
		else
			store(&words[1 + any(sizeof(*rec) / 8 - 1)], odd_value());
		if (any(4) == 0)
			notify();
	}
}

static void
mapped(void)
{
	for (unsigned int i = 0; i < BURST; i++) {
		uint64_t *m = (uint64_t *)(void *)&b->control->mapped[any(4)];

		store(&m[any(4)], any(2) ? odd_value() : saved->mapped[any(4)].generation);
		if (any(4) == 0)
			notify();
	}
}

static void
ring_head(void)
{
	for (unsigned int i = 0; i < BURST; i++) {
		uint32_t at = (uint32_t)any(7);

		at = at < 6 ? at : 16;
		for (struct fido_tx_ring *e = ba->tx_rings; e != NULL; e = e->next)
			fido_store_relaxed((uint32_t *)(void *)e->sender->shm + at,
				(uint32_t)odd_value());
		for (struct fido_rx_ring *e = ba->rx_rings; e != NULL; e = e->next)
			fido_store_relaxed((uint32_t *)(void *)e->receiver->shm + at,
				(uint32_t)odd_value());
		if (any(8) == 0)
			notify();
	}
}

/* ---- attacks: descriptors ---- */

static uint64_t
bad_address(void)
{
	uint64_t slot = any(TEST_SLOTS + 2);
	uint64_t base = TEST_BASE + (slot << TEST_SLOT_SHIFT);

	switch (any(4)) {
	case 0:
		return test_random(&seed) & FIDO_GADDR_MASK;
	case 1:
		return base + any(8) * FIDO_GRANULE_SIZE - any(3);
	case 2:
		return mem->gaddr + mem->len - any(200); /* just outside, if it is long enough */
	default:
		return base + (UINT64_C(1) << TEST_SLOT_SHIFT) - any(70000);
	}
}

static uint32_t
odd_len(void)
{
	return any(3) ? (uint32_t)any(4096) : (uint32_t)(test_random(&seed) >> (32 + any(32)));
}

/* By the rules of the ring, with tickets that are free to use. */
static void
desc_address(uint16_t flags)
{
	struct fido_txq *q = fido_link_txq(ba, (uint16_t)any(QUEUES));
	void *cookies[BURST];
	uint64_t n = 0;

	fido_txq_reap(q, cookies, BURST);
	fido_lock_take(&q->lock);
	while (q->sender != NULL && fido_sender_room(q->sender) != 0 && n < BURST) {
		fido_sender_put(q->sender, bad_address(), odd_len(),
			flags | (uint16_t)(any(16) == 0 ? any(32768) & ~1u : 0), cookies);
		n++;
	}
	if (q->sender != NULL)
		fido_sender_publish(q->sender);
	fido_lock_release(&q->lock);
	if (q->peer_bell != NULL)
		fido_doorbell_ring(q->peer_bell);
	wrote(flags & FIDO_DESC_CHAINED ? SCRIBBLE_DESC_CHAIN : SCRIBBLE_DESC_ADDRESS, n);
}

static void
desc_broken(void)
{
	for (struct fido_tx_ring *e = ba->tx_rings; e != NULL; e = e->next) {
		struct fido_sender *s = e->sender;

		for (uint32_t i = 0; i < RING && e->state == FIDO_RING_LIVE; i++) {
			uint32_t pos = s->prod + i;
			struct fido_desc_shm *d = &s->desc[pos & s->mask];

			store(&d->w0,
				any(4) ? mem->gaddr | any(4) << FIDO_GADDR_BITS
				       : test_random(&seed));
			/* A ticket that is out, out of range, or good; a lap near the right one. */
			store(&d->w1,
				any(8) ? (uint64_t)odd_len() << 32 |
						any(RING + (any(4) ? 0 : 9)) << 16 |
						(uint16_t)((pos >> s->shift) +
							(any(4) ? 1 : any(3)))
				       : test_random(&seed));
			wrote(SCRIBBLE_DESC_BROKEN, 1);
		}
	}
}

/* ---- attacks: completions, messages ---- */

static void
comp_broken(void)
{
	struct fido_rx rx[4];
	uint16_t k = (uint16_t)any(QUEUES);
	unsigned int n = fido_rxq_poll(fido_link_rxq(ba, k), rx, 4);

	fido_rxq_complete(fido_link_rxq(ba, k), rx, n, (uint16_t)any(6));
	for (struct fido_rx_ring *e = ba->rx_rings; e != NULL; e = e->next) {
		struct fido_receiver *r = e->receiver;

		for (uint32_t i = 0; i < 8 && e->state == FIDO_RING_LIVE; i++) {
			uint32_t pos = r->prod + i;

			store(&r->comp[pos & r->mask],
				any(8) ? any(4) << 48 | any(any(2) ? 4 : RING + 9) << 32 |
						any(RING + (any(4) ? 0 : 9)) << 16 |
						(uint16_t)((pos >> r->shift) + any(3))
				       : test_random(&seed));
			wrote(SCRIBBLE_COMP_BROKEN, 1);
		}
	}
}

static void
set_header(void *message, uint16_t type)
{
	const struct fido_host_header h = {FIDO_CONTROL_MAGIC, FIDO_LAYOUT_VERSION, type};

	memcpy(message, &h, sizeof(h));
}

/* As a stranger, since a peer that breaks the protocol is disconnected. */
static void
messages(void)
{
	struct fido_local_folder g;
	struct sockaddr_un address;
	uint64_t words[80];
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || fido_local_folder_open(&g, TEST_GROUP, false) != 0)
		return;
	fido_local_folder_address(&g, "a", &address);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		for (int i = 0; i < 16; i++) {
			for (size_t k = 0; k < 80; k++)
				words[k] = odd_value();
			set_header(words, (uint16_t)(any(4) ? any(9) : FIDO_HOST_OBSERVE));
			if (send(fd, words, any(32) ? 8 + any(600) : any(8), MSG_NOSIGNAL) < 0)
				break;
			wrote(SCRIBBLE_MESSAGE, 1);
		}
	close(fd);
}

/* On the session itself, which ends with it. */
static void
last_words(void)
{
	const struct fido_host_session *s = b->peers != NULL ? b->peers->session : NULL;
	uint64_t words[80];

	for (int i = 0; i < 64 && s != NULL; i++) {
		for (size_t k = 1; k < 80; k++)
			words[k] = odd_value();
		set_header(words, (uint16_t)(FIDO_HOST_MAP + any(5)));
		if (send(s->fd, words, sizeof(words), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			break;
		wrote(SCRIBBLE_MESSAGE, 1);
	}
}

/* ---- main loop ---- */

static void
silent(enum fido_log_level level, const char *message)
{
	(void)level;
	(void)message;
}

static void
attack(enum scribble_kind kind)
{
	switch (kind) {
	case SCRIBBLE_CONTROL_RANDOM:
		control_random();
		wrote(kind, BURST);
		break;
	case SCRIBBLE_HEAP_RANDOM:
		heap_random();
		wrote(kind, BURST);
		break;
	case SCRIBBLE_RECORD:
		record();
		wrote(kind, BURST);
		break;
	case SCRIBBLE_MAPPED:
		mapped();
		wrote(kind, BURST);
		break;
	case SCRIBBLE_RING_HEAD:
		ring_head();
		wrote(kind, BURST);
		break;
	case SCRIBBLE_DESC_ADDRESS:
		for (int i = 0; i < 50; i++)
			desc_address(0);
		break;
	case SCRIBBLE_DESC_CHAIN:
		desc_address(FIDO_DESC_CHAINED);
		break;
	case SCRIBBLE_DESC_BROKEN:
		desc_broken();
		break;
	case SCRIBBLE_COMP_BROKEN:
		comp_broken();
		break;
	default:
		messages();
		break;
	}
}

/* Prefer attacks that leave the link up and get an answer at once. */
static enum scribble_kind
choose(void)
{
	uint64_t r = any(20);

	return r < SCRIBBLE_KINDS ? (enum scribble_kind)r : SCRIBBLE_DESC_ADDRESS;
}

void
scribbler_run(struct scribble_shared *s)
{
	shared = s;
	seed = s->seed;
	fido_log_set(silent);
	b = test_join("b");
	mem = test_arena(b, 2u << 20);
	ba = test_link(b, "a", NULL, QUEUES, QUEUES, RING);
	TEST_WAIT(fido_link_is_up(ba));
	traffic(500);
	stop_thread();
	saved = malloc(sizeof(*saved));
	assert_non_null(saved);
	for (;;) {
		memcpy(saved, b->control, sizeof(*saved));
		fido_store_relaxed(&shared->links, shared->links + 1);
		traffic(20);
		attack(choose());
		usleep((useconds_t)any(200)); /* time for the peer to see it */
		notify();
		if (come_up())
			continue;
		/* Refused: send a last message and wait to be killed. */
		last_words();
		fido_store_release(&shared->done, 1);
		pause();
	}
}
