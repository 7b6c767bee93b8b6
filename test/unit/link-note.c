/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A link's note arrives whole, before the first message and on each change; bad notes are ignored.
 */
#include "test.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "link_private.h"

#define WRITES 20000

static int
note(struct fido_link *link, void *data)
{
	struct fido_txq *q = fido_link_txq(link, 0);
	int ret;

	fido_lock_take(&q->lock);
	ret = fido_txq_note(q, data);
	fido_lock_release(&q->lock);
	return ret;
}

static uint32_t
seq(struct fido_link *link)
{
	struct fido_txq *q = fido_link_txq(link, 0);
	uint32_t n;

	fido_lock_take(&q->lock);
	n = fido_txq_note_seq(q);
	fido_lock_release(&q->lock);
	return n;
}

static struct fido_link *
link_with_note(struct fido_domain *d, const char *peer, const char *text)
{
	struct fido_link_config config = {.peer = peer};
	struct fido_link *link;

	assert_int_equal(fido_link_create(d, &config, &link), 0);
	assert_int_equal(fido_link_configure(link, 1, 1, 64), 0);
	if (text != NULL)
		assert_int_equal(fido_link_set_note(link, text, (uint32_t)strlen(text) + 1), 0);
	assert_int_equal(fido_link_open(link), 0);
	return link;
}

static void
arrives(void **state)
{
	char got[FIDO_NOTE_MAX];
	struct test_pair p;
	uint32_t before;

	test_pair_join(&p);
	p.ab = link_with_note(p.a, "b", "first");
	p.ba = link_with_note(p.b, "a", NULL);
	test_wait_up(p.ab, p.ba);
	assert_int_equal(note(p.ba, got), 6);
	assert_string_equal(got, "first");
	assert_int_equal(note(p.ab, got), 0);
	before = seq(p.ba);
	assert_int_equal(fido_link_set_note(p.ab, "second one", 11), 0);
	assert_int_not_equal(seq(p.ba), before);
	assert_int_equal(note(p.ba, got), 11);
	assert_string_equal(got, "second one");
	assert_int_equal(fido_link_set_note(p.ab, got, FIDO_NOTE_MAX + 1), -EINVAL);
	/* The peer's note goes with the link. */
	fido_link_close(p.ab);
	TEST_WAIT(note(p.ba, got) == 0);
	assert_int_equal(fido_link_open(p.ab), 0);
	TEST_WAIT(note(p.ba, got) == 11);
	test_pair_end(&p);
}

static bool done;

static void *
writer(void *arg)
{
	unsigned char text[FIDO_NOTE_MAX];

	for (uint32_t i = 0; i < WRITES; i++) {
		memset(text, (int)(i % 251), sizeof(text));
		assert_int_equal(fido_link_set_note(arg, text, FIDO_NOTE_MAX), 0);
	}
	fido_store_release(&done, true);
	return NULL;
}

static void
whole(void **state)
{
	unsigned char got[FIDO_NOTE_MAX];
	struct test_pair p;
	pthread_t thread;

	test_pair_join(&p);
	p.ab = link_with_note(p.a, "b", "");
	p.ba = link_with_note(p.b, "a", NULL);
	test_wait_up(p.ab, p.ba);
	assert_int_equal(pthread_create(&thread, NULL, writer, p.ab), 0);
	while (!fido_load_acquire(&done))
		if (note(p.ba, got) == FIDO_NOTE_MAX)
			for (size_t i = 1; i < sizeof(got); i++)
				assert_int_equal(got[i], got[0]);
	pthread_join(thread, NULL);
	assert_int_equal(note(p.ba, got), FIDO_NOTE_MAX);
	assert_int_equal(got[FIDO_NOTE_MAX - 1], (WRITES - 1) % 251);
	test_pair_end(&p);
}

/* Notes that a hostile peer may have written. */
static void
nonsense(void **state)
{
	char got[FIDO_NOTE_MAX];
	struct test_pair p;
	struct fido_peer *peer;

	test_pair_join(&p);
	p.ab = link_with_note(p.a, "b", "x");
	p.ba = link_with_note(p.b, "a", NULL);
	test_wait_up(p.ab, p.ba);
	fido_store_relaxed(&p.ab->note->len, FIDO_NOTE_MAX + 1);
	assert_int_equal(note(p.ba, got), 0);
	fido_store_relaxed(&p.ab->note->len, UINT32_MAX);
	assert_int_equal(note(p.ba, got), 0);
	fido_store_relaxed(&p.ab->note->seq, seq(p.ba) + 1);
	assert_int_equal(note(p.ba, got), -EAGAIN);
	peer = p.ba->peer;
	assert_null(fido_link_peer_note(p.ba, peer, 0));
	assert_null(fido_link_peer_note(p.ba, peer, 64));
	assert_null(fido_link_peer_note(p.ba, peer, FIDO_CONTROL_HEAP_OFFSET + 8));
	assert_null(fido_link_peer_note(p.ba, peer, (uint32_t)peer->control_size - 192));
	assert_null(fido_link_peer_note(p.ba, peer, (uint32_t)peer->control_size));
	assert_null(fido_link_peer_note(p.ba, peer, UINT32_MAX & ~63u));
	assert_non_null(fido_link_peer_note(p.ba, peer, (uint32_t)peer->control_size - 256));
	test_pair_end(&p);
}

TEST_MAIN(cmocka_unit_test(arrives), cmocka_unit_test(whole), cmocka_unit_test(nonsense))
