/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two domains to observe, each in its own process: `left` sends messages to `right`, over one link
 * with two queues, as the commands on stdin say. Each command is answered by one line of JSON: both
 * domains' own counts so far.
 *
 *   two-domains GROUP
 *
 *   send N SIZE    left sends N messages; the answer comes when right has them, and left has back
 *                  all but those that right holds. Every fourth message is two buffers.
 *   pace N SIZE    left sends N messages a second from now on (0: stop)
 *   hold N         right keeps the buffers of the next N messages
 *   release        right completes what it keeps
 *   arm            right arms its queues for sleep once, and looks again at once
 *   quiesce, resume  right's end of the link
 *   scribble       right fills its own control block with garbage
 *   report         nothing
 *   quit           exit; so does the end of stdin, SIGINT and SIGTERM
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <fido/control_shm.h>
#include <fido/rxq.h>
#include <fido/txq.h>

#include "domain_private.h"

#define QUEUES 2
#define RING 256
#define BURST 32
#define HELD_MAX 128
#define MESSAGE_MAX 16384
#define WAIT_MS 10000

enum verb {
	V_REPORT,
	V_SEND,
	V_PACE,
	V_HOLD,
	V_RELEASE,
	V_ARM,
	V_QUIESCE,
	V_RESUME,
	V_SCRIBBLE,
	V_QUIT,
};

static const char *const verb_names[] = {"report", "send", "pace", "hold", "release", "arm",
	"quiesce", "resume", "scribble", "quit"};

struct command {
	enum verb verb;
	uint64_t count;
	uint64_t size;
};

/* A domain's identity and counts. */
struct report {
	uint64_t generation;
	uint64_t bytes;
	uint64_t pending; /* messages still to be sent */
	uint64_t packets[QUEUES];
	uint64_t buffers[QUEUES];  /* left: posted, right: polled */
	uint64_t returned[QUEUES]; /* left: reaped, right: completed */
	uint64_t full[QUEUES];     /* left: times the ring had no room */
	uint64_t armed[QUEUES];    /* right: times it was armed */
	uint32_t pid;
	uint32_t slot;
	uint32_t up;
	uint32_t ring;
};

struct end {
	struct fido_domain *domain;
	struct fido_region *arena;
	struct fido_link *link;
	struct report report;
	uint64_t hold; /* messages to keep */
	uint64_t pace; /* messages a second */
	uint64_t pace_from_ns;
	uint64_t pace_sent;
	uint32_t size;
	struct fido_rx held[QUEUES][HELD_MAX];
	unsigned int held_count[QUEUES];
};

static volatile sig_atomic_t stop;

static void
on_signal(int number)
{
	(void)number;
	stop = 1;
}

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void
die(const char *what, int err)
{
	fprintf(stderr, "two-domains: %s: %s\n", what, strerror(err));
	exit(1);
}

/* ---- the data path ---- */

/* Post up to n messages to queue q. @return messages posted */
static unsigned int
post(struct end *e, unsigned int q, uint64_t n)
{
	struct fido_txq *txq = fido_link_txq(e->link, (uint16_t)q);
	const char *data = (const char *)e->arena->va;
	unsigned int sent = 0;

	while (sent < n && sent < BURST) {
		bool two = e->report.packets[q] % 4 == 3;
		uint32_t first = two ? e->size / 2 : e->size;
		struct fido_buf bufs[2] = {{data, first, two ? FIDO_DESC_CHAINED : 0, e},
			{data + first, e->size - first, 0, e}};
		int ret = fido_txq_post(txq, bufs, two ? 2 : 1);

		if (ret < 0)
			die("post", -ret);
		if (ret == 0) {
			e->report.full[q] += fido_link_is_up(e->link);
			break;
		}
		e->report.packets[q]++;
		e->report.buffers[q] += (unsigned int)ret;
		e->report.bytes += e->size;
		sent++;
	}
	return sent;
}

