/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Proves: two domains of one process meet in a group of virtual machines, though one of them hears
 * of the other, and maps its root, before the other has mapped it for writing.
 */

#include "peer.h"
#include "test.h"
#include "vm_group.h"

static void
mapped_before(void **state)
{
	const struct fido_layout layout = TEST_LAYOUT;
	struct fido_domain *a, *b;

	(void)state;
	vm_group_start(&layout);
	b = vm_group_join("b");
	vm_group_announce_early();
	a = vm_group_join("a");
	vm_group_announce(b->slot, b->generation, "b");
	for (int i = 0; i < 4; i++)
		vm_group_turn();
	assert_non_null(fido_domain_find_peer(b, "a"));
	assert_non_null(fido_domain_find_peer(a, "b"));
	vm_group_leave(a);
	vm_group_leave(b);
}

TEST_MAIN(cmocka_unit_test(mapped_before))
