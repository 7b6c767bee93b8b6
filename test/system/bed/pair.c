/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two domains of libfido alone: each sends the other every byte of a large arena, and checks what
 * it receives.
 *
 *   pair GROUP NAME PEER ARENA_MIB MESSAGES poll|sleep|turns
 *
 * Both ends send MESSAGES and receive as many. An end that has nothing to do sleeps (sleep) or
 * looks again (poll). With turns, one short message is under way at a time: an end sends its next
 * one when it has received the other's, and sleeps at once, so each message needs a wake-up. Then a
 * write to the peer's memory must fault. A line `up` says that the link is up; the last line
 * holds the counts.
 */

#include <inttypes.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <fido/link.h>
#include <fido/log.h>
#include <fido/queue_shm.h>
#include <fido/region.h>
#include <fido/rxq.h>
#include <fido/txq.h>

#define BUFFER 16384u
#define RING 256u
#define BURST 32
#define LIMIT_S 120
#define LOOKS 100
/* Of a message, with turns. */
#define SHORT 64u

struct pair {
	struct fido_domain *domain;
	struct fido_region *arena;
	struct fido_link *link;
	struct fido_txq *txq;
	struct fido_rxq *rxq;
	uint64_t seed; /* of sent messages */
	uint64_t peer_seed;
	uint32_t buffers;
	uint64_t messages;
	uint64_t sent;
	uint64_t back;
	uint64_t received;
	uint64_t sleeps;
	const void *theirs; /* an address in the peer's memory */
	bool may_sleep;
	bool turns;
	bool second;  /* with turns: the other end begins */
	uint32_t len; /* of a message */
};

static sigjmp_buf faulted;

static _Noreturn void
die(const char *what)
{
	printf("FAIL %s: %s\n", what, fido_last_error());
	exit(1);
}

static uint64_t
word(uint64_t seed, uint64_t seq, uint64_t i)
{
	return (seed ^ seq << 20 ^ i) * UINT64_C(0x9e3779b97f4a7c15);
}

static unsigned int
take_back(struct pair *p)
{
	void *cookies[64];
	unsigned int n = fido_txq_reap(p->txq, cookies, 64);

	p->back += n;
	return n;
}

/* @return how many messages the other end waits for, at most `free` */
static uint64_t
wanted(const struct pair *p, uint64_t free)
{
	uint64_t left = p->messages - p->sent;

	if (p->turns)
		return p->sent + p->second <= p->received && left != 0 && free != 0;
	return left < free ? left : free;
}

/*
 * Message seq lies in buffer seq % buffers, so all buffers but a few are back before it is written.
 */
static unsigned int
send_some(struct pair *p)
{
	struct fido_buf bufs[BURST];
	uint64_t want = wanted(p, p->buffers - RING - (p->sent - p->back));
	unsigned int n = 0;
	int done;

	while (n < BURST && n < want) {
		uint64_t seq = p->sent + n;
		uint64_t *at = (uint64_t *)(p->arena->va + seq % p->buffers * BUFFER);

		for (uint64_t i = 0; i < p->len / sizeof(*at); i++)
			at[i] = word(p->seed, seq, i);
		bufs[n++] = (struct fido_buf){at, p->len, 0, at};
	}
	done = n != 0 ? fido_txq_post(p->txq, bufs, n) : 0;
	if (done < 0)
		die("post");
	p->sent += (unsigned int)done;
	return (unsigned int)done;
}

static unsigned int
receive_some(struct pair *p)
{
	struct fido_rx rx[BURST];
	unsigned int n = fido_rxq_poll(p->rxq, rx, BURST);

	for (unsigned int k = 0; k < n; k++) {
		const uint64_t *at = rx[k].desc.data;

		if (rx[k].desc.len != p->len)
			die("a message of another length");
		for (uint64_t i = 0; i < p->len / sizeof(*at); i++)
			if (at[i] != word(p->peer_seed, p->received, i))
				die("a message of other contents");
		p->received++;
		p->theirs = at;
	}
	if (n != 0)
		fido_rxq_complete(p->rxq, rx, n, FIDO_STATUS_OK);
	return n;
}

