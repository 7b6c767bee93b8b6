/* SPDX-License-Identifier: BSD-3-Clause */
#include "service.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <fido/blk.h>
#include <fido/log.h>

#include "loop.h"
#include "mountpoint.h"
#include "notify.h"
#include "output.h"
#include "session.h"

/* How often to try to unmount what is in use. */
#define RETRY_MS 100
/* Who uses it is reported after so many: a loop device needs a moment to be cleared. */
#define REPORT_TRY 10
#define USERS_TEXT 400

struct service {
	const struct mount_options *opt;
	struct mountpoint mountpoint;
	struct fido_domain *domain;
	struct image image;
	struct session session;
	struct loop loop;
	int signal_fd;
};

/* ---- signals ---- */

static sigset_t
ending_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	return set;
}

void
service_block_signals(void)
{
	sigset_t set = ending_signals();

	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static volatile sig_atomic_t signalled;

static void
on_signal(int number)
{
	signalled = 1;
}

/* From now on a signal sets `signalled`. */
static void
catch_signals(void)
{
	const struct sigaction action = {.sa_handler = on_signal};
	sigset_t set = ending_signals();

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

enum event {
	EVENT_NONE,
	EVENT_SIGNAL,
	EVENT_ENDED, /* the file system is unmounted */
};

static enum event
wait_for_event(const struct service *s, int timeout_ms)
{
	struct pollfd fds[2] = {{.fd = s->session.end_fd, .events = POLLIN},
		{.fd = s->signal_fd, .events = POLLIN}};
	struct signalfd_siginfo info;

	if (poll(fds, 2, timeout_ms) <= 0)
		return EVENT_NONE;
	if (fds[0].revents != 0)
		return EVENT_ENDED;
	if (fds[1].revents != 0 && read(s->signal_fd, &info, sizeof(info)) > 0)
		return EVENT_SIGNAL;
	return EVENT_NONE;
}

/* ---- start ---- */

static int
join(struct service *s)
{
	struct fido_domain_config config = s->opt->domain;
	char name[FIDO_NAME_MAX];
	int ret;

	snprintf(name, sizeof(name), "mount-%d", (int)getpid());
	if (config.name == NULL)
		config.name = name;
	ret = fido_domain_join(&s->domain, &config);
	if (ret == -EEXIST)
		fido_log(FIDO_LOG_ERROR, "give another --domain than %s", config.name);
	return ret;
}

static int
open_image(struct service *s)
{
	const struct fido_blk_info *info;
	int ret = image_open(&s->image, s->domain, &s->opt->image);

	if (ret == -ETIMEDOUT)
		fido_log(FIDO_LOG_ERROR, "to wait longer for the backend, give --timeout");
	else if (ret == -EBUSY)
		fido_log(FIDO_LOG_ERROR, "end the other client, or leave --exclusive out in both");
	if (ret != 0)
		return ret;
	info = s->image.info;
	if (info->max_transfer >= 4096)
		return 0;
	fido_log(FIDO_LOG_ERROR,
		"volume %s accepts at most %u bytes at a time, and the kernel's pages have 4096",
		s->opt->image.volume, info->max_transfer);
	image_close(&s->image);
	return -EINVAL;
}

static int
create_session(struct service *s)
{
	const struct session_config config = {.domain = s->domain,
		.image = &s->image,
		.group = s->opt->domain.group,
		.mountpoint = s->mountpoint.path,
		.queues = s->opt->image.queues,
		.depth = s->opt->image.depth,
		.buffers = s->opt->buffers,
		.spin_us = s->opt->spin_us};

	return session_create(&s->session, &config);
}

static int
attach_loop(struct service *s)
{
	uint32_t block = s->image.info->block_size;
	uint32_t sector = s->opt->sector_size != 0 ? s->opt->sector_size : block;

	if (!s->opt->loop)
		return 0;
	if (sector < block) {
		fido_log(FIDO_LOG_ERROR,
			"no loop device for %s: its sectors would have %u bytes, and the volume's "
			"blocks have %u: give --sector-size %u, or leave it out",
			s->mountpoint.file, sector, block, block);
		return -EINVAL;
	}
	return loop_attach(&s->loop, s->mountpoint.file, sector, s->image.read_only);
}

/* ---- end ---- */

static void
report_counters(const struct service *s)
{
	for (unsigned int i = 0; i < s->session.lane_count; i++) {
		const struct lane *lane = &s->session.lanes[i];
		struct fido_blk_stats stats;

		fido_blk_queue_stats(lane->queue, &stats);
		fprintf(stderr,
			"fido-blk-mount: volume %s queue %u: reads %llu writes %llu flushes %llu "
			"discards %llu zeroes %llu lent %llu copied_reads %llu copied_writes %llu "
			"edges %llu errors %llu resent %llu sessions %llu sleeps %llu late %llu\n",
			s->image.name, i, (unsigned long long)stats.requests[FIDO_BLK_READ],
			(unsigned long long)stats.requests[FIDO_BLK_WRITE],
			(unsigned long long)stats.requests[FIDO_BLK_FLUSH],
			(unsigned long long)stats.requests[FIDO_BLK_DISCARD],
			(unsigned long long)stats.requests[FIDO_BLK_WRITE_ZEROES],
			(unsigned long long)stats.lent, (unsigned long long)stats.copied_reads,
			(unsigned long long)stats.copied_writes, (unsigned long long)lane->edges,
			(unsigned long long)lane->errors, (unsigned long long)stats.resent,
			(unsigned long long)stats.sessions, (unsigned long long)lane->sleeps,
			(unsigned long long)lane->late);
	}
}

static void
report_busy(const struct service *s)
{
	char users[USERS_TEXT];

	mountpoint_users(&s->mountpoint, users, sizeof(users));
	fido_log(FIDO_LOG_WARNING,
		"%s is in use%s%s: serving it until it is not; another signal unmounts it lazily",
		s->mountpoint.path, users[0] != '\0' ? " by " : "", users);
}

/* Try until it is in use no more, or until a signal. @return true: unmount it lazily */
static bool
unmount_when_unused(struct service *s)
{
	for (unsigned int tries = 0;; tries++) {
		int ret = mountpoint_unmount(&s->mountpoint, false);

		if (ret != 0 && ret != -EBUSY)
			fido_log(FIDO_LOG_ERROR,
				"cannot unmount %s: %s: serving it; unmount it by umount or "
				"fusermount3 -u",
				s->mountpoint.path, strerror(-ret));
		if (ret != -EBUSY)
			return false;
		if (tries == REPORT_TRY)
			report_busy(s);
		switch (wait_for_event(s, RETRY_MS)) {
		case EVENT_SIGNAL:
			return true;
		case EVENT_ENDED:
			return false;
		default:
			break;
		}
	}
}

/* Unmount while the lanes still answer: closing a loop device, or a file, may write to it. */
static void
unmount(struct service *s)
{
	if (unmount_when_unused(s))
		mountpoint_unmount(&s->mountpoint, true);
	while (wait_for_event(s, -1) != EVENT_ENDED)
		;
}

static int
flush(struct service *s)
{
	int ret;

	catch_signals();
	ret = image_flush(&s->image, &signalled);
	if (ret == -EINTR)
		fido_log(FIDO_LOG_WARNING,
			"volume %s: ended by a signal before its last flush was answered",
			s->image.name);
	else if (ret != 0)
		fido_log(FIDO_LOG_ERROR, "volume %s: cannot flush: %s", s->image.name,
			strerror(-ret));
	return ret;
}

/* ---- the whole ---- */

static int
serve(struct service *s)
{
	int ret = session_start(&s->session), ended;

	if (ret == 0)
		ret = attach_loop(s);
	if (ret == 0) {
		printf("%s\n", s->opt->loop ? s->loop.device : s->mountpoint.file);
		/* If stdout cannot be written to, serve nevertheless, and fail at exit. */
		app_output_flush();
		app_notify("READY=1");
		while (wait_for_event(s, -1) == EVENT_NONE)
			;
		app_notify("STOPPING=1");
	}
	loop_detach(&s->loop);
	if (s->session.started == 0)
		return ret;
	unmount(s);
	session_join(&s->session);
	ended = flush(s);
	return ret != 0 ? ret : ended;
}

static int
run_in_group(struct service *s)
{
	int ret = open_image(s);

	if (ret != 0)
		return ret;
	ret = create_session(s);
	if (ret == 0) {
		ret = serve(s);
		if (s->opt->counters)
			report_counters(s);
		session_destroy(&s->session);
	}
	image_close(&s->image);
	return ret;
}

int
service_run(const struct mount_options *opt)
{
	struct service s = {.opt = opt, .loop = {.fd = -1}};
	sigset_t set = ending_signals();
	int ret = mountpoint_check_fuse();

	if (ret == 0)
		ret = mountpoint_prepare(&s.mountpoint, opt->mountpoint, opt->image.volume);
	if (ret != 0)
		return ret;
	s.signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s.signal_fd < 0)
		return -errno;
	ret = opt->loop ? loop_fork(&s.loop) : 0;
	if (ret == 0)
		ret = join(&s);
	if (ret == 0) {
		ret = run_in_group(&s);
		fido_domain_leave(s.domain);
	}
	loop_detach(&s.loop);
	loop_join(&s.loop);
	close(s.signal_fd);
	return ret;
}
