/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-3-Clause) */
/*
 * Doorbells by a device: QEMU's ivshmem-doorbell, which fido-vmd connects. What programs, fido-vmd
 * and the kernel module fido-bell agree on; plain C11 and C++.
 *
 * A device has a number of vectors. Each belongs to one doorbell at a time. A store of
 * FIDO_BELL_WORD(id, vector) to the register FIDO_BELL_RING of BAR 0 rings vector `vector` of the
 * device with that id, in whatever machine it is. BAR 2 is a page that tells which group the
 * device belongs to.
 *
 * /dev/fido-bell<n>: the module lets several processes share a device, and needs no IOMMU.
 *
 * Invariants
 *  I1  A vector belongs to one open file from TAKE until DROP or the last close of the file.
 *  I2  Every ring of a vector after TAKE has returned, and before DROP or close, signals its
 *      eventfd. Rings in quick succession may signal it once.
 *  I3  After the last close of a file, however its process ended, the kernel rings the words of its
 *      testament once.
 *  I4  A device that is removed while files are open leaves them harmless: calls fail with ENODEV,
 *      stores to the mapped register have no effect, and poll(2) says POLLHUP.
 *
 * A process that may open the device may ring all bells of the group, also those by which fido-vmd
 * learns of the ends of processes of this machine. No other machine suffers: each has its own
 * testaments.
 */
#ifndef FIDO_BELL_H
#define FIDO_BELL_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define FIDO_BELL_ABI 1
/* Vectors of a device. */
#define FIDO_BELL_VECTORS_MAX 64
/* Words of a testament. */
#define FIDO_BELL_TESTAMENT_MAX 16

/* BAR 0, at the offset 0 of the file, FIDO_BELL_MAP_SIZE bytes to mmap(2), writable and shared. */
#define FIDO_BELL_MAP_SIZE 4096
/* Registers of 32 bits: the device's id; the one to ring by. */
#define FIDO_BELL_ID 8
#define FIDO_BELL_RING 12
#define FIDO_BELL_WORD(id, vector) ((__u32)(id) << 16 | (__u32)(vector))

/* What BAR 2 begins with. fido-vmd writes it; the guest could overwrite its own. */
#define FIDO_BELL_LABEL_MAGIC 0x4c4c45424f444946ull /* "FIDOBELL" */
#define FIDO_BELL_LABEL_SIZE 4096
#define FIDO_BELL_GROUP_MAX 32
struct fido_bell_label {
	__u64 magic;
	__u32 version; /* FIDO_BELL_ABI */
	__u32 vectors; /* of each device of the group */
	char group[FIDO_BELL_GROUP_MAX];
};

/* The device. */
struct fido_bell_info {
	__u32 id;
	__u32 vectors;
	char group[FIDO_BELL_GROUP_MAX]; /* as in the label; may lack a terminating zero */
};

/**
 * Take a free vector; from now on a ring signals the eventfd.
 *
 * ioctl() returns 0, or -1 with errno:
 *  - ENOSPC: none is free
 *  - EBADF, EINVAL: the descriptor is no eventfd
 *  - ENODEV: the device is gone
 */
struct fido_bell_take {
	__s32 eventfd; /* in */
	__u32 vector;  /* out */
};

/**
 * Set the words to ring when the file is closed; the former ones are forgotten. count 0: none.
 *
 * ioctl() returns 0, or -1 with errno EINVAL: there are too many.
 */
struct fido_bell_testament {
	__u32 count;
	__u32 words[FIDO_BELL_TESTAMENT_MAX]; /* FIDO_BELL_WORD() */
};

/* Returns FIDO_BELL_ABI of the module. */
#define FIDO_BELL_IOC_ABI _IO(0xF2, 0)
#define FIDO_BELL_IOC_INFO _IOR(0xF2, 1, struct fido_bell_info)
#define FIDO_BELL_IOC_TAKE _IOWR(0xF2, 2, struct fido_bell_take)
/* The argument is the vector. ENOENT: the file does not have it. */
#define FIDO_BELL_IOC_DROP _IO(0xF2, 3)
#define FIDO_BELL_IOC_TESTAMENT _IOW(0xF2, 4, struct fido_bell_testament)
/* The argument is the word. For a register that cannot be mapped: mmap(2) fails with ENXIO. */
#define FIDO_BELL_IOC_RING _IO(0xF2, 5)

#endif
