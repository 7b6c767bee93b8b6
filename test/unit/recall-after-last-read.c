/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A domain's last reads come before it publishes that it holds nothing of a dead peer.
 *
 * So the owner reuses a buffer only after they are done.
 */
#include "test.h"

#include <pthread.h>

#include "domain_private.h"
#include "peer.h"
#include "recall.h"

/*
 * Two domains handle the death of a third, each in a thread: the control thread of the owner, and
 * that of the last reader. The test builds them by hand, so that only R10 and A10 order them:
 * domains that have joined also exchange messages, which ThreadSanitizer takes for an ordering when
 * both are in one process.
 */
#define DEAD_SLOT 1
#define DEAD_GENERATION 5
#define READER_SLOT 2
#define ROUNDS 100

static uint64_t buffer[8];
static struct fido_control_shm *owner_control, *reader_control, *dead_control;
static struct fido_transport_ops ops;
static const char
	*volatile failure; /* set by the reader thread; cmocka works in the main thread only */

static void
notify(void *transport)
{
	(void)transport;
}

static struct fido_control_shm *
control_block(void)
{
	struct fido_control_shm *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	c->mapped[DEAD_SLOT].generation = DEAD_GENERATION;
	c->mapped[DEAD_SLOT].received = DEAD_GENERATION;
	/* Published before: a message waits to be read. */
	c->mapped[DEAD_SLOT].ended = DEAD_GENERATION;
	c->mapped[DEAD_SLOT].newest = UINT64_MAX;
	return c;
}

/* Another reference to the dead peer keeps all its memory mapped. */
static struct fido_peer
dead_peer(void)
{
	return (struct fido_peer){.slot = DEAD_SLOT,
		.generation = DEAD_GENERATION,
		.control = dead_control,
		.gone = true,
		.gone_ns = fido_now_ns(),
		.refs = 1};
}

static void *
last_reader(void *arg)
{
	struct fido_peer dead = dead_peer();
	struct fido_domain d = {.layout = TEST_LAYOUT,
		.slot = READER_SLOT,
		.control = reader_control,
		.ops = &ops,
		.peers = &dead};

	if (!test_filled(buffer, sizeof(buffer), 1))
		failure = "content";
	fido_peers_collect(&d);
	return NULL;
}

/* @return true when what was posted at time 1 may come back */
static bool
may_reuse(struct fido_domain *d, const struct fido_peer *dead)
{
	struct fido_posted posted = {1, TEST_BASE};
	struct fido_recall q;
	bool allowed;

	fido_recall_collect(d);
	if (!fido_recall_ask(d, dead, &q))
		return false;
	allowed = fido_recall_allows(&q, &posted);
	fido_recall_answered(&q);
	return allowed;
}

static void
owner(void)
{
	struct fido_peer reader = {.slot = READER_SLOT, .generation = 6, .control = reader_control};
	struct fido_peer dead = dead_peer();
	struct fido_domain d = {.layout = TEST_LAYOUT,
		.control = owner_control,
		.ops = &ops,
		.peers = &dead};
	uint64_t until = test_now_ms() + TEST_LIMIT_MS;

	dead.next = &reader;
	dead.death = fido_recall_prepare();
	assert_non_null(dead.death);
	fido_recall_note_death(&d, &dead);
	fido_peers_collect(&d);
	while (!may_reuse(&d, &dead))
		assert_true(test_now_ms() < until);
	test_fill(buffer, sizeof(buffer), 2);
	fido_recall_forget(&d);
}

static void
one_round(void)
{
	pthread_t thread;

	ops.notify = notify;
	owner_control = control_block();
	reader_control = control_block();
	dead_control = control_block();
	test_fill(buffer, sizeof(buffer), 1);
	assert_int_equal(pthread_create(&thread, NULL, last_reader, NULL), 0);
	owner();
	pthread_join(thread, NULL);
	assert_null(failure);
	free(owner_control);
	free(reader_control);
	free(dead_control);
}

static void
read_before_reused(void **state)
{
	for (int i = 0; i < ROUNDS; i++)
		one_round();
}

TEST_MAIN_ONE(read_before_reused)
