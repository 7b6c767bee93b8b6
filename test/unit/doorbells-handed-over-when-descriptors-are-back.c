/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A link whose doorbells cannot be passed for want of descriptors waits, then comes up and rings.
 */
#include "test.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>

#define LIMIT 256

static int fillers[LIMIT];
static unsigned int filler_count;
static unsigned int told;

static void
on_message(enum fido_log_level level, const char *message)
{
	if (level == FIDO_LOG_ERROR && strstr(message, "doorbells") != NULL &&
		strstr(message, "ulimit -n") != NULL)
		__atomic_fetch_add(&told, 1, __ATOMIC_RELAXED);
}

static void
use_up_descriptors(void)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = LIMIT;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	while ((fillers[filler_count] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
		filler_count++;
	assert_int_equal(errno, EMFILE);
}

static void
handed_over(void **state)
{
	struct test_pair p;
	struct pollfd fd = {.events = POLLIN};
	struct fido_rxq *rx;

	/*
	 * Each has everything of the other but the doorbells of the links that will be opened
	 * again.
	 */
	test_pair_start(&p, 64);
	fido_link_close(p.ab);
	fido_link_close(p.ba);
	fido_log_set(on_message);
	use_up_descriptors();
	assert_int_equal(fido_link_open(p.ab), 0);
	assert_int_equal(fido_link_open(p.ba), 0);
	TEST_WAIT(__atomic_load_n(&told, __ATOMIC_RELAXED) != 0);
	usleep(300000); /* it is tried again meanwhile, and logged once per end */
	assert_false(fido_link_is_up(p.ab) || fido_link_is_up(p.ba));
	assert_in_range(__atomic_load_n(&told, __ATOMIC_RELAXED), 1, 2);
	while (filler_count != 0)
		close(fillers[--filler_count]);
	test_wait_up(p.ab, p.ba);
	rx = fido_link_rxq(p.ba, 0);
	fd.fd = fido_doorbell_fd(rx->bell);
	fido_doorbell_clear(rx->bell);
	while (fido_rxq_arm(rx)) /* clear what was rung meanwhile */
		fido_rxq_disarm(rx, true);
	assert_int_equal(test_post(fido_link_txq(p.ab, 0), p.mem, 1), 1);
	assert_int_equal(poll(&fd, 1, TEST_LIMIT_MS), 1);
	fido_rxq_disarm(rx, true);
	fido_log_set(NULL);
	test_pair_end(&p);
}

TEST_MAIN_ONE(handed_over)
