/* SPDX-License-Identifier: BSD-3-Clause */
/* A domain's exported memory can be read by its peers and changed by none, whatever they try. */
#include "test.h"

#include "domain_private.h"

static void
unchangeable(struct test_remote *b, int fd)
{
	long ret = test_ask_number(b, "tamper %d %d", (int)getpid(), fd);

	/* 0: it could be opened, but nothing worked */
	if (ret != 0 && ret != -EPERM && ret != -EACCES)
		fail_msg("tampering with the memory: %ld", ret);
}

static void
read_only(void **state)
{
	struct fido_domain *a = test_join("a");
	struct fido_region *mem = test_arena(a, 1 << 21);
	unsigned long gaddr = mem->gaddr, control = (uintptr_t)a->control;
	struct test_remote b;

	*(uint8_t *)mem->va = 17;
	test_spawn(&b);
	assert_int_equal(test_ask_number(&b, "join b"), 0);
	TEST_WAIT(test_ask_number(&b, "mapped 0x%lx", gaddr) == 1);
	assert_int_equal(test_ask_number(&b, "read 0x%lx", gaddr), 17);
	*(uint8_t *)mem->va = 18; /* the owner can still write, and peers see it */
	assert_int_equal(test_ask_number(&b, "read 0x%lx", gaddr), 18);
	unchangeable(&b, mem->fd);
	unchangeable(&b, a->control_fd);
	assert_int_equal(test_ask_number(&b, "mprotect 0x%lx", gaddr), -EACCES);
	assert_int_equal(test_ask_number(&b, "mprotect 0x%lx", control), -EACCES);
	assert_int_equal(*(uint8_t *)mem->va, 18);
	test_ask_to_die(&b, "write 0x%lx", gaddr);
	assert_int_equal(*(uint8_t *)mem->va, 18);

	test_spawn(&b);
	assert_int_equal(test_ask_number(&b, "join b"), 0);
	TEST_WAIT(test_ask_number(&b, "mapped 0x%lx", control) == 1);
	test_ask_to_die(&b, "write 0x%lx", control);
	fido_domain_leave(a);
	test_rundir_empty();
}

/* Imported memory cannot be sealed, but peers get a read-only mapping of it. */
static void
imported(void **state)
{
	struct fido_domain *a = test_join("a");
	struct fido_region *r;
	struct test_remote b;
	int fd;
	uint8_t *p = test_memory(1 << 21, &fd);

	*p = 21;
	assert_int_equal(fido_region_import(a, p, 1 << 21, 1 << 21, &r), 0);
	assert_int_equal(fido_region_export(r, 0, 1 << 21, fd, 0), 0);
	test_spawn(&b);
	assert_int_equal(test_ask_number(&b, "join b"), 0);
	TEST_WAIT(test_ask_number(&b, "mapped 0x%lx", r->gaddr) == 1);
	assert_int_equal(test_ask_number(&b, "read 0x%lx", r->gaddr), 21);
	assert_int_equal(test_ask_number(&b, "mprotect 0x%lx", r->gaddr), -EACCES);
	test_ask_to_die(&b, "write 0x%lx", r->gaddr);
	assert_int_equal(*p, 21);
	fido_domain_leave(a);
	test_rundir_empty();
}

TEST_MAIN(cmocka_unit_test(read_only), cmocka_unit_test(imported))
