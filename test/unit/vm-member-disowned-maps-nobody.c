/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Proves: a member that fido-vmd does not know any more leaves, and maps nobody of whom the same
 * fido-vmd tells it in the same breath: fido-vmd does not count it as a holder, and would give the
 * slot to another process while it is mapped.
 */

#include "peer.h"
#include "test.h"
#include "vm_group.h"
#include "vm_private.h"

/* In one write: what a fido-vmd answers that takes the HELLO for a newcomer's. */
static void
welcome_as_new(const struct fido_domain *to, const struct fido_domain *other)
{
	const struct fido_vm_welcome welcome = {.slot = to->slot, .members = 1};
	struct fido_vm_peer peer = {.generation = other->generation, .slot = other->slot};
	char bytes[2 * FIDO_VM_FRAME_MAX];
	struct fido_vm_frame f;
	size_t n, more;

	memcpy(peer.name, other->name, sizeof(peer.name));
	n = fido_vm_frame_make(&f, FIDO_VM_WELCOME, to->generation, &welcome);
	memcpy(bytes, &f, n);
	more = fido_vm_frame_make(&f, FIDO_VM_PEER, to->generation, &peer);
	memcpy(bytes + n, &f, more);
	vm_group_say_bytes(to->slot, bytes, n + more);
}

static void
disowned(void **state)
{
	const struct fido_layout layout = TEST_LAYOUT;
	struct fido_domain *a, *b;
	struct fido_vm *v;

	(void)state;
	vm_group_start(&layout);
	a = vm_group_join("a");
	b = vm_group_join("b");
	v = b->transport;
	/* A guest keeps its port, and what has been read of it. */
	v->place.is_host = false;
	vm_group_announce(a->slot, a->generation, "a");
	TEST_WAIT((vm_group_turn(), fido_domain_find_peer(b, "a") != NULL));
	welcome_as_new(b, a);
	for (int i = 0; i < 4; i++)
		vm_group_turn();
	assert_true(v->left);
	assert_null(v->sessions);
	assert_null(fido_domain_find_peer(b, "a"));
	vm_group_leave(b);
	vm_group_leave(a);
}

TEST_MAIN(cmocka_unit_test(disowned))
