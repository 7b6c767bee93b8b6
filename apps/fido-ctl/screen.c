/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "output.h"
#include "screen.h"

#define NS_PER_S UINT64_C(1000000000)
/* Switch to the alternate screen, without a cursor; and back. */
#define ENTER "\033[?1049h\033[?25l\033[H\033[2J"
#define LEAVE "\033[?25h\033[?1049l"
#define TO_TOP "\033[H"
#define END_OF_LINE "\033[K\n"
#define CLEAR_BELOW "\033[J"
#define LAST_ROW "\033[%zu;1H\033[7m"
#define PLAIN "\033[m"

struct ctl_screen {
	bool tty;
	bool raw;     /* stdin is a terminal in non-canonical mode */
	bool keys_on; /* stdin still delivers keys */
	struct termios saved;
	sigset_t waiting_mask;
	char keys[64]; /* read, not handled yet */
	size_t key_count;
};

static volatile sig_atomic_t stop;
static volatile sig_atomic_t resized;

static void
on_signal(int number)
{
	if (number == SIGWINCH)
		resized = 1;
	else
		stop = 1;
}

/*
 * Block signals except while waiting, so that none arrives between the test of `stop` and the wait.
 */
static void
catch_signals(struct ctl_screen *s)
{
	struct sigaction action = {.sa_handler = on_signal};
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH};
	sigset_t block;

	sigemptyset(&block);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		sigaction(numbers[i], &action, NULL);
		sigaddset(&block, numbers[i]);
	}
	sigprocmask(SIG_BLOCK, &block, &s->waiting_mask);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigdelset(&s->waiting_mask, numbers[i]);
}

static void
take_keys(struct ctl_screen *s)
{
	struct termios raw;

	/* A background process must not change the terminal. */
	if (tcgetattr(STDIN_FILENO, &s->saved) != 0 || tcgetpgrp(STDIN_FILENO) != getpgrp())
		return;
	raw = s->saved;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 0;
	/* Disable Ctrl-Z: a stopped process would leave the terminal in this mode. */
	raw.c_cc[VSUSP] = _POSIX_VDISABLE;
	s->keys_on = s->raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

struct ctl_screen *
ctl_screen_open(bool plain)
{
	struct ctl_screen *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	catch_signals(s);
	s->tty = !plain && isatty(STDOUT_FILENO);
	if (s->tty) {
		take_keys(s);
		fputs(ENTER, stdout);
		app_output_flush();
	}
	return s;
}

void
ctl_screen_close(struct ctl_screen *s)
{
	if (s == NULL)
		return;
	if (s->tty) {
		fputs(LEAVE, stdout);
		app_output_flush();
	}
	if (s->raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &s->saved);
	free(s);
}

bool
ctl_screen_is_tty(const struct ctl_screen *s)
{
	return s->tty;
}

/* Return the size of the terminal; 24 x 80 if it is unknown. */
static struct winsize
size_of(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row < 2 || size.ws_col == 0)
		size = (struct winsize){.ws_row = 24, .ws_col = 80};
	return size;
}

/* Draw the text and, in the last row, the foot. A newline there would scroll. */
static void
show_cut(const char *text, const char *foot, size_t rows, size_t columns)
{
	fputs(TO_TOP, stdout);
	for (size_t row = 0; row + 1 < rows && *text != '\0'; row++) {
		size_t len = strcspn(text, "\n");

		fwrite(text, 1, len < columns ? len : columns, stdout);
		fputs(END_OF_LINE, stdout);
		text += len;
		text += *text == '\n';
	}
	fputs(CLEAR_BELOW, stdout);
	if (foot != NULL)
		printf(LAST_ROW "%.*s" PLAIN, rows, (int)columns, foot);
}

void
ctl_screen_show(const struct ctl_screen *s, const char *text, const char *foot)
{
	struct winsize size = size_of();

	if (!s->tty)
		fputs(text, stdout);
	else
		show_cut(text, foot, size.ws_row, size.ws_col);
	app_output_flush();
}

size_t
ctl_screen_rows(const struct ctl_screen *s)
{
	return s->tty ? size_of().ws_row - 1u : SIZE_MAX;
}

/* ---- keys ---- */

static void
read_keys(struct ctl_screen *s)
{
	ssize_t n = read(STDIN_FILENO, s->keys + s->key_count, sizeof(s->keys) - s->key_count);

	if (n > 0)
		s->key_count += (size_t)n;
	else
		/* Any other error, and an end of file: the terminal is gone. */
		s->keys_on = n < 0 && (errno == EINTR || errno == EAGAIN);
}

/* Escape sequences of keys that are not characters. */
static const struct {
	const char *text;
	enum ctl_key key;
} sequences[] = {
	{"\033[A", CTL_KEY_UP},
	{"\033OA", CTL_KEY_UP},
	{"\033[B", CTL_KEY_DOWN},
	{"\033OB", CTL_KEY_DOWN},
	{"\033[5~", CTL_KEY_PAGE_UP},
	{"\033[6~", CTL_KEY_PAGE_DOWN},
	{"\033[H", CTL_KEY_HOME},
	{"\033OH", CTL_KEY_HOME},
	{"\033[1~", CTL_KEY_HOME},
	{"\033[F", CTL_KEY_END},
	{"\033OF", CTL_KEY_END},
	{"\033[4~", CTL_KEY_END},
};

/* Remove the next key from those read. @return 0: none, or an unknown one */
static int
next_key(struct ctl_screen *s)
{
	size_t len = s->key_count != 0;
	int key = len != 0 ? (unsigned char)s->keys[0] : 0;

	for (size_t i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++) {
		size_t n = strlen(sequences[i].text);

		if (n <= s->key_count && memcmp(s->keys, sequences[i].text, n) == 0) {
			len = n;
			key = sequences[i].key;
		}
	}
	/* Drop the rest of an unknown sequence: it is not keys. */
	if (key == '\033') {
		len = s->key_count;
		key = 0;
	}
	s->key_count -= len;
	memmove(s->keys, s->keys + len, s->key_count);
	return key;
}

/* ---- waiting ---- */

uint64_t
ctl_screen_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* @return true: the wait ends, *wake says why */
static bool
has_news(struct ctl_screen *s, enum ctl_wake *wake, int *key)
{
	*wake = CTL_WAKE_END;
	if (stop)
		return true;
	*key = next_key(s);
	if (*key == 'q' || *key == 'Q')
		return true;
	*wake = CTL_WAKE_KEY;
	if (*key != 0)
		return true;
	*wake = CTL_WAKE_SIZE;
	if (!resized)
		return false;
	resized = 0;
	return s->tty;
}

enum ctl_wake
ctl_screen_wait(struct ctl_screen *s, uint64_t until_ns, int *key)
{
	enum ctl_wake wake;

	while (!has_news(s, &wake, key)) {
		struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
		uint64_t now = ctl_screen_now_ns();
		uint64_t left = now < until_ns ? until_ns - now : 0;
		struct timespec timeout = {(time_t)(left / NS_PER_S), (long)(left % NS_PER_S)};
		int n = ppoll(&p, s->keys_on ? 1 : 0, &timeout, &s->waiting_mask);

		if (n > 0)
			read_keys(s);
		if (n == 0)
			return CTL_WAKE_TIME;
	}
	return wake;
}
