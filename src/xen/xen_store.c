/* SPDX-License-Identifier: BSD-3-Clause */
#include "xen_store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xenstore.h>

#include <fido/control_shm.h>
#include <fido/log.h>

#define PATH_MAX_LEN 160

struct fido_xen_store {
	struct xs_handle *xs;
	unsigned int domid;
	char group[FIDO_NAME_MAX];
};

/* ---- reading and writing ---- */

/* @return the value, to be freed; NULL: no such node, or no permission */
static char *
read_at(struct fido_xen_store *s, const char *fmt, ...)
{
	char path[PATH_MAX_LEN];
	unsigned int len;
	va_list args;

	va_start(args, fmt);
	vsnprintf(path, sizeof(path), fmt, args);
	va_end(args);
	return xs_read(s->xs, XBT_NULL, path, &len);
}

static int
write_at(struct fido_xen_store *s, const char *value, const char *fmt, ...)
{
	char path[PATH_MAX_LEN];
	va_list args;
	int ret;

	va_start(args, fmt);
	vsnprintf(path, sizeof(path), fmt, args);
	va_end(args);
	if (xs_write(s->xs, XBT_NULL, path, value, (unsigned int)strlen(value)))
		return 0;
	ret = -errno;
	fido_log(FIDO_LOG_ERROR,
		"group xen:%s: cannot write %s in xenstore: %s: in dom0, is this domain (%u) a "
		"member? fido-group list %s; if it is, raise xenstored's quota of entries",
		s->group, path, strerror(-ret), s->domid, s->group);
	return ret;
}

static void
remove_at(struct fido_xen_store *s, const char *fmt, ...)
{
	char path[PATH_MAX_LEN];
	va_list args;

	va_start(args, fmt);
	vsnprintf(path, sizeof(path), fmt, args);
	va_end(args);
	xs_rm(s->xs, XBT_NULL, path);
}

/* @return names of the children, to be freed with one free(); NULL: none */
static char **
list_at(struct fido_xen_store *s, unsigned int *n, const char *fmt, ...)
{
	char path[PATH_MAX_LEN];
	va_list args;
	char **list;

	va_start(args, fmt);
	vsnprintf(path, sizeof(path), fmt, args);
	va_end(args);
	*n = 0;
	list = xs_directory(s->xs, XBT_NULL, path, n);
	if (list == NULL)
		*n = 0;
	return list;
}

/* Parse a number. @return false: text is not one */
static bool
number(const char *text, uint32_t *out)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end != '\0' || n > UINT32_MAX)
		return false;
	*out = (uint32_t)n;
	return true;
}

/* ---- opening ---- */

int
fido_xen_store_open(const char *group, struct fido_xen_store **out)
{
	struct fido_xen_store *s = calloc(1, sizeof(*s));
	char *id;
	int ret;

	if (s == NULL)
		return -ENOMEM;
	snprintf(s->group, sizeof(s->group), "%s", group);
	s->xs = xs_open(0);
	if (s->xs == NULL) {
		ret = errno == EACCES ? -EACCES : -ENODEV;
		fido_log(FIDO_LOG_ERROR,
			"group xen:%s: cannot reach xenstore: %s: is this a Xen domain, is xenfs "
			"mounted (or /dev/xen/xenbus there), and is this root?",
			group, strerror(errno));
		free(s);
		return ret;
	}
	id = read_at(s, "domid");
	ret = id != NULL && number(id, &s->domid) ? 0 : -ENODEV;
	free(id);
	if (ret != 0) {
		fido_log(FIDO_LOG_ERROR,
			"group xen:%s: xenstore has no node 'domid', which names this domain: in "
			"dom0, has xen-init-dom0 run?",
			group);
		fido_xen_store_close(s);
		return ret;
	}
	*out = s;
	return 0;
}

void
fido_xen_store_close(struct fido_xen_store *s)
{
	if (s == NULL)
		return;
	xs_close(s->xs);
	free(s);
}

