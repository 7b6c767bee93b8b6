/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A domain killed at any single call of its transport costs its peer nothing; its successor links.
 */
#include "test.h"

#include <sys/prctl.h>
#include <sys/wait.h>

#include "transport_fault.h"

#define SENT 5
#define CALLS_MAX 400

/* The victim: join, link, receive, forward back to the sender, leave. @return exit status */
static int
victim(uint32_t die_at)
{
	struct fido_domain_config config = test_config("b");
	struct fido_link_config link_config = {.peer = "a"};
	struct fido_domain *d = NULL;
	struct fido_region *mem = NULL;
	struct fido_link *link = NULL;
	struct fido_rx rx[SENT];
	void *cookies[SENT];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	config.group = "fault:" TEST_GROUP;
	fault_plan(&(struct fault_plan){.die_at = die_at});
	if (fido_domain_join(&d, &config) != 0 || fido_arena_create(d, 1 << 21, &mem) != 0 ||
		fido_link_create(d, &link_config, &link) != 0 ||
		fido_link_configure(link, 1, 1, 64) != 0 || fido_link_open(link) != 0)
		return 1;
	for (unsigned int n = 0; n < SENT;)
		n += fido_rxq_poll(fido_link_rxq(link, 0), rx + n, 1);
	for (unsigned int n = 0; n < SENT;) {
		struct fido_buf b = {rx[n].desc.data, rx[n].desc.len, 0, &rx[n]};

		n += fido_txq_post(fido_link_txq(link, 0), &b, 1) == 1;
	}
	for (unsigned int n = 0; n < SENT;) {
		unsigned int got = fido_txq_reap(fido_link_txq(link, 0), cookies, SENT);

		for (unsigned int i = 0; i < got; i++)
			fido_rxq_complete(fido_link_rxq(link, 0), cookies[i], 1, FIDO_STATUS_OK);
		n += got;
	}
	fido_link_close(link);
	fido_region_destroy(mem);
	fido_link_destroy(link);
	fido_domain_leave(d);
	return fault_calls() < die_at ? 0 : 2;
}

static pid_t
start_victim(uint32_t die_at)
{
	char number[16];
	pid_t pid = fork();

	if (pid == 0) {
		snprintf(number, sizeof(number), "%u", die_at);
		execl("/proc/self/exe", "victim", "victim", number, NULL);
		_exit(127);
	}
	return pid;
}

/* Send, and check what comes back, until the victim has ended. @return it died of SIGKILL */
static bool
serve(struct fido_link *link, struct fido_region *mem, pid_t pid)
{
	struct fido_txq *tx = fido_link_txq(link, 0);
	struct fido_rxq *rxq = fido_link_rxq(link, 0);
	uint32_t sent = 0, back = 0;
	int status;
	void *cookies[SENT];
	struct fido_rx rx;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (sent < SENT && test_post(tx, mem, sent) == 1)
			sent++;
		if (fido_rxq_poll(rxq, &rx, 1) == 1) {
			assert_true(test_filled(rx.desc.data, TEST_BUF, back++));
			test_complete(rxq, &rx, FIDO_STATUS_OK);
		}
		fido_txq_reap(tx, cookies, SENT);
	}
	/* All that the victim had is back, and can be used again. */
	TEST_WAIT(fido_rxq_poll(rxq, &rx, 1) == 0 ||
		(test_complete(rxq, &rx, FIDO_STATUS_OK), false));
	TEST_WAIT(fido_txq_reap(tx, cookies, SENT) == 0 && fido_txq_out(tx) == 0);
	TEST_WAIT(!fido_link_is_up(link));
	assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
	return WIFSIGNALED(status);
}

static void
each_call(void **state)
{
	struct fido_domain *a = test_join("a");
	struct fido_region *mem = test_arena(a, 1 << 21);
	struct fido_link *link = test_link(a, "b", NULL, 1, 1, 64);
	uint32_t n = 1;

	while (n < CALLS_MAX && serve(link, mem, start_victim(n))) {
		/* Each life takes a slot until no domain maps it. */
		if (n % 8 == 0)
			TEST_WAIT(fido_domain_peer_count(a) == 0);
		n++;
	}
	print_message("%u calls\n", n - 1);
	assert_in_range(n, 15, CALLS_MAX - 1);
	assert_int_equal(serve(link, mem, start_victim(UINT32_MAX)), false);
	TEST_WAIT(fido_domain_peer_count(a) == 0);
	fido_link_destroy(link);
	fido_domain_leave(a);
	test_rundir_empty();
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(each_call)};

	if (argc == 3 && strcmp(argv[1], "victim") == 0)
		return victim((uint32_t)strtoul(argv[2], NULL, 10));
	test_begin(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
