/* SPDX-License-Identifier: BSD-3-Clause */
/* Huge pages, and a container's limits of memory. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine.h"

#define HUGE "hugepages/hugepages-2048kB"
#define MIB(bytes) ((bytes) >> 20)
#define HUGE_PAGE (UINT64_C(2) << 20)
/* A process of DPDK with less does not go far. */
#define MEMORY_GOOD (UINT64_C(256) << 20)
/* cgroups of version 1 write numbers near 2^63 for no limit. */
#define NO_LIMIT (UINT64_C(1) << 60)

/* ---- huge pages ---- */

struct pools {
	uint64_t all;
	uint64_t free;
	unsigned int nodes;
	unsigned int empty; /* a node without, if others have some */
	bool has_empty;
	char text[200];
};

static bool
see_node(void *arg, const char *name)
{
	struct pools *p = arg;
	unsigned int node;
	uint64_t all;

	if (sscanf(name, "node%u", &node) != 1)
		return false;
	all = doctor_tree_number(UINT64_MAX, "/sys/devices/system/node/%s/" HUGE "/nr_hugepages",
		name);
	if (all == UINT64_MAX)
		return false;
	p->nodes++;
	p->all += all;
	p->free +=
		doctor_tree_number(0, "/sys/devices/system/node/%s/" HUGE "/free_hugepages", name);
	doctor_append(p->text, sizeof(p->text), "%s%s %" PRIu64, p->text[0] != '\0' ? ", " : "",
		name, all);
	if (all == 0) {
		p->has_empty = true;
		p->empty = node;
	}
	return false;
}

static void
read_pools(struct pools *p)
{
	uint64_t promised = doctor_tree_number(0, "/sys/kernel/mm/" HUGE "/resv_hugepages");

	*p = (struct pools){.all = 0};
	doctor_tree_each(see_node, p, "/sys/devices/system/node");
	if (p->nodes == 0) {
		p->all = doctor_tree_number(0, "/sys/kernel/mm/" HUGE "/nr_hugepages");
		p->free = doctor_tree_number(0, "/sys/kernel/mm/" HUGE "/free_hugepages");
	}
	p->free = p->free > promised ? p->free - promised : 0;
}

static struct doctor_finding
check_hugepages(const struct doctor_machine *m, const void *arg)
{
	struct pools p;

	(void)m;
	(void)arg;
	if (!doctor_tree_exists("/sys/kernel/mm/" HUGE))
		return doctor_mend(doctor_note("this machine has no huge pages of 2 MiB: ordinary "
					       "pages work, and are slower"),
			"hugepages=off, and EAL's --no-huge");
	read_pools(&p);
	if (p.free == 0)
		return doctor_mend(doctor_note("no huge page of 2 MiB is free (of %" PRIu64
					       "): arenas take ordinary pages, EAL does not start "
					       "without --no-huge",
					   p.all),
			"echo %" PRIu64 " > /proc/sys/vm/nr_hugepages", p.all + 512);
	if (p.nodes > 1 && p.has_empty)
		return doctor_mend(doctor_note("%" PRIu64 " huge pages of 2 MiB are free, none is "
					       "on node %u (%s): processes there use slower memory",
					   p.free, p.empty, p.text),
			"echo 512 > /sys/devices/system/node/node%u/" HUGE "/nr_hugepages",
			p.empty);
	return doctor_ok("%" PRIu64 " of %" PRIu64 " huge pages of 2 MiB are free%s%s", p.free,
		p.all, p.nodes > 1 ? ": " : "", p.nodes > 1 ? p.text : "");
}

/* Find a mount of hugetlbfs with pages of 2 MiB. @return false: none */
static bool
find_hugetlbfs(char *dir, size_t size)
{
	FILE *f = doctor_tree_open("/proc/self/mounts");
	char line[4096], where[256], type[64], options[1024];
	bool found = false;

	while (f != NULL && !found && fgets(line, sizeof(line), f) != NULL)
		found = sscanf(line, "%*s %255s %63s %1023s", where, type, options) == 3 &&
			strcmp(type, "hugetlbfs") == 0 && strstr(options, "pagesize=1G") == NULL;
	if (f != NULL)
		fclose(f);
	if (found)
		snprintf(dir, size, "%s", where);
	return found;
}

static struct doctor_finding
check_hugetlbfs(const struct doctor_machine *m, const void *arg)
{
	char dir[256];

	(void)arg;
	if (!find_hugetlbfs(dir, sizeof(dir)))
		return doctor_mend(doctor_note("hugetlbfs is not mounted: EAL needs it, unless "
					       "with --in-memory or --no-huge"),
			m->container
				? "give the container hugetlbfs (docker: -v "
				  "/dev/hugepages:/dev/hugepages)"
				: "mkdir -p /dev/hugepages && mount -t hugetlbfs -o pagesize=2M "
				  "none /dev/hugepages");
	if (!m->root && !doctor_tree_allows(W_OK, "%s", dir))
		return doctor_mend(doctor_note("hugetlbfs is mounted at %s, and not for this user: "
					       "EAL needs --in-memory or --no-huge",
					   dir),
			"sudo chmod 1777 %s", dir);
	return doctor_ok("hugetlbfs is mounted at %s", dir);
}

