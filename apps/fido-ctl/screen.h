/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CTL_SCREEN_H
#define CTL_SCREEN_H

/** @file The terminal: drawing, and waiting for a time, a key or a signal. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ctl_screen;

/** Why a wait ended. */
enum ctl_wake {
	CTL_WAKE_TIME,
	CTL_WAKE_KEY,
	CTL_WAKE_SIZE, /**< the terminal was resized: draw again */
	CTL_WAKE_END,  /**< a signal, or the key q */
};

/** Keys that are not characters. */
enum ctl_key {
	CTL_KEY_UP = 256,
	CTL_KEY_DOWN,
	CTL_KEY_PAGE_UP,
	CTL_KEY_PAGE_DOWN,
	CTL_KEY_HOME,
	CTL_KEY_END,
};

/**
 * Open the screen. From now on SIGINT, SIGTERM and SIGHUP end the next wait, not the process. If
 * stdout is a terminal and plain is false, use the alternate screen.
 * @return NULL: no memory
 */
struct ctl_screen *ctl_screen_open(bool plain);
/** Close the screen and restore the terminal. NULL is legal. */
void ctl_screen_close(struct ctl_screen *s);
/** @return whether output goes to a terminal, where each text replaces the one before. */
bool ctl_screen_is_tty(const struct ctl_screen *s);
/**
 * Show a text of whole lines: truncated to the terminal's size, or in full without a terminal.
 * @param foot a line for the last row, or NULL
 */
void ctl_screen_show(const struct ctl_screen *s, const char *text, const char *foot);
/** @return number of rows for the text. */
size_t ctl_screen_rows(const struct ctl_screen *s);
/**
 * Wait until the monotonic clock reaches until_ns, for a key, for a resize or for a signal.
 * @param key set to the key pressed: a character, or one of enum ctl_key
 */
enum ctl_wake ctl_screen_wait(struct ctl_screen *s, uint64_t until_ns, int *key);
/** @return the monotonic clock, in ns. */
uint64_t ctl_screen_now_ns(void);

#endif
