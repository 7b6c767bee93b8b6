/* SPDX-License-Identifier: BSD-3-Clause */
/* fido-vmd: groups of virtual machines on KVM/QEMU. See fido-vmd.8. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <fido/log.h>

#include "bell_holder.h"
#include "create.h"
#include "list.h"
#include "memory.h"
#include "options.h"
#include "output.h"
#include "plug.h"
#include "serve.h"

#define EXIT_USAGE 2

static enum fido_log_level shown = FIDO_LOG_WARNING;

static void
on_message(enum fido_log_level level, const char *message)
{
	char line[FIDO_LOG_MAX + 32];
	size_t n;

	if (level > shown)
		return;
	/* The message may contain text from a member: print no control characters. */
	n = (size_t)snprintf(line, sizeof(line), "fido-vmd: %s", message);
	for (size_t i = 0; i < n && i < sizeof(line) - 1; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	fprintf(stderr, "%s\n", line);
}

/* A machine that is about to start reads the headers; so does one that gets its devices now. */
static int
prepare_machine(const struct vmd_options *opt, struct args *args)
{
	static struct vmd_group g;
	int ret = vmd_group_load(&g, opt->groups[0]);

	if (ret != 0)
		return ret;
	*args = (struct args){.group = &g,
		.memory = opt->memory_size,
		.device = opt->device,
		.bus = opt->bus,
		.vm = vmd_group_find(&g, opt->vm)};
	if (args->vm == g.vm_count || args->vm == VMD_HOST_INDEX) {
		fido_log(FIDO_LOG_ERROR,
			"group %s: it has no virtual machine '%s': fido-vmd list shows which it "
			"has",
			g.name, opt->vm);
		return -ENOENT;
	}
	return vmd_memory_repair(&g, NULL);
}

static int
print_args(const struct vmd_options *opt)
{
	struct args args;
	int ret = prepare_machine(opt, &args);

	return ret != 0 ? ret : args_print(stdout, &args, opt->format);
}

static int
plug(const struct vmd_options *opt)
{
	struct args args;
	int ret = prepare_machine(opt, &args);

	return ret != 0 ? ret : vmd_plug(&args, opt->qmp);
}

static int
run(struct vmd_options *opt)
{
	switch (opt->command) {
	case VMD_CREATE:
		return vmd_create(&opt->create);
	case VMD_DESTROY:
		return vmd_destroy(opt->groups[0], opt->force);
	case VMD_ARGS:
		return print_args(opt);
	case VMD_PLUG:
		return plug(opt);
	case VMD_BELLS:
		return vmd_bells_hold(opt->groups[0]);
	case VMD_LIST:
		return vmd_list(stdout, opt->groups, opt->group_count, opt->json);
	default:
		if (!opt->quiet)
			shown = FIDO_LOG_INFO;
		vmd_serve_block_signals();
		return vmd_serve(opt->groups, opt->group_count);
	}
}

int
main(int argc, char **argv)
{
	static struct vmd_options opt;
	int ret;

	app_output_begin("fido-vmd");
	fido_log_set(on_message);
	ret = vmd_options_parse(&opt, argc, argv);
	if (ret < 0)
		return EXIT_USAGE;
	if (ret == 0)
		ret = run(&opt);
	return app_output_end() == 0 && ret >= 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
