/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Proves: whatever a peer writes into its root (extents outside of its slot, overlapping, too many;
 * a sequence number that stays odd; doorbells that nobody has), and when, others map only memory of
 * its slot, read-only and where it belongs, are not held up, and go on among themselves.
 */

#include <signal.h>
#include <sys/mman.h>

#include "test.h"
#include "vm_group.h"
#include "vm_private.h"

#define X 2                             /* the slot of the hostile member */
#define CONTROL (2 * FIDO_GRANULE_SIZE) /* of its control region, in bytes */
#define TURN_MS 2000

static struct fido_domain *a, *b;
static struct fido_region *mem;
static struct fido_link *ab, *ba;
/* libfido's handler, which cmocka's replaces. */
static struct sigaction guard;

/* x: its memory, as it sees it. */
static char *x_memory;
static struct fido_vm_root_shm *root;
static uint64_t generation;

static uint64_t
x_base(void)
{
	return TEST_BASE + ((uint64_t)X << TEST_SLOT_SHIFT);
}

/* ---- what is mapped ---- */

struct mapped {
	uint64_t bytes; /* in x's slot, behind its control region */
	unsigned int roots;
};

static void
check_line(struct mapped *m, const char *line)
{
	unsigned long long from, to, offset;
	unsigned int slot;
	char perms[8];
	const char *name = strstr(line, "memfd:vm-slot-");

	assert_int_equal(sscanf(line, "%llx-%llx %7s %llx", &from, &to, perms, &offset), 4);
	if (name == NULL || sscanf(name, "memfd:" VM_GROUP_FILE, &slot) != 1)
		slot = UINT32_MAX;
	if (from == (uintptr_t)x_memory)
		return; /* ours */
	if (from >= x_base() + (UINT64_C(1) << TEST_SLOT_SHIFT) || to <= x_base()) {
		assert_int_not_equal(slot, X);
		return;
	}
	assert_true(from >= x_base() && to <= x_base() + VM_GROUP_SIZE);
	if (slot == UINT32_MAX)
		return; /* a hole, with zeros or nothing */
	assert_int_equal(slot, X);
	assert_string_equal(perms, "r--s");
	assert_int_equal(offset, from - x_base() + FIDO_VM_HEADER_SIZE);
	m->roots += to > x_base() + VM_GROUP_ROOT;
	to = to < x_base() + VM_GROUP_ROOT ? to : x_base() + VM_GROUP_ROOT;
	from = from > x_base() + CONTROL ? from : x_base() + CONTROL;
	m->bytes += to > from ? to - from : 0;
}

static bool
is_hole(const char *line)
{
	return strstr(line, "memfd:") == NULL;
}

/* A hole may be as long as the slot. */
static struct mapped
what_is_mapped(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	struct mapped m = {0};
	char line[512];

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL)
		if (!is_hole(line))
			check_line(&m, line);
	fclose(f);
	assert_true(m.roots <= 1);
	return m;
}

/* What the data path takes for mapped. */
static void
check_granules(struct fido_domain *d)
{
	const struct fido_map *map = fido_domain_map(d);
	uint64_t first = (x_base() - map->base) >> FIDO_GRANULE_SHIFT;

	for (uint64_t g = VM_GROUP_ROOT >> FIDO_GRANULE_SHIFT;
		g < UINT64_C(1) << (TEST_SLOT_SHIFT - FIDO_GRANULE_SHIFT); g++)
		assert_false(fido_map_granule_test(map, first + g));
}

/* ---- a and b ---- */

static void
turn(void)
{
	uint64_t until = test_now_ms() + TURN_MS;

	vm_group_turn();
	if (test_now_ms() > until)
		fail_msg("a turn of two domains took over %d ms", TURN_MS);
}

static void
turns(unsigned int n)
{
	while (n-- > 0)
		turn();
	what_is_mapped();
	check_granules(a);
	check_granules(b);
}

