/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Proves: a vector for a testament is given to one member at a time, and to no other before it was
 * rung or its machine started anew, so a late ring is nobody else's; members that cannot leave one
 * get none, nor does anybody when none is free. Members are told each other's doorbells only if
 * they have them from the same holder.
 */
#include "test.h"
#include "testament.h"
#include "vmd_table.h"

#define BELLS 3

static struct table t;
static struct vmd_bells_shm bells;

static struct members
begin(void)
{
	struct members m;

	memset(&t, 0, sizeof(t));
	memset(&bells, 0, sizeof(bells));
	table_group.bells = BELLS;
	m = table_begin(&t);
	m.bells = &bells;
	m.hears = true;
	bells.holder = 77;
	for (uint32_t vm = 1; vm < table_group.vm_count; vm++) {
		t.state.vms[vm].pid = 1000 + vm;
		t.state.vms[vm].start = 5;
		bells.machines[vm] = (struct vmd_bell_machine_shm){1000 + vm, 5, 1, 0};
	}
	return m;
}

static uint32_t
join(struct members *m, uint32_t slot, uint64_t generation, uint32_t testament)
{
	const struct members_newcomer who = {.generation = generation, .clock = slot};
	char name[] = {(char)('a' + slot), '\0'};
	struct fido_vm_hello h = table_hello(name);
	struct fido_vm_refuse refuse;
	uint32_t since = t.sent_count;

	/* The others have let go of its predecessor, who has not been heard of since. */
	if (t.state.slots[slot].generation != generation)
		t.state.slots[slot].holders = 0;
	h.testament = testament;
	assert_int_equal(members_hello(m, slot, &who, &h, &refuse), 0);
	for (uint32_t i = since; i < t.sent_count; i++)
		if (t.sent[i].type == FIDO_VM_WELCOME)
			return t.sent[i].frame.welcome.testament;
	fail();
	return 0;
}

static void
given_until_rung(void **state)
{
	struct members m = begin();

	(void)state;
	assert_int_equal(join(&m, 2, 1, 1), 0);
	assert_int_equal(join(&m, 3, 2, 1), 1);
	assert_int_equal(join(&m, 2, 1, 1), 0); /* It says HELLO again. */
	assert_int_equal(join(&m, 4, 3, 1), 0); /* Another machine has others. */
	/* Its successor is there before its ring. */
	assert_int_equal(join(&m, 2, 4, 1), 2);
	assert_int_equal(t.state.slots[2].testament, 3);
	testament_rung(&t.state.vms[1], 0);
	/* The next one may have it: its ring was heard. Vector 2 was not rung. */
	assert_int_equal(join(&m, 2, 5, 1), 0);
	assert_int_equal(join(&m, 2, 6, 1), FIDO_VM_ANY);
	testament_rung(&t.state.vms[1], 2);
	testament_rung(&t.state.vms[1], 2);
	assert_int_equal(join(&m, 2, 7, 1), 2);
}

static void
given_to_whom_it_is_of_use(void **state)
{
	struct members m = begin();

	(void)state;
	assert_int_equal(join(&m, 2, 1, 0), FIDO_VM_ANY);
	assert_int_equal(join(&m, 2, 2, 9), FIDO_VM_ANY); /* Whatever that means. */
	assert_int_equal(join(&m, 0, 3, 1), FIDO_VM_ANY); /* The host has pidfds. */
	m.hears = false;
	assert_int_equal(join(&m, 3, 4, 1), FIDO_VM_ANY);
	m.hears = true;
	bells.machines[2].connected = 0;
	assert_int_equal(join(&m, 4, 5, 1), FIDO_VM_ANY);
	assert_int_equal(t.state.vms[1].testaments | t.state.vms[2].testaments, 0);
}

static void
machine_starts_anew(void **state)
{
	struct members m = begin();

	(void)state;
	assert_int_equal(join(&m, 2, 1, 1), 0);
	assert_int_equal(join(&m, 2, 2, 1), 1);
	assert_int_equal(join(&m, 3, 3, 1), 2);
	/* Those of members that are not known to have ended stay theirs. */
	testament_reset(&t.state, &table_group.vms[1], 1);
	assert_int_equal(t.state.vms[1].testaments, 1u << 1 | 1u << 2);
	members_died(&m, 2, false);
	members_died(&m, 3, false);
	testament_reset(&t.state, &table_group.vms[1], 1);
	assert_int_equal(t.state.vms[1].testaments, 0);
}

/* @return the id that a member at `to` was told for the one at `of` */
static uint32_t
told(uint32_t to, uint32_t of)
{
	uint32_t id = 0;

	for (uint32_t i = 0; i < t.sent_count; i++)
		if (t.sent[i].to == to && t.sent[i].type == FIDO_VM_PEER &&
			t.sent[i].frame.peer.slot == of)
			id = t.sent[i].frame.peer.bell_id;
	return id;
}

static void
same_holder(void **state)
{
	struct members m = begin();

	(void)state;
	join(&m, 0, 1, 0);
	join(&m, 1, 2, 0);
	join(&m, 2, 3, 0);
	join(&m, 4, 4, 0);
	assert_int_equal(told(2, 0), table_group.vm_count);
	assert_int_equal(told(2, 1), table_group.vm_count + 1);
	assert_int_equal(told(0, 2), 1);
	assert_int_equal(told(2, 4), 2);
	/* Another process of machine b has connected: not its QEMU, or an earlier one. */
	bells.machines[2].start = 6;
	join(&m, 5, 5, 0);
	assert_int_equal(told(2, 5), FIDO_VM_ANY);
	assert_int_equal(told(5, 2), FIDO_VM_ANY);
	/* Another holder: only machines that are started from now on have its eventfds. */
	bells.holder = 78;
	bells.machines[1].connected = 0;
	bells.machines[2].start = 5;
	join(&m, 5, 6, 0);
	assert_int_equal(told(5, 2), FIDO_VM_ANY);
	assert_int_equal(told(5, 0), FIDO_VM_ANY);
	assert_int_equal(told(0, 5), FIDO_VM_ANY);
	join(&m, 1, 7, 0);
	assert_int_equal(told(5, 1), table_group.vm_count + 1);
	assert_int_equal(told(1, 5), 2);
	assert_int_equal(told(1, 0), FIDO_VM_ANY);
}

static void
none(void **state)
{
	struct members m = begin();

	(void)state;
	m.bells = NULL;
	assert_int_equal(join(&m, 0, 1, 0), FIDO_VM_ANY);
	assert_int_equal(join(&m, 2, 2, 1), FIDO_VM_ANY);
	assert_int_equal(told(0, 2), FIDO_VM_ANY);
	assert_int_equal(told(2, 0), FIDO_VM_ANY);
}

TEST_MAIN(cmocka_unit_test(given_until_rung), cmocka_unit_test(given_to_whom_it_is_of_use),
	cmocka_unit_test(machine_starts_anew), cmocka_unit_test(same_holder),
	cmocka_unit_test(none))
