/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A machine that runs wild. It has a slot's port, and does for some seconds, until it is killed:
 *
 *   hostile memory DEVICE        scribble over all of the slot's memory: what a member would write
 *                                there and anything else, its root most often
 *   hostile garbage PORT         send bytes that are no frames, and frames cut short
 *   hostile flood PORT NAME      join as a member, then ring and announce changes without end: to
 *                                all members, to those who are not there, with bells of any number
 *   hostile lies PORT NAME       join, then say things that are not so: others' generations, other
 *                                slots, HELLO and BYE in turn, LET_GO of what it maps
 */

#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "vm_frame.h"

#define ROOT_BYTES (UINT64_C(2) << 20)
#define MEMBERS_MAX 64

static uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);

static uint64_t
number(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static _Noreturn void
die(const char *what)
{
	perror(what);
	exit(1);
}

/* ---- memory ---- */

static void
scribble(const char *device)
{
	int fd = open(device, O_RDWR);
	uint64_t size = 0, words, root;
	volatile uint64_t *p;
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/bus/dax/devices/%s/size", device + strlen("/dev/"));
	f = fopen(path, "r");
	if (fd < 0 || f == NULL || fscanf(f, "%ju", (uintmax_t *)&size) != 1)
		die(device);
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		die("mmap");
	words = size / 8;
	root = (size - ROOT_BYTES) / 8;
	puts("scribbling");
	fflush(stdout);
	for (;;) {
		uint64_t at = number() % (number() % 2 ? words : 1024);

		if (number() % 4 == 0)
			at = root + number() % 4096;
		/* Values near those that were there do more harm than any. */
		p[at] = number() % 2 ? number() >> (number() % 64) : p[at] + number() % 3 - 1;
	}
}

/* ---- the port ---- */

static int port;
static struct fido_vm_stream in;
static uint64_t generation;
static struct fido_vm_peer members[MEMBERS_MAX];
static unsigned int member_count;

static void
put(const void *bytes, size_t len)
{
	for (size_t done = 0; done < len;) {
		struct pollfd p = {.fd = port, .events = POLLOUT};
		ssize_t n = write(port, (const char *)bytes + done, len - done);

		if (n > 0)
			done += (size_t)n;
		else
			poll(&p, 1, 100);
	}
}

static void
say(enum fido_vm_type type, uint64_t from, const void *payload)
{
	struct fido_vm_frame f;
	size_t len = fido_vm_frame_make(&f, type, from, payload);

	put(&f, len);
}

static void
hello(const char *name)
{
	struct fido_vm_hello h = {.version = FIDO_VM_VERSION,
		.layout = FIDO_LAYOUT_VERSION,
		.slot = FIDO_VM_ANY};

	snprintf(h.name, sizeof(h.name), "%s", name);
	say(FIDO_VM_HELLO, generation, &h);
}

/* Take what has come. @return true: WELCOME was among it */
static bool
listen_for(int ms)
{
	struct pollfd p = {.fd = port, .events = POLLIN};
	struct fido_vm_frame f;
	bool welcome = false;
	size_t room;
	char *to = fido_vm_stream_room(&in, &room);
	ssize_t n = poll(&p, 1, ms) > 0 ? read(port, to, room) : 0;

	if (n > 0)
		fido_vm_stream_added(&in, (size_t)n);
	while (fido_vm_stream_next(&in, &f)) {
		welcome |= f.type == FIDO_VM_WELCOME;
		if (f.type == FIDO_VM_PEER && member_count < MEMBERS_MAX)
			members[member_count++] = f.peer;
	}
	return welcome;
}

static void
join(const char *name)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	generation = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	hello(name);
	for (int i = 0; i < 100; i++)
		if (listen_for(100))
			break;
		else if (i % 10 == 9)
			hello(name);
	for (int i = 0; i < 3; i++)
		listen_for(100);
	printf("joined, %u members\n", member_count);
	fflush(stdout);
}

static struct fido_vm_member
somebody(void)
{
	struct fido_vm_member m = {.generation = number(), .slot = (uint32_t)number() % 70};

	if (member_count != 0 && number() % 4 != 0) {
		const struct fido_vm_peer *p = &members[number() % member_count];

		m = (struct fido_vm_member){.generation = p->generation, .slot = p->slot};
	}
	m.value = number() % 2 ? (uint32_t)number() % 200 : (uint32_t)number();
	return m;
}

static void
garbage(void)
{
	unsigned char bytes[4096];
	struct fido_vm_frame f;
	struct fido_vm_member m;

	puts("sending garbage");
	fflush(stdout);
	for (;;) {
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (unsigned char)number();
		put(bytes, number() % sizeof(bytes));
		m = somebody();
		put(&f, number() % (1 + fido_vm_frame_make(&f, FIDO_VM_RING, number(), &m)));
		listen_for(0);
	}
}

static void
flood(void)
{
	for (;;) {
		struct fido_vm_member m = somebody(), all = {.slot = FIDO_VM_ANY};

		say(FIDO_VM_RING, generation, &m);
		m.value &= 1;
		say(FIDO_VM_CHANGED, generation, &m);
		all.value = (uint32_t)number() & 1;
		say(FIDO_VM_CHANGED, generation, &all);
		listen_for(0);
	}
}

static void
lies(const char *name)
{
	for (;;) {
		static const enum fido_vm_type types[] = {FIDO_VM_LET_GO, FIDO_VM_GONE,
			FIDO_VM_RING, FIDO_VM_CHANGED, FIDO_VM_PEER, FIDO_VM_WELCOME,
			FIDO_VM_REFUSE, FIDO_VM_WHO};
		union {
			struct fido_vm_member m;
			char bytes[FIDO_VM_PAYLOAD_MAX];
		} payload = {.bytes = {0}};
		uint64_t from = generation;

		payload.m = somebody();
		if (number() % 3 == 0)
			from = member_count != 0 ? members[number() % member_count].generation
						 : number();
		say(types[number() % 8], from, &payload);
		if (number() % 50 == 0) {
			struct fido_vm_bye bye = {.clean = number() & 1};

			say(FIDO_VM_BYE, from, &bye);
			generation += number() % 3;
			hello(number() % 2 || member_count == 0
					? name
					: members[number() % member_count].name);
		}
		listen_for(0);
	}
}

int
main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";

	if (strcmp(what, "memory") == 0)
		scribble(argv[2]);
	port = open(argc > 2 ? argv[2] : "", O_RDWR | O_NONBLOCK);
	if (port < 0)
		die("port");
	if (strcmp(what, "garbage") == 0)
		garbage();
	if (argc != 4)
		return 2;
	join(argv[3]);
	if (strcmp(what, "flood") == 0)
		flood();
	if (strcmp(what, "lies") == 0)
		lies(argv[3]);
	return 2;
}