static bool
work_left(struct end *e)
{
	void *cookies[BURST];
	bool busy = false;

	if (e->pace != 0) {
		double seconds = (double)(now_ns() - e->pace_from_ns) / 1e9;
		uint64_t due = (uint64_t)(seconds * (double)e->pace);

		e->report.pending = due > e->pace_sent ? due - e->pace_sent : 0;
	}
	for (unsigned int q = 0; q < QUEUES; q++) {
		/* Half of them on each queue; the odd one on the first. */
		uint64_t part = q == 0 ? (e->report.pending + 1) / 2 : e->report.pending;
		unsigned int sent = part != 0 ? post(e, q, part) : 0;
		struct fido_txq *txq = fido_link_txq(e->link, (uint16_t)q);
		unsigned int back = fido_txq_reap(txq, cookies, BURST);

		e->report.pending -= sent;
		e->pace_sent += sent;
		e->report.returned[q] += back;
		busy |= sent != 0 || back != 0;
	}
	return busy || (e->report.pending != 0 && e->pace == 0);
}

static bool
work_right(struct end *e)
{
	bool busy = false;

	for (unsigned int q = 0; q < QUEUES; q++) {
		struct fido_rxq *rxq = fido_link_rxq(e->link, (uint16_t)q);
		struct fido_rx rx[BURST];
		unsigned int n = fido_rxq_poll(rxq, rx, BURST);

		for (unsigned int i = 0; i < n; i++) {
			bool last = !(rx[i].desc.flags & FIDO_DESC_CHAINED);

			e->report.buffers[q]++;
			e->report.bytes += rx[i].desc.len;
			e->report.packets[q] += last;
			if (e->hold != 0 && e->held_count[q] < HELD_MAX) {
				e->held[q][e->held_count[q]++] = rx[i];
				e->hold -= last;
			} else {
				fido_rxq_complete(rxq, &rx[i], 1, FIDO_STATUS_OK);
				e->report.returned[q]++;
			}
		}
		busy |= n != 0;
	}
	return busy;
}

static void
release(struct end *e)
{
	for (unsigned int q = 0; q < QUEUES; q++) {
		fido_rxq_complete(fido_link_rxq(e->link, (uint16_t)q), e->held[q], e->held_count[q],
			FIDO_STATUS_OK);
		e->report.returned[q] += e->held_count[q];
		e->held_count[q] = 0;
	}
	e->hold = 0;
}

static void
arm(struct end *e)
{
	for (unsigned int q = 0; q < QUEUES; q++) {
		fido_rxq_arm(fido_link_rxq(e->link, (uint16_t)q));
		e->report.armed[q]++;
		fido_rxq_disarm(fido_link_rxq(e->link, (uint16_t)q), true);
	}
}

static uint64_t
random_word(void)
{
	static uint64_t state = 12345;

	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return state ^ state >> 33;
}

/*
 * Fill the control block with different garbage each time, and every second time its identity too;
 * only magic and version stay. Small even numbers pass for states, counts and sequence numbers,
 * addresses near the control region for those of counters.
 */
static void
scribble(struct end *e)
{
	static unsigned int times;
	uint64_t base = fido_layout_slot_base(fido_domain_layout(e->domain), e->report.slot);
	uint64_t *words = (uint64_t *)(uintptr_t)base;
	size_t first = times++ % 2 == 0 ? offsetof(struct fido_control_shm, pad) : 8;

	for (size_t i = first / 8; i < FIDO_CONTROL_HEAP_OFFSET / 8; i++) {
		uint64_t word = random_word();

		if (word >> 62 == 0)
			words[i] = base + (word & 0xffffff);
		else if (word >> 62 == 1)
			words[i] = word;
		else
			words[i] = word & UINT64_C(0x0004000600040002);
	}
}

/* ---- a domain's process ---- */

