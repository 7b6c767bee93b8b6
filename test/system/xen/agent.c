/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pass commands from dom0 to a guest over xenstore, each side blocked on a watch. Polling by
 * starting programs would take most of the test bed's time, since starting one is slow in
 * emulation.
 *
 *   agent serve                            in a guest: run what dom0 sends, one after the other
 *   agent call DOMID SECONDS FILE COMMAND  in dom0: make it run COMMAND with sh -c; the end of its
 *                                          output goes to FILE. Exit status: the command's; 124:
 *                                          no answer in time; 125: the guest is gone
 *
 * dom0 writes "SEQUENCE COMMAND" to data/cmd of the guest; the guest answers with the end of the
 * output in data/out, then "SEQUENCE STATUS" in data/done. The program speaks to xenstored in the
 * device's own messages: libxenstore would start a thread.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xen/io/xs_wire.h>

#include "command.h"

/* xenstored limits a guest's node to 2048 bytes. */
#define OUT_MAX 1900

static int bus;

/* ---- xenstore ---- */

static void
read_all(void *to, size_t len)
{
	for (size_t got = 0; got < len;) {
		ssize_t n = read(bus, (char *)to + got, len - got);

		if (n <= 0 && !(n < 0 && errno == EINTR))
			die("read from xenstore");
		got += n > 0 ? (size_t)n : 0;
	}
}

/* Receive the next message, with a zero after its payload. @return its type */
static uint32_t
receive(char payload[XENSTORE_PAYLOAD_MAX + 1])
{
	struct xsd_sockmsg head;

	read_all(&head, sizeof(head));
	if (head.len > XENSTORE_PAYLOAD_MAX)
		die("message from xenstore");
	read_all(payload, head.len);
	payload[head.len] = '\0';
	return head.type;
}

/*
 * Ask and wait for the answer; watches that fire meanwhile are handled later. @return false:
 * refused
 */
static bool
ask(enum xsd_sockmsg_type type, const char *payload, size_t len,
	char answer[XENSTORE_PAYLOAD_MAX + 1])
{
	char message[sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX];
	struct xsd_sockmsg head = {.type = type, .len = (uint32_t)len};
	uint32_t got;

	if (len > XENSTORE_PAYLOAD_MAX)
		return false;
	memcpy(message, &head, sizeof(head));
	memcpy(message + sizeof(head), payload, len);
	if (write(bus, message, sizeof(head) + len) != (ssize_t)(sizeof(head) + len))
		die("write to xenstore");
	do
		got = receive(answer);
	while (got == XS_WATCH_EVENT);
	return got != XS_ERROR;
}

static bool
store_read(const char *path, char value[XENSTORE_PAYLOAD_MAX + 1])
{
	return ask(XS_READ, path, strlen(path) + 1, value);
}

static bool
store_write(const char *path, const char *value, size_t len)
{
	char payload[XENSTORE_PAYLOAD_MAX], answer[XENSTORE_PAYLOAD_MAX + 1];
	size_t name = strlen(path) + 1;

	if (name + len > sizeof(payload))
		return false;
	memcpy(payload, path, name);
	memcpy(payload + name, value, len);
	return ask(XS_WRITE, payload, name + len, answer);
}

/* A new watch fires once at once. */
static void
store_watch(const char *path)
{
	char payload[256], answer[XENSTORE_PAYLOAD_MAX + 1];
	int len = snprintf(payload, sizeof(payload), "%s%ctoken", path, '\0');

	if (len < 0 || (size_t)len >= sizeof(payload) ||
		!ask(XS_WATCH, payload, (size_t)len + 1, answer))
		die("watch xenstore");
}

/* ---- the guest ---- */

/* The output goes to the console, its end to dom0. */
static void
pass_output_on(void)
{
	char buf[4096], end[OUT_MAX];
	FILE *out = fopen(COMMAND_OUT, "r");
	size_t n, len = 0;

	if (out == NULL)
		die(COMMAND_OUT);
	while ((n = fread(buf, 1, sizeof(buf), out)) > 0)
		fwrite(buf, 1, n, stdout);
	if (fseek(out, -OUT_MAX, SEEK_END) != 0)
		rewind(out);
	len = fread(end, 1, sizeof(end), out);
	fclose(out);
	store_write("data/out", end, len);
}

