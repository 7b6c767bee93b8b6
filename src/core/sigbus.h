/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_SIGBUS_H
#define FIDO_SIGBUS_H

/**
 * @file
 * What happens when a peer's pages are gone although they are mapped here.
 *
 * Arenas and control regions are sealed against shrinking, but imported memory (EAL's heap) cannot be: its owner
 * may truncate the file behind it, and the next read of it here raises SIGBUS. In the groups' address ranges such
 * a fault is answered with zeros, as for memory that was withdrawn (I1 of <fido/gaddr.h>). Everything else goes to
 * the handler that was there before.
 *
 * The handler is the process's from the first guarded range to the last. An application that installs its own
 * later takes ours away: it should call the former one for addresses it does not know.
 */

#include <stddef.h>
#include <stdint.h>

/** Guard an address range. Control thread; not within a signal handler. @return 0, -ENOSPC, -errno */
int fido_sigbus_guard(uintptr_t base, size_t len);
/** Undo one fido_sigbus_guard(). */
void fido_sigbus_unguard(uintptr_t base);
/**
 * Except memory of our own in a guarded range, which we write to: a fault there is told on standard error, and then goes
 * to the handler that was there before. Its owner would else lose what it writes, or die of a fault that says nothing.
 * @param domain whose it is; the string lives as long
 * @return 0, -ENOSPC: 1024 of them are there
 */
int fido_sigbus_own(uintptr_t base, size_t len, const char *domain);
/** Undo one fido_sigbus_own(). */
void fido_sigbus_disown(uintptr_t base);
/** @return how many faults were answered with zeros in this process. */
uint64_t fido_sigbus_count(void);

#endif
