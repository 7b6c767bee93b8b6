/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CTL_TABLE_H
#define CTL_TABLE_H

/** @file A text table: each column is as wide as its widest cell. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct ctl_table;

struct ctl_head {
	const char *text;
	bool right; /**< align cells to the right */
};

/** Create a table without columns. @return NULL: no memory */
struct ctl_table *ctl_table_create(void);
/** Create a table with these columns. The list ends with a NULL text. @return NULL: no memory */
struct ctl_table *ctl_table_of(const struct ctl_head *heads);
/** Add a column. Add all columns before the first cell. */
void ctl_table_column(struct ctl_table *t, const char *head, bool right);
/** Fill the next cell, row by row. */
void ctl_table_cell(struct ctl_table *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/** Fill the next cell with a number, or with "-" if it is not known. */
void ctl_table_cell_if(struct ctl_table *t, bool known, uint64_t value);
/** Print the table. @return false: incomplete, for lack of memory */
bool ctl_table_print(const struct ctl_table *t, FILE *out);
/** Print and destroy the table. @return 0, -ENOMEM */
int ctl_table_finish(struct ctl_table *t, FILE *out);
/** NULL is legal. */
void ctl_table_destroy(struct ctl_table *t);

#endif
