/* SPDX-License-Identifier: BSD-3-Clause */
#include "view.h"

/* Set the sort order whose name begins with this key. @return false: none does */
static bool
sort_key(struct ctl_view *v, int key)
{
	for (unsigned int i = 0; i < CTL_SORTS; i++)
		if (ctl_sort_name((enum ctl_sort)i)[0] == key) {
			v->sort = (enum ctl_sort)i;
			return true;
		}
	return false;
}

static void
scroll(struct ctl_view *v, int key, size_t rows, size_t page)
{
	size_t last = rows > page ? rows - page : 0;
	size_t step = key == CTL_KEY_UP || key == CTL_KEY_DOWN ? 1 : page;

	/* Queues may have disappeared. */
	if (v->first > last)
		v->first = last;
	if (key == CTL_KEY_UP || key == CTL_KEY_PAGE_UP)
		v->first -= v->first < step ? v->first : step;
	else if (key == CTL_KEY_HOME)
		v->first = 0;
	else if (key == CTL_KEY_END)
		v->first = last;
	else
		v->first = last - v->first < step ? last : v->first + step;
}

bool
ctl_view_key(struct ctl_view *v, int key, size_t rows, size_t page)
{
	switch (key) {
	case 'r':
		v->reverse = !v->reverse;
		return true;
	case ' ':
		v->held = !v->held;
		return true;
	case CTL_KEY_UP:
	case CTL_KEY_DOWN:
	case CTL_KEY_PAGE_UP:
	case CTL_KEY_PAGE_DOWN:
	case CTL_KEY_HOME:
	case CTL_KEY_END:
		scroll(v, key, rows, page);
		return true;
	default:
		return sort_key(v, key);
	}
}

void
ctl_view_foot(const struct ctl_view *v, FILE *out)
{
	fprintf(out, "q: quit  by %s%s (", ctl_sort_name(v->sort), v->reverse ? ", reversed" : "");
	for (unsigned int i = 0; i < CTL_SORTS; i++)
		fputc(ctl_sort_name((enum ctl_sort)i)[0], out);
	fprintf(out, "; r: reverse)  space: %s", v->held ? "go on" : "hold");
	if (v->first != 0)
		fprintf(out, "  %zu above", v->first);
}
