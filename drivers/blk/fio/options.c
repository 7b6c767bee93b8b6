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
		"This job's own name in the group (default: fio-PID-JOB); jobs of numjobs get -0, -1, ... behind it"),
	WORD(backend, "Domain that serves the volume (default: disk)"),
	WORD(volume, "Volume (required)"),
	SWITCH(lend, "1", "Reads lend the backend's memory, or are copied to fio's"),
	SWITCH(arena, "1",
		"fio's buffers are in an arena, where the backend reads what is written; or it is copied"),
	SWITCH(touch, "0",
		"Use every byte: add up what is read, where it is; make anew what is written"),
	SWITCH(exclusive, "0", "Nobody else may have the volume open"),
	SWITCH(hugepages, "1", "The arena has huge pages if there are any"),
	SWITCH(sleep, "0", "Sleep when nothing has come, instead of looking again at once"),
	SWITCH(counters, "0",
		"At the end, write on standard error what the volume's queue has counted"),
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
