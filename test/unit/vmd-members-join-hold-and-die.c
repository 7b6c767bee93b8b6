/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Proves: who joins is told of all others and they of it; who was told holds the other's slot until
 * it lets go or dies; a held slot is refused; names are unique among the living; two observers do
 * not meet; frames with another generation, or about others that the sender does not know, are
 * dropped.
 */
#include "test.h"
#include "vmd_table.h"

#define HELD(t, slot) ((t).state.slots[slot].holders)

static struct table t;

static struct members
begin(void)
{
	memset(&t, 0, sizeof(t));
	return table_begin(&t);
}

static void
all_meet(void **state)
{
	struct members m = begin();

	(void)state;
	for (uint32_t slot = 0; slot < TABLE_SLOTS; slot++) {
		char name[] = {(char)('a' + slot), '\0'};

		assert_int_equal(table_join(&m, slot, 100 + slot, name), 0);
	}
	for (uint32_t a = 0; a < TABLE_SLOTS; a++) {
		assert_int_equal(HELD(t, a), 0x3f & ~(1u << a));
		assert_int_equal(table_count(&t, 0, a, FIDO_VM_WELCOME, a), 1);
		for (uint32_t b = 0; b < TABLE_SLOTS; b++)
			assert_int_equal(table_count(&t, 0, a, FIDO_VM_PEER, b), a != b);
	}
	/* The last one's WELCOME said how many follow. */
	for (uint32_t i = 0; i < t.sent_count; i++)
		if (t.sent[i].type == FIDO_VM_WELCOME)
			assert_int_equal(t.sent[i].frame.welcome.members, t.sent[i].to);
}

static void
held_until_let_go(void **state)
{
	struct members m = begin();

	(void)state;
	assert_int_equal(table_join(&m, 2, 1, "x"), 0);
	assert_int_equal(table_join(&m, 3, 2, "y"), 0);
	members_died(&m, 2, false);
	assert_int_equal(table_count(&t, 0, 3, FIDO_VM_GONE, 2), 1);
	assert_int_equal(members_state_of(&t.state.slots[2]), MEMBERS_HELD);
	/* It holds nothing any more. */
	assert_int_equal(HELD(t, 3), 0);
	assert_int_equal(table_join(&m, 2, 3, "z"), FIDO_VM_REASON_HELD);
	table_say(&m, 3, FIDO_VM_LET_GO, (struct fido_vm_member){.slot = 2, .generation = 9});
	assert_int_equal(t.state.slots[3].counters.dropped, 1);
	assert_int_equal(table_join(&m, 2, 3, "z"), FIDO_VM_REASON_HELD);
	table_say(&m, 3, FIDO_VM_LET_GO, (struct fido_vm_member){.slot = 2, .generation = 1});
	assert_int_equal(table_join(&m, 2, 3, "z"), 0);
	/* Dead, nobody holds it: the end of the last holder. */
	members_died(&m, 2, true);
	members_died(&m, 3, false);
	assert_int_equal(members_state_of(&t.state.slots[2]), MEMBERS_FREE);
}

static void
again(void **state)
{
	struct members m = begin();
	uint32_t since;

	(void)state;
	table_join(&m, 2, 1, "x");
	table_join(&m, 3, 2, "y");
	table_join(&m, 4, 3, "z");
	members_died(&m, 4, true);
	since = t.sent_count;
	assert_int_equal(table_join(&m, 2, 1, "x"), 0);
	assert_int_equal(t.sent[since].frame.welcome.again, 1);
	assert_int_equal(t.sent[since].frame.welcome.members, 1);
	assert_int_equal(table_count(&t, since, 2, FIDO_VM_PEER, 3), 1);
	assert_int_equal(table_count(&t, since, 2, FIDO_VM_GONE, 4), 1);
	/* The others hear nothing of it. */
	assert_int_equal(t.sent_count, since + 3);
	/* Another generation at the same port: the former one is dead, and held. */
	assert_int_equal(table_join(&m, 2, 7, "x"), FIDO_VM_REASON_HELD);
	assert_int_equal(table_count(&t, since, 3, FIDO_VM_GONE, 2), 1);
}

static void
names(void **state)
{
	struct members m = begin();
	struct fido_vm_hello h = table_hello("x");
	struct members_newcomer who = {.generation = 5};
	struct fido_vm_refuse refuse;

	(void)state;
	table_join(&m, 2, 1, "x");
	assert_int_equal(table_join(&m, 4, 2, "x"), FIDO_VM_REASON_NAME);
	assert_int_equal(members_hello(&m, 4, &who, &h, &refuse), FIDO_VM_REASON_NAME);
	assert_string_equal(refuse.who, "x");
	assert_int_equal(table_join(&m, 4, 2, ""), FIDO_VM_REASON_NAME);
	assert_int_equal(table_join(&m, 4, 2, ".x"), FIDO_VM_REASON_NAME);
	assert_int_equal(table_join(&m, 4, 2, "12345678901234567890123456789012"),
		FIDO_VM_REASON_NAME);
	h.layout++;
	assert_int_equal(members_hello(&m, 4, &who, &h, &refuse), FIDO_VM_REASON_VERSION);
	assert_int_equal(members_state_of(&t.state.slots[4]), MEMBERS_FREE);
	members_died(&m, 2, false);
	assert_int_equal(table_join(&m, 4, 2, "x"), 0);
}

