/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "csv.h"
#include "json.h"
#include "output.h"
#include "screen.h"
#include "snapshot.h"
#include "text.h"
#include "top.h"
#include "view.h"
#include "volume_json.h"
#include "volume_text.h"

/*
 * Control blocks stay mapped between rounds, so that a round costs the domains nothing. Query the
 * group again only if:
 * - Its members or their mappings changed: query in the next LOOKS rounds. A domain that joins is
 *   mapped by the others before it answers queries itself.
 * - A domain did not answer: query after SILENT_ROUNDS rounds, then after twice as many, and so on.
 *   Each query leaves a connection in the domain's listen queue until it runs again, and that queue
 *   is short.
 * - The group is empty: query each round.
 */
#define LOOKS 3
#define SILENT_ROUNDS 10

struct top {
	const struct ctl_options *opt;
	struct fido_observer *observer;
	struct ctl_screen *screen;
	struct ctl_snapshot *before;
	struct ctl_snapshot *now;
	struct ctl_view view;
	size_t rows; /* number of queues in the last round */
	uint64_t members;
	unsigned int looks;     /* rounds left in which to query */
	unsigned long silent;   /* rounds since the last query of a silent domain */
	unsigned long patience; /* rounds from one such query to the next */
};

static int
snapshot(struct top *t)
{
	struct ctl_snapshot *s;
	int ret = ctl_snapshot_take(&s, t->observer);

	if (ret != 0)
		return ret;
	ctl_snapshot_destroy(t->before);
	t->before = t->now;
	t->now = s;
	return 0;
}

static bool
any_silent(const struct ctl_snapshot *s)
{
	for (unsigned int i = 0; i < s->domain_count; i++)
		if (s->domains[i].state == CTL_SILENT)
			return true;
	return false;
}

static bool
must_ask(struct top *t)
{
	uint64_t members = ctl_snapshot_members(t->now);

	if (members != t->members) {
		t->members = members;
		t->looks = LOOKS;
		t->patience = SILENT_ROUNDS;
		t->silent = 0;
	}
	if (t->now->domain_count == 0)
		return true;
	if (t->looks > 0) {
		t->looks--;
		return true;
	}
	if (!any_silent(t->now) || ++t->silent < t->patience)
		return false;
	t->silent = 0;
	t->patience *= 2;
	return true;
}

static int
print(struct top *t, FILE *out)
{
	const struct ctl_options *opt = t->opt;

	if (opt->command == CTL_RECORD)
		return ctl_csv_queues(out, t->before, t->now, opt);
	if (opt->command == CTL_BLK)
		return opt->json ? ctl_json_volumes(out, t->before, t->now, opt, opt->count != 1)
				 : ctl_text_volumes(out, t->before, t->now, opt);
	if (opt->json)
		return ctl_json_queues(out, t->before, t->now, opt, opt->count != 1);
	return opt->command == CTL_TOP
		? ctl_text_top(out, t->before, t->now, opt, &t->view, &t->rows)
		: ctl_text_stats(out, t->before, t->now, opt);
}

/* @return NULL: no memory */
static char *
make_foot(const struct top *t)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	ctl_view_foot(&t->view, out);
	fclose(out);
	return text;
}

static int
show(struct top *t, bool first)
{
	char *text = NULL, *foot = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	int ret;

	if (out == NULL)
		return -errno;
	if (t->opt->command == CTL_RECORD && first)
		ctl_csv_head(out);
	else if (t->opt->command != CTL_RECORD && !first && !t->opt->json &&
		!ctl_screen_is_tty(t->screen))
		fputc('\n', out);
	ret = print(t, out);
	if (fclose(out) != 0 && ret == 0)
		ret = -errno;
	if (ret == 0 && ctl_screen_is_tty(t->screen))
		foot = make_foot(t);
	if (ret == 0)
		ctl_screen_show(t->screen, text, foot);
	free(text);
	free(foot);
	return ret == 0 ? app_output_flush() : ret;
}

/* Wait, and redraw as the keys demand. @return false: stop, with *ret != 0 after an error */
static bool
wait_until(struct top *t, uint64_t until_ns, int *ret)
{
	for (;;) {
		/* Two rows hold the line of the group and the column headings. */
		size_t rows = ctl_screen_rows(t->screen), page = rows > 2 ? rows - 2 : 1;
		int key;

		switch (ctl_screen_wait(t->screen, until_ns, &key)) {
		case CTL_WAKE_TIME:
			return true;
		case CTL_WAKE_END:
			return false;
		case CTL_WAKE_KEY:
			if (!ctl_view_key(&t->view, key, t->rows, page))
				continue;
			break;
		case CTL_WAKE_SIZE:
			break;
		}
		*ret = show(t, true);
		if (*ret != 0)
			return false;
	}
}

static int
rounds(struct top *t)
{
	uint64_t interval = (uint64_t)(t->opt->interval * 1e9);
	uint64_t next = ctl_screen_now_ns();
	unsigned long count = t->opt->count;
	int ret = 0;

	/* On a terminal, draw before the first round ends. */
	if (ctl_screen_is_tty(t->screen))
		ret = show(t, true);
	for (unsigned long round = 0; ret == 0 && (count == 0 || round < count); round++) {
		next += interval;
		/* An interrupted count is incomplete: fail. Without a count, stopping is normal. */
		if (!wait_until(t, next, &ret))
			return ret != 0 || t->opt->count == 0 ? ret : -EINTR;
		if (t->view.held)
			continue;
		if (must_ask(t))
			ret = fido_observer_refresh(t->observer);
		if (ret == 0)
			ret = snapshot(t);
		if (ret == 0)
			ret = show(t, round == 0);
		/* A query can take long: restart the interval, do not catch up. */
		if (ctl_screen_now_ns() > next + interval)
			next = ctl_screen_now_ns();
	}
	return ret;
}

int
ctl_top_run(const struct ctl_options *opt, struct fido_observer *observer)
{
	struct top t = {.opt = opt,
		.observer = observer,
		.patience = SILENT_ROUNDS,
		.view.sort = opt->sort};
	int ret = snapshot(&t);

	if (ret != 0)
		goto out;
	t.members = ctl_snapshot_members(t.now);
	t.screen = ctl_screen_open(opt->json || opt->command != CTL_TOP);
	if (t.screen == NULL) {
		ret = -ENOMEM;
		goto out;
	}
	ret = rounds(&t);
	ctl_screen_close(t.screen);
out:
	ctl_snapshot_destroy(t.before);
	ctl_snapshot_destroy(t.now);
	return ret;
}
