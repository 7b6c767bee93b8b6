/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>

#include "writer.h"

cJSON *
ctl_writer_keep(struct ctl_writer *w, cJSON *item)
{
	w->failed |= item == NULL;
	return item;
}

/* cJSON's numbers are doubles, which cannot hold every 64-bit integer: print it as raw text. */
void
ctl_writer_u64(struct ctl_writer *w, cJSON *o, const char *key, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	ctl_writer_keep(w, cJSON_AddRawToObject(o, key, text));
}

void
ctl_writer_u64_if(struct ctl_writer *w, cJSON *o, const char *key, bool known, uint64_t value)
{
	if (known)
		ctl_writer_u64(w, o, key, value);
	else
		ctl_writer_keep(w, cJSON_AddNullToObject(o, key));
}

void
ctl_writer_double(struct ctl_writer *w, cJSON *o, const char *key, double value)
{
	char text[64];

	snprintf(text, sizeof(text), "%.3f", value);
	ctl_writer_keep(w, cJSON_AddRawToObject(o, key, text));
}

/* Generations and addresses are identifiers: strings, so that no JSON reader rounds them. */
void
ctl_writer_id(struct ctl_writer *w, cJSON *o, const char *key, bool known, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	ctl_writer_keep(w,
		known ? cJSON_AddStringToObject(o, key, text) : cJSON_AddNullToObject(o, key));
}

void
ctl_writer_gaddr(struct ctl_writer *w, cJSON *o, const char *key, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "0x%" PRIx64, value);
	ctl_writer_keep(w, cJSON_AddStringToObject(o, key, text));
}

void
ctl_writer_string(struct ctl_writer *w, cJSON *o, const char *key, const char *value)
{
	ctl_writer_keep(w, cJSON_AddStringToObject(o, key, value));
}

cJSON *
ctl_writer_object(struct ctl_writer *w, cJSON *array)
{
	cJSON *o = ctl_writer_keep(w, cJSON_CreateObject());

	if (o != NULL)
		w->failed |= !cJSON_AddItemToArray(array, o);
	return o;
}

int
ctl_writer_finish(struct ctl_writer *w, cJSON *root, FILE *out, bool one_line)
{
	char *text = w->failed ? NULL : one_line ? cJSON_PrintUnformatted(root) : cJSON_Print(root);

	cJSON_Delete(root);
	if (text == NULL)
		return -ENOMEM;
	fprintf(out, "%s\n", text);
	cJSON_free(text);
	return 0;
}

cJSON *
ctl_writer_begin(struct ctl_writer *w, const struct ctl_options *opt)
{
	cJSON *root = ctl_writer_keep(w, cJSON_CreateObject());

	ctl_writer_string(w, root, "command", ctl_command_name(opt->command));
	ctl_writer_string(w, root, "group", opt->group);
	return root;
}

const char *
ctl_writer_state(enum ctl_state state)
{
	return state == CTL_SILENT ? "not_answering" : ctl_state_name(state);
}

void
ctl_writer_states(struct ctl_writer *w, cJSON *root, const struct ctl_snapshot *s)
{
	cJSON *array = ctl_writer_keep(w, cJSON_AddArrayToObject(root, "domains"));

	for (unsigned int i = 0; i < s->domain_count; i++) {
		cJSON *o = ctl_writer_object(w, array);

		ctl_writer_string(w, o, "name", s->domains[i].name);
		ctl_writer_string(w, o, "state", ctl_writer_state(s->domains[i].state));
	}
}

void
ctl_writer_interval(struct ctl_writer *w, cJSON *root, const struct ctl_snapshot *before,
	const struct ctl_snapshot *now)
{
	if (before != NULL)
		ctl_writer_double(w, root, "interval_s", ctl_snapshot_seconds(before, now));
	else
		ctl_writer_keep(w, cJSON_AddNullToObject(root, "interval_s"));
}
