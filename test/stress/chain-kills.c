/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Kill random members of a chain of domains under load, and restart them.
 *
 *   chain-kills [--kills N] [--members N] [--seed N] [--sleeps]
 *
 * --sleeps: no member polls, and none looks again after a timeout. Now and then the generator
 * pauses, and all buffers that are out must come back to it by wake-ups alone.
 *
 * It fails when a member exits without being killed, when a packet arrives damaged or twice, when a
 * buffer is written while a reader has it, when the traffic does not resume, when a member sleeps
 * on while something waits for it, or when a buffer is missing at the end.
 */

#include "chain.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fido/atomic.h>

/* For what may take long on a busy machine, and takes forever when broken. */
#define LIMIT_NS UINT64_C(20000000000)
#define MS UINT64_C(1000000)

static struct chain *chain;
static uint64_t seed = 1;
static uint64_t heal_ns[1u << 16];
static uint32_t healed;
static bool failed;

static uint64_t
random_below(uint64_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % n;
}

static void
fail(const char *what, uint32_t i)
{
	printf("FAIL: member %u, life %u: %s\n", i, chain->member[i].life, what);
	failed = true;
}

static void
member_start(uint32_t i)
{
	struct member_report *r = &chain->member[i];
	uint32_t life = r->life + 1;
	pid_t pid;

	*r = (struct member_report){.life = life};
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		exit(chain_member(chain, i));
	}
	r->pid = pid;
}

/* Fail if it has exited by itself. */
static bool
member_check(uint32_t i)
{
	struct member_report *r = &chain->member[i];
	int status;

	if (r->pid <= 0 || waitpid(r->pid, &status, WNOHANG) != r->pid)
		return true;
	printf("member %u: status %x\n", i, status);
	fail("exited by itself", i);
	r->pid = 0;
	return false;
}

static void
check_reports(void)
{
	for (uint32_t i = 0; i < chain->members; i++) {
		const struct member_report *r = &chain->member[i];

		member_check(i);
		if (fido_load_relaxed(&r->damaged) != 0)
			fail("a packet arrived damaged", i);
		if (fido_load_relaxed(&r->reused) != 0)
			fail("a buffer was written while it was held", i);
		if (fido_load_relaxed(&r->twice) != 0)
			fail("a packet arrived twice", i);
		if (fido_load_relaxed(&r->lost_buffers) != 0)
			fail("a buffer is neither free nor out", i);
		if (!failed && fido_load_acquire(&r->wakeup_lost) != 0)
			fail(r->lost_wakeup, i);
	}
}

static void
member_kill(uint32_t i)
{
	struct member_report *r = &chain->member[i];
	int status;

	member_check(i);
	if (r->pid <= 0)
		return;
	kill(r->pid, SIGKILL);
	if (waitpid(r->pid, &status, 0) == r->pid &&
		!(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL))
		fail("exited by itself, not by SIGKILL", i);
	check_reports();
	r->pid = 0;
}

/* Wait until a packet that was made after `since` has reached the end of the chain. */
static bool
wait_flow(uint64_t since)
{
	const struct member_report *last = &chain->member[chain->members - 1];
	uint64_t until = chain_now_ns() + LIMIT_NS;

	while (fido_load_relaxed(&last->newest_ns) <= since) {
		check_reports();
		if (!failed && chain_now_ns() > until)
			fail("no packet reaches the end of the chain", chain->members - 1);
		if (failed)
			return false;
		usleep(200);
	}
	return true;
}

static bool
wait_ready(uint32_t i)
{
	uint64_t until = chain_now_ns() + LIMIT_NS;

	while (fido_load_acquire(&chain->member[i].ready_ns) == 0) {
		if (!member_check(i) || chain_now_ns() > until) {
			fail("does not join", i);
			return false;
		}
		usleep(200);
	}
	return true;
}

/* Kill some members, restart them, and check that the chain recovers. @return number of kills */
static uint32_t
one_blow(void)
{
	uint32_t victim = (uint32_t)random_below(chain->members), kills = 1;
	uint32_t other = (uint32_t)random_below(chain->members);
	uint64_t since;

	usleep((useconds_t)random_below(60000));
	member_kill(victim);
	if (other != victim && random_below(4) == 0) { /* two at once */
		usleep((useconds_t)random_below(3000));
		member_kill(other);
		kills++;
		member_start(other);
	}
	usleep((useconds_t)random_below(20000));
	member_start(victim);
	while (random_below(5) == 0) { /* again, at any point of its start */
		usleep((useconds_t)random_below(15000));
		member_kill(victim);
		kills++;
		member_start(victim);
	}
	if (!wait_ready(victim) || (chain->member[other].ready_ns == 0 && !wait_ready(other)))
		return kills;
	since = chain->member[victim].ready_ns;
	if (chain->member[other].ready_ns > since)
		since = chain->member[other].ready_ns;
	if (wait_flow(since) && healed < sizeof(heal_ns) / sizeof(heal_ns[0]))
		heal_ns[healed++] = chain_now_ns() - since;
	check_reports();
	return kills;
}

static void
wake(uint32_t i)
{
	if (chain->sleeps)
		eventfd_write(chain->wake_fd[i], 1);
}

