/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Proves: the reader of a stream finds every whole frame in it, in order, wherever the stream
 * begins and is cut, whatever lies between the frames, and no frame that nobody made.
 */

#include <stdlib.h>
#include <string.h>

#include "test.h"
#include "vm_frame.h"

#define FRAMES 400
#define STREAM_MAX (FRAMES * (FIDO_VM_FRAME_MAX + 64))

static char stream[STREAM_MAX];
static size_t stream_len;

static void
put(const void *bytes, size_t len)
{
	assert_true(stream_len + len <= sizeof(stream));
	memcpy(stream + stream_len, bytes, len);
	stream_len += len;
}

/* Bytes of anything, beginnings of frames, and frames with a wrong byte. */
static void
put_garbage(void)
{
	struct fido_vm_member member = {.slot = 99};
	struct fido_vm_frame f;
	size_t len = fido_vm_frame_make(&f, FIDO_VM_RING, 7, &member);
	unsigned char noise[40];
	size_t n = (size_t)rand() % sizeof(noise);

	switch (rand() % 4) {
	case 0:
		for (size_t i = 0; i < n; i++)
			noise[i] = (unsigned char)rand();
		put(noise, n);
		break;
	case 1:
		put(&f, (size_t)rand() % len);
		break;
	case 2:
		((char *)&f)[(size_t)rand() % len] ^= 1;
		put(&f, len);
		break;
	default:
		break;
	}
}

static void
put_frame(uint32_t number)
{
	static const enum fido_vm_type types[] = {FIDO_VM_HELLO, FIDO_VM_WELCOME, FIDO_VM_REFUSE,
		FIDO_VM_PEER, FIDO_VM_GONE, FIDO_VM_LET_GO, FIDO_VM_CHANGED, FIDO_VM_RING,
		FIDO_VM_BYE, FIDO_VM_WHO};
	char payload[FIDO_VM_PAYLOAD_MAX];
	struct fido_vm_frame f;
	size_t len;

	memset(payload, (int)number, sizeof(payload));
	len = fido_vm_frame_make(&f, types[number % 10], number, payload);
	put(&f, len);
}

static void
finds_all(void **state)
{
	struct fido_vm_stream in = {0};
	struct fido_vm_frame f;
	uint32_t next = 0;

	(void)state;
	stream_len = 0;
	for (uint32_t i = 0; i < FRAMES; i++) {
		put_garbage();
		put_frame(i);
	}
	for (size_t at = 0; at < stream_len;) {
		size_t room, n = 1 + (size_t)rand() % 300;
		char *to = fido_vm_stream_room(&in, &room);

		assert_true(room > 0);
		n = n < room ? n : room;
		n = n < stream_len - at ? n : stream_len - at;
		memcpy(to, stream + at, n);
		fido_vm_stream_added(&in, n);
		at += n;
		while (fido_vm_stream_next(&in, &f)) {
			assert_int_equal(f.generation, next);
			for (size_t i = 0; i < f.len; i++)
				assert_int_equal((unsigned char)f.bytes[i], next & 0xff);
			next++;
		}
	}
	assert_int_equal(next, FRAMES);
	assert_true(in.skipped > 0);
}

/* A stream of frames' beginnings must neither fill the room for ever nor hide what follows. */
static void
beginnings_do_not_block(void **state)
{
	struct fido_vm_stream in = {0};
	struct fido_vm_frame f, got;
	size_t len = fido_vm_frame_make(&f, FIDO_VM_WHO, 1, NULL), room;

	(void)state;
	for (int i = 0; i < 10000; i++) {
		memcpy(fido_vm_stream_room(&in, &room), &f, sizeof(f.magic));
		assert_true(room >= sizeof(f.magic));
		fido_vm_stream_added(&in, sizeof(f.magic));
		assert_false(fido_vm_stream_next(&in, &got));
	}
	memcpy(fido_vm_stream_room(&in, &room), &f, len);
	fido_vm_stream_added(&in, len);
	assert_true(fido_vm_stream_next(&in, &got));
	assert_int_equal(got.type, FIDO_VM_WHO);
}

TEST_MAIN(cmocka_unit_test(finds_all), cmocka_unit_test(beginnings_do_not_block))