static void
answer(const char *sequence, const char *command)
{
	char done[64];
	int status;

	printf("+ %s\n", command);
	fflush(stdout);
	status = command_wait(command_start(command), 0);
	pass_output_on();
	if (status != 0)
		printf("status %d\n", status);
	fflush(stdout);
	snprintf(done, sizeof(done), "%.40s %d", sequence, status);
	store_write("data/done", done, strlen(done));
}

static void
serve(void)
{
	char event[XENSTORE_PAYLOAD_MAX + 1], command[XENSTORE_PAYLOAD_MAX + 1], last[64] = "";

	store_write("data/status", "up", 2);
	store_watch("data/cmd");
	for (;;) {
		/* Also a command that arrived while the last one ran: its event was skipped. */
		while (store_read("data/cmd", command)) {
			char *space = strchr(command, ' ');

			if (space == NULL)
				break;
			*space = '\0';
			if (strcmp(command, last) == 0)
				break;
			snprintf(last, sizeof(last), "%.63s", command);
			answer(last, space + 1);
		}
		receive(event);
	}
}

/* ---- dom0 ---- */

/* @return true when a watch fired within this many ms */
static bool
wait_event(int ms)
{
	struct pollfd fd = {.fd = bus, .events = POLLIN};
	char event[XENSTORE_PAYLOAD_MAX + 1];

	if (poll(&fd, 1, ms) <= 0)
		return false;
	receive(event);
	return true;
}

static void
save_output(const char *path, const char *file)
{
	char out[XENSTORE_PAYLOAD_MAX + 1];
	FILE *f = fopen(file, "w");

	if (f == NULL || !store_read(path, out) || fputs(out, f) == EOF || fclose(f) != 0)
		die(file);
}

static int
call(const char *domid, const char *seconds, const char *file, const char *command)
{
	char name[64], cmd[64], done[64], out[64], value[2 * XENSTORE_PAYLOAD_MAX], sequence[64];
	char gone[XENSTORE_PAYLOAD_MAX + 1];
	uint64_t end = now_ms() + strtoull(seconds, NULL, 10) * 1000;
	size_t len;

	snprintf(name, sizeof(name), "/local/domain/%s/name", domid);
	snprintf(cmd, sizeof(cmd), "/local/domain/%s/data/cmd", domid);
	snprintf(done, sizeof(done), "/local/domain/%s/data/done", domid);
	snprintf(out, sizeof(out), "/local/domain/%s/data/out", domid);
	snprintf(sequence, sizeof(sequence), "%d-%" PRIu64 " ", (int)getpid(), now_ms());
	len = strlen(sequence);
	store_watch(done);
	snprintf(value, sizeof(value), "%s%.*s", sequence, XENSTORE_PAYLOAD_MAX, command);
	if (!store_read(name, gone))
		return COMMAND_GUEST_GONE;
	if (len + strlen(command) > XENSTORE_PAYLOAD_MAX ||
		!store_write(cmd, value, len + strlen(command)))
		die("cannot write the command to xenstore");
	do {
		if (store_read(done, value) && strncmp(value, sequence, len) == 0) {
			save_output(out, file);
			return atoi(value + len);
		}
		/*
		 * Look even if no watch fired: an event skipped while asking does not come again.
		 */
		if (!wait_event(200) && !store_read(name, gone))
			return COMMAND_GUEST_GONE;
	} while (now_ms() < end);
	return COMMAND_NO_ANSWER;
}

int
main(int argc, char **argv)
{
	bool serves = argc == 2 && strcmp(argv[1], "serve") == 0;

	if (!serves && (argc != 6 || strcmp(argv[1], "call") != 0)) {
		fprintf(stderr, "usage: agent serve | agent call DOMID SECONDS FILE COMMAND\n");
		return COMMAND_ERROR;
	}
	bus = open("/dev/xen/xenbus", O_RDWR | O_CLOEXEC);
	if (bus < 0)
		die("/dev/xen/xenbus");
	if (serves)
		serve();
	return call(argv[2], argv[3], argv[4], argv[5]);
}
