/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_VM_PORT_H
#define FIDO_VM_PORT_H

/**
 * @file
 * A member's connection to fido-vmd: a port of virtio-serial, or a Unix socket. Sending never
 * blocks and needs no lock of the domain, as doorbells are rung from the data path. What the
 * connection does not take at once is queued, each frame once: a ring that waits stands for those
 * that follow. If the queue is full, all of it is dropped, and fido_vm_port_flush() says so: the
 * member then says HELLO again, after which nothing is missing (vm_protocol.h).
 */

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vm_frame.h"

#define FIDO_VM_QUEUED_MAX 512

struct fido_vm_port {
	uint64_t generation;      /**< of the member */
	struct fido_vm_stream in; /**< the control thread's */

	pthread_mutex_t lock; /**< guards what follows; held for one write(2) at most */
	int fd;               /**< -1: not connected */
	bool is_socket;
	unsigned int queued; /**< frames that wait, from queue[0] on */
	size_t sent;         /**< bytes of queue[0] that are sent already */
	bool lost;           /**< frames were dropped */
	struct fido_vm_frame queue[FIDO_VM_QUEUED_MAX];
};

void fido_vm_port_init(struct fido_vm_port *p, uint64_t generation);
/** Close the connection, if any, and use this one; -1: none. Forget what was to be sent. */
void fido_vm_port_use(struct fido_vm_port *p, int fd);
/** Close the connection, and free what fido_vm_port_init() made. */
void fido_vm_port_fini(struct fido_vm_port *p);
/** Forget what was to be sent, and send this: a HELLO comes first. As fido_vm_port_send(). */
bool fido_vm_port_restart(struct fido_vm_port *p, enum fido_vm_type type, const void *payload);
/**
 * Send a frame. Any thread; does not block. Without a connection it is dropped: HELLO makes up for
 * it.
 * @return true: something waits: call fido_vm_port_flush() when the connection takes more
 */
bool fido_vm_port_send(struct fido_vm_port *p, enum fido_vm_type type, const void *payload);
/** Send what waits. @return 0: nothing waits now, -EAGAIN, -ENOBUFS: some was dropped */
int fido_vm_port_flush(struct fido_vm_port *p);
/** Read what has come. @return 0, -EAGAIN: nothing, -EPIPE: the connection has ended */
int fido_vm_port_read(struct fido_vm_port *p);
/** Take the next frame to this member. @return false: none */
bool fido_vm_port_next(struct fido_vm_port *p, struct fido_vm_frame *f);

#endif
