/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A domain that reads COUNT lines in place: in the sender's memory, which is mapped read-only.
 *
 *   example-receiver GROUP NAME PEER COUNT
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include <fido/link.h>
#include <fido/log.h>
#include <fido/queue_shm.h>
#include <fido/rxq.h>

#define RING 64u
#define LINE 64u

static void
need(int ret, const char *what)
{
	if (ret == 0)
		return;
	fprintf(stderr, "example-receiver: cannot %s: %s\n", what, fido_last_error());
	exit(1);
}

/*
 * Sleep until a line arrives. The sender rings the doorbell only if the queue is armed: while we
 * poll, it makes no system call.
 */
static void
sleep_armed(struct fido_rxq *rxq)
{
	struct pollfd fd = {.fd = fido_rxq_fd(rxq), .events = POLLIN};

	if (!fido_rxq_arm(rxq))
		poll(&fd, 1, 100);
	fido_rxq_disarm(rxq, true);
}

static void
receive_lines(struct fido_rxq *rxq, unsigned long count)
{
	struct fido_rx rx[32];
	unsigned long received = 0;
	char line[LINE] = "";

	while (received < count) {
		unsigned int n = fido_rxq_poll(rxq, rx, 32);

		if (n == 0) {
			sleep_armed(rxq);
			continue;
		}
		/* The sender can still change its memory, and need not end the line with a NUL. */
		snprintf(line, sizeof(line), "%.*s", (int)rx[n - 1].desc.len,
			(const char *)rx[n - 1].desc.data);
		/* From here on the sender may reuse the buffers. */
		fido_rxq_complete(rxq, rx, n, FIDO_STATUS_OK);
		received += n;
	}
	printf("received %lu lines, the last one: %s\n", received, line);
}

int
main(int argc, char **argv)
{
	struct fido_domain *domain;
	struct fido_link *link;

	if (argc != 5) {
		fprintf(stderr, "usage: example-receiver GROUP NAME PEER COUNT\n");
		return 2;
	}
	need(fido_domain_join(&domain,
		     &(struct fido_domain_config){.group = argv[1], .name = argv[2]}),
		"join the group");
	need(fido_link_create(domain, &(struct fido_link_config){.peer = argv[3]}, &link),
		"create a link");
	need(fido_link_configure(link, 1, 1, RING), "configure the link");
	need(fido_link_open(link), "open the link");
	receive_lines(fido_link_rxq(link, 0), strtoul(argv[4], NULL, 10));
	fido_link_close(link);
	fido_link_destroy(link);
	fido_domain_leave(domain);
	return 0;
}