static void
still_up(void)
{
	static uint32_t next;
	uint32_t i = next++ % 64;
	struct fido_rx rx;

	assert_true(fido_link_is_up(ab) && fido_link_is_up(ba));
	assert_int_equal(test_post(fido_link_txq(ab, 0), mem, i), 1);
	rx = test_poll(fido_link_rxq(ba, 0));
	assert_true(test_filled(rx.desc.data, TEST_BUF, i));
	test_complete(fido_link_rxq(ba, 0), &rx, FIDO_STATUS_OK);
	assert_int_equal(test_take(fido_link_txq(ab, 0)), i + 1);
}

static int
start(void **state)
{
	struct fido_layout layout = TEST_LAYOUT;

	(void)state;
	vm_group_start(&layout);
	a = vm_group_join("a");
	sigaction(SIGBUS, NULL, &guard);
	b = vm_group_join("b");
	vm_group_announce(a->slot, a->generation, "a");
	vm_group_announce(b->slot, b->generation, "b");
	mem = test_arena(a, 4u << 20);
	ab = test_link(a, "b", NULL, 1, 1, 64);
	ba = test_link(b, "a", NULL, 1, 1, 64);
	TEST_WAIT((vm_group_turn(), fido_link_is_up(ab) && fido_link_is_up(ba)));
	TEST_WAIT((vm_group_turn(), test_post(fido_link_txq(ab, 0), mem, 0) == 1));
	test_poll(fido_link_rxq(ba, 0));
	x_memory = mmap(NULL, VM_GROUP_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, vm_group_memory(X),
		FIDO_VM_HEADER_SIZE);
	assert_true(x_memory != MAP_FAILED);
	root = (void *)(x_memory + VM_GROUP_ROOT);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	vm_group_leave(a);
	vm_group_leave(b);
	munmap(x_memory, VM_GROUP_SIZE);
	return 0;
}

/* ---- x ---- */

/* x begins a life with a valid control region and root, which exports nothing. */
static void
x_start(void)
{
	struct fido_control_shm *c = (void *)x_memory;

	generation++;
	memset(c, 0, sizeof(*c));
	c->magic = FIDO_CONTROL_MAGIC;
	c->version = FIDO_LAYOUT_VERSION;
	c->generation = generation;
	c->layout_base = TEST_BASE;
	c->slot_shift = TEST_SLOT_SHIFT;
	c->slots = VM_GROUP_SLOTS;
	c->slot = X;
	c->control_size = CONTROL;
	c->epoch = 1;
	memset(root, 0, sizeof(*root));
	*root = (struct fido_vm_root_shm){.magic = FIDO_VM_ROOT_MAGIC,
		.version = FIDO_VM_VERSION,
		.slot = X,
		.generation = generation,
		.control_size = CONTROL,
		.seq = 2,
		.epoch = 1};
}

static void
x_arrives(void)
{
	vm_group_announce(X, generation, "x");
	turns(3);
}

static void
x_changed(void)
{
	vm_group_changed(X, generation);
	turns(2);
}

/* It ends; nothing of it stays. What dies stays mapped for a while. */
static void
x_ends(void)
{
	vm_group_gone(X, generation, generation != 1);
	TEST_WAIT((turn(),
		vm_group_let_go(0, X) == generation && vm_group_let_go(1, X) == generation));
	assert_int_equal(what_is_mapped().roots, 0);
	assert_int_equal(what_is_mapped().bytes, 0);
	still_up();
}

static void
x_lists(uint64_t gaddr, uint64_t len)
{
	root->extents[root->count++] =
		(struct fido_vm_extent_shm){gaddr, len, FIDO_VM_PLACE(X, gaddr - x_base())};
}

static void
x_publishes(void)
{
	root->seq += 2;
	x_changed();
}

/* ---- the tests ---- */

/* So that the others prove something. */
static void
honest(void **state)
{
	const uint64_t g = FIDO_GRANULE_SIZE;

	(void)state;
	x_start();
	x_arrives();
	assert_int_equal(what_is_mapped().roots, 1);
	x_lists(x_base() + CONTROL, 3 * g);
	x_lists(x_base() + VM_GROUP_ROOT - g, g);
	x_publishes();
	assert_int_equal(what_is_mapped().bytes, 4 * g);
	root->extents[0].len = g;
	x_publishes();
	assert_int_equal(what_is_mapped().bytes, 2 * g);
	x_ends();
}