static void
observers(void **state)
{
	struct members m = begin();
	struct fido_vm_hello h = table_hello("o");
	const struct members_newcomer o = {.generation = 1}, p = {.generation = 2};
	struct fido_vm_refuse refuse;

	(void)state;
	h.observes = 1;
	assert_int_equal(members_hello(&m, 0, &o, &h, &refuse), 0);
	h.name[0] = 'p';
	assert_int_equal(members_hello(&m, 2, &p, &h, &refuse), 0);
	assert_int_equal(HELD(t, 0) | HELD(t, 2), 0);
	assert_int_equal(table_join(&m, 4, 3, "x"), 0);
	assert_int_equal(HELD(t, 0), 1 << 4);
	assert_int_equal(HELD(t, 4), 1 << 0 | 1 << 2);
	/* Neither hears of the other's end, nor can it ring. */
	table_say(&m, 0, FIDO_VM_RING, (struct fido_vm_member){.slot = 2, .generation = 2});
	assert_int_equal(t.state.slots[0].counters.dropped, 1);
	members_died(&m, 2, false);
	assert_int_equal(table_count(&t, 0, 0, FIDO_VM_GONE, 2), 0);
	assert_int_equal(table_count(&t, 0, 4, FIDO_VM_GONE, 2), 1);
}

static void
signals(void **state)
{
	struct members m = begin();
	const struct fido_vm_member bad[] = {
		{.slot = 4, .generation = 1},
		{.slot = TABLE_SLOTS, .generation = 2},
		{.slot = UINT32_MAX - 1, .generation = 2},
		{.slot = 2, .generation = 1},
		{.slot = 5, .generation = 0},
	};
	struct fido_vm_frame f;

	(void)state;
	table_join(&m, 2, 1, "x");
	table_join(&m, 4, 2, "y");
	table_join(&m, 0, 3, "z");
	table_say(&m, 2, FIDO_VM_RING,
		(struct fido_vm_member){.slot = 4, .generation = 2, .value = UINT32_MAX});
	assert_int_equal(table_count(&t, 0, 4, FIDO_VM_RING, 2), 1);
	table_say(&m, 2, FIDO_VM_CHANGED, (struct fido_vm_member){.slot = 4, .generation = 2});
	assert_int_equal(table_count(&t, 0, 4, FIDO_VM_CHANGED, 2), 1);
	assert_int_equal(table_count(&t, 0, 0, FIDO_VM_CHANGED, 2), 0);
	table_say(&m, 2, FIDO_VM_CHANGED, (struct fido_vm_member){.slot = FIDO_VM_ANY});
	assert_int_equal(table_count(&t, 0, 4, FIDO_VM_CHANGED, 2), 2);
	assert_int_equal(table_count(&t, 0, 0, FIDO_VM_CHANGED, 2), 1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint32_t before = t.sent_count;

		table_say(&m, 2, FIDO_VM_RING, bad[i]);
		table_say(&m, 2, FIDO_VM_CHANGED, bad[i]);
		table_say(&m, 2, FIDO_VM_LET_GO, bad[i]);
		assert_int_equal(t.sent_count, before);
		assert_int_equal(t.state.slots[2].counters.dropped, 3 * (i + 1));
	}
	/* What only fido-vmd says, and a frame of a former generation. */
	fido_vm_frame_make(&f, FIDO_VM_WHO, 1, NULL);
	members_frame(&m, 2, &f);
	fido_vm_frame_make(&f, FIDO_VM_BYE, 77, &(struct fido_vm_bye){1});
	members_frame(&m, 2, &f);
	assert_int_equal(t.state.slots[2].counters.dropped, 3 * 5 + 2);
	assert_true(vmd_slot_lives(&t.state.slots[2]));
}

static void
places_of_the_host(void **state)
{
	struct members m = begin();
	struct members_newcomer who = {.generation = 1, .pid = 10, .start = 20};
	struct fido_vm_hello h = table_hello("x");
	struct fido_vm_refuse refuse;
	uint32_t slot;

	(void)state;
	assert_int_equal(members_place(&m, &who, &h, &slot), 0);
	assert_int_equal(slot, 0);
	assert_int_equal(members_hello(&m, slot, &who, &h, &refuse), 0);
	/* The same one, its WELCOME lost. */
	assert_int_equal(members_place(&m, &who, &h, &slot), 0);
	assert_int_equal(slot, 0);
	/* Another process with its generation. */
	who.start++;
	assert_int_equal(members_place(&m, &who, &h, &slot), 0);
	assert_int_equal(slot, 1);
	h.slot = 0;
	assert_int_equal(members_place(&m, &who, &h, &slot), FIDO_VM_REASON_TAKEN);
	h.slot = 2;
	assert_int_equal(members_place(&m, &who, &h, &slot), FIDO_VM_REASON_TAKEN);
	h.slot = 1;
	assert_int_equal(members_place(&m, &who, &h, &slot), 0);
	h = table_hello("y");
	assert_int_equal(members_hello(&m, 1, &who, &h, &refuse), 0);
	who.generation = 9;
	assert_int_equal(members_place(&m, &who, &h, &slot), FIDO_VM_REASON_FULL);
}

TEST_MAIN(cmocka_unit_test(all_meet), cmocka_unit_test(held_until_let_go), cmocka_unit_test(again),
	cmocka_unit_test(names), cmocka_unit_test(observers), cmocka_unit_test(signals),
	cmocka_unit_test(places_of_the_host))
