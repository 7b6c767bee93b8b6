/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CTL_SCREEN_H
#define CTL_SCREEN_H

/** @file The terminal, and waiting for a moment, a key or a signal. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ctl_screen;

/** Why a wait has ended. */
enum ctl_wake {
	CTL_WAKE_TIME,
	CTL_WAKE_KEY,
	CTL_WAKE_SIZE, /**< what is shown has to be shown anew */
	CTL_WAKE_END,  /**< a signal, or the key q */
};

/** Keys that are no characters. */
enum ctl_key {
	CTL_KEY_UP = 256,
	CTL_KEY_DOWN,
	CTL_KEY_PAGE_UP,
	CTL_KEY_PAGE_DOWN,
	CTL_KEY_HOME,
	CTL_KEY_END,
};

/**
 * Begin: from now on SIGINT, SIGTERM and SIGHUP only end the next wait. When stdout is a terminal
 * and plain is false, a screen of its own is opened.
 * @return NULL: no memory
 */
struct ctl_screen *ctl_screen_open(bool plain);
/** Give the terminal back as it was. NULL is legal. */
void ctl_screen_close(struct ctl_screen *s);
/** @return true: on a terminal; what is shown takes the place of what was. */
bool ctl_screen_is_tty(const struct ctl_screen *s);
/**
 * Show a text of whole lines: cut to the screen, or just printed where there is none.
 * @param foot a line for the screen's last row, or NULL
 */
void ctl_screen_show(const struct ctl_screen *s, const char *text, const char *foot);
/** @return how many rows there are for the text. */
size_t ctl_screen_rows(const struct ctl_screen *s);
/**
 * Wait until the monotonic clock says until_ns, or for a key, or until the screen has another size.
 * @param key what was pressed: a character, or one of enum ctl_key
 */
enum ctl_wake ctl_screen_wait(struct ctl_screen *s, uint64_t until_ns, int *key);
/** @return the monotonic clock. */
uint64_t ctl_screen_now_ns(void);

#endif
