/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_SIGBUS_H
#define FIDO_SIGBUS_H

/**
 * @file
 * Survive reads of a peer's pages that are mapped here but no longer exist.
 *
 * Arenas and control regions are sealed against shrinking, but imported memory (EAL's heap) cannot
 * be: its owner may truncate the file behind it, and the next read here raises SIGBUS. In the
 * address ranges of groups the handler answers such a fault with zeros, as for withdrawn memory (I1
 * of
 * <fido/gaddr.h>). It passes every other fault to the handler that was installed before.
 *
 * The handler is installed as long as a range is guarded. An application that installs its own
 * handler later replaces it, and should call it for addresses that it does not know.
 */

#include <stddef.h>
#include <stdint.h>

/**
 * Guard an address range. Any thread; not from a signal handler.
 * @return 0, -ENOSPC (16 ranges are guarded), -errno
 * @see fido_sigbus_unguard
 */
int fido_sigbus_guard(uintptr_t base, size_t len);
/** Undo one fido_sigbus_guard(). */
void fido_sigbus_unguard(uintptr_t base);
/**
 * Except a domain's own memory, which it writes to, from a guarded range. A fault there is reported
 * on standard error, and passed to the previous handler. Zeros would lose what the domain writes,
 * and the previous handler alone would end the process without a reason.
 * @param domain name of the domain, valid until fido_sigbus_disown()
 * @return 0, -ENOSPC (1024 pieces of memory are excepted)
 */
int fido_sigbus_own(uintptr_t base, size_t len, const char *domain);
/** Undo one fido_sigbus_own(). */
void fido_sigbus_disown(uintptr_t base);
/** @return number of faults that were answered with zeros in this process. Any thread. */
uint64_t fido_sigbus_count(void);

#endif
