/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Test the fido-grant module, and how src/xen/xen_grant.c uses it and gntdev, between Xen domains.
 *
 *   grant-selftest refuse            bad input is refused, and leaves nothing granted or pinned
 *   grant-selftest give DOMID...     grant the same memory to all of them; print "DOMID ROOT" for
 *                                    each, "ready"; stay
 *   grant-selftest deny DOMID ROOT   memory granted to another domain cannot be mapped
 *   grant-selftest read DOMID ROOT   map it, many times over; a writable map is refused, a write
 *                                    faults; print "ready"; compare the contents until STOP_FILE
 *                                    exists; unmap, print "unmapped"; stay until the file is gone
 *   grant-selftest fill              overwrite all free memory
 *   grant-selftest wait GRANTED ENDING
 *                                    until these are the module's counters
 *
 * ROOT is the reference of a page that holds the references of the memory: each domain has its own
 * references.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xen/sys/gntdev.h>

#include <fido/log.h>

#include "fido_grant.h"
#include "xen_grant.h"

#define PAGE FIDO_XEN_PAGE
#define PAGES FIDO_GRANT_PAGES_MAX
#define BYTES ((size_t)PAGES * PAGE)
#define WORDS (BYTES / sizeof(uint64_t))
#define READERS_MAX 8
/* The same address in all domains, as Fido uses it. */
#define PLACE ((char *)UINT64_C(0x110000000000))
/* With max_maptrack_frames at its default, 8192 pages of a PV domain can be mapped at a time. */
#define MAP_ROUNDS 20
#define STOP_FILE "/run/stop"
#define PARAMETERS "/sys/module/fido_grant/parameters/"
/* DOMID_FIRST_RESERVED, the first domid that no domain has. */
#define NO_DOMID 0x7ff0
/* Memory that the kernel needs, in KiB. */
#define SPARE_KIB (12 << 10)
#define LIMIT_MS 10000

static struct fido_xen_grants *grants;

__attribute__((format(printf, 1, 2), noreturn)) static void
die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("FAIL ");
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
	exit(1);
}

static uint32_t
number(const char *text)
{
	return (uint32_t)strtoul(text, NULL, 0);
}

/*
 * @return the number that follows `key` in a file of lines "KEY NUMBER"; without a key, the file's
 * only one
 */
static long
read_number(const char *path, const char *key)
{
	char line[128], word[64];
	FILE *f = fopen(path, "re");
	long value = -1, n;

	if (f == NULL)
		die("%s: %s", path, strerror(errno));
	while (value < 0 && fgets(line, sizeof(line), f) != NULL) {
		if (key == NULL)
			value = strtol(line, NULL, 10);
		else if (sscanf(line, "%63s %ld", word, &n) == 2 && strcmp(word, key) == 0)
			value = n;
	}
	fclose(f);
	return value;
}

static uint64_t
word(size_t i)
{
	return (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

static void *
map_memory(size_t size, int flags, int fd)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (p == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	return p;
}

static int
make_memfd(size_t size)
{
	int fd = memfd_create("grant-selftest", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)size) != 0)
		die("memfd: %s", strerror(errno));
	return fd;
}

/* ---- refuse ---- */

static int module_fd;

/* @return pages pinned now; the kernel adds up the per-CPU counters only on request */
static long
pinned(void)
{
	int fd = open("/proc/sys/vm/stat_refresh", O_WRONLY);

	if (fd < 0 || write(fd, "1", 1) != 1)
		die("stat_refresh: %s", strerror(errno));
	close(fd);
	return read_number("/proc/vmstat", "nr_foll_pin_acquired") -
		read_number("/proc/vmstat", "nr_foll_pin_released");
}

static void
expect_refused(const char *what, int want, struct fido_grant_add add)
{
	static uint32_t refs[2 * PAGES];

	if (add.refs == 0)
		add.refs = (uintptr_t)refs;
	if (ioctl(module_fd, FIDO_GRANT_IOC_ADD, &add) == 0)
		die("%s: granted", what);
	if (errno != want)
		die("%s: %s, not %s", what, strerror(errno), strerror(want));
}

