/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How another Xen domain sees a process exit: the root page of its table (src/xen/xen_table.c) says
 * that it is no longer alive, then the event channel of the page rings.
 *
 *   end-notice DOMID         offer an event channel to the domain; print "PORT ROOT"
 *   end-notice DOMID PORT    take it, print "PORT ROOT"
 *
 * Both then wait for PEER_FILE, which holds the other's ROOT; map that; print "ready"; and wait for
 * the other to exit.
 */

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <xenevtchn.h>

#include <fido/atomic.h>
#include <fido/log.h>

#include "xen_grant.h"
#include "xen_table.h"

#define PEER_FILE "/run/peer-root"
#define LIMIT_MS 60000

static _Noreturn void
die(const char *what)
{
	printf("FAIL %s: %s\n", what, fido_last_error());
	exit(1);
}

/* The file may exist and still be empty. */
static uint32_t
wait_for_root(void)
{
	unsigned int root;
	int got = 0;

	while (got != 1) {
		FILE *f = fopen(PEER_FILE, "re");

		usleep(10000);
		got = f != NULL ? fscanf(f, "%u", &root) : 0;
		if (f != NULL)
			fclose(f);
	}
	return root;
}

/* Binding a channel causes an event, too. */
static int
wait_for_end(xenevtchn_handle *events, const struct fido_xen_root_shm *theirs)
{
	struct pollfd fd = {.fd = xenevtchn_fd(events), .events = POLLIN};
	int port;

	while (poll(&fd, 1, LIMIT_MS) == 1) {
		port = xenevtchn_pending(events);
		if (fido_load_acquire(&theirs->alive) == 0)
			return 0;
		xenevtchn_unmask(events, (evtchn_port_t)port);
	}
	printf("FAIL no event in %d s: alive is %d\n", LIMIT_MS / 1000, theirs->alive);
	return 1;
}

int
main(int argc, char **argv)
{
	unsigned int domid = argc > 1 ? (unsigned int)atoi(argv[1]) : 0;
	xenevtchn_handle *events = xenevtchn_open(NULL, 0);
	const struct fido_xen_root_shm *theirs;
	struct fido_xen_grants *grants;
	struct fido_xen_table *table;
	uint32_t root;
	int port;

	if (argc < 2 || events == NULL || fido_xen_grants_open("selftest", domid, &grants) != 0)
		die("open");
	port = argc > 2 ? xenevtchn_bind_interdomain(events, domid, (evtchn_port_t)atoi(argv[2]))
			: xenevtchn_bind_unbound_port(events, domid);
	if (port < 0 || fido_xen_table_create(&table, domid, (uint32_t)port) != 0)
		die("root");
	fido_xen_table_root(table, &root)->alive = 1;
	printf("%d %u\n", port, root);
	fflush(stdout);
	theirs = fido_xen_grants_map_page(grants, domid, wait_for_root());
	if (theirs == NULL || theirs->alive != 1)
		die("the other's root");
	puts("ready");
	fflush(stdout);
	return wait_for_end(events, theirs);
}
