/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CTL_VIEW_H
#define CTL_VIEW_H

/** @file How `top` shows the queues: their order, and from which one on. Keys change it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "rows.h"
#include "screen.h"

struct ctl_view {
	enum ctl_sort sort;
	bool reverse;
	bool held;    /**< what is on the screen stays */
	size_t first; /**< rows that are not shown because they are above */
};

/**
 * Do what a key asks for.
 * @param rows how many rows of queues there are
 * @param page how many of them the screen has room for
 * @return false: it asks for nothing
 */
bool ctl_view_key(struct ctl_view *v, int key, size_t rows, size_t page);
/** Print one line: what the keys do, and what they have done. */
void ctl_view_foot(const struct ctl_view *v, FILE *out);

#endif
