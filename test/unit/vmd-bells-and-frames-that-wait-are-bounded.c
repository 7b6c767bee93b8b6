/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Proves: what waits for a member has a bound. The same bell waits once; too many bells of one
 * sender become one CHANGED that says so, and leave other senders' alone; too many frames become
 * WHO; no bell of a member is sent before the frame that tells of it; what is written in part is
 * written on.
 */
#include "outbox.h"
#include "test.h"

static struct outbox o;
static struct vmd_state_shm table;
static struct fido_vm_stream stream;

static void
begin(void)
{
	memset(&o, 0, sizeof(o));
	stream = (struct fido_vm_stream){0};
	for (uint32_t i = 0; i < FIDO_SLOTS_MAX; i++)
		table.slots[i].generation = 1000 + i;
}

/* Take the next frame, `step` bytes of the outbox at a time. @return false: there is none */
static bool
next(struct fido_vm_frame *f, size_t step)
{
	const char *bytes;
	size_t len, room;

	while (!fido_vm_stream_next(&stream, f)) {
		bytes = outbox_bytes(&o, &table, 1, &len);
		if (bytes == NULL)
			return false;
		len = len < step ? len : step;
		memcpy(fido_vm_stream_room(&stream, &room), bytes, len);
		fido_vm_stream_added(&stream, len);
		outbox_sent(&o, len);
	}
	assert_int_equal(f->generation, 1001);
	return true;
}

static void
put_gone(uint32_t slot)
{
	const struct fido_vm_member gone = {.slot = slot, .generation = 1000 + slot};
	struct fido_vm_frame f;

	fido_vm_frame_make(&f, FIDO_VM_GONE, 1001, &gone);
	outbox_put(&o, &f);
}

static void
bells(void **state)
{
	struct fido_vm_frame f;
	unsigned int rings = 0;

	(void)state;
	begin();
	for (int i = 0; i < 1000; i++)
		for (uint32_t bell = 0; bell < OUTBOX_BELLS; bell++)
			outbox_ring(&o, 5, UINT32_MAX - bell);
	for (; next(&f, 7); rings++) {
		assert_int_equal(f.type, FIDO_VM_RING);
		assert_int_equal(f.member.slot, 5);
		assert_int_equal(f.member.generation, 1005);
		assert_true(f.member.value > UINT32_MAX - OUTBOX_BELLS);
	}
	assert_int_equal(rings, OUTBOX_BELLS);
	assert_true(outbox_is_empty(&o));
}

static void
too_many_bells(void **state)
{
	struct fido_vm_frame f;

	(void)state;
	begin();
	outbox_ring(&o, 6, 3);
	outbox_changed(&o, 7, false);
	for (uint32_t bell = 0; bell < 100000; bell++)
		outbox_ring(&o, 5, bell);
	assert_true(next(&f, 4096));
	assert_int_equal(f.type, FIDO_VM_CHANGED);
	assert_int_equal(f.member.slot, 5);
	assert_int_equal(f.member.value, 1);
	assert_true(next(&f, 4096));
	assert_int_equal(f.member.slot, 7);
	assert_int_equal(f.member.value, 0);
	assert_true(next(&f, 4096));
	assert_int_equal(f.type, FIDO_VM_RING);
	assert_int_equal(f.member.slot, 6);
	assert_false(next(&f, 4096));
	/* CHANGED with 1 and with 0 is one with 1. */
	outbox_changed(&o, 5, true);
	outbox_changed(&o, 5, false);
	assert_true(next(&f, 4096));
	assert_int_equal(f.member.value, 1);
	assert_false(next(&f, 4096));
}

static void
too_many_frames(void **state)
{
	struct fido_vm_frame f;
	unsigned int n = 0;

	(void)state;
	begin();
	outbox_ring(&o, 5, 1);
	for (uint32_t i = 0; i < OUTBOX_FRAMES; i++)
		put_gone(i % FIDO_SLOTS_MAX);
	for (; next(&f, 13); n++)
		assert_int_equal(f.type, n < OUTBOX_FRAMES ? FIDO_VM_GONE : FIDO_VM_RING);
	assert_int_equal(n, OUTBOX_FRAMES + 1);
	for (uint32_t i = 0; i < 10 * OUTBOX_FRAMES; i++) {
		put_gone(i % FIDO_SLOTS_MAX);
		outbox_ring(&o, 5, i);
		outbox_changed(&o, 6, true);
	}
	assert_true(next(&f, 4096));
	assert_int_equal(f.type, FIDO_VM_WHO);
	assert_false(next(&f, 4096));
	/* Afterwards all is as before. */
	put_gone(3);
	assert_true(next(&f, 4096));
	assert_int_equal(f.type, FIDO_VM_GONE);
}

static void
forgotten(void **state)
{
	struct fido_vm_frame f;
	size_t len;

	(void)state;
	begin();
	outbox_ring(&o, 5, 1);
	outbox_changed(&o, 5, true);
	outbox_ring(&o, 6, 2);
	outbox_forget(&o, 5);
	assert_true(next(&f, 4096));
	assert_int_equal(f.member.slot, 6);
	assert_false(next(&f, 4096));
	/* A frame that is sent in part is sent on, whatever is forgotten. */
	put_gone(4);
	outbox_bytes(&o, &table, 1, &len);
	outbox_sent(&o, 5);
	put_gone(5);
	outbox_forget_all(&o);
	outbox_bytes(&o, &table, 1, &len);
	assert_int_equal(len, FIDO_VM_FRAME_HEADER + sizeof(struct fido_vm_member) - 5);
	outbox_sent(&o, len);
	assert_true(outbox_is_empty(&o));
}

TEST_MAIN(cmocka_unit_test(bells), cmocka_unit_test(too_many_bells),
	cmocka_unit_test(too_many_frames), cmocka_unit_test(forgotten))
