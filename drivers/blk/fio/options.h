/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIO_OPTIONS_H
#define FIO_OPTIONS_H

/** @file The engine's options of a job. Include this after fio's headers. */

/** fio fills this in. */
struct fio_fido_options {
	void *pad; /**< fio takes an off1 of 0 for "not set" */
	char *group;
	char *domain;
	char *backend;
	char *volume;
	unsigned int lend;
	unsigned int arena;
	unsigned int touch;
	unsigned int exclusive;
	unsigned int hugepages;
	unsigned int sleep;
	unsigned int counters;
	unsigned int connect_timeout; /**< seconds */
};

/** The table of these options, for fio. */
extern struct fio_option fio_fido_options[];

#endif
