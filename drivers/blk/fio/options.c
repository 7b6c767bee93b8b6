/* SPDX-License-Identifier: BSD-3-Clause */
#include "fio_config.h"

#include <fio.h>
#include <optgroup.h>

#include "options.h"

#define WORD(option, text)                                                       \
	{                                                                        \
		.name = #option, .lname = #option, .type = FIO_OPT_STR_STORE,    \
		.off1 = offsetof(struct fio_fido_options, option), .help = text, \
		.category = FIO_OPT_C_ENGINE, .group = FIO_OPT_G_INVALID         \
	}
#define SWITCH(option, preset, text)                                                            \
	{                                                                                       \
		.name = #option, .lname = #option, .type = FIO_OPT_BOOL,                        \
		.off1 = offsetof(struct fio_fido_options, option), .help = text, .def = preset, \
		.category = FIO_OPT_C_ENGINE, .group = FIO_OPT_G_INVALID                        \
	}

struct fio_option fio_fido_options[] = {
	WORD(group, "Group of domains: demo, host:demo (required)"),
	WORD(domain,
		"Name of this job in the group (default: fio-PID-JOB); numjobs>1 appends -0, ..."),
	WORD(backend, "Domain that serves the volume (default: disk)"),
	WORD(volume, "Volume (required)"),
	SWITCH(lend, "1", "1: reads lend the backend's memory; 0: copy them to fio's buffers"),
	SWITCH(arena, "1",
		"1: fio's buffers are in an arena that the backend reads; 0: copy writes"),
	SWITCH(touch, "0", "Access every byte: sum up each read in place, generate each write"),
	SWITCH(exclusive, "0", "Refuse to share the volume with other clients"),
	SWITCH(hugepages, "1", "Use huge pages for the arena, if available"),
	SWITCH(sleep, "0", "Sleep while no request completes, instead of polling"),
	SWITCH(counters, "0", "At the end of a job, print its queue's counters on standard error"),
	{
		.name = "connect_timeout",
		.lname = "connect_timeout",
		.type = FIO_OPT_INT,
		.off1 = offsetof(struct fio_fido_options, connect_timeout),
		.help = "Seconds to wait for the backend",
		.def = "5",
		.minval = 0,
		.maxval = 86400,
		.category = FIO_OPT_C_ENGINE,
		.group = FIO_OPT_G_INVALID,
	},
	{.name = NULL},
};
