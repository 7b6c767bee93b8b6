/* SPDX-License-Identifier: BSD-3-Clause */
#include "vm_ram.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <fido/gaddr.h>

#define SMALL_PAGE 4096
#define PAGEMAP_PRESENT (UINT64_C(1) << 63)
#define PAGEMAP_FRAME ((UINT64_C(1) << 55) - 1)

void
fido_vm_ram_open(struct fido_vm_ram *r, const struct fido_vm_place *p)
{
	*r = (struct fido_vm_ram){.pagemap_fd = -1};
	if (fido_vm_place_ram(p, &r->file, &r->start, &r->size))
		r->pagemap_fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
}

void
fido_vm_ram_close(struct fido_vm_ram *r)
{
	if (r->pagemap_fd >= 0)
		close(r->pagemap_fd);
	r->pagemap_fd = -1;
}

/* A huge page does not move while it is mapped, unless the kernel is told to take memory away. */
int
fido_vm_ram_locate(const struct fido_vm_ram *r, const void *va, uint64_t *offset)
{
	uint64_t entry, at;

	if (r->pagemap_fd < 0)
		return -EOPNOTSUPP;
	if (pread(r->pagemap_fd, &entry, sizeof(entry),
		    (off_t)((uintptr_t)va / SMALL_PAGE * sizeof(entry))) != sizeof(entry))
		return -errno;
	if ((entry & PAGEMAP_PRESENT) == 0)
		return -ENOENT;
	if ((entry & PAGEMAP_FRAME) == 0)
		return -EPERM;
	at = (entry & PAGEMAP_FRAME) * SMALL_PAGE - r->start;
	if (at >= r->size || r->size - at < FIDO_GRANULE_SIZE || at % FIDO_GRANULE_SIZE != 0)
		return -ENOENT;
	*offset = at;
	return 0;
}