unsigned int
fido_xen_store_domid(const struct fido_xen_store *s)
{
	return s->domid;
}

/* ---- written by dom0 ---- */

int
fido_xen_store_layout(struct fido_xen_store *s, struct fido_layout *l)
{
	struct fido_layout have;
	char *text = read_at(s, "/fido/%s/layout", s->group);
	bool ok = text != NULL &&
		sscanf(text, "%" SCNx64 " %u %u", &have.base, &have.slot_shift, &have.slots) == 3;

	free(text);
	if (!ok) {
		fido_log(FIDO_LOG_ERROR,
			"group xen:%s: there is no such group in xenstore (/fido/%s), or this "
			"domain (%u) may not see it: in dom0: fido-group create %s DOMAIN...",
			s->group, s->group, s->domid, s->group);
		return -ENOENT;
	}
	if ((l->base != 0 && l->base != have.base) || (l->slots != 0 && l->slots != have.slots) ||
		(l->slot_shift != 0 && l->slot_shift != have.slot_shift)) {
		fido_log(FIDO_LOG_ERROR,
			"group xen:%s: the group has base 0x%" PRIx64
			", %u slots of 2^%u bytes; leave these options out, or give the same",
			s->group, have.base, have.slots, have.slot_shift);
		return -EINVAL;
	}
	*l = have;
	return 0;
}

bool
fido_xen_store_slots(struct fido_xen_store *s, unsigned int domid, uint32_t *first, uint32_t *last)
{
	char *text = read_at(s, "/fido/%s/slots/%u", s->group, domid);
	bool ok = text != NULL && sscanf(text, "%u-%u", first, last) == 2 && *first <= *last &&
		*last < FIDO_SLOTS_MAX;

	free(text);
	return ok;
}

unsigned int
fido_xen_store_others(struct fido_xen_store *s, unsigned int *only)
{
	unsigned int n, others = 0;
	char **list = list_at(s, &n, "/fido/%s/slots", s->group);

	for (unsigned int i = 0; i < n; i++) {
		uint32_t domid;

		if (!number(list[i], &domid) || domid == s->domid)
			continue;
		*only = domid;
		others++;
	}
	free(list);
	return others;
}

/* ---- written by the members ---- */

static bool
read_member(struct fido_xen_store *s, struct fido_xen_member *m)
{
	char *text = read_at(s, "/fido/%s/member/%u/domain/%u", s->group, m->domid, m->slot);
	char name[FIDO_NAME_MAX];
	bool ok = text != NULL && sscanf(text, "%31s %" SCNu64, name, &m->generation) == 2 &&
		fido_name_valid(name) && m->generation != 0;

	free(text);
	if (ok)
		memcpy(m->name, name, sizeof(name));
	return ok;
}

static int
each_of(struct fido_xen_store *s, unsigned int domid,
	int (*fn)(void *arg, const struct fido_xen_member *m), void *arg)
{
	struct fido_xen_member m = {.domid = domid};
	uint32_t first, last;
	unsigned int n;
	char **list;
	int ret = 0;

	if (!fido_xen_store_slots(s, domid, &first, &last))
		return 0;
	list = list_at(s, &n, "/fido/%s/member/%u/domain", s->group, domid);
	for (unsigned int i = 0; i < n && ret == 0; i++)
		if (number(list[i], &m.slot) && m.slot >= first && m.slot <= last &&
			read_member(s, &m))
			ret = fn(arg, &m);
	free(list);
	return ret;
}

int
fido_xen_store_each(struct fido_xen_store *s, int (*fn)(void *arg, const struct fido_xen_member *m),
	void *arg)
{
	unsigned int n;
	char **list = list_at(s, &n, "/fido/%s/slots", s->group);
	int ret = 0;

	for (unsigned int i = 0; i < n && ret == 0; i++) {
		uint32_t domid;

		if (number(list[i], &domid))
			ret = each_of(s, domid, fn, arg);
	}
	free(list);
	return ret;
}

struct mapped_question {
	struct fido_xen_store *s;
	uint32_t slot;
};

