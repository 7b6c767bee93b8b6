/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_VM_VECTORS_H
#define FIDO_VM_VECTORS_H

/**
 * @file
 * Doorbells that need neither fido-vmd nor the peer's control thread: vectors of devices
 * (fido_bell.h). Optional, and found at run time. Three ways:
 *
 * | way | where | vectors of the device are for | a ring is |
 * |---|---|---|---|
 * | module | guest with the kernel module fido-bell | all processes of the guest | a store |
 * | vfio | guest with an IOMMU, device bound to vfio-pci | the process that came first | a store |
 * | eventfd | host | one slot of the host | write(2) |
 *
 * A store goes to a register, which is mapped; if it cannot be mapped, a ring is a call.
 *
 * The control thread does all but ring.
 */

#include <stdbool.h>
#include <stdint.h>

#include "fido_bell.h"
#include "vm_place.h"
#include "vm_protocol.h"

struct fido_vm_vectors;

struct fido_vm_vectors_ops {
	const char *name;
	/** Take a free vector. @return its eventfd, the caller's; -ENOSPC, -errno */
	int (*take)(struct fido_vm_vectors *v, uint32_t *vector);
	void (*drop)(struct fido_vm_vectors *v, uint32_t vector);
	/** Ring, without a mapped register. Any thread; does not block. @return false: not rung */
	bool (*ring)(const struct fido_vm_vectors *v, uint32_t id, uint32_t vector);
	void (*close)(struct fido_vm_vectors *v);
};

/** Zero and fds -1: closed. */
struct fido_vm_vectors {
	const struct fido_vm_vectors_ops *ops; /**< NULL: closed */
	uint32_t id;                           /**< of the own device */
	uint32_t count;                        /**< of its vectors, and of each other device */
	uint32_t lost;                         /**< 1: the device has gone */
	char *registers;                       /**< mapped; NULL: not */
	uint64_t taken;                        /**< vfio, eventfd: vectors */
	int device_fd;                         /**< module, vfio */
	uint64_t registers_at;                 /**< vfio: where they are in the device's file */
	int container_fd, group_fd;            /**< vfio */
	int *eventfds;                         /**< vfio: by vector; eventfd: by id and vector */
	uint32_t ids;                          /**< eventfd: less than this */
};

void fido_vm_vectors_init(struct fido_vm_vectors *v);
/** Guest: look for the device of a group. @return false: there is none that can be used */
bool fido_vm_vectors_open_guest(struct fido_vm_vectors *v, const char *group);
/** Host: get the eventfds; id is our own. May block. @return as _open_guest() */
bool fido_vm_vectors_open_host(struct fido_vm_vectors *v, const struct fido_vm_place *place,
	uint32_t id);
/** No thread rings any more. */
void fido_vm_vectors_close(struct fido_vm_vectors *v);

/** Take a free vector. @return its eventfd (close(), then _drop()), -ENOSPC, -errno */
int fido_vm_vectors_take(struct fido_vm_vectors *v, uint32_t *vector);
void fido_vm_vectors_drop(struct fido_vm_vectors *v, uint32_t vector);
/** Ring a vector of any device. Any thread; does not block. @return false: it cannot be rung so */
bool fido_vm_vectors_ring(const struct fido_vm_vectors *v, uint32_t id, uint32_t vector);
/** @return true: the kernel can leave a testament */
bool fido_vm_vectors_can_testify(const struct fido_vm_vectors *v);
/** Have the kernel ring a vector of fido-vmd when this process ends. */
void fido_vm_vectors_testify(struct fido_vm_vectors *v, uint32_t vector);
/** @return true: the device has just gone: rings may have been lost, and none comes any more */
bool fido_vm_vectors_look(struct fido_vm_vectors *v);

/* ---- for the ways: vm_vectors_*.c ---- */

/** Check what BAR 2 begins with. */
bool fido_vm_label_fits(const struct fido_bell_label *label, const char *group);
/** Take the lowest free vector, for ways in which nobody else does. @return -ENOSPC: none */
int fido_vm_vectors_take_lowest(struct fido_vm_vectors *v, uint32_t *vector);
/** Take the lowest free vector, which has an eventfd already. @return as ops.take() */
int fido_vm_vectors_take_eventfd(struct fido_vm_vectors *v, const int *eventfds, uint32_t *vector);
void fido_vm_vectors_drop_own(struct fido_vm_vectors *v, uint32_t vector);
bool fido_vm_vectors_open_module(struct fido_vm_vectors *v, const char *group);
bool fido_vm_vectors_open_vfio(struct fido_vm_vectors *v, const char *group);

#endif
