/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A member of a group of fido-vmd that does what it is told: speaks frames at host.sock, at a port
 * of virtio-serial in a guest, or at slot.N.port in place of a QEMU and its guest. Maps no memory.
 *
 * usage: vmd-member SOCKET NAME GENERATION [observes]
 * One line for each frame that comes; CLOSED when the connection ends (a port: `listen` when it is
 * back). Commands, one a line:
 *
 *   connect                       connect again
 *   hello SLOT                    say HELLO; -1: any slot
 *   hello_as VERSION NAME         say HELLO with these
 *   bye CLEAN                     say BYE
 *   ring SLOT GENERATION BELL N   ring N bells, from that number on
 *   changed SLOT GENERATION VALUE say CHANGED; slot -1: to all
 *   let_go SLOT GENERATION        say LET_GO
 *   as GENERATION                 use another generation from now on
 *   garbage N                     send N bytes that are no frames
 *   deaf, listen                  stop and start reading
 *   quit                          exit without BYE
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <fido/control_shm.h>

#include "vm_frame.h"

static const char *path;
static const char *name;
static uint64_t generation;
static uint32_t observes;
static int fd = -1;
static int deaf;
static struct fido_vm_stream in;

static void
say(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

static int
is_port(void)
{
	return strncmp(path, "/dev/", 5) == 0;
}

/* @return a descriptor, -1 */
static int
connect_socket(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (connect(s, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return s;
	close(s);
	return -1;
}

static void
do_connect(void)
{
	if (fd >= 0)
		close(fd);
	in = (struct fido_vm_stream){0};
	fd = is_port() ? open(path, O_RDWR | O_CLOEXEC) : connect_socket();
	if (fd >= 0)
		say("CONNECTED");
	else
		say("NOT CONNECTED %s", strerror(errno));
}

static void
send_bytes(const void *bytes, size_t len)
{
	/* The connection may have ended: then CLOSED comes. */
	for (size_t done = 0; fd >= 0 && done < len;) {
		ssize_t n = write(fd, (const char *)bytes + done, len - done);

		if (n < 0)
			return;
		done += (size_t)n;
	}
}

static void
send_frame(enum fido_vm_type type, const void *payload)
{
	struct fido_vm_frame f;

	send_bytes(&f, fido_vm_frame_make(&f, type, generation, payload));
}

static void
hello(uint32_t version, uint32_t slot, const char *as)
{
	struct fido_vm_hello h = {.version = version,
		.layout = FIDO_LAYOUT_VERSION,
		.slot = slot,
		.observes = observes,
		.pid = (uint64_t)getpid()};

	/* A name without an end, too. */
	memcpy(h.name, as, strnlen(as, sizeof(h.name)));
	send_frame(FIDO_VM_HELLO, &h);
}

static void
garbage(unsigned long n)
{
	static const char noise[256] = "FDVM";

	for (; n >= sizeof(noise); n -= sizeof(noise))
		send_bytes(noise, sizeof(noise));
	send_bytes(noise, n);
}

/* ---- commands ---- */

static void
about_member(const char *line)
{
	struct fido_vm_member m = {0};
	char word[16];
	uint32_t count = 1;
	int slot = 0;

	sscanf(line, "%15s %d %" SCNu64 " %" SCNu32 " %" SCNu32, word, &slot, &m.generation,
		&m.value, &count);
	m.slot = (uint32_t)slot;
	if (strcmp(word, "let_go") == 0)
		send_frame(FIDO_VM_LET_GO, &m);
	else if (strcmp(word, "changed") == 0)
		send_frame(FIDO_VM_CHANGED, &m);
	else
		for (; count > 0; count--, m.value++)
			send_frame(FIDO_VM_RING, &m);
}

static void
obey(const char *line)
{
	char as[128] = "";
	unsigned long number = 0;
	int slot;

	if (strcmp(line, "connect") == 0)
		do_connect();
	else if (sscanf(line, "hello %d", &slot) == 1)
		hello(FIDO_VM_VERSION, (uint32_t)slot, name);
	else if (sscanf(line, "hello_as %lu %127s", &number, as) == 2)
		hello((uint32_t)number, FIDO_VM_ANY, as);
	else if (sscanf(line, "bye %lu", &number) == 1)
		send_frame(FIDO_VM_BYE, &(struct fido_vm_bye){number});
	else if (sscanf(line, "as %" SCNu64, &generation) == 1)
		say("AS %" PRIu64, generation);
	else if (sscanf(line, "garbage %lu", &number) == 1)
		garbage(number);
	else if (strcmp(line, "deaf") == 0 || strcmp(line, "listen") == 0)
		deaf = line[0] == 'd';
	else if (strcmp(line, "quit") == 0)
		_exit(0);
	else
		about_member(line);
}

/* ---- frames ---- */

static void
show(const struct fido_vm_frame *f)
{
	static const char *const types[] = {"?", "HELLO", "WELCOME", "REFUSE", "PEER", "GONE",
		"LET_GO", "CHANGED", "RING", "BYE", "WHO"};

	switch (f->type) {
	case FIDO_VM_WELCOME:
		say("WELCOME slot=%u again=%u members=%u slots=%u size=%" PRIu64 " clock=%" PRIu64,
			f->welcome.slot, f->welcome.again, f->welcome.members, f->welcome.slots,
			f->welcome.size, f->welcome.clock);
		break;
	case FIDO_VM_REFUSE:
		say("REFUSE reason=%u who=%.32s", f->refuse.reason, f->refuse.who);
		break;
	case FIDO_VM_PEER:
		say("PEER slot=%u generation=%" PRIu64 " observes=%u name=%.32s", f->peer.slot,
			f->peer.generation, f->peer.observes, f->peer.name);
		break;
	case FIDO_VM_WHO:
		say("WHO generation=%" PRIu64, f->generation);
		break;
	default:
		say("%s slot=%u generation=%" PRIu64 " value=%u", types[f->type], f->member.slot,
			f->member.generation, f->member.value);
	}
}

static void
listen_once(void)
{
	struct fido_vm_frame f;
	size_t room;
	char *to = fido_vm_stream_room(&in, &room);
	ssize_t n = read(fd, to, room);

	if (n <= 0) {
		say("CLOSED");
		/* A guest keeps its port open: it is its claim to the slot. */
		if (is_port())
			deaf = 1;
		else
			close(fd);
		fd = is_port() ? fd : -1;
		return;
	}
	fido_vm_stream_added(&in, (size_t)n);
	while (fido_vm_stream_next(&in, &f))
		show(&f);
}

int
main(int argc, char **argv)
{
	char line[256];

	if (argc < 4)
		return 2;
	path = argv[1];
	name = argv[2];
	generation = strtoull(argv[3], NULL, 0);
	observes = argc > 4;
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdin, NULL, _IONBF, 0);
	do_connect();
	for (;;) {
		struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
			{.fd = deaf ? -1 : fd, .events = POLLIN}};

		if (poll(fds, 2, -1) < 0)
			return 1;
		if (fds[1].revents != 0)
			listen_once();
		if (fds[0].revents == 0)
			continue;
		if (fgets(line, sizeof(line), stdin) == NULL)
			return 0;
		line[strcspn(line, "\n")] = '\0';
		obey(line);
	}
}
