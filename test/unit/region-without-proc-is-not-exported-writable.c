/* SPDX-License-Identifier: BSD-3-Clause */
/* Without /proc no peer gets a writable descriptor: heaps are not exported, sealed arenas are. */
#include "test.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>

#include "memfile.h"
#include "host_session.h"

#define G FIDO_GRANULE_SIZE

/* In a private mount namespace. */
static void
hide_proc(void)
{
	int flags = geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER;

	if (unshare(flags) != 0)
		TEST_SKIP("no mount namespaces: %s", strerror(errno));
	assert_int_equal(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	assert_int_equal(mount("none", "/proc", "tmpfs", 0, NULL), 0);
}

static void
show_proc(void)
{
	assert_int_equal(umount2("/proc", MNT_DETACH), 0);
}

/*
 * Send a descriptor through a socket. @return the descriptor that arrives; -errno: why sending
 * failed
 */
static int
pass(int fd)
{
	int pair[2], ret;
	struct fido_host_message m;
	struct fido_host_hello hello = {.slot = 1};
	struct fido_host_session *s;
	unsigned int version;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	s = fido_host_session_create(pair[0]);
	assert_non_null(s);
	ret = fido_host_send(s, FIDO_HOST_HELLO, &hello, sizeof(hello), &fd, 1, true);
	if (ret == 0) {
		assert_int_equal(fido_host_receive(pair[1], &m, &version), 1);
		assert_int_equal(m.nfds, 1);
		ret = m.fds[0];
	} else {
		assert_int_equal(fido_host_receive(pair[1], &m, &version),
			0); /* nothing was sent */
	}
	fido_host_session_destroy(s);
	close(pair[1]);
	return ret;
}

static bool
can_write(int fd)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p != MAP_FAILED)
		munmap(p, 4096);
	return p != MAP_FAILED || pwrite(fd, "x", 1, 0) == 1;
}

static void
passed(void **state)
{
	int plain = memfd_create("plain", MFD_CLOEXEC | MFD_ALLOW_SEALING), sealed, fd;

	assert_int_equal(ftruncate(plain, G), 0);
	assert_int_equal(fido_memfile_create(NULL, G, false, &sealed), 0);
	assert_int_equal(fido_memfile_seal(NULL, sealed), 0);
	fd = pass(plain);
	assert_true(fd >= 0 && !can_write(fd));
	close(fd);
	hide_proc();
	assert_int_equal(pass(plain), -ENOENT);
	fd = pass(sealed);
	assert_true(fd >= 0 && !can_write(fd));
	close(fd);
	/* A permanent seal that does not forbid writing. */
	assert_int_equal(fcntl(plain, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0);
	assert_int_equal(pass(plain), -ENOENT);
	show_proc();
	close(plain);
	close(sealed);
}

static unsigned int warnings;

static void
on_log(enum fido_log_level level, const char *message)
{
	if (level == FIDO_LOG_WARNING && strstr(message, "mount /proc") != NULL &&
		strstr(message, "pools=arena") != NULL)
		warnings++;
}

static void
exported(void **state)
{
	struct test_remote b;
	struct fido_region *heap, *arena;
	struct fido_domain *a;
	struct fido_link *ab;
	struct fido_buf buf = {.len = 64, .cookie = &b};
	uint64_t gaddr;
	int fd;
	void *va = test_memory(G, &fd);

	test_spawn(&b);
	hide_proc();
	fido_log_set(on_log);
	a = test_join("a");
	arena = test_arena(a, G);
	assert_int_equal(fido_region_import(a, va, G, G, &heap), 0);
	assert_int_equal(fido_region_export(heap, 0, G, fd, 0), -EOPNOTSUPP);
	assert_int_equal(fido_region_export(heap, 0, G, fd, 0), -EOPNOTSUPP);
	fido_log_set(NULL);
	assert_int_equal(warnings, 1);
	ab = test_link(a, "b", NULL, 1, 1, 64);
	assert_int_equal(test_ask_number(&b, "join b"), 0);
	assert_int_equal(test_ask_number(&b, "link a 1 1 64"), 0);
	TEST_WAIT(fido_link_is_up(ab) && test_ask_number(&b, "up") == 1);
	assert_int_equal(test_reach(fido_link_txq(ab, 0), va, 1, &gaddr),
		FIDO_REACH_NONE); /* copy it */
	buf.data = (void *)arena->va;
	test_fill((void *)arena->va, 64, 3);
	assert_int_equal(fido_txq_post(fido_link_txq(ab, 0), &buf, 1), 1);
	assert_int_equal(test_ask_number(&b, "poll 0 3 64"), arena->gaddr);
	test_ask(&b, "complete 0");
	assert_int_equal(test_take_all(fido_link_txq(ab, 0), 1), 1);
	test_end(&b);
	fido_link_destroy(ab);
	fido_domain_leave(a);
	show_proc();
	close(fd);
}

TEST_MAIN(cmocka_unit_test(passed), cmocka_unit_test(exported))
