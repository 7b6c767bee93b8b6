/* SPDX-License-Identifier: BSD-3-Clause */
/* Beside the data path: mapping a peer's memory on joining, and waking each other. */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <fido/domain.h>
#include <fido/log.h>
#include <fido/region.h>

#include "domain_private.h"
#include "doorbell_private.h"
#include "host_bell.h"
#include "micro.h"

static char group[FIDO_NAME_MAX];

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* ---- joining ---- */

/* The domain with the memory: report its address, and stay until the pipe is closed. */
static _Noreturn void
owner(uint64_t size, bool hugepages, int out, int in)
{
	struct fido_domain_config config = {.group = group,
		.name = "owner",
		.no_hugepages = !hugepages};
	struct fido_domain *domain = NULL;
	struct fido_region *arena = NULL;
	uint64_t gaddr = 0;
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	micro_pin_second();
	if (fido_domain_join(&domain, &config) == 0 &&
		fido_arena_create(domain, size, &arena) == 0 &&
		arena->page_size == (hugepages ? 2u << 20 : 4096u)) {
		memset((void *)arena->va, 1, size);
		gaddr = arena->gaddr;
	}
	if (write(out, &gaddr, sizeof(gaddr)) == sizeof(gaddr))
		while (read(in, &byte, 1) < 0 && errno == EINTR)
			;
	fido_region_destroy(arena);
	fido_domain_leave(domain);
	_exit(0);
}

/* @return seconds from joining to the last byte readable; negative: it failed */
static double
join(uint64_t gaddr, uint64_t size)
{
	struct fido_domain_config config = {.group = group, .name = "joiner"};
	struct fido_domain *domain;
	double start = now(), end;

	if (fido_domain_join(&domain, &config) != 0)
		return -1;
	while (fido_map_ptr(fido_domain_map(domain), gaddr + size - 1, 1) == NULL &&
		now() - start < 10)
		fido_pause();
	end = now();
	fido_domain_leave(domain);
	return end - start < 10 ? end - start : -1;
}

static void
measure_joins(struct bench *b, uint64_t size, uint64_t gaddr)
{
	double took = 0;

	while (took >= 0 && bench_next(b, 1)) {
		took = join(gaddr, size);
		if (took < 0)
			bench_skip(b, fido_last_error());
		else
			bench_took(b, took);
	}
	bench_items(b, 1);
}

/* Argument: MiB. */
static void
run_join(struct bench *b, bool hugepages)
{
	uint64_t size = (uint64_t)bench_arg(b) << 20, gaddr = 0;
	int out[2], in[2];
	pid_t pid;

	snprintf(group, sizeof(group), "bench-%d", (int)getpid());
	if (pipe(out) != 0 || pipe(in) != 0 || (pid = fork()) < 0) {
		bench_skip(b, "cannot create a pipe or process");
		return;
	}
	if (pid == 0) {
		close(in[1]);
		owner(size, hugepages, out[1], in[0]);
	}
	close(in[0]);
	if (read(out[0], &gaddr, sizeof(gaddr)) != sizeof(gaddr) || gaddr == 0)
		bench_skip(b, hugepages ? "not enough huge pages are free" : "no memory");
	else
		measure_joins(b, size, gaddr);
	close(in[1]);
	waitpid(pid, NULL, 0);
	close(out[0]);
	close(out[1]);
}

static void
join_huge(struct bench *b)
{
	run_join(b, true);
}

static void
join_small(struct bench *b)
{
	run_join(b, false);
}

/* ---- waking ---- */

struct bells {
	struct fido_doorbell *there;
	struct fido_doorbell *back;
};

static void
wait_for(const struct fido_doorbell *bell)
{
	struct pollfd fd = {.fd = fido_doorbell_fd(bell), .events = POLLIN};

	while (poll(&fd, 1, 100) == 0 && !micro_stopping())
		;
	fido_doorbell_clear(bell);
}

static void
ring_back(void *arg)
{
	const struct bells *bells = arg;

	while (!micro_stopping()) {
		wait_for(bells->there);
		fido_doorbell_ring(bells->back);
	}
}

/* Round trip: both sleep in poll(). */
static void
doorbell(struct bench *b)
{
	struct bells bells = {NULL, NULL};
	struct micro_thread *t;

	if (fido_host_bell_create(NULL, &bells.there) != 0 ||
		fido_host_bell_create(NULL, &bells.back) != 0) {
		bench_skip(b, "no doorbells");
		return;
	}
	t = micro_start(ring_back, &bells);
	while (bench_next(b, 1)) {
		fido_doorbell_ring(bells.there);
		wait_for(bells.back);
	}
	bench_items(b, 1);
	micro_stop(t);
	fido_doorbell_destroy(bells.there);
	fido_doorbell_destroy(bells.back);
}

void
register_domains(void)
{
	bench_register("join/huge-pages", join_huge, 1024, true);
	bench_register("join/small-pages", join_small, 1024, true);
	bench_register("doorbell/eventfd", doorbell, 1, false);
}