static void
refuse_numbers(uint64_t memory)
{
	expect_refused("not aligned", EINVAL,
		(struct fido_grant_add){.addr = memory + 8, .count = 1, .domid = 1});
	expect_refused("no pages", EINVAL,
		(struct fido_grant_add){.addr = memory, .count = 0, .domid = 1});
	expect_refused("too many pages", EINVAL,
		(struct fido_grant_add){.addr = memory, .count = PAGES + 1, .domid = 1});
	expect_refused("2^32 - 1 pages", EINVAL,
		(struct fido_grant_add){.addr = memory, .count = UINT32_MAX, .domid = 1});
	expect_refused("not a domain's id", EINVAL,
		(struct fido_grant_add){.addr = memory, .count = 1, .domid = NO_DOMID});
	expect_refused("an id of 17 bits", EINVAL,
		(struct fido_grant_add){.addr = memory, .count = 1, .domid = 0x10001});
	expect_refused("references to nowhere", EFAULT,
		(struct fido_grant_add){.addr = memory, .count = PAGES, .domid = 1, .refs = PAGE});
}

static void
refuse_memory(int memfd, char *memory)
{
	char *anonymous = map_memory(BYTES, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	char *copied = map_memory(BYTES, MAP_PRIVATE, memfd);
	int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	void *program = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, file, 0);

	memset(anonymous, 1, BYTES);
	memset(copied, 1, BYTES);
	expect_refused("private memory", EINVAL,
		(struct fido_grant_add){.addr = (uintptr_t)anonymous, .count = PAGES, .domid = 1});
	expect_refused("a private copy of a file", EINVAL,
		(struct fido_grant_add){.addr = (uintptr_t)copied, .count = PAGES, .domid = 1});
	expect_refused("the program", EINVAL,
		(struct fido_grant_add){.addr = (uintptr_t)program, .count = 1, .domid = 1});
	expect_refused("an address of the kernel", EFAULT,
		(struct fido_grant_add){.addr = UINT64_C(0xffff800000000000),
			.count = 1,
			.domid = 1});
	expect_refused("the last page there is", EFAULT,
		(struct fido_grant_add){.addr = -(uint64_t)PAGE, .count = 2, .domid = 1});
	/* If part of a range cannot be granted, nothing of it is. */
	munmap(memory + BYTES / 2, PAGE);
	expect_refused("a hole", EFAULT,
		(struct fido_grant_add){.addr = (uintptr_t)memory, .count = PAGES, .domid = 1});
	mmap(memory + BYTES / 2, PAGE, PROT_NONE, MAP_SHARED | MAP_FIXED, memfd, 0);
	expect_refused("a page without access", EFAULT,
		(struct fido_grant_add){.addr = (uintptr_t)memory, .count = PAGES, .domid = 1});
	mmap(memory + BYTES / 2, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	expect_refused("a private page", EINVAL,
		(struct fido_grant_add){.addr = (uintptr_t)memory, .count = PAGES, .domid = 1});
	ftruncate(memfd, BYTES / 4);
	expect_refused("pages beyond the end of the file", EFAULT,
		(struct fido_grant_add){.addr = (uintptr_t)memory, .count = PAGES / 2, .domid = 1});
	close(file);
}

static void
refuse_ends(uint64_t memory)
{
	static uint32_t refs[PAGES];
	struct fido_grant_add add = {.addr = memory,
		.count = 1,
		.domid = 1,
		.refs = (uintptr_t)refs};
	struct fido_grant_end end = {.id = 12345};

	if (ioctl(module_fd, FIDO_GRANT_IOC_END, &end) == 0 || errno != ENOENT)
		die("end of an unknown grant: %s", strerror(errno));
	if (ioctl(module_fd, FIDO_GRANT_IOC_ADD, &add) != 0)
		die("good input: %s", strerror(errno));
	end.id = add.id;
	if (ioctl(module_fd, FIDO_GRANT_IOC_END, &end) != 0)
		die("end: %s", strerror(errno));
	if (ioctl(module_fd, FIDO_GRANT_IOC_END, &end) == 0 || errno != ENOENT)
		die("second end of a grant: %s", strerror(errno));
	if (ioctl(module_fd, _IO(0xF1, 77)) == 0 || errno != ENOTTY)
		die("unknown call: %s", strerror(errno));
	if (ioctl(module_fd, FIDO_GRANT_IOC_ABI) != FIDO_GRANT_ABI)
		die("ABI: %s", strerror(errno));
}

/* Until the domain's grant table is full; closing a file ends its grants. */
static void
refuse_too_many(uint64_t memory)
{
	static uint32_t refs[PAGES];
	struct fido_grant_add add = {.addr = memory,
		.count = PAGES,
		.domid = 1,
		.refs = (uintptr_t)refs};
	long before = pinned();
	int n = 0;

	while (ioctl(module_fd, FIDO_GRANT_IOC_ADD, &add) == 0)
		n++;
	if (errno != ENOSPC || n == 0)
		die("grant %d of %d pages: %s", n, PAGES, strerror(errno));
	if (read_number(PARAMETERS "granted", NULL) != n * PAGES || pinned() != before + n * PAGES)
		die("%ld pages are granted and %ld pinned, not %d",
			read_number(PARAMETERS "granted", NULL), pinned() - before, n * PAGES);
	printf("%d grants of %d pages\n", n, PAGES);
	close(module_fd);
}

static int
refuse(void)
{
	long before = pinned();
	int memfd = make_memfd(2 * BYTES);
	char *memory = map_memory(2 * BYTES, MAP_SHARED, memfd);

	module_fd = open(FIDO_GRANT_PATH, O_RDWR | O_CLOEXEC);
	if (module_fd < 0)
		die(FIDO_GRANT_PATH ": %s", strerror(errno));
	refuse_numbers((uintptr_t)memory);
	refuse_ends((uintptr_t)memory);
	refuse_memory(memfd, memory + BYTES);
	if (read_number(PARAMETERS "granted", NULL) != 0 || pinned() != before)
		die("%ld pages stay granted, %ld pinned", read_number(PARAMETERS "granted", NULL),
			pinned() - before);
	ftruncate(memfd, BYTES);
	refuse_too_many((uintptr_t)memory);
	if (read_number(PARAMETERS "granted", NULL) != 0 ||
		read_number(PARAMETERS "ending", NULL) != 0 || pinned() != before)
		die("%ld pages stay granted, %ld pinned at the end",
			read_number(PARAMETERS "granted", NULL), pinned() - before);
	return 0;
}

/* ---- give ---- */

static void
grant(const struct fido_extent *e, uint64_t offset, uint32_t pages, uint32_t domid, uint32_t *refs)
{
	uint64_t id;
	int ret = fido_xen_grants_add(grants, e, e->gaddr + offset, pages, domid, refs, &id);

	if (ret != 0)
		die("grant to %u: %s", domid, strerror(-ret));
}

__attribute__((noreturn)) static void
give(int count, char **domids)
{
	size_t size = BYTES + READERS_MAX * PAGE;
	int memfd = make_memfd(size);
	uint64_t *memory = map_memory(size, MAP_SHARED, memfd);
	struct fido_extent e = {.gaddr = (uintptr_t)memory, .len = size, .fd = memfd};

	for (size_t i = 0; i < WORDS; i++)
		memory[i] = word(i);
	for (int k = 0; k < count && k < READERS_MAX; k++) {
		size_t directory = BYTES + (size_t)k * PAGE;
		uint32_t root;

		grant(&e, 0, PAGES, number(domids[k]),
			(uint32_t *)memory + directory / sizeof(uint32_t));
		grant(&e, directory, 1, number(domids[k]), &root);
		printf("%s %u\n", domids[k], root);
	}
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}

/* ---- read ---- */

static sigjmp_buf faulted;

static void
on_fault(int sig)
{
	siglongjmp(faulted, sig);
}

static void
write_must_fault(char *at)
{
	struct sigaction sa = {.sa_handler = on_fault}, before;

	sigaction(SIGSEGV, &sa, &before);
	if (sigsetjmp(faulted, 1) == 0) {
		*(volatile char *)at = 1;
		die("a write went through");
	}
	sigaction(SIGSEGV, &before, NULL);
}

static void
writable_map_must_fail(uint32_t domid, uint32_t ref)
{
	struct ioctl_gntdev_map_grant_ref op = {.count = 1, .refs = {{domid, ref}}};
	int fd = open("/dev/xen/gntdev", O_RDWR | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, IOCTL_GNTDEV_MAP_GRANT_REF, &op) != 0)
		die("gntdev: %s", strerror(errno));
	if (mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)op.index) != MAP_FAILED)
		die("Xen allowed a writable map");
	if (errno != EINVAL)
		die("a writable map: %s", strerror(errno));
	close(fd);
}

