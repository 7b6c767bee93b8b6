/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-3-Clause) */
/*
 * /dev/xen/fido-grant: let other Xen domains read pages of a process. The interface between
 * programs and the kernel module; plain C11 and C++.
 *
 * Why not use the kernel's own drivers:
 *  - /dev/xen/gntalloc allocates a new page for each grant, so only one domain can read a page.
 *    Every domain of a group reads Fido's memory.
 *  - gntdev's dma-buf import (IOCTL_GNTDEV_DMABUF_IMP_TO_REFS) grants pages writable: the owner
 *    would have to trust the readers not to write. With read-only grants the hypervisor enforces
 *    it.
 *
 * Invariants
 *  I1  A grant is read-only. No call makes a writable one.
 *  I2  Only shared mappings of memory files (memfd, tmpfs, hugetlbfs, MAP_SHARED|MAP_ANONYMOUS)
 *      are granted: all who map such a file share its pages, which are never copied on write.
 *  I3  A granted page stays pinned until no domain maps it, even after END, close, the death of the
 *      process and the unloading of the module. So the kernel never reuses it while another domain
 *      can read it.
 *
 * Truncating the file or punching a hole in it removes the page from the file, not from the grant:
 * domains that map it go on reading the old contents.
 */
#ifndef FIDO_GRANT_H
#define FIDO_GRANT_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define FIDO_GRANT_PATH "/dev/xen/fido-grant"
#define FIDO_GRANT_ABI 1
/* Maximum number of pages of one FIDO_GRANT_IOC_ADD. */
#define FIDO_GRANT_PAGES_MAX 512

/**
 * Grant pages (of 4 KiB, also parts of a larger page) to one domain, read-only.
 *
 * ioctl() returns 0, or -1 with errno:
 *  - EINVAL: count is 0 or too large, addr is not page-aligned, domid is reserved, or the memory is
 *    not a shared mapping of a memory file (I2)
 *  - EFAULT: the memory at addr is not readable, or refs is not writable
 *  - ENOSPC: the domain's grant table is full (xl: max_grant_frames)
 *  - ENOMEM: no memory
 * On failure nothing is granted and nothing stays pinned.
 */
struct fido_grant_add {
	__u64 addr;  /* in: page-aligned address of readable memory of the caller */
	__u32 count; /* in: pages, 1..FIDO_GRANT_PAGES_MAX */
	__u32 domid; /* in: the domain that may map them, read-only */
	__u64 refs;  /* in: pointer to __u32[count], filled in */
	__u64 id;    /* out: id of this grant, unique for this open file */
};

/**
 * End a grant. A domain that maps the pages keeps its mapping, and they stay pinned until it unmaps
 * them (I3). No domain can map them from then on. Closing the last descriptor of the file ends all
 * its grants.
 *
 * ioctl() returns 0, or -1 with errno ENOENT: the file has no grant with that id.
 */
struct fido_grant_end {
	__u64 id;
};

/* Returns FIDO_GRANT_ABI of the module. */
#define FIDO_GRANT_IOC_ABI _IO(0xF1, 0)
#define FIDO_GRANT_IOC_ADD _IOWR(0xF1, 1, struct fido_grant_add)
#define FIDO_GRANT_IOC_END _IOW(0xF1, 2, struct fido_grant_end)

#endif
