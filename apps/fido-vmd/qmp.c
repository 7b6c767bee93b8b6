/* SPDX-License-Identifier: BSD-3-Clause */
#include "qmp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

/* Names the answer among the others. */
#define PORTS_ID "fido-ports"

void
qmp_begin(struct qmp *q, const struct qmp_ops *ops)
{
	q->ops = ops;
	q->ready = false;
	q->len = 0;
}

void
qmp_end(struct qmp *q)
{
	free(q->line);
	*q = (struct qmp){0};
}

void
qmp_ask_ports(struct qmp *q)
{
	q->ops->send(q,
		"{\"execute\":\"human-monitor-command\",\"id\":\"" PORTS_ID
		"\",\"arguments\":{\"command-line\":\"info qtree\"}}\n");
}

void
qmp_cancel_migration(struct qmp *q)
{
	q->ops->send(q, "{\"execute\":\"migrate_cancel\"}\n");
}

/* Without the pause a small machine could be gone before we know. */
void
qmp_watch_migration(struct qmp *q)
{
	qmp_cancel_migration(q);
	q->ops->send(q,
		"{\"execute\":\"migrate-set-capabilities\",\"arguments\":{\"capabilities\":["
		"{\"capability\":\"events\",\"state\":true},"
		"{\"capability\":\"pause-before-switchover\",\"state\":true}]}}\n");
}

static const char *
text_of(const cJSON *o, const char *key)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));

	return text != NULL ? text : "";
}

static void
take_event(struct qmp *q, const cJSON *o)
{
	static const struct {
		const char *name;
		enum qmp_event event;
	} known[] = {
		{"VSERPORT_CHANGE", QMP_PORT},
		{"RESET", QMP_RESET},
		{"SHUTDOWN", QMP_SHUTDOWN},
		{"STOP", QMP_STOP},
		{"RESUME", QMP_RESUME},
	};
	const cJSON *data = cJSON_GetObjectItemCaseSensitive(o, "data");

	if (strcmp(text_of(o, "event"), "MIGRATION") == 0 &&
		strcmp(text_of(data, "status"), "setup") == 0)
		q->ops->event(q, QMP_MIGRATION, "");
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(text_of(o, "event"), known[i].name) == 0)
			q->ops->event(q, known[i].event, text_of(data, "id"));
}

static void
take_object(struct qmp *q, const cJSON *o)
{
	const cJSON *answer = cJSON_GetObjectItemCaseSensitive(o, "return");

	if (cJSON_HasObjectItem(o, "QMP")) {
		q->ops->send(q, "{\"execute\":\"qmp_capabilities\"}\n");
	} else if (cJSON_HasObjectItem(o, "event")) {
		take_event(q, o);
	} else if (strcmp(text_of(o, "id"), PORTS_ID) == 0) {
		q->ops->ports(q, cJSON_GetStringValue(answer));
	} else if (answer != NULL && !q->ready) {
		q->ready = true;
		q->ops->ready(q);
	}
}

static int
take_line(struct qmp *q)
{
	cJSON *o = cJSON_ParseWithLength(q->line, q->len);
	int ret = cJSON_IsObject(o) ? 0 : -EPROTO;

	if (ret == 0)
		take_object(q, o);
	cJSON_Delete(o);
	return ret;
}

static int
append(struct qmp *q, const char *bytes, size_t len)
{
	if (q->len + len > QMP_LINE_MAX)
		return -EPROTO;
	if (q->len + len > q->room) {
		size_t room = (q->len + len) * 2;
		char *line = realloc(q->line, room);

		if (line == NULL)
			return -ENOMEM;
		q->line = line;
		q->room = room;
	}
	memcpy(q->line + q->len, bytes, len);
	q->len += len;
	return 0;
}

int
qmp_take(struct qmp *q, const char *bytes, size_t len)
{
	while (len > 0) {
		const char *end = memchr(bytes, '\n', len);
		size_t n = end != NULL ? (size_t)(end - bytes) : len;
		int ret = n != 0 ? append(q, bytes, n) : 0;

		if (ret == 0 && end != NULL && q->len > 0)
			ret = take_line(q);
		if (ret != 0)
			return ret;
		if (end == NULL)
			return 0;
		q->len = 0;
		bytes = end + 1;
		len -= n + 1;
	}
	return 0;
}

/* A device's properties end where the next device begins. */
int
qmp_port_state(const char *text, const char *name)
{
	char wanted[96];
	const char *at, *end, *guest;

	snprintf(wanted, sizeof(wanted), "name = \"%s\"", name);
	at = strstr(text, wanted);
	if (at == NULL)
		return -ENOENT;
	end = strstr(at, "dev: ");
	guest = strstr(at, ", guest o");
	if (guest == NULL || (end != NULL && guest > end))
		return -ENOENT;
	return strncmp(guest, ", guest on", 10) == 0;
}
