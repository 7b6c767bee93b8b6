/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CTL_VIEW_H
#define CTL_VIEW_H

/** @file The view of `top`: order and scroll position of the queues. Keys change it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "rows.h"
#include "screen.h"

struct ctl_view {
	enum ctl_sort sort;
	bool reverse;
	bool held;    /**< the screen is frozen */
	size_t first; /**< rows scrolled out at the top */
};

/**
 * Handle a key.
 * @param rows number of rows of queues
 * @param page number of rows that fit on the screen
 * @return false: the key has no function
 */
bool ctl_view_key(struct ctl_view *v, int key, size_t rows, size_t page);
/** Print one line: the keys and the current view. */
void ctl_view_foot(const struct ctl_view *v, FILE *out);

#endif