static void
bad_extents(void **state)
{
	const uint64_t g = FIDO_GRANULE_SIZE, at = x_base() + CONTROL;
	const struct {
		uint64_t gaddr, len;
	} bad[] = {
		{x_base(), g},                                     /* its control region */
		{at - g, 2 * g},                                   /* and what follows */
		{x_base() + VM_GROUP_ROOT, g},                     /* its root */
		{at, VM_GROUP_ROOT},                               /* into the root */
		{x_base() + VM_GROUP_SIZE, g},                     /* behind its memory */
		{at, UINT64_C(1) << TEST_SLOT_SHIFT},              /* all of it, and more */
		{TEST_BASE + CONTROL, g},                          /* of a */
		{x_base() - g, 2 * g},                             /* of b, and x */
		{x_base() + (UINT64_C(1) << TEST_SLOT_SHIFT), g},  /* the next slot */
		{TEST_BASE + ((uint64_t)VM_GROUP_SLOTS << 32), g}, /* outside of the group */
		{(uintptr_t)&bad & ~(g - 1), g},                   /* the stack */
		{0, g},
		{at, 0},
		{at, 1},
		{at + 4096, g},
		{at, g + 4096},
		{at, UINT64_MAX},
		{at, UINT64_MAX & ~(g - 1)},
		{at + g, -g},
		{UINT64_MAX, UINT64_MAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		for (int late = 0; late < 2; late++) {
			x_start();
			x_lists(at + 4 * g, g);
			if (!late)
				x_lists(bad[i].gaddr, bad[i].len);
			x_arrives();
			if (late) {
				assert_int_equal(what_is_mapped().bytes, g);
				x_lists(bad[i].gaddr, bad[i].len);
				x_publishes();
			}
			assert_int_equal(what_is_mapped().bytes, late ? g : 0);
			x_ends();
		}
}

static void
extents_out_of_order(void **state)
{
	const uint64_t g = FIDO_GRANULE_SIZE, at = x_base() + CONTROL;

	(void)state;
	for (uint64_t from = 0; from < 5; from++)
		for (uint64_t n = 1; n < 4; n++) {
			bool refused = from < 3; /* out of order, or over the former */

			x_start();
			x_lists(at + g, 2 * g);
			x_lists(at + from * g, n * g);
			x_arrives();
			assert_int_equal(what_is_mapped().bytes, refused ? 0 : (2 + n) * g);
			x_ends();
		}
}

static void
counts(void **state)
{
	const uint32_t bad[] = {2, 3, FIDO_VM_EXTENTS_MAX, FIDO_VM_EXTENTS_MAX + 1, INT32_MAX,
		UINT32_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		x_start();
		x_lists(x_base() + CONTROL, FIDO_GRANULE_SIZE);
		root->count = bad[i]; /* the others are zeros */
		x_arrives();
		assert_int_equal(what_is_mapped().bytes, 0);
		x_ends();
	}
}

/* A writer that never ends, of the extents and of the doorbells. */
static void
odd_for_ever(void **state)
{
	(void)state;
	for (int late = 0; late < 2; late++) {
		x_start();
		x_lists(x_base() + CONTROL, FIDO_GRANULE_SIZE);
		if (late)
			x_arrives();
		root->seq = 5;
		for (uint32_t i = 0; i < FIDO_DOMAIN_LINKS_MAX; i++)
			root->bells[i].seq = 2 * i + 1;
		root->count = 2;
		if (!late)
			x_arrives();
		for (int i = 0; i < 50; i++) {
			x_changed();
			still_up();
		}
		assert_int_equal(what_is_mapped().bytes, late ? FIDO_GRANULE_SIZE : 0);
		/* It ends the write after all. */
		root->seq = 6;
		root->count = 1;
		x_changed();
		assert_int_equal(what_is_mapped().bytes, FIDO_GRANULE_SIZE);
		x_ends();
	}
}

static void
bells(void **state)
{
	const uint16_t bad[] = {0, 1, FIDO_LINK_QUEUES_MAX, FIDO_LINK_QUEUES_MAX + 1, INT16_MAX,
		UINT16_MAX};
	const size_t n = sizeof(bad) / sizeof(bad[0]);

	(void)state;
	for (size_t i = 0; i < n * n; i++) {
		struct fido_vm_bells_shm *set;

		x_start();
		x_arrives();
		set = &root->bells[i % FIDO_DOMAIN_LINKS_MAX];
		memset(set, 0xff, sizeof(*set)); /* the name has no end */
		set->nrx = bad[i / n];
		set->ntx = bad[i % n];
		set->seq = 2;
		x_changed();
		snprintf(set->link, sizeof(set->link), "0"); /* as that of a and b */
		set->seq = 4;
		x_changed();
		x_ends();
	}
}

static void
other_fields(void **state)
{
	const uint64_t sizes[] = {0, 1, 4096, FIDO_GRANULE_SIZE - 4096, CONTROL + 4096,
		VM_GROUP_SIZE, UINT64_C(1) << TEST_SLOT_SHIFT, UINT64_MAX,
		-(uint64_t)FIDO_GRANULE_SIZE};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		x_start();
		root->control_size = sizes[i];
		x_arrives();
		assert_int_equal(what_is_mapped().bytes, 0);
		x_ends();
	}
	for (int field = 0; field < 4; field++) {
		x_start();
		if (field == 0)
			root->version++;
		else if (field == 1)
			root->slot = 0;
		else if (field == 2)
			root->magic++;
		else
			root->generation++;
		x_lists(x_base() + CONTROL, FIDO_GRANULE_SIZE);
		x_arrives();
		assert_int_equal(what_is_mapped().bytes, 0);
		x_ends();
	}
}

/* Any word of the root's beginning may have any value at any time, also while it is read. */
static void
any_word_at_any_time(void **state)
{
	uint64_t random = 1;

	(void)state;
	for (uint32_t life = 0; life < test_rounds(40); life++) {
		x_start();
		x_lists(x_base() + CONTROL, FIDO_GRANULE_SIZE);
		x_arrives();
		for (int i = 0; i < 50; i++) {
			struct fido_vm_extent_shm *e = &root->extents[test_random(&random) % 8];
			uint32_t *words = (uint32_t *)(void *)root;

			e->gaddr = x_base() + test_random(&random) % 17 * FIDO_GRANULE_SIZE;
			e->len = test_random(&random) % 5 * FIDO_GRANULE_SIZE;
			root->count = (uint32_t)test_random(&random) % 8;
			root->seq = (uint32_t)test_random(&random);
			if (i % 10 == 0)
				words[test_random(&random) %
					(sizeof(*root) - sizeof(root->extents)) / 4] =
					(uint32_t)test_random(&random);
			x_changed();
		}
		x_ends();
	}
}

/* Its file is cut, by a process of the host or a virtual machine monitor. */
static void
truncated(void **state)
{
	(void)state;
	sigaction(SIGBUS, &guard, NULL);
	x_start();
	x_lists(x_base() + CONTROL, FIDO_GRANULE_SIZE);
	x_arrives();
	assert_int_equal(ftruncate(vm_group_memory(X), FIDO_VM_HEADER_SIZE + CONTROL), 0);
	x_changed();
	still_up();
	assert_int_equal(ftruncate(vm_group_memory(X), FIDO_VM_HEADER_SIZE + VM_GROUP_SIZE), 0);
	vm_group_gone(X, generation, false);
	TEST_WAIT((turn(), vm_group_let_go(0, X) == generation));
}

/* fido-vmd ends while a queue rings: the application must not be ended by SIGPIPE. */
static void
daemon_ends(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_DFL);
	vm_group_hang_up(a->slot);
	fido_vm_tell(a->transport, FIDO_VM_RING, b->slot, b->generation, 0);
	fido_vm_tell(a->transport, FIDO_VM_RING, b->slot, b->generation, 0);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(honest), cmocka_unit_test(bad_extents),
		cmocka_unit_test(extents_out_of_order), cmocka_unit_test(counts),
		cmocka_unit_test(odd_for_ever), cmocka_unit_test(bells),
		cmocka_unit_test(other_fields), cmocka_unit_test(any_word_at_any_time),
		cmocka_unit_test(truncated), cmocka_unit_test(daemon_ends)};

	test_begin(argc, argv);
	return cmocka_run_group_tests(tests, start, end);
}
