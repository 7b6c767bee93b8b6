/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_VMD_CLOCK_NUMBER_H
#define FIDO_VMD_CLOCK_NUMBER_H

/**
 * @file
 * Which machines have the same time stamp counter. Members with the same number compare their time
 * stamps; all others do not. The host's number is 0. KVM tells in debugfs by how much a machine's
 * counter differs from the host's.
 */

#include <stdint.h>

/** Where KVM tells: ROOT/<pid>-<fd>/vcpu<n>/tsc-offset. */
#define CLOCK_NUMBER_ROOT "/sys/kernel/debug/kvm"

/**
 * @param root  CLOCK_NUMBER_ROOT
 * @param pid   of the machine's QEMU; 0: not known
 * @param index the machine's, not the host's
 * @return a number of this machine alone if its offset is not known, or if it differs between its
 *         processors
 */
uint64_t clock_number(const char *root, uint64_t pid, uint32_t index);

#endif
