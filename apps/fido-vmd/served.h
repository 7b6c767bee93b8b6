/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_VMD_SERVED_H
#define FIDO_VMD_SERVED_H

/** @file A group that is being served: its members, their connections, and its machines. */

#include "bells.h"
#include "channel.h"
#include "host.h"
#include "machine.h"
#include "members.h"
#include "port.h"

struct served {
	struct vmd_group group;
	struct vmd_state_shm *state;
	struct members members;
	int loop;
	int lock_fd;
	struct outbox *outboxes;                  /**< by slot */
	struct channel *channels[FIDO_SLOTS_MAX]; /**< by slot; NULL: not connected */
	uint64_t awake;                           /**< slots whose outbox may be written */
	uint64_t noise_told_ms[FIDO_SLOTS_MAX];   /**< when garbage was logged last */
	struct port ports[FIDO_SLOTS_MAX];
	struct host host;
	struct bells bells;
	struct machine machines[VMD_VMS_MAX];
	struct served *next;
};

/**
 * Begin to serve a group.
 * @return 0, -EBUSY: another fido-vmd serves it, -errno (message written)
 */
int served_create(struct served **out, const char *group, int loop);
/** Stop serving: close everything. Members and machines go on. */
void served_destroy(struct served *s);
/** Write what waits. Call it after each turn of the loop. */
void served_flush(struct served *s);
/** Do what time demands. @return true: call again in a while */
bool served_tick(struct served *s);

/** Say that a channel is the one of a slot, or NULL: that the slot has none. */
void served_connect(struct served *s, uint32_t slot, struct channel *c);
/** Take HELLO from a channel for a slot; answer it. @return true: it is a member */
bool served_hello(struct served *s, struct channel *c, uint32_t slot,
	const struct members_newcomer *who, const struct fido_vm_frame *f);
/** Refuse a HELLO. */
void served_refuse(struct served *s, struct channel *c, uint64_t generation,
	const struct fido_vm_refuse *refuse);
/** Ask the member at slot to say HELLO again. */
void served_who(struct served *s, uint32_t slot);
/** The outbox of a slot may be written now. */
void served_wake(struct served *s, uint32_t slot);
/** Count garbage from a slot's member. */
void served_skipped(struct served *s, uint32_t slot, uint64_t bytes);
/** Write damaged headers again, and count them. */
void served_repair(struct served *s);

#endif