static void
map(uint32_t domid, const uint32_t *refs)
{
	int ret = fido_xen_grants_map(grants, domid, refs, PAGES, PLACE);

	if (ret != 0)
		die("map: %s", strerror(-ret));
}

static void
compare(void)
{
	const uint64_t *memory = (const uint64_t *)PLACE;

	for (size_t i = 0; i < WORDS; i++)
		if (memory[i] != word(i))
			die("word %zu has changed to %" PRIx64, i, memory[i]);
}

/* As in src/core/map.c. */
static void
zero_fill(char *at, size_t len)
{
	if (mmap(at, len, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
		    0) != at)
		die("zeros: %s", strerror(errno));
}

/* If unmapping left anything mapped, this would exceed what Xen can track. */
static void
map_many_times(uint32_t domid, const uint32_t *refs)
{
	for (int round = 0; round < MAP_ROUNDS; round++) {
		map(domid, refs);
		if (round % 10 == 0)
			compare();
		if (round % 2 == 0)
			munmap(PLACE, BYTES);
		else
			zero_fill(PLACE, BYTES);
	}
}

static const uint32_t *
map_root(uint32_t domid, uint32_t root)
{
	return fido_xen_grants_map_page(grants, domid, root);
}

static int
deny(uint32_t domid, uint32_t root)
{
	if (map_root(domid, root) != NULL)
		die("another domain's grant could be mapped");
	return 0;
}

