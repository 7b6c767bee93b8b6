/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A client of a block volume, for tests of tools that show it. It executes the commands on stdin
 * and answers each with one line of JSON: its own counts of what it has done so far, by queue.
 *
 *   blk-client GROUP DOMAIN BACKEND VOLUME QUEUES [exclusive]
 *
 *   read N SIZE, write N SIZE, discard N SIZE, zeroes N SIZE    N requests, on the queues in turn
 *   flush N
 *   lend N SIZE    N reads that borrow memory and keep it
 *   release        give back the borrowed memory
 *   pace N SIZE    N reads a second from now on (0: stop)
 *   report         nothing
 *   quit           close and exit; so does the end of stdin
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <fido/blk.h>
#include <fido/region.h>

#define KEPT_MAX 64
#define LARGEST (1u << 20)
#define LIMIT_NS UINT64_C(10000000000)

static struct fido_domain *domain;
static struct fido_region *mem;
static struct fido_blk *blk;
static uint16_t queues;
static struct fido_blk_lent *kept[KEPT_MAX];
static uint16_t kept_by[KEPT_MAX];
static unsigned int kept_pieces[KEPT_MAX];
static unsigned int kept_count;
static uint64_t done; /* number of requests, which selects queue and place */

static void
die(const char *what, int error)
{
	fprintf(stderr, "blk-client: %s: %s\n", what, strerror(error < 0 ? -error : error));
	exit(1);
}

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

/* Run one request to its end. */
static void
request(enum fido_blk_op op, uint32_t flags, uint64_t size)
{
	uint16_t index = (uint16_t)(done % queues);
	struct fido_blk_queue *q = fido_blk_queue(blk, index);
	uint64_t until = now_ns() + LIMIT_NS,
		 places = fido_blk_info(blk)->size / (size != 0 ? size : 1);
	struct iovec iov = {(void *)mem->va, size};
	struct fido_blk_request r = {.op = op,
		.flags = flags,
		.offset = op == FIDO_BLK_FLUSH ? 0 : done % places * size,
		.length = size,
		.iov = flags & FIDO_BLK_LEND ? NULL : &iov,
		.iovcnt = flags & FIDO_BLK_LEND ? 0 : 1};
	struct fido_blk_completion c;
	int ret = fido_blk_submit(q, &r, 1);

	if (ret != 1)
		die("submit", ret);
	while (fido_blk_poll(q, &c, 1) != 1)
		if (now_ns() > until)
			die("request", ETIMEDOUT);
	if (c.error != 0)
		die("request", c.error);
	done++;
	if (c.lent == NULL)
		return;
	if (kept_count == KEPT_MAX)
		die("lend", ENOSPC);
	kept_by[kept_count] = index;
	kept_pieces[kept_count] = c.iovcnt;
	kept[kept_count++] = c.lent;
}

static void
release(void)
{
	while (kept_count != 0) {
		kept_count--;
		fido_blk_release(fido_blk_queue(blk, kept_by[kept_count]), &kept[kept_count], 1);
	}
}

static void
report(void)
{
	printf("{\"generation\":\"%" PRIu64 "\",\"queues\":[", fido_domain_generation(domain));
	for (uint16_t i = 0; i < queues; i++) {
		struct fido_blk_stats s;
		unsigned int pieces = 0;

		fido_blk_queue_stats(fido_blk_queue(blk, i), &s);
		for (unsigned int k = 0; k < kept_count; k++)
			pieces += kept_by[k] == i ? kept_pieces[k] : 0;
		printf("%s{\"reads\":%" PRIu64 ",\"read_bytes\":%" PRIu64 ",\"writes\":%" PRIu64
		       ",\"write_bytes\":%" PRIu64 ",\"flushes\":%" PRIu64 ",\"discards\":%" PRIu64
		       ",\"write_zeroes\":%" PRIu64 ",\"errors\":%" PRIu64 ",\"pieces_lent\":%u}",
			i == 0 ? "" : ",", s.requests[FIDO_BLK_READ], s.read_bytes,
			s.requests[FIDO_BLK_WRITE], s.write_bytes, s.requests[FIDO_BLK_FLUSH],
			s.requests[FIDO_BLK_DISCARD], s.requests[FIDO_BLK_WRITE_ZEROES], s.errors,
			pieces);
	}
	printf("]}\n");
	fflush(stdout);
}

