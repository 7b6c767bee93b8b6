/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * When a peer truncates the file behind its memory, reads return zeros and others are not harmed.
 */
#include "test.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "sigbus.h"

#define LEN (2 * FIDO_GRANULE_SIZE)

static void
truncated(void **state)
{
	struct test_pair p;
	struct fido_region *region;
	struct fido_buf buf = {.len = 64, .cookie = &p};
	struct fido_rx rx;
	uint64_t before = fido_sigbus_count();
	int fd;
	char *mem;

	test_pair_start(&p, 64);
	mem = test_memory(LEN, &fd);
	assert_int_equal(fido_region_import(p.a, mem, LEN, FIDO_GRANULE_SIZE, &region), 0);
	assert_int_equal(fido_region_export(region, 0, LEN, fd, 0), 0);
	memset(mem, 'x', LEN);
	buf.data = mem + LEN - 4096;
	TEST_WAIT(fido_txq_post(fido_link_txq(p.ab, 0), &buf, 1) == 1);
	rx = test_poll(fido_link_rxq(p.ba, 0));
	assert_int_equal(*(const volatile char *)rx.desc.data, 'x');

	assert_int_equal(ftruncate(fd, 4096), 0);
	for (int i = 0; i < 64; i++)
		assert_int_equal(((const volatile char *)rx.desc.data)[i], 0);
	assert_int_equal(fido_sigbus_count(), before + 1);
	test_complete(fido_link_rxq(p.ba, 0), &rx, FIDO_STATUS_OK);
	assert_int_equal(test_take_all(fido_link_txq(p.ab, 0), 1), 1);

	/* The link works on with memory that still exists. */
	assert_int_equal(test_post(fido_link_txq(p.ab, 0), p.mem, 7), 1);
	rx = test_poll(fido_link_rxq(p.ba, 0));
	assert_true(test_filled(rx.desc.data, TEST_BUF, 7));
	test_complete(fido_link_rxq(p.ba, 0), &rx, FIDO_STATUS_OK);
	assert_int_equal(test_take_all(fido_link_txq(p.ab, 0), 1), 1);
	fido_region_destroy(region);
	test_pair_end(&p);
	munmap(mem, LEN);
	close(fd);
}

/* A fault elsewhere ends the process, as it would without libfido. */
static void
elsewhere(void **state)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct fido_domain *d;
		int fd;
		volatile char *mem;

		signal(SIGBUS, SIG_DFL);
		d = test_join("a");
		mem = test_memory(4096, &fd);
		if (d == NULL || ftruncate(fd, 0) != 0)
			_exit(1);
		_exit(mem[0] == 0 ? 2 : 3);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
}

static siginfo_t seen;
static sigjmp_buf back;

static void
remember(int sig, siginfo_t *info, void *context)
{
	seen = *info;
	siglongjmp(back, sig);
	(void)context;
}

/*
 * The application's own handler, installed before, gets all other faults, and is restored on leave.
 */
static void
former_handler(void **state)
{
	struct sigaction sa = {.sa_flags = SA_SIGINFO}, now;
	struct fido_domain *d;
	int fd;
	volatile char *mem = test_memory(4096, &fd);

	sa.sa_sigaction = remember;
	assert_int_equal(sigaction(SIGBUS, &sa, NULL), 0);
	d = test_join("a");
	assert_int_equal(ftruncate(fd, 0), 0);
	if (sigsetjmp(back, 1) == 0)
		fail_msg("read %d", mem[0]);
	assert_ptr_equal(seen.si_addr, mem);
	fido_domain_leave(d);
	assert_int_equal(sigaction(SIGBUS, NULL, &now), 0);
	assert_ptr_equal(now.sa_sigaction, remember);
	munmap((void *)(uintptr_t)mem, 4096);
	close(fd);
}

TEST_MAIN(cmocka_unit_test(truncated), cmocka_unit_test(elsewhere),
	cmocka_unit_test(former_handler))
