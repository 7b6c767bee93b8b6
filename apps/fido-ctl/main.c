/* SPDX-License-Identifier: BSD-3-Clause */
/* fido-ctl: show a group of domains. See doc/fido-ctl.md. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fido/group.h>
#include <fido/log.h>
#include <fido/observer.h>

#include "doctor/doctor.h"
#include "json.h"
#include "options.h"
#include "output.h"
#include "snapshot.h"
#include "text.h"
#include "top.h"
#include "volume_json.h"
#include "volume_text.h"

#define EXIT_USAGE 2

static bool said_why;

/* Print a message of libfido. It can contain text of other processes: filter it. */
static void
on_message(enum fido_log_level level, const char *message)
{
	if (level > FIDO_LOG_WARNING)
		return;
	said_why |= level == FIDO_LOG_ERROR;
	fputs("fido-ctl: ", stderr);
	for (; *message != '\0'; message++)
		fputc(*message >= ' ' && *message <= '~' ? *message : '?', stderr);
	fputc('\n', stderr);
}

/* Print why the group cannot be read, unless libfido did, and what to do. */
static void
explain(const struct ctl_options *opt, int err)
{
	if (!said_why)
		fprintf(stderr, "fido-ctl: group %s: cannot read it: %s\n", opt->group,
			strerror(-err));
	if (err == -EACCES || err == -EPERM)
		fprintf(stderr,
			"fido-ctl: run it as the user that runs the domains, or as root with their "
			"FIDO_RUNDIR; or create the group for a Unix group of this user: fido-ctl "
			"create GROUP --gid NAME\n");
	else if (err == -ENOENT)
		fprintf(stderr,
			"fido-ctl: each user has separate groups: run it as the user that runs the "
			"domains, and with the same FIDO_RUNDIR\n");
}

/*
 * Check that the group has a domain, and the one that --domain names.
 * @return 0, -ENOENT (message written)
 */
static int
check_members(const struct ctl_options *opt, const struct ctl_snapshot *s)
{
	if (s->domain_count == 0) {
		fprintf(stderr,
			"fido-ctl: group %s: nobody is in it: start a domain, or restart the "
			"dead ones\n",
			opt->group);
		return -ENOENT;
	}
	if (opt->domain == NULL || ctl_snapshot_find(s, opt->domain) != NULL)
		return 0;
	fprintf(stderr, "fido-ctl: group %s: there is no domain %s; there are:", opt->group,
		opt->domain);
	for (unsigned int i = 0; i < s->domain_count; i++)
		fprintf(stderr, " %s", s->domains[i].name);
	fputc('\n', stderr);
	return -ENOENT;
}

static int
show_once(const struct ctl_options *opt, const struct ctl_snapshot *s)
{
	switch (opt->command) {
	case CTL_LIST:
		return opt->json ? ctl_json_list(stdout, s, opt) : ctl_text_list(stdout, s, opt);
	case CTL_LINKS:
		return opt->json ? ctl_json_links(stdout, s, opt) : ctl_text_links(stdout, s, opt);
	case CTL_BLK:
		return opt->json ? ctl_json_volumes(stdout, NULL, s, opt, false)
				 : ctl_text_volumes(stdout, NULL, s, opt);
	default:
		return opt->json ? ctl_json_queues(stdout, NULL, s, opt, false)
				 : ctl_text_stats(stdout, NULL, s, opt);
	}
}

static int
run(const struct ctl_options *opt, struct fido_observer *observer)
{
	struct ctl_snapshot *s;
	int ret = ctl_snapshot_take(&s, observer);

	if (ret == 0) {
		ret = check_members(opt, s);
		if (ret == -ENOENT)
			said_why = true;
		else if (!opt->rates)
			ret = show_once(opt, s);
		ctl_snapshot_destroy(s);
	}
	if (ret == 0 && opt->rates)
		ret = ctl_top_run(opt, observer);
	if (ret != 0 && !said_why && app_output_flush() == 0)
		fprintf(stderr, "fido-ctl: group %s: %s\n", opt->group, strerror(-ret));
	return ret;
}

static int
change_group(const struct ctl_options *opt)
{
	const struct fido_group_config config = {.unix_group = opt->unix_group,
		.mode = (mode_t)opt->mode};
	int ret = opt->command == CTL_CREATE ? fido_group_create(opt->group, &config)
					     : fido_group_destroy(opt->group);

	if (ret != 0 && !said_why)
		fprintf(stderr, "fido-ctl: group %s: %s\n", opt->group, strerror(-ret));
	return ret;
}

int
main(int argc, char **argv)
{
	struct fido_observer *observer;
	struct ctl_options opt;
	int ret;

	app_output_begin("fido-ctl");
	ret = ctl_options_parse(&opt, argc, argv);
	if (ret < 0)
		return EXIT_USAGE;
	if (ret > 0)
		return app_output_end() == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	if (opt.command == CTL_DOCTOR) {
		ret = doctor_run(opt.group, opt.json);
		return app_output_end() == 0 && ret == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	fido_log_set(on_message);
	if (opt.command == CTL_CREATE || opt.command == CTL_DESTROY)
		return change_group(&opt) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	ret = fido_observer_open(&observer, opt.group);
	if (ret != 0) {
		explain(&opt, ret);
		return EXIT_FAILURE;
	}
	ret = run(&opt, observer);
	fido_observer_close(observer);
	return app_output_end() == 0 && ret == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
