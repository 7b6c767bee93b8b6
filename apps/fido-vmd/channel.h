/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_VMD_CHANNEL_H
#define FIDO_VMD_CHANNEL_H

/**
 * @file
 * A connection with a member: to its port of virtio-serial, by way of its QEMU, or to a process of
 * the host. Reads some bytes a turn, so that a member that floods delays nobody for long.
 */

#include "loop.h"
#include "outbox.h"
#include "vm_frame.h"

struct served;
struct channel;

struct channel_ops {
	void (*frame)(struct channel *c, const struct fido_vm_frame *f);
	/** The other end has closed it; it is still open here. */
	void (*end)(struct channel *c);
};

struct channel {
	struct source source;
	const struct channel_ops *ops;
	struct served *served;
	uint32_t slot;  /**< FIDO_VM_ANY: none yet */
	uint64_t pid;   /**< of the process at the other end; 0: not visible from here */
	uint64_t start; /**< when it started */
	bool blocked;   /**< waits for room to write */
	struct fido_vm_stream in;
};

/** Make it closed. */
void channel_create(struct channel *c, struct served *served, const struct channel_ops *ops);
/** Take a connection. @return 0, -errno: it is closed */
int channel_open(struct channel *c, int fd);
void channel_close(struct channel *c);
static inline bool
channel_is_open(const struct channel *c)
{
	return c->source.fd >= 0;
}
/** Write what waits in the outbox of its slot, as far as there is room. */
void channel_flush(struct channel *c, struct outbox *o, const struct vmd_state_shm *state);
/** Write a frame at once, outside of an outbox; it is lost if there is no room. */
void channel_send(struct channel *c, const struct fido_vm_frame *f);

#endif