static void
command_run(struct end *e, const struct command *c, bool left)
{
	if (left && (c->verb == V_SEND || c->verb == V_PACE)) {
		e->size = (uint32_t)(c->size < MESSAGE_MAX ? c->size : MESSAGE_MAX);
		e->pace = c->verb == V_PACE ? c->count : 0;
		e->pace_from_ns = now_ns();
		e->pace_sent = 0;
		e->report.pending = c->verb == V_SEND ? c->count : 0;
	}
	if (left)
		return;
	if (c->verb == V_HOLD)
		e->hold = c->count;
	else if (c->verb == V_RELEASE)
		release(e);
	else if (c->verb == V_ARM)
		arm(e);
	else if (c->verb == V_QUIESCE)
		fido_link_quiesce(e->link);
	else if (c->verb == V_RESUME)
		fido_link_resume(e->link);
	else if (c->verb == V_SCRIBBLE)
		scribble(e);
}

static void
join(struct end *e, const char *group, bool left)
{
	struct fido_domain_config dc = {.group = group,
		.name = left ? "left" : "right",
		.no_hugepages = true};
	struct fido_link_config lc = {.peer = left ? "right" : "left"};
	int ret = fido_domain_join(&e->domain, &dc);

	if (ret == 0 && left)
		ret = fido_arena_create(e->domain, 4u << 20, &e->arena);
	if (ret == 0)
		ret = fido_link_create(e->domain, &lc, &e->link);
	if (ret == 0)
		ret = fido_link_configure(e->link, QUEUES, QUEUES, RING);
	if (ret == 0)
		ret = fido_link_open(e->link);
	if (ret != 0)
		die("cannot join", -ret);
	e->report.pid = (uint32_t)getpid();
	e->report.generation = fido_domain_generation(e->domain);
	e->report.slot = fido_domain_slot(e->domain);
	e->report.ring = RING;
}

/* Does not return. */
static void
domain_main(int fd, const char *group, bool left)
{
	static struct end e;
	struct command c = {.verb = V_REPORT};

	/* However the parent exits, nothing stays behind. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	join(&e, group, left);
	while (c.verb != V_QUIT) {
		bool busy = left ? work_left(&e) : work_right(&e);
		struct pollfd p = {.fd = fd, .events = POLLIN};

		if (poll(&p, 1, busy ? 0 : 1) <= 0)
			continue;
		if (recv(fd, &c, sizeof(c), 0) != (ssize_t)sizeof(c))
			break;
		command_run(&e, &c, left);
		e.report.up = fido_link_is_up(e.link);
		if (send(fd, &e.report, sizeof(e.report), 0) != (ssize_t)sizeof(e.report))
			break;
	}
	if (!left)
		release(&e);
	fido_domain_leave(e.domain);
	exit(0);
}

/* ---- the parent ---- */

struct child {
	pid_t pid;
	int fd;
	struct report report;
};

static void
start_child(struct child *c, const char *group, bool left)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
		die("socketpair", errno);
	c->pid = fork();
	if (c->pid < 0)
		die("fork", errno);
	if (c->pid == 0) {
		signal(SIGINT,
			SIG_IGN); /* a terminal sends it here too; the parent ends this process */
		signal(SIGTERM, SIG_DFL);
		close(fds[0]);
		domain_main(fds[1], group, left);
	}
	close(fds[1]);
	c->fd = fds[0];
}

/* @return false: it did not answer */
static bool
tell(struct child *c, const struct command *cmd)
{
	struct pollfd p = {.fd = c->fd, .events = POLLIN};

	if (send(c->fd, cmd, sizeof(*cmd), MSG_NOSIGNAL) < 0)
		return false;
	return poll(&p, 1, WAIT_MS) > 0 &&
		recv(c->fd, &c->report, sizeof(c->report), 0) == (ssize_t)sizeof(c->report);
}

static uint64_t
sum(const uint64_t *v)
{
	uint64_t total = 0;

	for (unsigned int i = 0; i < QUEUES; i++)
		total += v[i];
	return total;
}

/* All that was sent has arrived, and all that right completed is back. */
static bool
settled(const struct child *left, const struct child *right)
{
	return left->report.up && right->report.up && left->report.pending == 0 &&
		sum(left->report.buffers) == sum(right->report.buffers) &&
		sum(left->report.returned) == sum(right->report.returned);
}

