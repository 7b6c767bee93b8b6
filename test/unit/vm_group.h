/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VM_GROUP_H
#define VM_GROUP_H

/**
 * @file
 * A group `vm:t` in this process, without a virtual machine: the memory of each slot is a memfd,
 * and this file does what fido-vmd does. Link with --wrap for each of
 *
 *	fido_vm_place_find fido_vm_place_memory fido_vm_member_join
 *
 * The domains' control threads are stopped: vm_group_turn() does their work, so that what a member
 * says is done when it returns. A slot without a domain belongs to the test, which writes to its
 * memory whatever it likes. It does not use cmocka: what goes wrong here aborts the program.
 */

#include <stdint.h>

#include "domain_private.h"
#include "vm_frame.h"
#include "vm_root.h"

#define VM_GROUP "vm:t"
#define VM_GROUP_SLOTS 4
/** Bytes of a slot's memory, its root included. */
#define VM_GROUP_SIZE (UINT64_C(32) << 20)
/** Where the root begins in a slot. */
#define VM_GROUP_ROOT (VM_GROUP_SIZE - FIDO_GRANULE_SIZE)
/** The name that /proc/self/maps shows of a slot's memory. */
#define VM_GROUP_FILE "vm-slot-%u"

/** Make the memory of all slots. Once for the program. */
void vm_group_start(const struct fido_layout *layout);
/** Join; the domain gets the first slot without one. It meets nobody yet. */
struct fido_domain *vm_group_join(const char *name);
/** From now on announce at once whoever joins, as fido-vmd does: its root is not written yet. */
void vm_group_announce_early(void);
/** Leave, without a word to others. Links are destroyed. */
void vm_group_leave(struct fido_domain *d);
/** Tell the domain at slot `to` something. A slot without a domain hears nothing. */
void vm_group_say(uint32_t to, enum fido_vm_type type, const void *payload);
/** The same with any bytes. */
void vm_group_say_bytes(uint32_t to, const void *bytes, size_t len);
/** Tell all domains but the one at `slot` of a member there. */
void vm_group_announce(uint32_t slot, uint64_t generation, const char *name);
/** Tell them that something there has changed. */
void vm_group_changed(uint32_t slot, uint64_t generation);
/** Tell them that it has left (clean) or died. */
void vm_group_gone(uint32_t slot, uint64_t generation, bool clean);
/** Close the connection of the domain at `slot`. */
void vm_group_hang_up(uint32_t slot);
/** Pass on what domains have said, and do what their control threads do when they wake. */
void vm_group_turn(void);
/** @return the generation of slot `of` that the domain at slot `by` let go last; 0: none */
uint64_t vm_group_let_go(uint32_t by, uint32_t of);
/** @return a descriptor of a slot's file, for writing; it stays this file's */
int vm_group_memory(uint32_t slot);

#endif
