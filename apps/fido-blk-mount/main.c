/* SPDX-License-Identifier: BSD-3-Clause */
/* fido-blk-mount: a block volume as a file and a block device. See doc/blk.md. */
#include <stdio.h>
#include <stdlib.h>

#include <fido/log.h>

#include "options.h"
#include "output.h"
#include "service.h"

#define EXIT_USAGE 2

static void
on_message(enum fido_log_level level, const char *message)
{
	char line[FIDO_LOG_MAX + 32];
	size_t n;

	if (level > FIDO_LOG_WARNING)
		return;
	/* The message may contain text from another domain: print no control characters. */
	n = (size_t)snprintf(line, sizeof(line), "fido-blk-mount: %s", message);
	for (size_t i = 0; i < n && i < sizeof(line) - 1; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	/* One call: several threads write. */
	fprintf(stderr, "%s\n", line);
}

int
main(int argc, char **argv)
{
	static struct mount_options opt;
	int status;

	app_output_begin("fido-blk-mount");
	if (mount_options_parse(&opt, argc, argv) != 0)
		return EXIT_USAGE;
	if (opt.help) {
		mount_options_usage(stdout);
		return app_output_end() == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	fido_log_set(on_message);
	service_block_signals();
	status = service_run(&opt) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	return app_output_end() == 0 ? status : EXIT_FAILURE;
}