static void
sleep_armed(struct pair *p)
{
	struct pollfd fd = {.fd = fido_doorbell_fd(p->rxq->bell), .events = POLLIN};

	if (!fido_link_arm(p->rxq, &p->txq, 1)) {
		p->sleeps++;
		if (poll(&fd, 1, LIMIT_S * 1000) == 0)
			die("nobody rang");
	}
	fido_txq_disarm(p->txq, false);
	fido_rxq_disarm(p->rxq, true);
}

static void
exchange(struct pair *p)
{
	time_t until = time(NULL) + LIMIT_S;
	unsigned int looks = 0;

	while (p->back < p->messages || p->received < p->messages) {
		if (take_back(p) + receive_some(p) + send_some(p) != 0) {
			looks = 0;
		} else if (p->may_sleep && (p->turns || ++looks >= LOOKS)) {
			sleep_armed(p);
			looks = 0;
		} else if (time(NULL) > until) {
			die("not finished in time");
		}
	}
}

static void
on_fault(int sig)
{
	siglongjmp(faulted, sig);
}

static void
write_must_fault(const void *theirs)
{
	volatile uint64_t *at = (volatile uint64_t *)(uintptr_t)theirs;
	struct sigaction sa = {.sa_handler = on_fault}, before;

	sigaction(SIGSEGV, &sa, &before);
	if (sigsetjmp(faulted, 1) == 0) {
		*at = 1;
		die("a write to the peer's memory went through");
	}
	sigaction(SIGSEGV, &before, NULL);
}

static void
start(struct pair *p, char **argv)
{
	struct fido_domain_config config = {.group = argv[1],
		.name = argv[2],
		.no_hugepages = true};
	struct fido_link_config link = {.peer = argv[3]};
	size_t size = strtoul(argv[4], NULL, 10) << 20;
	time_t until = time(NULL) + LIMIT_S;

	p->buffers = (uint32_t)(size / BUFFER);
	p->messages = strtoull(argv[5], NULL, 10);
	p->turns = strcmp(argv[6], "turns") == 0;
	p->second = strcmp(argv[2], argv[3]) > 0;
	p->may_sleep = p->turns || strcmp(argv[6], "sleep") == 0;
	p->len = p->turns ? SHORT : BUFFER;
	p->seed = (uint64_t)argv[2][0] << 56;
	p->peer_seed = (uint64_t)argv[3][0] << 56;
	if (fido_domain_join(&p->domain, &config) != 0)
		die("join");
	if (fido_arena_create(p->domain, size, &p->arena) != 0)
		die("arena");
	if (fido_link_create(p->domain, &link, &p->link) != 0 ||
		fido_link_configure(p->link, 1, 1, RING) != 0)
		die("link");
	p->txq = fido_link_txq(p->link, 0);
	p->rxq = fido_link_rxq(p->link, 0);
	fido_txq_share_bell(p->txq, p->rxq);
	if (fido_link_open(p->link) != 0)
		die("open");
	while (!fido_link_is_up(p->link)) {
		if (time(NULL) > until)
			die("the link does not come up");
		usleep(1000);
	}
	printf("up\n");
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	static struct pair p;
	struct timespec from, to;
	uint64_t doorbells, copied;

	if (argc != 7) {
		fprintf(stderr,
			"usage: pair GROUP NAME PEER ARENA_MIB MESSAGES poll|sleep|turns\n");
		return 2;
	}
	start(&p, argv);
	clock_gettime(CLOCK_MONOTONIC, &from);
	exchange(&p);
	clock_gettime(CLOCK_MONOTONIC, &to);
	write_must_fault(p.theirs);
	doorbells = fido_load_relaxed(&p.txq->stats->doorbells) +
		fido_load_relaxed(&p.rxq->stats->doorbells);
	copied = fido_load_relaxed(&p.txq->stats->copied);
	printf("pair sent=%" PRIu64 " received=%" PRIu64 " doorbells=%" PRIu64 " sleeps=%" PRIu64
	       " copied=%" PRIu64 " ms=%ld\n",
		p.sent, p.received, doorbells, p.sleeps, copied,
		(to.tv_sec - from.tv_sec) * 1000L + (to.tv_nsec - from.tv_nsec) / 1000000L);
	/* The peer may still read this memory, and test its write. */
	usleep(200000);
	fido_link_destroy(p.link);
	fido_domain_leave(p.domain);
	return 0;
}
