/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whatever volume table a domain publishes and changes, fido-ctl reads nothing outside and prints
 * text.
 */
#include "test.h"

#include <ctype.h>
#include <pthread.h>
#include <sys/mman.h>

#include <fido/blk_shm.h>

#include "snapshot.h"
#include "volume_json.h"
#include "volume_text.h"

#define SIZE (2u << 20)
#define BASE TEST_BASE
#define VOLUMES 3u
#define QUEUES 4u
#define ROUNDS 3000u

/*
 * ---- an observer that sees one domain: the test's own memory, with an unreadable page behind it
 * ----
 */

static struct fido_control_shm *control;
static struct fido_blk_shm *head;
static struct fido_blk_volume_shm *volumes;
static struct fido_blk_queue_shm *queues;
static struct fido_observation seen;

unsigned int __wrap_fido_observer_count(const struct fido_observer *o);
const struct fido_observation *__wrap_fido_observer_domain(const struct fido_observer *o,
	unsigned int i);

unsigned int
__wrap_fido_observer_count(const struct fido_observer *o)
{
	(void)o;
	return 1;
}

const struct fido_observation *
__wrap_fido_observer_domain(const struct fido_observer *o, unsigned int i)
{
	(void)o;
	(void)i;
	return &seen;
}

static uint64_t
gaddr_of(const void *p)
{
	return BASE + (uint64_t)((const char *)p - (const char *)control);
}

/* Publish a valid table. */
static void
publish_good(void)
{
	memset(control, 0, SIZE);
	control->magic = FIDO_CONTROL_MAGIC;
	control->version = FIDO_LAYOUT_VERSION;
	control->layout_base = BASE;
	control->slot_shift = TEST_SLOT_SHIFT;
	head = (void *)((char *)control + FIDO_CONTROL_HEAP_OFFSET);
	volumes = (void *)(head + 1);
	queues = (void *)(volumes + VOLUMES);
	*head = (struct fido_blk_shm){.magic = FIDO_BLK_SHM_MAGIC,
		.version = FIDO_BLK_SHM_VERSION,
		.volume_count = VOLUMES,
		.queue_count = QUEUES,
		.volumes = gaddr_of(volumes),
		.queues = gaddr_of(queues)};
	for (uint32_t i = 0; i < VOLUMES; i++) {
		volumes[i] = (struct fido_blk_volume_shm){.store = "mem:1M",
			.size = 1 << 20,
			.block_size = 512,
			.features = FIDO_BLK_CAN_WRITE};
		snprintf(volumes[i].name, sizeof(volumes[i].name), "v%u", i);
		volumes[i].closed.requests[FIDO_BLK_READ] = 100;
		volumes[i].closed.lent = 50;
		volumes[i].closed.returned = 49;
	}
	for (uint32_t i = 0; i < QUEUES; i++) {
		queues[i] = (struct fido_blk_queue_shm){.used = i != 3,
			.volume = 1,
			.queue = 3 - i,
			.client = "vm"};
		queues[i].counters.requests[FIDO_BLK_READ] = i + 1;
		queues[i].counters.lent = 10;
		queues[i].counters.returned = 8;
	}
	control->table_kind = FIDO_BLK_SHM_MAGIC;
	control->table = gaddr_of(head);
}

static void
begin(void)
{
	char *p =
		mmap(NULL, SIZE + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	assert_int_equal(mprotect(p + SIZE, 4096, PROT_NONE), 0);
	control = (void *)p;
	seen = (struct fido_observation){.name = "disk",
		.control = control,
		.size = SIZE,
		.generation = 1,
		.socket = -1,
		.alive = true};
	publish_good();
}

/* ---- looking ---- */

static struct ctl_snapshot *
look(void)
{
	struct ctl_snapshot *s;

	assert_int_equal(ctl_snapshot_take(&s, NULL), 0);
	return s;
}

static void
check_printed(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] != '\n' && text[i] != '\t' && (text[i] < ' ' || text[i] > '~'))
			fail_msg("byte %u was printed", (unsigned char)text[i]);
}

