/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_VM_BELL_H
#define FIDO_VM_BELL_H

/**
 * @file
 * Doorbells of the vm transport. A domain's own is an eventfd and a number, and has a vector if the
 * machine has a device with a free one (vm_vectors.h). Peers find both in the domain's root
 * (FIDO_VM_BELL). They ring the vector if they can: its ring signals the eventfd. Else they ring by
 * a frame through fido-vmd (RING), which this domain's control thread turns into a signal.
 */

#include <stdint.h>

struct fido_doorbell;
struct fido_vm;
struct fido_vm_peer;

/** fido_transport_ops.doorbell_create */
int fido_vm_bell_create(void *transport, struct fido_doorbell **out);
/** @return FIDO_VM_BELL() of one of our own */
uint32_t fido_vm_bell_word(const struct fido_doorbell *bell);
/** Make a bell that rings that of a peer. @param word as its root has it @return NULL: no memory */
struct fido_doorbell *fido_vm_bell_of_peer(struct fido_vm *v, const struct fido_vm_peer *peer,
	uint32_t word);
/** A peer rings our own bell of that number. */
void fido_vm_bell_signal(struct fido_vm *v, uint32_t number);
/** Ring all our own bells: rings may have been lost. */
void fido_vm_bell_signal_all(struct fido_vm *v);
/** The device has gone: our own bells have no vectors any more. */
void fido_vm_bell_forget_vectors(struct fido_vm *v);

#endif
