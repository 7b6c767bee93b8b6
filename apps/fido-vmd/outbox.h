/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_VMD_OUTBOX_H
#define FIDO_VMD_OUTBOX_H

/**
 * @file
 * What is to be sent to a member, in memory of a fixed size: a member that reads slowly, or not at
 * all, costs nothing more.
 *
 * Frames that tell of members wait in order. When there are too many, all are dropped and WHO takes
 * their place: the member says HELLO, and hears everything again. RING and CHANGED follow them. The
 * same RING, or CHANGED, waits once, however often it was sent. When too many bells of one sender
 * wait, CHANGED that says so takes their place: the member rings all of its doorbells. So a member
 * that floods costs another one no more than that.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "members.h"

/** For twice the answer to a HELLO: every other slot's PEER, and WELCOME. */
#define OUTBOX_FRAMES 128

/** Different bells of one sender that wait. */
#define OUTBOX_BELLS 64

struct outbox_bells {
	uint32_t count;
	uint32_t numbers[OUTBOX_BELLS];
};

struct outbox {
	struct fido_vm_frame frames[OUTBOX_FRAMES];
	uint32_t prod;
	uint32_t cons;
	bool who;          /**< WHO is to be sent; no other frame waits */
	uint64_t changed;  /**< by slot of the sender */
	uint64_t ring_all; /**< likewise: its CHANGED says that rings were lost */
	uint64_t ringing;  /**< likewise: some of its bells wait */
	struct outbox_bells bells[FIDO_SLOTS_MAX];
	size_t len; /**< of the bytes that are being sent */
	size_t sent;
	char bytes[4096];
};

/** Nothing of it has been sent, and nothing is to be. */
void outbox_clear(struct outbox *o);
/** Forget all that waits, except the frame that has been sent in part. */
void outbox_forget_all(struct outbox *o);
/** Forget bells and changes of the member at a slot. */
void outbox_forget(struct outbox *o, uint32_t from);
/** Add a frame. @return false: there were too many: all are dropped, WHO takes their place */
bool outbox_put(struct outbox *o, const struct fido_vm_frame *f);
/** Ask WHO instead of everything else. */
void outbox_who(struct outbox *o);
void outbox_ring(struct outbox *o, uint32_t from, uint32_t bell);
void outbox_changed(struct outbox *o, uint32_t from, bool ring_all);
bool outbox_is_empty(const struct outbox *o);
/**
 * Get the next bytes to send to the member at slot `to`; call outbox_sent() afterwards.
 * @return NULL: there are none
 */
const char *outbox_bytes(struct outbox *o, const struct vmd_state_shm *state, uint32_t to,
	size_t *len);
void outbox_sent(struct outbox *o, size_t n);

#endif
