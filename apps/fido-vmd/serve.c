/* SPDX-License-Identifier: BSD-3-Clause */
#include "serve.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fido/log.h>

#include "notify.h"
#include "output.h"
#include "served.h"

/* How often to look, while there is something to be tried again. */
#define TICK_MS 500

struct serve {
	struct source signals;
	struct source folder; /* inotify: groups that come and go */
	int loop;
	bool all; /* groups that come are served */
	bool stop;
	struct served *first;
	struct served *gone; /* removed in this turn, which may still call them */
};

/* ---- groups ---- */

static struct served **
find(struct serve *s, const char *group)
{
	struct served **at = &s->first;

	while (*at != NULL && strcmp((*at)->group.name, group) != 0)
		at = &(*at)->next;
	return at;
}

static int
add(void *arg, const char *group)
{
	struct serve *s = arg;
	struct served **at = find(s, group);

	return *at != NULL ? 0 : served_create(at, group, s->loop);
}

/* One that cannot be served is no reason not to serve the others. */
static int
try_to_add(void *arg, const char *group)
{
	add(arg, group);
	return 0;
}

static void
remove_group(struct serve *s, const char *group)
{
	struct served **at = find(s, group), *gone = *at;

	if (gone == NULL)
		return;
	*at = gone->next;
	gone->next = s->gone;
	s->gone = gone;
	fido_log(FIDO_LOG_INFO, "group %s: removed", group);
}

static void
on_folder(struct source *source, uint32_t events)
{
	struct serve *s = (struct serve *)((char *)source - offsetof(struct serve, folder));
	char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n = read(source->fd, buffer, sizeof(buffer));

	(void)events;
	for (char *p = buffer; p < buffer + n;) {
		const struct inotify_event *e = (const struct inotify_event *)p;
		const char *group = e->len > 0 ? vmd_folder_group(e->name) : NULL;

		if (group != NULL && (e->mask & (IN_MOVED_FROM | IN_DELETE)))
			remove_group(s, group);
		if (group != NULL && (e->mask & IN_MOVED_TO) && s->all)
			try_to_add(s, group);
		p += sizeof(*e) + e->len;
	}
}

static int
watch_folder(struct serve *s)
{
	char run[VMD_PATH_MAX];
	int ret = vmd_folder_run(run), fd;

	if (ret != 0)
		return ret;
	/* It must be there to be watched. */
	mkdir(run, 0755);
	fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (fd < 0 ||
		inotify_add_watch(fd, run, IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR) <
			0) {
		ret = -errno;
		fido_log(FIDO_LOG_ERROR, "cannot watch folder %s: %s", run, strerror(-ret));
		if (fd >= 0)
			close(fd);
		return ret;
	}
	s->folder.ready = on_folder;
	return source_open(&s->folder, s->loop, fd, EPOLLIN);
}

/* ---- signals ---- */

static sigset_t
ending_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	return set;
}

void
vmd_serve_block_signals(void)
{
	sigset_t set = ending_signals();

	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void
on_signal(struct source *source, uint32_t events)
{
	struct serve *s = (struct serve *)source;
	struct signalfd_siginfo info;

	(void)events;
	if (read(source->fd, &info, sizeof(info)) > 0)
		s->stop = true;
}

static int
watch_signals(struct serve *s)
{
	sigset_t set = ending_signals();
	int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);

	s->signals.ready = on_signal;
	return fd < 0 ? -errno : source_open(&s->signals, s->loop, fd, EPOLLIN);
}

/* ---- the whole ---- */

static int
begin(struct serve *s, char *const *groups, int count)
{
	int ret = s->loop < 0 ? s->loop : watch_signals(s);

	if (ret == 0)
		ret = watch_folder(s);
	s->all = count == 0;
	if (ret == 0 && s->all)
		ret = vmd_folder_each(try_to_add, s);
	for (int i = 0; i < count && ret == 0; i++)
		ret = add(s, groups[i]);
	return ret;
}

static void
destroy_all(struct served **list)
{
	while (*list != NULL) {
		struct served *g = *list;

		*list = g->next;
		served_destroy(g);
	}
}

static void
turns(struct serve *s)
{
	int timeout = 0;

	while (!s->stop) {
		loop_turn(s->loop, timeout);
		destroy_all(&s->gone);
		timeout = -1;
		for (struct served *g = s->first; g != NULL; g = g->next) {
			if (served_tick(g))
				timeout = TICK_MS;
			served_flush(g);
		}
	}
}

static void
end(struct serve *s)
{
	destroy_all(&s->first);
	destroy_all(&s->gone);
	source_close(&s->folder);
	source_close(&s->signals);
	if (s->loop >= 0)
		close(s->loop);
}

int
vmd_serve(char *const *groups, int count)
{
	struct serve s = {.signals = {.fd = -1}, .folder = {.fd = -1}, .loop = loop_create()};
	int ret = begin(&s, groups, count);

	if (ret == 0) {
		printf("fido-vmd: serving\n");
		/* If stdout cannot be written to, serve nevertheless, and fail at exit. */
		app_output_flush();
		app_notify("READY=1");
		turns(&s);
		app_notify("STOPPING=1");
	}
	end(&s);
	return ret;
}
