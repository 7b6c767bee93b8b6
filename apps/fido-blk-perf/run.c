/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <fido/atomic.h>

#include "run.h"

/* What goes wrong goes wrong many times: the first ones say it all. */
#define MESSAGES_MAX 10

int
perf_run_create(struct perf_run *run, unsigned int workers)
{
	*run = (struct perf_run){.workers = workers,
		.running = workers,
		.news = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
	if (run->news < 0)
		return -errno;
	run->wake = calloc(workers, sizeof(run->wake[0]));
	for (unsigned int i = 0; run->wake != NULL && i < workers; i++)
		run->wake[i] = -1;
	for (unsigned int i = 0; run->wake != NULL && i < workers; i++) {
		int err;

		run->wake[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		if (run->wake[i] >= 0)
			continue;
		err = -errno;
		perf_run_destroy(run);
		return err;
	}
	if (run->wake == NULL) {
		close(run->news);
		return -ENOMEM;
	}
	return 0;
}

void
perf_run_destroy(struct perf_run *run)
{
	for (unsigned int i = 0; i < run->workers; i++)
		if (run->wake[i] >= 0)
			close(run->wake[i]);
	free(run->wake);
	close(run->news);
}

static void
ring(int fd)
{
	uint64_t one = 1;
	/* Fails only on a full counter, and then it is readable already. */
	ssize_t n __attribute__((unused)) = write(fd, &one, sizeof(one));
}

void
perf_run_heard(int fd)
{
	uint64_t count;
	/* Fails only on an empty one. */
	ssize_t n __attribute__((unused)) = read(fd, &count, sizeof(count));
}

enum perf_phase
perf_run_phase(const struct perf_run *run)
{
	return (enum perf_phase)fido_load_acquire(&run->phase);
}

void
perf_run_advance(struct perf_run *run, enum perf_phase phase)
{
	uint32_t was = fido_load_relaxed(&run->phase);

	while (was < (uint32_t)phase)
		if (__atomic_compare_exchange_n(&run->phase, &was, (uint32_t)phase, true,
			    __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
			for (unsigned int i = 0; i < run->workers; i++)
				ring(run->wake[i]);
			ring(run->news);
			return;
		}
}

void
perf_run_ready(struct perf_run *run)
{
	__atomic_fetch_add(&run->ready, 1, __ATOMIC_RELEASE);
	ring(run->news);
}

void
perf_run_ended(struct perf_run *run)
{
	__atomic_fetch_sub(&run->running, 1, __ATOMIC_RELEASE);
	ring(run->news);
}

bool
perf_run_failed(struct perf_run *run)
{
	return __atomic_fetch_add(&run->failures, 1, __ATOMIC_RELAXED) < MESSAGES_MAX;
}
