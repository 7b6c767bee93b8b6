/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-3-Clause) */
/*
 * /dev/xen/fido-grant: let other Xen domains read pages of a process. What programs and the module
 * agree on; plain C11 and C++.
 *
 * Why not what the kernel has:
 *  - /dev/xen/gntalloc takes a fresh page for each grant: a page can go to one domain only. Fido's
 *    memory is read by every domain of a group.
 *  - gntdev's dma-buf (IOCTL_GNTDEV_DMABUF_IMP_TO_REFS) grants writable, so that the reader itself
 *    would be trusted not to write. Here the owner's hypervisor enforces it.
 *
 * Invariants
 *  I1  A grant is read-only. No call makes a writable one.
 *  I2  Only shared mappings of memory files (memfd, tmpfs, hugetlbfs, MAP_SHARED|MAP_ANONYMOUS)
 *      are granted: their pages are the same ones for everybody and are never copied on write.
 *  I3  A granted page stays pinned until no domain maps it any more, also after END, close, the
 *      death of the process and the unloading of the module. So it is never used for anything else
 *      while somebody can read it.
 *
 * Truncating the file or punching a hole in it takes the page out of the file, not out of the grant:
 * who maps it goes on reading the old contents.
 */
#ifndef FIDO_GRANT_H
#define FIDO_GRANT_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define FIDO_GRANT_PATH "/dev/xen/fido-grant"
#define FIDO_GRANT_ABI 1
/* The most pages of one FIDO_GRANT_IOC_ADD. */
#define FIDO_GRANT_PAGES_MAX 512

/**
 * Grant pages (4 KiB each, also of a larger one) to one domain, read-only.
 *
 * ioctl() returns 0, or -1 with errno:
 *  - EINVAL: count is 0 or too large, addr is not page-aligned, domid is not one of a domain, or
 *    the memory is not a shared mapping of a memory file (I2)
 *  - EFAULT: addr is not readable there, or refs not writable
 *  - ENOSPC: the domain's grant table is full (xl: max_grant_frames)
 *  - ENOMEM: no memory
 * Nothing is granted then, and nothing stays pinned.
 */
struct fido_grant_add {
	__u64 addr;  /* in: page-aligned address of the caller, readable there */
	__u32 count; /* in: pages, 1..FIDO_GRANT_PAGES_MAX */
	__u32 domid; /* in: who may map them, read-only */
	__u64 refs;  /* in: pointer to __u32[count], filled in */
	__u64 id;    /* out: names this grant, never used twice on this file */
};

/**
 * End a grant. A domain that maps the pages keeps its map, and they stay pinned until it lets go (I3);
 * nobody else can map them. Closing the last descriptor of the file ends all its grants.
 *
 * ioctl() returns 0, or -1 with errno ENOENT: the file has no grant of that id.
 */
struct fido_grant_end {
	__u64 id;
};

/* Returns FIDO_GRANT_ABI of the module. */
#define FIDO_GRANT_IOC_ABI _IO(0xF1, 0)
#define FIDO_GRANT_IOC_ADD _IOWR(0xF1, 1, struct fido_grant_add)
#define FIDO_GRANT_IOC_END _IOW(0xF1, 2, struct fido_grant_end)

#endif