static int
ask_mapped(void *arg, const struct fido_xen_member *m)
{
	const struct mapped_question *q = arg;
	char *text = read_at(q->s, "/fido/%s/member/%u/maps/%u", q->s->group, m->domid, m->slot);
	int ret = 0;

	for (char *p = text; p != NULL && ret == 0; p = strchr(p, ' ')) {
		p += *p == ' ';
		ret = strtoul(p, NULL, 10) == q->slot && *p != '\0';
	}
	free(text);
	return ret;
}

bool
fido_xen_store_is_mapped(struct fido_xen_store *s, uint32_t slot)
{
	struct mapped_question q = {s, slot};

	return fido_xen_store_each(s, ask_mapped, &q) != 0;
}

int
fido_xen_store_publish(struct fido_xen_store *s, uint32_t slot, const char *name,
	uint64_t generation)
{
	char value[64];

	snprintf(value, sizeof(value), "%s %" PRIu64, name, generation);
	return write_at(s, value, "/fido/%s/member/%u/domain/%u", s->group, s->domid, slot);
}

void
fido_xen_store_withdraw(struct fido_xen_store *s, uint32_t slot)
{
	remove_at(s, "/fido/%s/member/%u/domain/%u", s->group, s->domid, slot);
	remove_at(s, "/fido/%s/member/%u/maps/%u", s->group, s->domid, slot);
	remove_at(s, "/fido/%s/member/%u/to/%u", s->group, s->domid, slot);
}

void
fido_xen_store_write_maps(struct fido_xen_store *s, uint32_t slot, const char *maps)
{
	write_at(s, maps, "/fido/%s/member/%u/maps/%u", s->group, s->domid, slot);
}

int
fido_xen_store_write_offer(struct fido_xen_store *s, uint32_t slot, uint32_t to,
	const struct fido_xen_offer *o)
{
	char value[128];

	snprintf(value, sizeof(value), "%" PRIu64 " %" PRIu64 " %" PRIu64 " %u %u", o->generation,
		o->process, o->clock, o->root, o->port);
	return write_at(s, value, "/fido/%s/member/%u/to/%u/%u", s->group, s->domid, slot, to);
}

void
fido_xen_store_remove_offer(struct fido_xen_store *s, uint32_t slot, uint32_t to)
{
	remove_at(s, "/fido/%s/member/%u/to/%u/%u", s->group, s->domid, slot, to);
}

bool
fido_xen_store_read_offer(struct fido_xen_store *s, const struct fido_xen_member *from, uint32_t to,
	struct fido_xen_offer *o)
{
	char *text =
		read_at(s, "/fido/%s/member/%u/to/%u/%u", s->group, from->domid, from->slot, to);
	bool ok = text != NULL &&
		sscanf(text, "%" SCNu64 " %" SCNu64 " %" SCNu64 " %u %u", &o->generation,
			&o->process, &o->clock, &o->root, &o->port) == 5;

	free(text);
	return ok;
}

/* ---- watching ---- */

int
fido_xen_store_watch(struct fido_xen_store *s)
{
	char path[PATH_MAX_LEN];

	snprintf(path, sizeof(path), "/fido/%s/member", s->group);
	if (xs_watch(s->xs, path, "member") && xs_watch(s->xs, "@releaseDomain", "end"))
		return 0;
	fido_log(FIDO_LOG_ERROR,
		"group xen:%s: cannot watch the group and the ends of domains in xenstore: %s: in "
		"dom0: fido-group add %s %u (it lets members watch @releaseDomain)",
		s->group, strerror(errno), s->group, s->domid);
	return errno != 0 ? -errno : -EIO;
}

int
fido_xen_store_fd(const struct fido_xen_store *s)
{
	return xs_fileno(s->xs);
}

bool
fido_xen_store_changed(struct fido_xen_store *s)
{
	bool any = false;
	char **event;

	while ((event = xs_check_watch(s->xs)) != NULL) {
		free(event);
		any = true;
	}
	return any;
}
