/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CTL_OPTIONS_H
#define CTL_OPTIONS_H

/** @file The command line. */

#include <stdbool.h>

#include "rows.h"

enum ctl_command {
	CTL_LIST,
	CTL_LINKS,
	CTL_STATS,
	CTL_TOP,
	CTL_BLK,
	CTL_RECORD,
	CTL_CREATE,
	CTL_DESTROY,
	CTL_DOCTOR
};

struct ctl_options {
	enum ctl_command command;
	const char *group;  /**< doctor: may be NULL */
	const char *domain; /**< show only this one; NULL: all */
	bool json;
	enum ctl_sort sort;     /**< order of queues in top */
	bool sorted;            /**< --sort was given */
	bool rates;             /**< measure over `interval` */
	double interval;        /**< seconds */
	unsigned long count;    /**< rounds; 0: until a signal or key */
	const char *unix_group; /**< create: its users may join; NULL: no such group */
	unsigned int mode;      /**< create: mode of the folder; 0: default */
};

/**
 * Read the command line.
 * @return
 *   - 0: opt is set
 *   - 1: --help or --version has been printed
 *   - -EINVAL: wrong usage; a message has been printed
 */
int ctl_options_parse(struct ctl_options *opt, int argc, char **argv);

/** @return the command's name. */
const char *ctl_command_name(enum ctl_command command);

#endif
