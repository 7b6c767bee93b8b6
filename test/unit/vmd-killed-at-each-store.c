/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Proves: fido-vmd can be killed after any instruction. A child changes the state in shared memory,
 * instruction by instruction. Each state that occurs is one that a killed fido-vmd may leave: from
 * it another one goes on, whoever was told of a member holds its memory, all living members meet,
 * and no slot is lost.
 */
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#include "test.h"
#include "vmd_table.h"

static struct table *shared;

/* ---- what the child does ---- */

static void
newcomer_joins(struct members *m)
{
	table_join(m, 0, 103, "new");
}

static void
member_leaves(struct members *m)
{
	struct fido_vm_frame f;

	fido_vm_frame_make(&f, FIDO_VM_BYE, 101, &(struct fido_vm_bye){1});
	members_frame(m, 2, &f);
}

static void
another_takes_its_port(struct members *m)
{
	table_join(m, 5, 109, "fresh");
}

static void
lets_go(struct members *m)
{
	table_say(m, 2, FIDO_VM_LET_GO, (struct fido_vm_member){.slot = 3, .generation = 90});
}

/* Slots 2 and 4 live; 3 is dead and held by both; 5 lives and nobody holds it. */
static void
prepare(void)
{
	struct members m;

	memset(shared, 0, sizeof(*shared));
	m = table_begin(shared);
	assert_int_equal(table_join(&m, 3, 90, "dead"), 0);
	assert_int_equal(table_join(&m, 2, 101, "x"), 0);
	assert_int_equal(table_join(&m, 4, 102, "y"), 0);
	members_died(&m, 3, false);
	assert_int_equal(table_join(&m, 5, 105, "z"), 0);
	table_say(&m, 2, FIDO_VM_LET_GO, (struct fido_vm_member){.slot = 5, .generation = 105});
	table_say(&m, 4, FIDO_VM_LET_GO, (struct fido_vm_member){.slot = 5, .generation = 105});
	shared->sent_count = 0;
}

/* ---- what is true of each state ---- */

static void
told_hold(const struct table *t)
{
	for (uint32_t i = 0; i < t->sent_count; i++) {
		const struct sent *s = &t->sent[i];
		const struct vmd_slot_shm *of = &t->state.slots[s->frame.peer.slot];

		if (s->type == FIDO_VM_PEER && vmd_slot_lives(&t->state.slots[s->to]) &&
			of->generation == s->frame.peer.generation)
			assert_true(of->holders & UINT64_C(1) << s->to);
	}
}

static void
all_meet_again(struct table *t)
{
	struct members m = table_begin(t);
	uint64_t before[TABLE_SLOTS];

	for (uint32_t i = 0; i < TABLE_SLOTS; i++)
		before[i] = t->state.slots[i].holders;
	t->sent_count = 0;
	for (uint32_t i = 0; i < TABLE_SLOTS; i++) {
		const struct vmd_slot_shm *s = &t->state.slots[i];

		if (!vmd_slot_lives(s))
			continue;
		assert_true(fido_name_valid(s->name));
		assert_int_equal(table_join(&m, i, s->generation, s->name), 0);
	}
	for (uint32_t a = 0; a < TABLE_SLOTS; a++)
		for (uint32_t b = 0; b < TABLE_SLOTS; b++) {
			bool held = before[b] & UINT64_C(1) << a;

			if (a == b || !vmd_slot_lives(&t->state.slots[a]))
				continue;
			if (vmd_slot_lives(&t->state.slots[b]))
				assert_true(table_count(t, 0, a, FIDO_VM_PEER, b) > 0);
			else
				assert_int_equal(table_count(t, 0, a, FIDO_VM_GONE, b), held);
		}
}

static void
nothing_is_lost(struct table *t)
{
	struct members m = table_begin(t);

	for (uint32_t i = 0; i < TABLE_SLOTS; i++)
		members_died(&m, i, false);
	for (uint32_t i = 0; i < TABLE_SLOTS; i++)
		assert_int_equal(members_state_of(&t->state.slots[i]), MEMBERS_FREE);
}

static void
check(const struct table *killed)
{
	static struct table t;

	t = *killed;
	vmd_state_recover(&t.state);
	told_hold(&t);
	all_meet_again(&t);
	nothing_is_lost(&t);
}

/* ---- instruction by instruction ---- */

static unsigned int
check_each_state(void (*act)(struct members *m))
{
	static struct table last;
	unsigned int states = 0;
	int status;
	pid_t pid;

	prepare();
	last = *shared;
	pid = fork();
	if (pid == 0) {
		struct members m = table_begin(shared);

		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
			_exit(77);
		raise(SIGSTOP);
		act(&m);
		_exit(0);
	}
	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		if (memcmp(&last, shared, sizeof(last)) != 0) {
			last = *shared;
			check(&last);
			states++;
		}
		if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) != 0)
			break;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		TEST_SKIP("no ptrace here");
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	check(shared);
	return states;
}

static void
killed_while_one_joins(void **state)
{
	(void)state;
	assert_true(check_each_state(newcomer_joins) > 10);
}

static void
killed_while_one_leaves(void **state)
{
	(void)state;
	assert_true(check_each_state(member_leaves) > 5);
}

static void
killed_while_another_takes_a_port(void **state)
{
	(void)state;
	assert_true(check_each_state(another_takes_its_port) > 10);
	assert_int_equal(shared->state.slots[5].generation, 109);
}

static void
killed_while_one_lets_go(void **state)
{
	(void)state;
	assert_true(check_each_state(lets_go) > 0);
	assert_int_equal(shared->state.slots[3].holders, 1 << 4);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_while_one_joins),
		cmocka_unit_test(killed_while_one_leaves),
		cmocka_unit_test(killed_while_another_takes_a_port),
		cmocka_unit_test(killed_while_one_lets_go),
	};

	test_begin(argc, argv);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		0);
	if (shared == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