/* Print it in every format. */
static void
print(const struct ctl_snapshot *before, const struct ctl_snapshot *now)
{
	struct ctl_options opt = {.command = CTL_BLK, .group = "g"};

	for (int json = 0; json < 2; json++) {
		char *text = NULL;
		size_t len = 0;
		FILE *out = open_memstream(&text, &len);

		assert_int_equal(json ? ctl_json_volumes(out, before, now, &opt, true)
				      : ctl_text_volumes(out, before, now, &opt),
			0);
		fclose(out);
		check_printed(text, len);
		free(text);
	}
}

static void
good_tables(void **state)
{
	struct ctl_snapshot *before, *now;
	const struct ctl_volumes *v;

	begin();
	before = look();
	v = &before->domains[0].volumes;
	assert_false(v->bad);
	assert_int_equal(v->volume_count, VOLUMES);
	assert_int_equal(v->queue_count, 3);
	assert_string_equal(v->volumes[2].name, "v2");
	assert_int_equal(v->volumes[0].counter[CTL_BLK_COUNTER(requests[FIDO_BLK_READ])], 100);
	assert_int_equal(v->volumes[1].counter[CTL_BLK_COUNTER(requests[FIDO_BLK_READ])], 106);
	assert_int_equal(ctl_volumes_lent_out(v->volumes[1].counter), 7);
	assert_int_equal(v->queues[0].queue, 1);
	queues[1].counters.requests[FIDO_BLK_READ] += 1000;
	now = look();
	print(NULL, now);
	print(before, now);
	ctl_snapshot_destroy(before);
	ctl_snapshot_destroy(now);
}

/* @return true when the table was refused */
static bool
is_bad(void)
{
	struct ctl_snapshot *s = look();
	bool bad = s->domains[0].volumes.bad;

	assert_true(!bad ||
		(s->domains[0].volumes.volume_count == 0 &&
			s->domains[0].volumes.queue_count == 0));
	print(NULL, s);
	ctl_snapshot_destroy(s);
	publish_good();
	return bad;
}

static void
bad_tables(void **state)
{
	static const uint32_t counts[] = {4097, 1 << 20, UINT32_MAX};

	publish_good();
	assert_false(is_bad());
	control->table = 0; /* 0: no table */
	assert_false(is_bad());
	for (uint64_t i = 1; i < 8; i++) {
		control->table += i;
		assert_true(is_bad());
		head->volumes += i;
		assert_true(is_bad());
		head->queues += i;
		assert_true(is_bad());
	}
	control->table = BASE + SIZE - 8;
	assert_true(is_bad());
	control->table = UINT64_MAX - 7;
	assert_true(is_bad());
	control->table = (uintptr_t)control;
	assert_true(is_bad());
	head->magic++;
	assert_true(is_bad());
	head->version++;
	assert_true(is_bad());
	head->volumes = BASE + SIZE - sizeof(*volumes) * VOLUMES + 8;
	assert_true(is_bad());
	head->volumes = BASE - 8;
	assert_true(is_bad());
	head->queues = 0;
	assert_true(is_bad());
	for (size_t i = 0; i < 3; i++) {
		head->volume_count = counts[i];
		assert_true(is_bad());
		head->queue_count = counts[i] * 4;
		assert_true(is_bad());
	}
	/* At the very end of the memory. */
	head->volumes = BASE + SIZE - sizeof(*volumes) * VOLUMES;
	assert_false(is_bad());
	head->volume_count = 0;
	assert_false(is_bad());
	head->queue_count = 0;
	assert_false(is_bad());
}

