/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_VM_FRAME_H
#define FIDO_VM_FRAME_H

/**
 * @file
 * Frames in a stream of bytes that may begin in the middle of a frame and may contain garbage: a
 * port of virtio-serial outlives the processes at both ends, and what was sent to the former one
 * may reach the next one. A frame has a magic number and a sum, and names the generation of the
 * member at the port; the reader skips everything else.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vm_protocol.h"

#define FIDO_VM_FRAME_MAGIC UINT32_C(0x4d564446) /* "FDVM" */
/** Bytes of a frame's payload, at most. */
#define FIDO_VM_PAYLOAD_MAX 128

struct fido_vm_frame {
	uint32_t magic;
	uint16_t type;       /**< enum fido_vm_type */
	uint16_t len;        /**< bytes of the payload */
	uint64_t generation; /**< of the member at the port, whoever sends */
	uint64_t sum;        /**< FNV-1a over the frame, with sum = 0 */
	union {
		struct fido_vm_hello hello;
		struct fido_vm_welcome welcome;
		struct fido_vm_refuse refuse;
		struct fido_vm_peer peer;
		struct fido_vm_member member;
		struct fido_vm_bye bye;
		char bytes[FIDO_VM_PAYLOAD_MAX];
	};
};

#define FIDO_VM_FRAME_HEADER offsetof(struct fido_vm_frame, bytes)
#define FIDO_VM_FRAME_MAX sizeof(struct fido_vm_frame)

/** What has been read of a stream and not yet been taken. Zero: nothing. */
struct fido_vm_stream {
	size_t len;
	uint64_t skipped; /**< bytes that belong to no frame */
	char bytes[4096];
};

/**
 * Make a frame.
 * @param payload NULL: none. Its length follows from the type
 * @return bytes of the frame
 */
size_t fido_vm_frame_make(struct fido_vm_frame *f, enum fido_vm_type type, uint64_t generation,
	const void *payload);
/** @return where to read the next bytes to, and in *room how many fit; then call _added() */
char *fido_vm_stream_room(struct fido_vm_stream *s, size_t *room);
void fido_vm_stream_added(struct fido_vm_stream *s, size_t n);
/** Take the next whole frame of a known type, with the length of its type. @return false: none */
bool fido_vm_stream_next(struct fido_vm_stream *s, struct fido_vm_frame *f);

#endif