/* ---- cgroups ---- */

/* A limit in a control group and the groups above it. */
struct room {
	uint64_t limit; /* the least one; UINT64_MAX: none */
	uint64_t used;  /* there */
};

/* Files of a controller, by version of cgroups. */
struct controller {
	const char *name;
	const char *limit[2];
	const char *used[2];
};

static const struct controller hugetlb = {"hugetlb",
	{"hugetlb.2MB.limit_in_bytes", "hugetlb.2MB.max"},
	{"hugetlb.2MB.usage_in_bytes", "hugetlb.2MB.current"}};
static const struct controller memory = {"memory", {"memory.limit_in_bytes", "memory.max"},
	{"memory.usage_in_bytes", "memory.current"}};

/* In a container, only the lower part of the path may be there. */
static void
look_up(struct room *r, const struct controller *c, int version, const char *mount, char *path)
{
	for (;;) {
		uint64_t limit = doctor_tree_number(UINT64_MAX, "%s%s/%s", mount, path,
			c->limit[version - 1]);
		char *slash = strrchr(path, '/');

		if (limit < NO_LIMIT && limit < r->limit) {
			r->limit = limit;
			r->used =
				doctor_tree_number(0, "%s%s/%s", mount, path, c->used[version - 1]);
		}
		if (slash == NULL)
			return;
		*slash = '\0';
	}
}

/* @return true: the list, such as cpu,memory, has the name */
static bool
list_has(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (; *list != '\0'; list += strcspn(list, ","), list += *list == ',')
		if (strncmp(list, name, len) == 0 && (list[len] == ',' || list[len] == '\0'))
			return true;
	return false;
}

/* "5:memory:/a/b" or "0::/a/b" */
static void
look_at_line(struct room *r, const struct controller *c, char *line)
{
	char *list = strchr(line, ':'), *path = list != NULL ? strchr(list + 1, ':') : NULL;
	char mount[128];

	if (path == NULL)
		return;
	*path++ = '\0';
	list++;
	path[strcspn(path, "\n")] = '\0';
	if (*list == '\0') {
		look_up(r, c, 2,
			doctor_tree_exists("/sys/fs/cgroup/unified") ? "/sys/fs/cgroup/unified"
								     : "/sys/fs/cgroup",
			path);
	} else if (list_has(list, c->name)) {
		snprintf(mount, sizeof(mount), "/sys/fs/cgroup/%s", c->name);
		look_up(r, c, 1, mount, path);
	}
}

static struct room
room_of(const struct controller *c)
{
	FILE *f = doctor_tree_open("/proc/self/cgroup");
	struct room r = {.limit = UINT64_MAX};
	char line[1024];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		look_at_line(&r, c, line);
	if (f != NULL)
		fclose(f);
	return r;
}

static struct doctor_finding
check_hugetlb_limit(const struct doctor_machine *m, const void *arg)
{
	struct room r = room_of(&hugetlb);

	(void)arg;
	if (r.limit == UINT64_MAX)
		return doctor_ok("no limit of huge pages");
	if (r.used < r.limit && r.limit - r.used >= HUGE_PAGE)
		return doctor_ok("%" PRIu64 " MiB of huge pages allowed, %" PRIu64 " in use",
			MIB(r.limit), MIB(r.used));
	return doctor_mend(doctor_note("the limit of huge pages of this %s is reached (%" PRIu64
				       " MiB): arenas take ordinary pages",
				   m->container ? "container" : "control group", MIB(r.limit)),
		m->container ? "raise hugepages-2Mi of the container, or hugepages=off"
			     : "systemctl edit the unit, or hugepages=off");
}

static struct doctor_finding
check_memory_limit(const struct doctor_machine *m, const void *arg)
{
	struct room r = room_of(&memory);

	(void)arg;
	if (r.limit == UINT64_MAX)
		return doctor_ok("no limit of memory");
	if (r.limit >= MEMORY_GOOD)
		return doctor_ok("%" PRIu64 " MiB of memory allowed, %" PRIu64 " in use",
			MIB(r.limit), MIB(r.used));
	return doctor_mend(doctor_note("%" PRIu64 " MiB of memory are allowed: a process that "
				       "needs more is killed",
				   MIB(r.limit)),
		m->container ? "raise the container's limit of memory (docker: -m)"
			     : "raise MemoryMax= of the unit");
}

const struct doctor_check doctor_memory_checks[] = {
	{"hugepages", check_hugepages, NULL},
	{"hugetlbfs", check_hugetlbfs, NULL},
	{"hugepages-limit", check_hugetlb_limit, NULL},
	{"memory-limit", check_memory_limit, NULL},
	{0},
};
