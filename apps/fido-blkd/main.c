/* SPDX-License-Identifier: BSD-3-Clause */
/* fido-blkd: serve block volumes to the domains of a group. See doc/blk.md. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <fido/log.h>

#include "options.h"
#include "output.h"

#define EXIT_USAGE 2
/* For 64 clients with 32 queues each, and the files of volumes. */
#define FILES_WANTED 16384

static volatile sig_atomic_t stop;

static void
on_signal(int number)
{
	stop = number;
}

static void
catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* Exceeding the limit of file sizes is an error of that request only. */
	signal(SIGXFSZ, SIG_IGN);
}

/* Each client needs some descriptors. The usual limit only protects programs that use select(). */
static void
raise_limit_of_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= FILES_WANTED)
		return;
	limit.rlim_cur = limit.rlim_max < FILES_WANTED ? limit.rlim_max : FILES_WANTED;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int
serve(const struct blkd_options *opt)
{
	struct fido_domain *domain;
	struct blk_server *server;

	if (fido_domain_join(&domain, &opt->domain) != 0)
		return EXIT_FAILURE;
	if (blk_server_create(&server, domain, &opt->server) != 0) {
		fido_domain_leave(domain);
		return EXIT_FAILURE;
	}
	if (!opt->quiet) {
		printf("fido-blkd: %u volume%s in group %s as %s\n", opt->server.volume_count,
			opt->server.volume_count == 1 ? "" : "s", opt->domain.group,
			opt->domain.name);
		/* If stdout cannot be written to, serve nevertheless, and fail at exit. */
		app_output_flush();
	}
	blk_server_run(server, &stop);
	blk_server_destroy(server);
	fido_domain_leave(domain);
	return EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
	static struct blkd_options opt;
	int status;

	app_output_begin("fido-blkd");
	if (blkd_options_parse(&opt, argc, argv) != 0)
		return EXIT_USAGE;
	if (opt.help) {
		blkd_options_usage(stdout);
		return app_output_end() == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	catch_signals();
	raise_limit_of_files();
	status = serve(&opt);
	return app_output_end() == 0 ? status : EXIT_FAILURE;
}