static void
print_report(const char *name, const struct report *r)
{
	printf("\"%s\":{\"pid\":%" PRIu32 ",\"slot\":%" PRIu32 ",\"generation\":\"%" PRIu64
	       "\",\"up\":%s,"
	       "\"ring_size\":%" PRIu32 ",\"bytes\":%" PRIu64 ",\"packets\":%" PRIu64
	       ",\"queues\":[",
		name, r->pid, r->slot, r->generation, r->up ? "true" : "false", r->ring, r->bytes,
		sum(r->packets));
	for (unsigned int i = 0; i < QUEUES; i++)
		printf("%s{\"packets\":%" PRIu64 ",\"buffers\":%" PRIu64 ",\"returned\":%" PRIu64
		       ",\"full\":%" PRIu64 ",\"armed\":%" PRIu64 "}",
			i == 0 ? "" : ",", r->packets[i], r->buffers[i], r->returned[i], r->full[i],
			r->armed[i]);
	printf("]}");
}

/* @return false: a domain did not answer, or did not finish within WAIT_MS */
static bool
serve(struct child *left, struct child *right, struct command cmd)
{
	uint64_t until = now_ns() + WAIT_MS * UINT64_C(1000000);
	bool wait = cmd.verb == V_SEND || cmd.verb == V_RELEASE;

	do {
		if (!tell(right, &cmd) || !tell(left, &cmd))
			return false;
		cmd.verb = V_REPORT;
		if (wait && settled(left, right))
			wait = false;
		if (wait)
			usleep(1000);
	} while (wait && now_ns() < until && !stop);
	putchar('{');
	print_report("left", &left->report);
	putchar(',');
	print_report("right", &right->report);
	puts("}");
	fflush(stdout);
	return !wait;
}

static void
end_child(struct child *c, const struct command *quit)
{
	send(c->fd, quit, sizeof(*quit), MSG_NOSIGNAL | MSG_DONTWAIT);
	kill(c->pid, SIGCONT);
	for (int ms = 0; ms < 3000; ms += 10) {
		if (waitpid(c->pid, NULL, WNOHANG) == c->pid)
			return;
		usleep(10000);
	}
	fprintf(stderr, "two-domains: process %d does not exit: killed\n", (int)c->pid);
	kill(c->pid, SIGKILL);
	waitpid(c->pid, NULL, 0);
}

/* @return false: unknown command */
static bool
parse(const char *line, struct command *c)
{
	char word[16] = "";

	*c = (struct command){0};
	sscanf(line, "%15s %" SCNu64 " %" SCNu64, word, &c->count, &c->size);
	for (size_t i = 0; i < sizeof(verb_names) / sizeof(verb_names[0]); i++)
		if (strcmp(word, verb_names[i]) == 0) {
			c->verb = (enum verb)i;
			return true;
		}
	fprintf(stderr, "two-domains: no command '%s'\n", word);
	return false;
}

static void
wait_until_up(struct child *left, struct child *right)
{
	struct command report = {.verb = V_REPORT};

	for (int ms = 0; ms < WAIT_MS && !stop; ms += 10) {
		if (!tell(left, &report) || !tell(right, &report))
			break;
		if (left->report.up && right->report.up)
			return;
		usleep(10000);
	}
	fprintf(stderr, "two-domains: the link did not come up\n");
	stop = 1;
}

int
main(int argc, char **argv)
{
	struct sigaction action = {
		.sa_handler = on_signal}; /* without SA_RESTART, so that fgets() ends */
	struct command quit = {.verb = V_QUIT};
	struct child left, right;
	char line[128];
	bool ok = true;

	if (argc != 2) {
		fprintf(stderr, "usage: two-domains GROUP\n");
		return 2;
	}
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	start_child(&left, argv[1], true);
	start_child(&right, argv[1], false);
	wait_until_up(&left, &right);
	if (!stop)
		ok = serve(&left, &right, (struct command){.verb = V_REPORT});
	while (ok && !stop && fgets(line, sizeof(line), stdin) != NULL) {
		struct command c;

		ok = parse(line, &c);
		if (ok && c.verb == V_QUIT)
			break;
		ok = ok && serve(&left, &right, c);
	}
	end_child(&right, &quit);
	end_child(&left, &quit);
	return ok ? 0 : 1;
}