static void
odd_contents(void **state)
{
	struct ctl_snapshot *s;
	const struct ctl_volumes *v;

	publish_good();
	memset(volumes[0].name, 'x', sizeof(volumes[0].name));
	memset(volumes[0].store, 0x1b, sizeof(volumes[0].store));
	strcpy(volumes[1].name, "\033[2J\xff a/b");
	memset(queues[0].client, 0x80, sizeof(queues[0].client));
	queues[1].volume = VOLUMES;
	queues[2].volume = UINT32_MAX;
	queues[3].used = 2;
	memset(&queues[0].counters, 0xff, sizeof(queues[0].counters));
	memset(&volumes[2].closed, 0xff, sizeof(volumes[2].closed));
	volumes[2].features = UINT32_MAX;
	volumes[2].size = UINT64_MAX;
	s = look();
	v = &s->domains[0].volumes;
	assert_int_equal(strlen(v->volumes[0].name), FIDO_BLK_VOLUME_MAX - 1);
	assert_int_equal(strspn(v->volumes[0].store, "?"), CTL_STORE_MAX - 1);
	assert_string_equal(v->volumes[1].name, "??2J??a?b");
	assert_int_equal(v->queue_count, 1);
	print(NULL, s);
	ctl_snapshot_destroy(s);
}

/* ---- while it changes ---- */

static uint32_t stop;

static uint64_t
odd_value(uint64_t *seed)
{
	uint64_t r = test_random(seed);

	switch (r % 6) {
	case 0:
		return BASE + FIDO_CONTROL_HEAP_OFFSET + (r >> 32) % 256 * 8;
	case 1:
		return BASE + SIZE - (r >> 32) % 4096;
	case 2:
		return (r >> 32) % 5;
	case 3:
		return UINT64_C(1) << ((r >> 32) & 63);
	default:
		return test_random(seed);
	}
}

static void *
scribble(void *arg)
{
	uint64_t seed = 7, *words = (uint64_t *)(void *)head;
	size_t tables = (size_t)((char *)(queues + QUEUES) - (char *)head) / 8;

	while (!fido_load_relaxed(&stop)) {
		uint64_t r = test_random(&seed);

		if (r % 16 == 0)
			fido_store_relaxed(&control->table, odd_value(&seed));
		else if (r % 4 == 0)
			fido_store_relaxed(&words[(r >> 8) % 4], odd_value(&seed));
		else
			fido_store_relaxed(&words[(r >> 8) % tables], odd_value(&seed));
		if (r % 32 == 1) {
			/* Valid again, for a while. */
			fido_store_relaxed(&words[0],
				(uint64_t)FIDO_BLK_SHM_VERSION << 32 | FIDO_BLK_SHM_MAGIC);
			fido_store_relaxed(&words[1], (r >> 8) % 9 << 32 | (r >> 16) % 9);
			fido_store_relaxed(&words[2], gaddr_of(volumes));
			fido_store_relaxed(&words[3], gaddr_of(queues));
			fido_store_relaxed(&control->table, gaddr_of(head));
			usleep(50);
		}
	}
	return arg;
}

static void
scribbled_tables(void **state)
{
	struct ctl_snapshot *before, *now;
	unsigned int believed = 0;
	pthread_t thread;

	publish_good();
	before = look();
	assert_int_equal(pthread_create(&thread, NULL, scribble, NULL), 0);
	for (uint32_t i = 0; i < test_rounds(ROUNDS); i++) {
		now = look();
		believed += now->domains[0].volumes.volume_count != 0;
		print(NULL, now);
		print(before, now);
		ctl_snapshot_destroy(before);
		before = now;
	}
	fido_store_relaxed(&stop, 1);
	pthread_join(thread, NULL);
	ctl_snapshot_destroy(before);
	print_message("%u of %u tables were accepted\n", believed, test_rounds(ROUNDS));
	assert_true(believed > 10);
	munmap(control, SIZE + 4096);
}

TEST_MAIN(cmocka_unit_test(good_tables), cmocka_unit_test(bad_tables),
	cmocka_unit_test(odd_contents), cmocka_unit_test(scribbled_tables))
