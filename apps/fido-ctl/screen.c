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

#include "screen.h"

#define NS_PER_S UINT64_C(1000000000)
/* A screen of its own, without a cursor; and back. */
#define ENTER "\033[?1049h\033[?25l\033[H\033[2J"
#define LEAVE "\033[?25h\033[?1049l"
#define TO_TOP "\033[H"
#define END_OF_LINE "\033[K\n"
#define CLEAR_BELOW "\033[J"

struct ctl_screen {
	bool tty;
	bool keys; /* stdin is a terminal, set to give us each key */
	struct termios saved;
	sigset_t waiting_mask;
};

static volatile sig_atomic_t stop;

static void
on_signal(int number)
{
	(void)number;
	stop = 1;
}

/* Signals are let in only while waiting: none comes between looking at `stop` and that. */
static void
catch_signals(struct ctl_screen *s)
{
	struct sigaction action = {.sa_handler = on_signal};
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
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

	/* In the background the terminal is not ours to set. */
	if (tcgetattr(STDIN_FILENO, &s->saved) != 0 || tcgetpgrp(STDIN_FILENO) != getpgrp())
		return;
	raw = s->saved;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 0;
	/* Stopped, we would leave the terminal like this. */
	raw.c_cc[VSUSP] = _POSIX_VDISABLE;
	s->keys = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
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
		fflush(stdout);
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
		fflush(stdout);
	}
	if (s->keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &s->saved);
	free(s);
}

bool
ctl_screen_is_tty(const struct ctl_screen *s)
{
	return s->tty;
}

static void
show_cut(const char *text, size_t rows, size_t columns)
{
	fputs(TO_TOP, stdout);
	/* The last row stays free: a newline there would scroll. */
	for (size_t row = 0; row + 1 < rows && *text != '\0'; row++) {
		size_t len = strcspn(text, "\n");

		fwrite(text, 1, len < columns ? len : columns, stdout);
		fputs(END_OF_LINE, stdout);
		text += len;
		text += *text == '\n';
	}
	fputs(CLEAR_BELOW, stdout);
}

void
ctl_screen_show(const struct ctl_screen *s, const char *text)
{
	struct winsize size;

	if (!s->tty)
		fputs(text, stdout);
	else if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 1 && size.ws_col > 0)
		show_cut(text, size.ws_row, size.ws_col);
	else
		show_cut(text, 24, 80);
	fflush(stdout);
}

static bool
key_ends(struct ctl_screen *s)
{
	char keys[64];
	ssize_t n = read(STDIN_FILENO, keys, sizeof(keys));

	if (n <= 0)
		s->keys = n < 0 && (errno == EINTR || errno == EAGAIN); /* The terminal is gone. */
	for (ssize_t i = 0; i < n; i++)
		if (keys[i] == 'q' || keys[i] == 'Q')
			return true;
	return false;
}

uint64_t
ctl_screen_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

bool
ctl_screen_wait(struct ctl_screen *s, uint64_t until_ns)
{
	while (!stop) {
		struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
		uint64_t now = ctl_screen_now_ns();
		uint64_t left = now < until_ns ? until_ns - now : 0;
		struct timespec timeout = {(time_t)(left / NS_PER_S), (long)(left % NS_PER_S)};
		int n = ppoll(&p, s->keys ? 1 : 0, &timeout, &s->waiting_mask);

		if (n > 0 && key_ends(s))
			return false;
		if (n == 0)
			return true;
	}
	return false;
}
