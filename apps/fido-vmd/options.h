/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_VMD_OPTIONS_H
#define FIDO_VMD_OPTIONS_H

/** @file Command line of fido-vmd. */

#include <stdbool.h>
#include <stdint.h>

#include "args.h"
#include "group.h"

enum vmd_command {
	VMD_CREATE,
	VMD_DESTROY,
	VMD_SERVE,
	VMD_ARGS,
	VMD_LIST,
	VMD_PLUG,
	VMD_BELLS,
};

struct vmd_options {
	enum vmd_command command;
	char **groups; /**< operands; into argv */
	int group_count;
	struct vmd_group create; /**< what to create */
	const char *vm;
	enum args_format format;
	enum args_device device;
	uint64_t memory_size; /**< args: bytes of the machine's own memory; 0: not given */
	const char *qmp;      /**< plug: QEMU's socket */
	const char *bus;      /**< plug, args: PCI bus for the ports' device; NULL: QEMU's choice */
	bool force;
	bool json;
	bool quiet;
};

/**
 * Parse the command line; strings point into argv.
 * @return 0, 1: help or the version was printed, -EINVAL after a message on stderr
 */
int vmd_options_parse(struct vmd_options *opt, int argc, char **argv);

#endif
