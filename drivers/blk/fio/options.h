/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIO_OPTIONS_H
#define FIO_OPTIONS_H

/** @file The engine's own options of a job. Include it after fio's headers. */

/** fio fills it in. */
struct fio_fido_options {
	void *pad; /**< fio takes offset 0 for "no place" */
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

/** What fio is told of them. */
extern struct fio_option fio_fido_options[];

#endif