/* @return false: unknown command */
static bool
many(const char *verb, uint64_t n, uint64_t size)
{
	static const struct {
		const char *verb;
		enum fido_blk_op op;
		uint32_t flags;
	} verbs[] = {{"read", FIDO_BLK_READ, 0}, {"write", FIDO_BLK_WRITE, 0},
		{"flush", FIDO_BLK_FLUSH, 0}, {"discard", FIDO_BLK_DISCARD, 0},
		{"zeroes", FIDO_BLK_WRITE_ZEROES, 0}, {"lend", FIDO_BLK_READ, FIDO_BLK_LEND}};

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verb, verbs[i].verb) != 0)
			continue;
		while (n-- > 0)
			request(verbs[i].op, verbs[i].flags, size);
		return true;
	}
	return false;
}

/* Read at a pace until a command arrives. @return false: end of stdin */
static bool
next_line(char *line, int len, uint64_t pace, uint64_t size)
{
	struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
	uint64_t next = now_ns();

	while (pace != 0 && poll(&p, 1, 0) == 0) {
		while (now_ns() < next)
			usleep(100);
		request(FIDO_BLK_READ, 0, size);
		next += UINT64_C(1000000000) / pace;
	}
	/* Poll the queues meanwhile: a queue finds its backend again only when polled. */
	while (pace == 0 && poll(&p, 1, 10) == 0)
		for (uint16_t i = 0; i < queues; i++)
			fido_blk_poll(fido_blk_queue(blk, i), &(struct fido_blk_completion){0}, 0);
	return fgets(line, len, stdin) != NULL;
}

static void
serve(void)
{
	uint64_t pace = 0, size = 0;
	char line[128];

	report();
	while (next_line(line, sizeof(line), pace, size)) {
		uint64_t n = 0, bytes = 0;
		char verb[16] = "";

		sscanf(line, "%15s %" SCNu64 " %" SCNu64, verb, &n, &bytes);
		if (bytes > LARGEST)
			die(line, EINVAL);
		if (strcmp(verb, "quit") == 0)
			return;
		if (strcmp(verb, "pace") == 0) {
			pace = n;
			size = bytes;
		} else if (strcmp(verb, "release") == 0) {
			release();
		} else if (strcmp(verb, "report") != 0 && !many(verb, n, bytes)) {
			die(line, EINVAL);
		}
		report();
	}
}

int
main(int argc, char **argv)
{
	struct fido_domain_config config = {.no_hugepages = true};
	struct fido_blk_config volume = {0};
	int ret;

	if (argc < 6) {
		fprintf(stderr,
			"usage: blk-client GROUP DOMAIN BACKEND VOLUME QUEUES [exclusive]\n");
		return 2;
	}
	config.group = argv[1];
	config.name = argv[2];
	volume.backend = argv[3];
	volume.volume = argv[4];
	volume.queues = queues = (uint16_t)atoi(argv[5]);
	volume.exclusive = argc > 6;
	setvbuf(stdin, NULL, _IONBF, 0); /* Required: poll() sees no data in a stdio buffer. */
	ret = fido_domain_join(&domain, &config);
	if (ret == 0)
		ret = fido_arena_create(domain, LARGEST, &mem);
	if (ret == 0)
		ret = fido_blk_open(domain, &volume, &blk);
	if (ret != 0)
		die("open", ret);
	serve();
	release();
	fido_blk_close(blk);
	fido_region_destroy(mem);
	fido_domain_leave(domain);
	return 0;
}
