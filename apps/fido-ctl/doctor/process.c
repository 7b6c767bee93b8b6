/* SPDX-License-Identifier: BSD-3-Clause */
/* The processor, and the limits of a process. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"

/* Fewer descriptors are too few for a domain and one link; fewer are few for many links. */
#define FILES_NEEDED 64
#define FILES_GOOD 1024
/* The kernel's default. */
#define MAPS_GOOD 65530
#define LOCKED_GOOD (UINT64_C(8) << 20)

static struct doctor_finding
check_machine(const struct doctor_machine *m, const void *arg)
{
	(void)arg;
	return doctor_ok("%s%s, user %s, groups in %s",
		m->dom0            ? "Xen's dom0"
			: m->xen   ? "a Xen domU"
			: m->guest ? "a virtual machine"
				   : "a host",
		m->container ? ", in a container" : "", m->root ? "root" : "other than root",
		m->run);
}

static struct doctor_finding
check_proc(const struct doctor_machine *m, const void *arg)
{
	(void)arg;
	if (doctor_tree_exists("/proc/self/limits"))
		return doctor_ok("/proc is mounted");
	return doctor_mend(doctor_note("/proc is not mounted: EAL's memory cannot be exported, so "
				       "packets in "
				       "it are copied; and most of these checks see nothing"),
		m->container ? "give the container /proc" : "mount -t proc proc /proc");
}

/* ---- the processor ---- */

static bool
has_flag(const char *flags, const char *flag)
{
	size_t len = strlen(flag);

	for (const char *at = flags; (at = strstr(at, flag)) != NULL; at += len)
		if (at > flags && isspace((unsigned char)at[-1]) &&
			(at[len] == '\0' || isspace((unsigned char)at[len])))
			return true;
	return false;
}

/* Read the flags of the first processor. @return false: they are not known */
static bool
read_flags(char *out, size_t size)
{
	FILE *f = doctor_tree_open("/proc/cpuinfo");
	bool found = false;

	while (f != NULL && !found && fgets(out, (int)size, f) != NULL)
		found = strncmp(out, "flags", 5) == 0;
	if (f != NULL)
		fclose(f);
	return found;
}

static struct doctor_finding
check_clock(const struct doctor_machine *m, const void *arg)
{
	char flags[8192];

	(void)arg;
	if (!read_flags(flags, sizeof(flags)))
		return doctor_note("the processor's flags are not known: no /proc/cpuinfo");
	if (!has_flag(flags, "rdtscp"))
		return doctor_mend(doctor_fail("the processor has no RDTSCP, which is needed to "
					       "timestamp messages"),
			m->xen ? "start this machine with: tsc_mode = \"native\""
			       : "start this machine with: -cpu host (or max)");
	if (!has_flag(flags, "constant_tsc") || !has_flag(flags, "nonstop_tsc"))
		return doctor_mend(doctor_note("RDTSCP; the time stamp counter is not known to be "
					       "invariant: buffers of dead domains may come back "
					       "late"),
			m->guest ? "start this machine with: -cpu host,+invtsc" : "");
	return doctor_ok("RDTSCP, and an invariant time stamp counter");
}

/* @return numbers in a list such as 0-3,8 */
static unsigned int
count_list(const char *list)
{
	unsigned int n = 0;

	while (isdigit((unsigned char)*list)) {
		char *end;
		unsigned long from = strtoul(list, &end, 10), to = from;

		if (*end == '-')
			to = strtoul(end + 1, &end, 10);
		n += to >= from ? (unsigned int)(to - from + 1) : 0;
		list = *end == ',' ? end + 1 : end;
	}
	return n;
}

static struct doctor_finding
check_processors(const struct doctor_machine *m, const void *arg)
{
	FILE *f = doctor_tree_open("/proc/self/status");
	char line[1024];
	unsigned int n = 0;

	(void)m;
	(void)arg;
	while (f != NULL && n == 0 && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "Cpus_allowed_list:\t", 19) == 0)
			n = count_list(line + 19);
	if (f != NULL)
		fclose(f);
	if (n == 0)
		return doctor_note("how many processors there are is not known: no /proc");
	if (n > 1)
		return doctor_ok("%u processors", n);
	return doctor_mend(doctor_note("one processor: threads that poll keep it from each other"),
		"fido-fwd --idle adaptive");
}

/* ---- limits ---- */

/* Read the soft limit of a kind. @return false: not known; UINT64_MAX: none */
static bool
read_limit(const char *kind, uint64_t *out)
{
	FILE *f = doctor_tree_open("/proc/self/limits");
	char line[256];
	bool found = false;

	while (f != NULL && !found && fgets(line, sizeof(line), f) != NULL)
		found = strncmp(line, kind, strlen(kind)) == 0;
	if (f != NULL)
		fclose(f);
	if (!found)
		return false;
	*out = strncmp(line + strlen(kind) + strspn(line + strlen(kind), " "), "unlimited", 9) == 0
		? UINT64_MAX
		: strtoull(line + strlen(kind), NULL, 10);
	return true;
}

static struct doctor_finding
check_files(const struct doctor_machine *m, const void *arg)
{
	uint64_t n;

	(void)m;
	(void)arg;
	if (!read_limit("Max open files", &n))
		return doctor_note("the limit of open files is not known: no /proc");
	if (n == UINT64_MAX)
		return doctor_ok("no limit of open files");
	if (n >= FILES_GOOD)
		return doctor_ok("%" PRIu64 " open files", n);
	return doctor_mend(doctor_if_needed(doctor_note("%" PRIu64 " open files: each link needs "
							"some for each queue; links without stay "
							"down",
						    n),
				   n < FILES_NEEDED),
		"ulimit -n 65536");
}

static struct doctor_finding
check_locked(const struct doctor_machine *m, const void *arg)
{
	uint64_t n;

	(void)arg;
	if (!read_limit("Max locked memory", &n))
		return doctor_note("the limit of locked memory is not known: no /proc");
	if (n == UINT64_MAX)
		return doctor_ok("no limit of locked memory");
	if (m->root || n >= LOCKED_GOOD)
		return doctor_ok("%" PRIu64 " KiB may be locked%s", n >> 10,
			m->root ? "; no limit for root" : "");
	return doctor_mend(doctor_note("%" PRIu64 " KiB may be locked: fido-blkd's requests, and "
				       "DPDK with NICs, may need more",
				   n >> 10),
		"ulimit -l unlimited");
}

static struct doctor_finding
check_mappings(const struct doctor_machine *m, const void *arg)
{
	uint64_t n = doctor_tree_number(0, "/proc/sys/vm/max_map_count");

	(void)m;
	(void)arg;
	if (n == 0)
		return doctor_note("vm.max_map_count is not known: no /proc");
	if (n >= MAPS_GOOD)
		return doctor_ok("%" PRIu64 " mappings in a process", n);
	return doctor_mend(doctor_note("%" PRIu64 " mappings in a process: what cannot be mapped "
				       "of a peer is copied",
				   n),
		"sysctl -w vm.max_map_count=262144");
}

const struct doctor_check doctor_process_checks[] = {
	{"machine", check_machine, NULL},
	{"proc", check_proc, NULL},
	{"clock", check_clock, NULL},
	{"processors", check_processors, NULL},
	{"open-files", check_files, NULL},
	{"locked-memory", check_locked, NULL},
	{"mappings", check_mappings, NULL},
	{0},
};
