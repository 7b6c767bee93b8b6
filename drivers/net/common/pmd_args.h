/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PMD_ARGS_H
#define PMD_ARGS_H

/** @file Device arguments: a table of keys, whose messages say what each takes. */

#include <stddef.h>

/** Keys of a driver, at most. */
#define PMD_ARGS_MAX 32

struct pmd_keyword {
	const char *key;
	/** Parse a value into the driver's arguments. @return 0, -EINVAL */
	int (*parse)(void *args, const char *value);
	const char *help; /**< what to give */
};

struct pmd_keywords {
	const struct pmd_keyword *table;
	size_t count;
	const char *driver; /**< begins each message */
	int logtype;
};

/**
 * Parse the arguments of a device.
 * @param args the driver's, with their defaults
 * @param name the device's name, for messages
 * @return 0, -EINVAL: one is wrong or unknown; a message has been logged
 */
int pmd_args_parse(const struct pmd_keywords *keywords, void *args, const char *name,
	const char *text);

#endif
