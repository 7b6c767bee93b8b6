/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

#define COLUMNS_MAX 24
/* A cell holds a name, a number or a short phrase. */
#define CELL_MAX 72

struct column {
	const char *head;
	bool right;
	int width;
};

struct ctl_table {
	struct column columns[COLUMNS_MAX];
	unsigned int column_count;
	char (*cells)[CELL_MAX];
	size_t count;
	size_t room;
	bool failed;
};

struct ctl_table *
ctl_table_create(void)
{
	return calloc(1, sizeof(struct ctl_table));
}

struct ctl_table *
ctl_table_of(const struct ctl_head *heads)
{
	struct ctl_table *t = ctl_table_create();

	for (; t != NULL && heads->text != NULL; heads++)
		ctl_table_column(t, heads->text, heads->right);
	return t;
}

void
ctl_table_column(struct ctl_table *t, const char *head, bool right)
{
	if (t->column_count == COLUMNS_MAX) {
		t->failed = true;
		return;
	}
	t->columns[t->column_count++] = (struct column){head, right, (int)strlen(head)};
}

static bool
make_room(struct ctl_table *t)
{
	size_t room = t->room != 0 ? t->room * 2 : 64;
	char(*cells)[CELL_MAX];

	if (t->count < t->room)
		return true;
	cells = realloc(t->cells, room * sizeof(*cells));
	if (cells == NULL) {
		t->failed = true;
		return false;
	}
	t->cells = cells;
	t->room = room;
	return true;
}

void
ctl_table_cell(struct ctl_table *t, const char *fmt, ...)
{
	struct column *c;
	va_list ap;
	int width;

	if (t->column_count == 0 || t->failed || !make_room(t))
		return;
	c = &t->columns[t->count % t->column_count];
	va_start(ap, fmt);
	vsnprintf(t->cells[t->count], CELL_MAX, fmt, ap);
	va_end(ap);
	width = (int)strlen(t->cells[t->count++]);
	if (width > c->width)
		c->width = width;
}

void
ctl_table_cell_if(struct ctl_table *t, bool known, uint64_t value)
{
	if (known)
		ctl_table_cell(t, "%" PRIu64, value);
	else
		ctl_table_cell(t, "-");
}

static void
print_cell(const struct ctl_table *t, unsigned int i, const char *text, FILE *out)
{
	const struct column *c = &t->columns[i];
	bool last = i + 1 == t->column_count;

	/* Leave no trailing spaces. */
	if (c->right)
		fprintf(out, "%*s", c->width, text);
	else if (last)
		fputs(text, out);
	else
		fprintf(out, "%-*s", c->width, text);
	fputs(last ? "\n" : "  ", out);
}

bool
ctl_table_print(const struct ctl_table *t, FILE *out)
{
	for (unsigned int i = 0; i < t->column_count; i++)
		print_cell(t, i, t->columns[i].head, out);
	for (size_t i = 0; i < t->count; i++)
		print_cell(t, (unsigned int)(i % t->column_count), t->cells[i], out);
	return !t->failed;
}

int
ctl_table_finish(struct ctl_table *t, FILE *out)
{
	bool complete = ctl_table_print(t, out);

	ctl_table_destroy(t);
	return complete ? 0 : -ENOMEM;
}

void
ctl_table_destroy(struct ctl_table *t)
{
	if (t == NULL)
		return;
	free(t->cells);
	free(t);
}
