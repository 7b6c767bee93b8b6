/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Traffic between two sockets, for the set `kernel`:
 *
 *   bench-sockets serve ADDRESS           answer each client in turn, until a signal
 *   bench-sockets stream ADDRESS SIZE S   TCP, sends of SIZE bytes for S seconds
 *   bench-sockets rr ADDRESS SIZE S       TCP, SIZE bytes there and back, one at a time
 *   bench-sockets udp ADDRESS SIZE S      UDP, datagrams of SIZE bytes as fast as they can be sent
 *
 * The client prints JSON: bytes, datagrams or round trips per second, as far as they arrived; for
 * rr also the percentiles of the round trips.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "latency.h"

#define PORT 5201
#define LENGTH_MAX (1 << 20)

/* The client's first message. */
struct job {
	char kind; /* s, r, u */
	uint32_t size;
};

static char buf[LENGTH_MAX];

static void
need(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench-sockets: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double
now(void)
{
	return (double)latency_now() / 1e9;
}

static bool
whole(int fd, size_t size, bool out)
{
	for (size_t done = 0; done < size;) {
		ssize_t n = out ? send(fd, buf + done, size - done, MSG_NOSIGNAL)
				: recv(fd, buf + done, size - done, 0);

		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

static struct sockaddr_in
address_of(const char *text)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(PORT)};

	need(inet_pton(AF_INET, text, &a.sin_addr) == 1, text);
	return a;
}

/* ---- server ---- */

/* @return datagrams, until the client says that it has sent all and none came for 100 ms */
static uint64_t
count_datagrams(int udp, int client)
{
	struct pollfd p[2] = {{.fd = udp, .events = POLLIN}, {.fd = client, .events = POLLIN}};
	uint64_t n = 0;

	for (;;) {
		int ready = poll(p, p[1].fd < 0 ? 1 : 2, p[1].fd < 0 ? 100 : -1);

		if (ready == 0)
			return n;
		while (recv(udp, buf, sizeof(buf), MSG_DONTWAIT) >= 0)
			n++;
		if (p[1].fd >= 0 && p[1].revents != 0)
			p[1].fd = -1;
	}
}

static void
serve_one(int client, int udp)
{
	struct job job;
	uint64_t n = 0;
	ssize_t got;

	if (recv(client, &job, sizeof(job), MSG_WAITALL) != sizeof(job))
		return;
	if (job.kind == 'r') {
		while (whole(client, job.size, false) && whole(client, job.size, true))
			;
		return;
	}
	if (job.kind == 'u') {
		need(send(client, &job, 1, MSG_NOSIGNAL) == 1, "answer");
		n = count_datagrams(udp, client);
	} else {
		while ((got = recv(client, buf, sizeof(buf), 0)) > 0)
			n += (uint64_t)got;
	}
	send(client, &n, sizeof(n), MSG_NOSIGNAL);
}

static void
serve(struct sockaddr_in a)
{
	int listener = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0);
	int one = 1, room = 4 << 20;

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(udp, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	need(bind(listener, (struct sockaddr *)&a, sizeof(a)) == 0, "bind");
	need(bind(udp, (struct sockaddr *)&a, sizeof(a)) == 0, "bind");
	need(listen(listener, 8) == 0, "listen");
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		int client = accept(listener, NULL, NULL);

		need(client >= 0, "accept");
		setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		serve_one(client, udp);
		close(client);
	}
}

/* ---- client ---- */

static uint64_t
answer(int fd)
{
	uint64_t n = 0;

	need(recv(fd, &n, sizeof(n), MSG_WAITALL) == sizeof(n), "answer");
	return n;
}

static void
stream(int fd, uint32_t size, double seconds)
{
	double begin = now(), took;
	uint64_t n;

	while (now() - begin < seconds)
		need(whole(fd, size, true), "send");
	shutdown(fd, SHUT_WR);
	n = answer(fd);
	took = now() - begin;
	printf("{\"per_second\": %.1f}\n", (double)n / took);
}

static void
datagrams(int fd, struct sockaddr_in a, uint32_t size, double seconds)
{
	int udp = socket(AF_INET, SOCK_DGRAM, 0);
	double begin;
	uint64_t n;

	need(recv(fd, buf, 1, 0) == 1, "answer");
	need(connect(udp, (struct sockaddr *)&a, sizeof(a)) == 0, "connect");
	begin = now();
	do
		for (int i = 0; i < 64; i++)
			send(udp, buf, size, 0);
	while (now() - begin < seconds);
	seconds = now() - begin;
	shutdown(fd, SHUT_WR);
	n = answer(fd);
	printf("{\"per_second\": %.1f}\n", (double)n / seconds);
}

static void
round_trips(int fd, uint32_t size, double seconds)
{
	double begin = now(), took;
	uint64_t n = 0;

	for (; (took = now() - begin) < seconds; n++) {
		uint64_t then = latency_now();

		need(whole(fd, size, true) && whole(fd, size, false), "round trip");
		latency_add(then);
	}
	printf("{\"per_second\": %.1f, ", (double)n / took);
	latency_print_members();
	printf("}\n");
}

int
main(int argc, char **argv)
{
	struct sockaddr_in a;
	struct job job;
	int fd, one = 1;

	if (argc < 3 || (argc != 5 && strcmp(argv[1], "serve") != 0)) {
		fprintf(stderr,
			"usage: bench-sockets serve ADDRESS\n"
			"       bench-sockets stream|rr|udp ADDRESS SIZE SECONDS\n");
		return 2;
	}
	a = address_of(argv[2]);
	if (strcmp(argv[1], "serve") == 0)
		serve(a);
	job = (struct job){argv[1][0], (uint32_t)atoi(argv[3])};
	need(job.size > 0 && job.size <= LENGTH_MAX, "size");
	fd = socket(AF_INET, SOCK_STREAM, 0);
	need(connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0, "connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	need(send(fd, &job, sizeof(job), 0) == sizeof(job), "send");
	if (job.kind == 's')
		stream(fd, job.size, atof(argv[4]));
	else if (job.kind == 'r')
		round_trips(fd, job.size, atof(argv[4]));
	else
		datagrams(fd, a, job.size, atof(argv[4]));
	return 0;
}
