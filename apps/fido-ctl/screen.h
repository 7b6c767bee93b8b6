/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CTL_SCREEN_H
#define CTL_SCREEN_H

/** @file The terminal, and waiting for a moment, a key or a signal. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ctl_screen;

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
/** Show a text of whole lines: cut to the screen, or just printed where there is none. */
void ctl_screen_show(const struct ctl_screen *s, const char *text);
/** Wait until the monotonic clock says until_ns. @return false: a signal or the key q ended it */
bool ctl_screen_wait(struct ctl_screen *s, uint64_t until_ns);
/** @return the monotonic clock. */
uint64_t ctl_screen_now_ns(void);

#endif
