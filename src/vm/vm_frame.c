/* SPDX-License-Identifier: BSD-3-Clause */
#include "vm_frame.h"

#include <string.h>

/* @return bytes of the payload of that type; SIZE_MAX: there is no such type */
static size_t
payload_of(unsigned int type)
{
	switch (type) {
	case FIDO_VM_HELLO:
		return sizeof(struct fido_vm_hello);
	case FIDO_VM_WELCOME:
		return sizeof(struct fido_vm_welcome);
	case FIDO_VM_REFUSE:
		return sizeof(struct fido_vm_refuse);
	case FIDO_VM_PEER:
		return sizeof(struct fido_vm_peer);
	case FIDO_VM_GONE:
	case FIDO_VM_LET_GO:
	case FIDO_VM_CHANGED:
	case FIDO_VM_RING:
		return sizeof(struct fido_vm_member);
	case FIDO_VM_BYE:
		return sizeof(struct fido_vm_bye);
	case FIDO_VM_WHO:
		return 0;
	default:
		return SIZE_MAX;
	}
}

static uint64_t
sum_of(const struct fido_vm_frame *f)
{
	struct fido_vm_frame copy = *f;
	const unsigned char *p = (const unsigned char *)&copy;
	uint64_t sum = UINT64_C(0xcbf29ce484222325);

	copy.sum = 0;
	for (size_t i = 0; i < FIDO_VM_FRAME_HEADER + f->len; i++)
		sum = (sum ^ p[i]) * UINT64_C(0x100000001b3);
	return sum;
}

size_t
fido_vm_frame_make(struct fido_vm_frame *f, enum fido_vm_type type, uint64_t generation,
	const void *payload)
{
	size_t len = payload_of(type);

	_Static_assert(sizeof(struct fido_vm_hello) <= FIDO_VM_PAYLOAD_MAX &&
			sizeof(struct fido_vm_peer) <= FIDO_VM_PAYLOAD_MAX &&
			sizeof(struct fido_vm_refuse) <= FIDO_VM_PAYLOAD_MAX,
		"every payload fits");
	*f = (struct fido_vm_frame){.magic = FIDO_VM_FRAME_MAGIC,
		.type = (uint16_t)type,
		.len = (uint16_t)len,
		.generation = generation};
	if (len != 0)
		memcpy(f->bytes, payload, len);
	f->sum = sum_of(f);
	return FIDO_VM_FRAME_HEADER + len;
}

char *
fido_vm_stream_room(struct fido_vm_stream *s, size_t *room)
{
	*room = sizeof(s->bytes) - s->len;
	return s->bytes + s->len;
}

void
fido_vm_stream_added(struct fido_vm_stream *s, size_t n)
{
	s->len += n;
}

static void
drop(struct fido_vm_stream *s, size_t n)
{
	s->len -= n;
	memmove(s->bytes, s->bytes + n, s->len);
}

/* @return bytes of the frame at p; 0: there is none; SIZE_MAX: the rest of it has not come yet */
static size_t
frame_at(const char *p, size_t len, struct fido_vm_frame *f)
{
	const uint32_t magic = FIDO_VM_FRAME_MAGIC;

	if (memcmp(p, &magic, len < sizeof(magic) ? len : sizeof(magic)) != 0)
		return 0;
	if (len < FIDO_VM_FRAME_HEADER)
		return SIZE_MAX;
	memcpy(f, p, FIDO_VM_FRAME_HEADER);
	if (f->len > FIDO_VM_PAYLOAD_MAX || f->len != payload_of(f->type))
		return 0;
	if (len < FIDO_VM_FRAME_HEADER + f->len)
		return SIZE_MAX;
	memcpy(f->bytes, p + FIDO_VM_FRAME_HEADER, f->len);
	return f->sum == sum_of(f) ? FIDO_VM_FRAME_HEADER + f->len : 0;
}

/*
 * A frame that was cut short must not hide the next one until more bytes come, which may be never:
 * a whole frame further on proves that the rest of the former will not come.
 */
bool
fido_vm_stream_next(struct fido_vm_stream *s, struct fido_vm_frame *f)
{
	size_t keep = SIZE_MAX;

	for (size_t at = 0; at < s->len; at++) {
		size_t n = frame_at(s->bytes + at, s->len - at, f);

		if (n != 0 && n != SIZE_MAX) {
			s->skipped += at;
			drop(s, at + n);
			return true;
		}
		if (n == SIZE_MAX && keep == SIZE_MAX)
			keep = at;
	}
	/* The room never fills up: what is kept is shorter than a frame. */
	if (keep == SIZE_MAX)
		keep = s->len;
	s->skipped += keep;
	drop(s, keep);
	return false;
}
