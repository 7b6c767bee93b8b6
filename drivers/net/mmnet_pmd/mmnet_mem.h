/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_MEM_H
#define MMNET_MEM_H

/** @file Export of EAL's heap to the group. */

#include <fido/domain.h>

/**
 * Export EAL's heap, and keep the export up to date as the heap grows and shrinks. Packets in
 * memory that cannot be exported are copied when they are sent: that is no failure.
 * @return 0, -errno
 */
int mmnet_mem_export(struct fido_domain *domain);

/** Stop following the heap. The regions go with the domain. */
void mmnet_mem_unexport(void);

#endif