static int
read_it(uint32_t domid, uint32_t root)
{
	const uint32_t *refs = map_root(domid, root);
	unsigned long rounds = 0;
	bool stop = false;

	if (refs == NULL)
		die("map the root: %s", strerror(errno));
	map_many_times(domid, refs);
	writable_map_must_fail(domid, refs[0]);
	map(domid, refs);
	write_must_fault(PLACE);
	write_must_fault(PLACE + BYTES - 1);
	for (; !stop; rounds++) {
		stop = access(STOP_FILE, F_OK) == 0;
		compare();
		if (rounds == 0) {
			puts("ready");
			fflush(stdout);
		}
		usleep(20000); /* leave the CPUs to the others */
	}
	zero_fill(PLACE, BYTES);
	fido_xen_grants_unmap((void *)(uintptr_t)refs, 1);
	printf("unmapped after %lu rounds\n", rounds);
	fflush(stdout);
	while (access(STOP_FILE, F_OK) == 0)
		usleep(10000);
	return 0;
}

/* ---- the owner's domain ---- */

/* Written with write(): page faults are slow. */
static int
fill(void)
{
	static char piece[1 << 20];
	int memfd = make_memfd(0), n = 0;

	memset(piece, 0xdb, sizeof(piece));
	for (; read_number("/proc/meminfo", "MemFree:") > SPARE_KIB; n++)
		if (write(memfd, piece, sizeof(piece)) != sizeof(piece))
			die("fill: %s", strerror(errno));
	printf("%d MiB\n", n);
	return n > 10 ? 0 : 1;
}

static int
wait_until(long granted, long ending)
{
	for (int ms = 0; ms < LIMIT_MS; ms += 20) {
		if (read_number(PARAMETERS "granted", NULL) == granted &&
			read_number(PARAMETERS "ending", NULL) == ending)
			return 0;
		usleep(20000);
	}
	die("granted is %ld, not %ld; ending is %ld, not %ld",
		read_number(PARAMETERS "granted", NULL), granted,
		read_number(PARAMETERS "ending", NULL), ending);
}

static void
open_grants(void)
{
	if (fido_xen_grants_open("selftest", UINT32_MAX, &grants) != 0)
		die("open: %s", fido_last_error());
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "refuse") == 0 && argc == 2)
		return refuse();
	if (strcmp(what, "fill") == 0 && argc == 2)
		return fill();
	if (strcmp(what, "wait") == 0 && argc == 4)
		return wait_until(number(argv[2]), number(argv[3]));
	open_grants();
	if (strcmp(what, "give") == 0 && argc > 2)
		give(argc - 2, argv + 2);
	if (strcmp(what, "deny") == 0 && argc == 4)
		return deny(number(argv[2]), number(argv[3]));
	if (strcmp(what, "read") == 0 && argc == 4)
		return read_it(number(argv[2]), number(argv[3]));
	fprintf(stderr, "usage: see the head of grant-selftest.c\n");
	return 2;
}
