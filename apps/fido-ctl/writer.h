/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CTL_WRITER_H
#define CTL_WRITER_H

/**
 * @file
 * A JSON object that is being made. cJSON's functions take NULL for an object that there was no memory for, so it is
 * enough to remember that one of them failed.
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

/** Begin an object: command and group. */
cJSON *ctl_writer_begin(struct ctl_writer *w, const struct ctl_options *opt);
/** Add how long was measured; null when `before` is NULL. */
void ctl_writer_interval(struct ctl_writer *w, cJSON *root, const struct ctl_snapshot *before,
	const struct ctl_snapshot *now);
/** Add who was asked, whatever is listed of them. */
void ctl_writer_states(struct ctl_writer *w, cJSON *root, const struct ctl_snapshot *s);
/** Print and delete. @return 0, -ENOMEM */
int ctl_writer_finish(struct ctl_writer *w, cJSON *root, FILE *out, bool one_line);

/** Remember whether there was memory for it. @return item */
cJSON *ctl_writer_keep(struct ctl_writer *w, cJSON *item);
/** A new object at an array's end. */
cJSON *ctl_writer_object(struct ctl_writer *w, cJSON *array);
/** An amount, exactly. */
void ctl_writer_u64(struct ctl_writer *w, cJSON *o, const char *key, uint64_t value);
/** The same, or null. */
void ctl_writer_u64_if(struct ctl_writer *w, cJSON *o, const char *key, bool known, uint64_t value);
/** A number with three decimals. */
void ctl_writer_double(struct ctl_writer *w, cJSON *o, const char *key, double value);
/** A number that is a name, as a string, or null. */
void ctl_writer_id(struct ctl_writer *w, cJSON *o, const char *key, bool known, uint64_t value);
void ctl_writer_gaddr(struct ctl_writer *w, cJSON *o, const char *key, uint64_t value);
void ctl_writer_string(struct ctl_writer *w, cJSON *o, const char *key, const char *value);
/** @return the state as a word. */
const char *ctl_writer_state(enum ctl_state state);

#endif
