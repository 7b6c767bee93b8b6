/* SPDX-License-Identifier: BSD-3-Clause */
#include "vm_bell.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "doorbell_private.h"
#include "event.h"
#include "vm_private.h"

struct fido_vm_bell {
	struct fido_doorbell base; /* first; own: an eventfd; a peer's: -1 */
	struct fido_vm *vm;
	uint32_t number;
	uint32_t vector;           /* FIDO_VM_ANY: none */
	uint32_t id;               /* a peer's: of its device; FIDO_VM_ANY: none */
	uint32_t slot;             /* a peer's */
	uint64_t generation;       /* a peer's */
	struct fido_vm_bell *next; /* own */
};

static struct fido_vm_bell *
of(const struct fido_doorbell *bell)
{
	return (struct fido_vm_bell *)(uintptr_t)bell;
}

/* ---- our own ---- */

/* On the host others hold the eventfd of a vector, too (event.h). */
static void
ring_own(const struct fido_doorbell *bell)
{
	fido_event_signal(bell->fd);
}

static void
clear_own(const struct fido_doorbell *bell)
{
	fido_event_take(bell->fd);
}

static void
destroy_own(struct fido_doorbell *base)
{
	struct fido_vm_bell *bell = of(base), **p = &bell->vm->bells;

	while (*p != bell)
		p = &(*p)->next;
	*p = bell->next;
	close(base->fd);
	if (bell->vector != FIDO_VM_ANY)
		fido_vm_vectors_drop(&bell->vm->vectors, bell->vector);
	free(bell);
}

/* Small ones: fido-vmd keeps a mark for each that waits. */
static uint32_t
free_number(const struct fido_vm *v)
{
	const struct fido_vm_bell *bell = v->bells;
	uint32_t number = 0;

	while (bell != NULL) {
		if (bell->number != number) {
			bell = bell->next;
			continue;
		}
		number++;
		bell = v->bells;
	}
	return number;
}

int
fido_vm_bell_create(void *transport, struct fido_doorbell **out)
{
	struct fido_vm *v = transport;
	struct fido_vm_bell *bell = calloc(1, sizeof(*bell));
	int fd;

	if (bell == NULL)
		return -ENOMEM;
	fd = fido_vm_vectors_take(&v->vectors, &bell->vector);
	if (fd < 0) {
		bell->vector = FIDO_VM_ANY;
		fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	}
	if (fd < 0) {
		fd = -errno;
		free(bell);
		return fd;
	}
	bell->base = (struct fido_doorbell){fd, ring_own, clear_own, destroy_own};
	bell->vm = v;
	bell->number = free_number(v);
	bell->next = v->bells;
	v->bells = bell;
	*out = &bell->base;
	return 0;
}

uint32_t
fido_vm_bell_word(const struct fido_doorbell *bell)
{
	return FIDO_VM_BELL(of(bell)->number, of(bell)->vector);
}

void
fido_vm_bell_signal(struct fido_vm *v, uint32_t number)
{
	for (struct fido_vm_bell *bell = v->bells; bell != NULL; bell = bell->next)
		if (bell->number == number)
			ring_own(&bell->base);
}

void
fido_vm_bell_signal_all(struct fido_vm *v)
{
	for (struct fido_vm_bell *bell = v->bells; bell != NULL; bell = bell->next)
		ring_own(&bell->base);
}

void
fido_vm_bell_forget_vectors(struct fido_vm *v)
{
	for (struct fido_vm_bell *bell = v->bells; bell != NULL; bell = bell->next)
		bell->vector = FIDO_VM_ANY;
}

/* ---- a peer's ---- */

static void
ring_peer(const struct fido_doorbell *base)
{
	const struct fido_vm_bell *bell = of(base);

	if (fido_vm_vectors_ring(&bell->vm->vectors, bell->id, bell->vector))
		return;
	fido_vm_tell(bell->vm, FIDO_VM_RING, bell->slot, bell->generation, bell->number);
}

static void
nothing_to_clear(const struct fido_doorbell *bell)
{
	(void)bell;
}

static void
destroy_peer(struct fido_doorbell *bell)
{
	free(of(bell));
}

struct fido_doorbell *
fido_vm_bell_of_peer(struct fido_vm *v, const struct fido_vm_peer *peer, uint32_t word)
{
	struct fido_vm_bell *bell = calloc(1, sizeof(*bell));

	if (bell == NULL)
		return NULL;
	bell->base = (struct fido_doorbell){-1, ring_peer, nothing_to_clear, destroy_peer};
	bell->vm = v;
	bell->number = FIDO_VM_BELL_NUMBER(word);
	bell->vector = FIDO_VM_BELL_VECTOR(word);
	bell->id = peer->bell_id;
	bell->slot = peer->slot;
	bell->generation = peer->generation;
	return &bell->base;
}