/* Make no more packets: all buffers that are out must come back. */
static void
settle(void)
{
	uint64_t until = chain_now_ns() + LIMIT_NS;

	fido_store_relaxed(&chain->pause, 1);
	for (uint32_t i = 0; i < chain->members; i++) {
		struct member_report *r = &chain->member[i];

		while (!fido_load_relaxed(&r->quiet) || fido_load_relaxed(&r->stranded) != 0) {
			check_reports();
			if (failed)
				return;
			if (chain_now_ns() > until) {
				fail(fido_load_relaxed(&r->stranded) != 0
						? "buffers stay stranded"
						: "buffers do not come back",
					i);
				break;
			}
			usleep(1000);
		}
	}
	check_reports();
}

static uint32_t
one_blow_and_rest(void)
{
	uint32_t kills = one_blow();
	uint64_t since;

	if (!chain->sleeps || failed || random_below(3) != 0)
		return kills;
	settle();
	fido_store_relaxed(&chain->pause, 0);
	since = chain_now_ns();
	wake(0);
	wait_flow(since);
	return kills;
}

static void
stop_all(void)
{
	for (uint32_t i = 0; i < chain->members; i++) {
		fido_store_relaxed(&chain->member[i].stop, 1);
		wake(i);
	}
	for (uint32_t i = 0; i < chain->members; i++) {
		int status = 0;

		if (chain->member[i].pid <= 0)
			continue;
		if (failed)
			kill(chain->member[i].pid, SIGKILL);
		if (waitpid(chain->member[i].pid, &status, 0) > 0 && status != 0 && !failed)
			fail("did not exit cleanly", i);
	}
}

static int
by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void
print_healing(void)
{
	if (healed == 0)
		return;
	qsort(heal_ns, healed, sizeof(heal_ns[0]), by_value);
	printf("from ready to traffic, ms: median %.1f, 90 %% %.1f, 99 %% %.1f, largest %.1f (%u "
	       "times)\n",
		(double)heal_ns[healed / 2] / MS, (double)heal_ns[healed * 9 / 10] / MS,
		(double)heal_ns[healed * 99 / 100] / MS, (double)heal_ns[healed - 1] / MS, healed);
}

static uint64_t
count_arrived(void)
{
	uint64_t n = 0;

	for (uint32_t life = 1; life <= chain->member[0].life; life++)
		for (uint32_t k = 0; k < CHAIN_SEQ_MAX / 64; k++)
			n += (uint64_t)__builtin_popcountll(
				((const uint64_t *)(const void *)chain->arrived[life])[k]);
	return n;
}

/* Print how often the living members slept. */
static void
print_sleeps(void)
{
	if (!chain->sleeps)
		return;
	printf("times that the members slept in their last lives:");
	for (uint32_t i = 0; i < chain->members; i++) {
		printf(" %lu", (unsigned long)chain->member[i].slept);
		if (chain->member[i].slept == 0)
			fail("never slept", i);
	}
	printf("\n");
}

static uint32_t
parse(int argc, char **argv, uint32_t *members)
{
	static const struct option options[] = {{"kills", 1, NULL, 'k'}, {"members", 1, NULL, 'm'},
		{"seed", 1, NULL, 's'}, {"sleeps", 0, NULL, 'w'}, {0}};
	uint32_t kills = 40;
	int c;

	*members = 4;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		unsigned long n = optarg != NULL ? strtoul(optarg, NULL, 0) : 0;

		if (c == 'k')
			kills = (uint32_t)n;
		else if (c == 'm' && n >= 2 && n <= CHAIN_MEMBERS_MAX)
			*members = (uint32_t)n;
		else if (c == 's' && n != 0)
			seed = n;
		else if (c == 'w')
			chain->sleeps = true;
		else
			exit(2);
	}
	return kills;
}

int
main(int argc, char **argv)
{
	uint32_t kills, members;

	chain = mmap(NULL, sizeof(*chain), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (chain == MAP_FAILED) {
		printf("no address space for %zu bytes: %s\n", sizeof(*chain), strerror(errno));
		return 1;
	}
	kills = parse(argc, argv, &members);
	printf("seed %lu\n", (unsigned long)seed);
	seed *= UINT64_C(0x9e3779b97f4a7c15);
	chain->group = "chain";
	chain->idle_ms = 1;
	chain->members = members;
	for (uint32_t i = 0; i < members; i++)
		chain->wake_fd[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	for (uint32_t i = 0; i < members; i++)
		member_start(i);
	for (uint32_t i = 0; i < members; i++)
		wait_ready(i);
	if (wait_flow(chain_now_ns()))
		for (uint32_t n = 0; n < kills && !failed;)
			n += one_blow_and_rest();
	if (!failed)
		settle();
	stop_all();
	print_sleeps();
	print_healing();
	printf("%lu packets reached the end of the chain, none damaged, none twice; lives:",
		(unsigned long)count_arrived());
	for (uint32_t i = 0; i < members; i++)
		printf(" %u", chain->member[i].life);
	printf("\n%s\n", failed ? "FAILED" : "all buffers are back");
	return failed;
}
