/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CTL_TABLE_H
#define CTL_TABLE_H

/** @file A table of text: columns as wide as what is in them. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct ctl_table;

struct ctl_head {
	const char *text;
	bool right; /**< the column's cells end at its right */
};

/** Make a table. It has no columns yet. @return NULL: no memory */
struct ctl_table *ctl_table_create(void);
/** Make a table with these columns; the list ends with an entry without text. @return NULL: no memory */
struct ctl_table *ctl_table_of(const struct ctl_head *heads);
/** Add a column. All of them come before the first cell. */
void ctl_table_column(struct ctl_table *t, const char *head, bool right);
/** Fill the next cell, row by row. */
void ctl_table_cell(struct ctl_table *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/** Fill it with a number, or with "-". */
void ctl_table_cell_if(struct ctl_table *t, bool known, uint64_t value);
/** Print it, the heads first. @return false: there was not memory enough for all of it */
bool ctl_table_print(const struct ctl_table *t, FILE *out);
/** Print and destroy. @return 0, -ENOMEM */
int ctl_table_finish(struct ctl_table *t, FILE *out);
/** NULL is legal. */
void ctl_table_destroy(struct ctl_table *t);

#endif
