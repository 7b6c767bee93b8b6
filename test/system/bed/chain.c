/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One member of the chain of test/stress, in a guest of its own.
 *
 *   chain GROUP INDEX MEMBERS LIFE
 *
 * LIFE (from 1) differs each time a member is started. It publishes its report twice a second
 * (chain-report.h). SIGUSR1: the generator makes no more packets. SIGTERM: it leaves and
 * prints the report; exit status 1 when a packet was damaged, arrived twice or was reused too
 * early, or a buffer is lost.
 */

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <fido/atomic.h>

#include "chain-report.h"
#include "chain.h"

static struct chain *chain;
static struct member_report *report;

static void
format_report(char *line, size_t size)
{
	snprintf(line, size,
		"passed=%" PRIu64 " damaged=%" PRIu64 " reused=%" PRIu64 " twice=%" PRIu64
		" lost=%" PRIu64 " stranded=%" PRIu64 " unreachable=%" PRIu64 " quiet=%u",
		fido_load_relaxed(&report->passed), report->damaged, report->reused, report->twice,
		report->lost_buffers, report->stranded, report->unreachable,
		fido_load_relaxed(&report->quiet));
}

/* Only this thread takes signals. */
static void *
listen_to_signals(void *arg)
{
	const sigset_t *set = arg;
	const struct timespec half = {.tv_nsec = 500000000};
	char line[256];

	for (;;) {
		int sig = sigtimedwait(set, NULL, &half);

		if (sig == SIGUSR1)
			fido_store_relaxed(&chain->pause, 1);
		else if (sig == SIGTERM)
			break;
		format_report(line, sizeof(line));
		chain_report_publish(line);
	}
	fido_store_relaxed(&report->stop, 1);
	return NULL;
}

int
main(int argc, char **argv)
{
	uint32_t index;
	char line[256];
	pthread_t thread;
	sigset_t set;
	int ret;

	if (argc != 5) {
		fprintf(stderr, "usage: chain GROUP INDEX MEMBERS LIFE\n");
		return 2;
	}
	/* Sparse: each arrived packet takes a bit. */
	chain = mmap(NULL, sizeof(*chain), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (chain == MAP_FAILED)
		return 2;
	chain->group = argv[1];
	chain->idle_ms = 30; /* the domain's processor is shared */
	index = (uint32_t)strtoul(argv[2], NULL, 10);
	chain->members = (uint32_t)strtoul(argv[3], NULL, 10);
	if (chain->members > CHAIN_MEMBERS_MAX || index >= chain->members)
		return 2;
	report = &chain->member[index];
	report->life = (uint32_t)strtoul(argv[4], NULL, 10);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (pthread_create(&thread, NULL, listen_to_signals, &set) != 0)
		return 2;
	ret = chain_member(chain, index);
	format_report(line, sizeof(line));
	puts(line);
	return ret != 0 || report->damaged != 0 || report->reused != 0 || report->twice != 0 ||
		report->lost_buffers != 0;
}
