/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CTL_WRITER_H
#define CTL_WRITER_H

/**
 * @file
 * A JSON object under construction. cJSON accepts NULL for an object that it could not
 * allocate, so it is enough to record that some allocation failed.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <cjson/cJSON.h>

#include "options.h"
#include "snapshot.h"

struct ctl_writer {
	bool failed;
};

/** Create the root object, with command and group. */
cJSON *ctl_writer_begin(struct ctl_writer *w, const struct ctl_options *opt);
/** Add the length of the measurement; null if `before` is NULL. */
void ctl_writer_interval(struct ctl_writer *w, cJSON *root, const struct ctl_snapshot *before,
	const struct ctl_snapshot *now);
/** Add names and states of all queried domains. */
void ctl_writer_states(struct ctl_writer *w, cJSON *root, const struct ctl_snapshot *s);
/** Print and delete the object. @return 0, -ENOMEM */
int ctl_writer_finish(struct ctl_writer *w, cJSON *root, FILE *out, bool one_line);

/** Record a failure if item is NULL. @return item */
cJSON *ctl_writer_keep(struct ctl_writer *w, cJSON *item);
/** Append an object to an array. @return it */
cJSON *ctl_writer_object(struct ctl_writer *w, cJSON *array);
/** Add an exact integer. */
void ctl_writer_u64(struct ctl_writer *w, cJSON *o, const char *key, uint64_t value);
/** Add an exact integer, or null if it is not known. */
void ctl_writer_u64_if(struct ctl_writer *w, cJSON *o, const char *key, bool known, uint64_t value);
/** Add a number with three decimals. */
void ctl_writer_double(struct ctl_writer *w, cJSON *o, const char *key, double value);
/** Add an identifier as a string, or null if it is not known. */
void ctl_writer_id(struct ctl_writer *w, cJSON *o, const char *key, bool known, uint64_t value);
/** Add an address as a string. */
void ctl_writer_gaddr(struct ctl_writer *w, cJSON *o, const char *key, uint64_t value);
void ctl_writer_string(struct ctl_writer *w, cJSON *o, const char *key, const char *value);
/** @return the state as one word. */
const char *ctl_writer_state(enum ctl_state state);

#endif
