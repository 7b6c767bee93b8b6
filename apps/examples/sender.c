/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A domain that writes COUNT lines into its own arena, where PEER reads them. It exits when PEER
 * has returned all buffers.
 *
 *   example-sender GROUP NAME PEER COUNT
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include <fido/link.h>
#include <fido/log.h>
#include <fido/txq.h>

#define RING 64u
#define LINE 64u

static void
need(int ret, const char *what)
{
	if (ret == 0)
		return;
	fprintf(stderr, "example-sender: cannot %s: %s\n", what, fido_last_error());
	exit(1);
}

/* Sleep until a buffer returns. A link that comes up rings no doorbell: retry after 100 ms. */
static void
sleep_armed(struct fido_txq *txq)
{
	struct pollfd fd = {.fd = fido_txq_fd(txq), .events = POLLIN};

	if (!fido_txq_arm(txq))
		poll(&fd, 1, 100);
	fido_txq_disarm(txq, true);
}

/* A buffer is writable until it is posted, and again once it has been reaped. */
static void
send_lines(const struct fido_region *arena, struct fido_txq *txq, unsigned long count)
{
	void *unused[RING];
	unsigned int n, back;
	unsigned long sent = 0;

	for (n = 0; n < RING; n++)
		unused[n] = (void *)(arena->va + n * LINE);
	while (sent < count || n < RING) {
		back = fido_txq_reap(txq, unused + n, RING - n);
		n += back;
		if (sent < count && n > 0) {
			char *line = unused[n - 1];
			uint32_t len = (uint32_t)snprintf(line, LINE, "line %lu", sent) + 1;

			/* Not 1: the link is down, or the peer has not mapped the arena yet. */
			if (fido_txq_post(txq, &(struct fido_buf){line, len, 0, line}, 1) == 1) {
				sent++;
				n--;
				continue;
			}
		}
		if (back == 0)
			sleep_armed(txq);
	}
	printf("sent %lu lines\n", sent);
}

int
main(int argc, char **argv)
{
	struct fido_domain *domain;
	struct fido_region *arena;
	struct fido_link *link;

	if (argc != 5) {
		fprintf(stderr, "usage: example-sender GROUP NAME PEER COUNT\n");
		return 2;
	}
	need(fido_domain_join(&domain,
		     &(struct fido_domain_config){.group = argv[1], .name = argv[2]}),
		"join the group");
	need(fido_arena_create(domain, RING * LINE, &arena), "allocate an arena");
	need(fido_link_create(domain, &(struct fido_link_config){.peer = argv[3]}, &link),
		"create a link");
	need(fido_link_configure(link, 1, 1, RING), "configure the link");
	need(fido_link_open(link), "open the link");
	send_lines(arena, fido_link_txq(link, 0), strtoul(argv[4], NULL, 10));
	fido_link_close(link);
	fido_link_destroy(link);
	fido_region_destroy(arena);
	fido_domain_leave(domain);
	return 0;
}
