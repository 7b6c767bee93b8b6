/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_CONTROL_REGION_H
#define FIDO_CONTROL_REGION_H

/**
 * @file
 * The control region: the memory that holds a domain's control block and, behind it, a heap for
 * rings, counters and the application's tables. All of it is mapped read-only by the group. The
 * application's functions for it are in <fido/domain.h> (fido_domain_shm_alloc() and others).
 */

#include <stddef.h>
#include <stdint.h>

struct fido_domain;

/** Unit of allocation in the heap of the control region, in bytes. */
#define FIDO_HEAP_PAGE 4096u

/**
 * Create the control region, mapped writable at its gaddr and sealed. Called while joining, without
 * the lock. @return 0, -errno (message logged); what was made is freed with the domain
 */
int fido_control_region_create(struct fido_domain *d);

/** Allocate zeroed, page-aligned memory of the heap. Lock held. @return NULL: none left */
void *fido_domain_heap_alloc(struct fido_domain *d, size_t size);
/** Free memory of fido_domain_heap_alloc(). Lock held. @param p NULL is legal */
void fido_domain_heap_free(struct fido_domain *d, void *p, size_t size);
/** @return the gaddr of an address in the control region. Any thread. */
uint64_t fido_domain_control_gaddr(const struct fido_domain *d, const void *p);

#endif
