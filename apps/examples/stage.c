/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A stage of a pipeline: it forwards messages from FROM to TO by address, without a copy. TO reads
 * FROM's memory, and FROM's buffer returns when TO completes it. The stage exits after COUNT
 * messages of one buffer each.
 *
 *   example-stage GROUP NAME FROM TO COUNT
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <fido/link.h>
#include <fido/log.h>
#include <fido/queue_shm.h>
#include <fido/rxq.h>
#include <fido/txq.h>

#define RING 64u

/* Received descriptors that are not completed yet, and a stack of the unused entries. */
static struct fido_rx held[RING];
static void *unused[RING];
static unsigned int n_unused;

static struct fido_link *
make_link(struct fido_domain *domain, const char *peer)
{
	struct fido_link *link;

	if (fido_link_create(domain, &(struct fido_link_config){.peer = peer}, &link) == 0 &&
		fido_link_configure(link, 1, 1, RING) == 0 && fido_link_open(link) == 0)
		return link;
	fprintf(stderr, "example-stage: cannot open a link to %s: %s\n", peer, fido_last_error());
	exit(1);
}

/* Complete to FROM what TO has completed. Return how many. */
static unsigned int
give_back(struct fido_txq *txq, struct fido_rxq *rxq)
{
	unsigned int n = fido_txq_reap(txq, unused + n_unused, RING - n_unused);

	for (unsigned int i = 0; i < n; i++)
		fido_rxq_complete(rxq, unused[n_unused++], 1, FIDO_STATUS_OK);
	return n;
}

/* Forward one descriptor at a time, for brevity: bursts are faster. Return how many. */
static unsigned long
pass_on(struct fido_rxq *rxq, struct fido_txq *txq, unsigned long count)
{
	struct fido_rx *rx = NULL;
	unsigned long sent = 0;

	while (sent < count || n_unused < RING) {
		unsigned int back = give_back(txq, rxq);

		if (rx == NULL && sent < count && n_unused > 0 &&
			fido_rxq_poll(rxq, unused[n_unused - 1], 1) == 1)
			rx = unused[--n_unused];
		/*
		 * Not 1: the link is down, or TO has not mapped FROM's memory yet. A stage that
		 * cannot wait copies the message into an arena of its own.
		 */
		if (rx != NULL &&
			fido_txq_post(txq, &(struct fido_buf){rx->desc.data, rx->desc.len, 0, rx},
				1) == 1) {
			rx = NULL;
			sent++;
		} else if (back == 0) {
			usleep(100); /* better: arm both queues, as sender.c and receiver.c do */
		}
	}
	return sent;
}

int
main(int argc, char **argv)
{
	struct fido_domain *domain;
	struct fido_link *from, *to;
	unsigned long sent;

	if (argc != 6) {
		fprintf(stderr, "usage: example-stage GROUP NAME FROM TO COUNT\n");
		return 2;
	}
	if (fido_domain_join(&domain,
		    &(struct fido_domain_config){.group = argv[1], .name = argv[2]}) != 0) {
		fprintf(stderr, "example-stage: cannot join the group: %s\n", fido_last_error());
		return 1;
	}
	for (; n_unused < RING; n_unused++)
		unused[n_unused] = &held[n_unused];
	from = make_link(domain, argv[3]);
	to = make_link(domain, argv[4]);
	sent = pass_on(fido_link_rxq(from, 0), fido_link_txq(to, 0), strtoul(argv[5], NULL, 10));
	printf("passed on %lu lines by address\n", sent);
	fido_link_close(from);
	fido_link_close(to);
	fido_link_destroy(from);
	fido_link_destroy(to);
	fido_domain_leave(domain);
	return 0;
}
