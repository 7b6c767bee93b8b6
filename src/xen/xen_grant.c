/* SPDX-License-Identifier: BSD-3-Clause */
#include "xen_grant.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* Used in place of libxengnttab, which cannot map at a fixed address. */
#include <xen/sys/gntalloc.h>
#include <xen/sys/gntdev.h>

#include <fido/log.h>

#include "fido_grant.h"

#include "memfile.h"

#define MODULE_DEVICE "/dev/xen/fido-grant"
#define GNTALLOC_DEVICE "/dev/xen/gntalloc"
/* More pages than a grant table of the default size has. */
#define GNTALLOC_LIMIT_AMPLE 65536u
#define GNTALLOC_LIMIT "/sys/module/xen_gntalloc/parameters/limit"

/* Memory that gntalloc allocated, with its grant references. */
struct made {
	struct made *next;
	int fd;
	uint32_t pages;
	uint32_t refs[];
};

struct fido_xen_grants {
	int map_fd;    /* gntdev */
	int module_fd; /* -1: no module */
	uint32_t only; /* the one other Xen domain of the group; UINT32_MAX: none, or several */
	struct made *made;
};

/* ---- opening ---- */

/*
 * Open read-only: then the kernel refuses to make a peer's memory writable by mprotect(), as on the
 * host transport. With a descriptor open for writing mprotect() would succeed, and as the grants
 * are read-only, a PV guest would lose the pages.
 */
static int
open_gntdev(const char *group)
{
	int fd = open("/dev/xen/gntdev", O_RDONLY | O_CLOEXEC);
	int err = errno;

	if (fd >= 0)
		return fd;
	fido_log(FIDO_LOG_ERROR,
		"group xen:%s: cannot open /dev/xen/gntdev: %s: modprobe xen-gntdev, and run as "
		"root",
		group, strerror(err));
	return err == ENOENT ? -ENODEV : -err;
}

/* @return the module's descriptor, -1: it is not loaded, -errno (message written) */
static int
open_module(const char *group)
{
	int fd = open(MODULE_DEVICE, O_RDWR | O_CLOEXEC);
	int abi;

	if (fd < 0)
		return -1;
	abi = ioctl(fd, FIDO_GRANT_IOC_ABI);
	if (abi == FIDO_GRANT_ABI)
		return fd;
	fido_log(FIDO_LOG_ERROR,
		"group xen:%s: the fido-grant module has ABI %d, this libfido %d: build and load "
		"the module of this version (drivers/xen/fido-grant)",
		group, abi, FIDO_GRANT_ABI);
	close(fd);
	return -EPROTO;
}

int
fido_xen_grants_open(const char *group, uint32_t only, struct fido_xen_grants **out)
{
	struct fido_xen_grants *g = calloc(1, sizeof(*g));
	int ret;

	if (g == NULL)
		return -ENOMEM;
	g->only = only;
	g->module_fd = open_module(group);
	ret = g->map_fd = open_gntdev(group);
	if (g->module_fd < -1)
		ret = g->module_fd;
	if (ret >= 0 && g->module_fd < 0 && only == UINT32_MAX) {
		fido_log(FIDO_LOG_ERROR,
			"group xen:%s: the kernel's own gntalloc can grant a page to one domain "
			"only, and this group has not exactly two Xen domains: load the fido-grant "
			"module (doc/xen.md) in each",
			group);
		ret = -EOPNOTSUPP;
	}
	if (ret < 0) {
		fido_xen_grants_close(g);
		return ret;
	}
	*out = g;
	return 0;
}

void
fido_xen_grants_close(struct fido_xen_grants *g)
{
	struct made *m;

	if (g == NULL)
		return;
	while ((m = g->made) != NULL) {
		g->made = m->next;
		free(m);
	}
	if (g->map_fd >= 0)
		close(g->map_fd);
	if (g->module_fd >= 0)
		close(g->module_fd);
	free(g);
}

bool
fido_xen_grants_any_memory(const struct fido_xen_grants *g)
{
	return g->module_fd >= 0;
}

/* ---- memory ---- */

static unsigned long
gntalloc_limit(void)
{
	unsigned long limit = 0;
	FILE *f = fopen(GNTALLOC_LIMIT, "re");

	if (f == NULL)
		return 0;
	if (fscanf(f, "%lu", &limit) != 1)
		limit = 0;
	fclose(f);
	return limit;
}

/* Log why the kernel refused to grant pages. */
static void
log_no_grants(uint32_t pages, int err)
{
	fido_log(FIDO_LOG_ERROR,
		"cannot grant %u pages (%u KiB): %s: raise max_grant_frames in this domain's xl "
		"configuration and gnttab_max_frames on Xen's command line (512 pages a frame, for "
		"each domain that maps them; see the kernel's log), or use less memory (arena=, "
		"-m)",
		pages, pages * (FIDO_XEN_PAGE / 1024), strerror(err));
}

/*
 * gntalloc returns ENOSPC both at its own limit, shared by all its users, and for a full grant
 * table.
 */
static void
log_gntalloc_full(uint32_t pages)
{
	unsigned long limit = gntalloc_limit();

	if (limit >= GNTALLOC_LIMIT_AMPLE)
		log_no_grants(pages, ENOSPC);
	else
		fido_log(FIDO_LOG_ERROR,
			"cannot grant %u pages (%u KiB): gntalloc grants at most %lu pages in all: "
			"echo %u > " GNTALLOC_LIMIT " (permanently: options xen-gntalloc limit=%u "
			"in a file of /etc/modprobe.d), "
			"or use less memory (arena=, -m)",
			pages, pages * (FIDO_XEN_PAGE / 1024), limit, GNTALLOC_LIMIT_AMPLE,
			GNTALLOC_LIMIT_AMPLE);
}

/* Allocate memory with its grants. The file's pages are this one allocation, from offset 0. */
static int
gntalloc_memory(struct fido_xen_grants *g, uint32_t pages, int *out)
{
	struct ioctl_gntalloc_alloc_gref *op = calloc(1, sizeof(*op) + pages * sizeof(uint32_t));
	struct made *m = malloc(sizeof(*m) + pages * sizeof(uint32_t));
	int fd = open(GNTALLOC_DEVICE, O_RDWR | O_CLOEXEC);
	int ret = op != NULL && m != NULL ? 0 : -ENOMEM;

	if (fd < 0)
		ret = -errno;
	if (ret == 0) {
		op->domid = (uint16_t)g->only;
		op->count = pages;
		if (ioctl(fd, IOCTL_GNTALLOC_ALLOC_GREF, op) != 0)
			ret = -errno;
	}
	if (ret == 0) {
		m->fd = fd;
		m->pages = pages;
		memcpy(m->refs, op->gref_ids, pages * sizeof(uint32_t));
		m->next = g->made;
		g->made = m;
		*out = fd;
	} else {
		if (fd >= 0)
			close(fd);
		free(m);
	}
	free(op);
	return ret;
}

int
fido_xen_grants_memory(struct fido_xen_grants *g, size_t size, bool huge, int *fd)
{
	uint32_t pages = (uint32_t)(size / FIDO_XEN_PAGE);
	int ret;

	if (g->module_fd >= 0)
		return fido_memfile_create(NULL, size, huge, fd);
	if (huge)
		return -EOPNOTSUPP;
	ret = gntalloc_memory(g, pages, fd);
	if (ret == -ENOSPC)
		log_gntalloc_full(pages);
	return ret;
}

int
fido_xen_grants_seal(struct fido_xen_grants *g, int fd)
{
	/*
	 * gntalloc's memory needs no seal: only we have its descriptor, and the grants are
	 * read-only.
	 */
	return g->module_fd >= 0 ? fido_memfile_seal(NULL, fd) : 0;
}

/* ---- granting ---- */

static int
module_add(const struct fido_xen_grants *g, uint64_t gaddr, uint32_t pages, unsigned int domid,
	uint32_t *refs, uint64_t *id)
{
	struct fido_grant_add op = {.addr = gaddr,
		.count = pages,
		.domid = domid,
		.refs = (uintptr_t)refs};

	if (ioctl(g->module_fd, FIDO_GRANT_IOC_ADD, &op) != 0) {
		if (errno == ENOSPC)
			log_no_grants(pages, errno);
		return -errno;
	}
	*id = op.id;
	return 0;
}

int
fido_xen_grants_add(struct fido_xen_grants *g, const struct fido_extent *e, uint64_t gaddr,
	uint32_t pages, unsigned int domid, uint32_t *refs, uint64_t *id)
{
	uint64_t first = (e->fd_offset + (gaddr - e->gaddr)) / FIDO_XEN_PAGE;

	if (g->module_fd >= 0)
		return module_add(g, gaddr, pages, domid, refs, id);
	*id = 0;
	if (domid != g->only)
		return -EOPNOTSUPP;
	for (const struct made *m = g->made; m != NULL; m = m->next)
		if (m->fd == e->fd && first + pages <= m->pages) {
			memcpy(refs, m->refs + first, pages * sizeof(uint32_t));
			return 0;
		}
	return -EOPNOTSUPP;
}

void
fido_xen_grants_end(struct fido_xen_grants *g, uint64_t id)
{
	struct fido_grant_end op = {.id = id};

	/* gntalloc's grants end with the memory. */
	if (g->module_fd >= 0)
		ioctl(g->module_fd, FIDO_GRANT_IOC_END, &op);
}

/* ---- mapping ---- */

/* A failed mmap(MAP_FIXED) may have unmapped the range: let no other mapping take it. */
static void
reserve(void *addr, size_t len)
{
	mmap(addr, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
}

/* Add grants to the device's list. @return their offset for mmap(), -errno */
static int64_t
announce(int fd, unsigned int domid, const uint32_t *refs, uint32_t pages)
{
	struct ioctl_gntdev_map_grant_ref *op = malloc(sizeof(*op) + pages * sizeof(op->refs[0]));
	int64_t ret;

	if (op == NULL)
		return -ENOMEM;
	op->count = pages;
	op->pad = 0;
	for (uint32_t i = 0; i < pages; i++)
		op->refs[i] = (struct ioctl_gntdev_grant_ref){domid, refs[i]};
	ret = ioctl(fd, IOCTL_GNTDEV_MAP_GRANT_REF, op) == 0 ? (int64_t)op->index : -errno;
	free(op);
	return ret;
}

/* Remove grants from the device's list. Existing mappings keep them. */
static void
forget(int fd, uint64_t index, uint32_t pages)
{
	struct ioctl_gntdev_unmap_grant_ref op = {.index = index, .count = pages};

	ioctl(fd, IOCTL_GNTDEV_UNMAP_GRANT_REF, &op);
}

int
fido_xen_grants_map(struct fido_xen_grants *g, unsigned int domid, const uint32_t *refs,
	uint32_t pages, void *addr)
{
	size_t len = (size_t)pages * FIDO_XEN_PAGE;
	int64_t index = announce(g->map_fd, domid, refs, pages);
	int ret = 0;
	void *p;

	if (index < 0)
		return (int)index;
	p = mmap(addr, len, PROT_READ, MAP_SHARED | MAP_FIXED, g->map_fd, (off_t)index);
	if (p == MAP_FAILED) {
		ret = -errno;
		reserve(addr, len);
	}
	forget(g->map_fd, (uint64_t)index, pages);
	return ret;
}

const void *
fido_xen_grants_map_page(struct fido_xen_grants *g, unsigned int domid, uint32_t ref)
{
	void *p = mmap(NULL, FIDO_XEN_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	if (fido_xen_grants_map(g, domid, &ref, 1, p) == 0)
		return p;
	munmap(p, FIDO_XEN_PAGE);
	return NULL;
}

void
fido_xen_grants_unmap(void *addr, uint32_t pages)
{
	munmap(addr, (size_t)pages * FIDO_XEN_PAGE);
}

/* ---- the clock ---- */

#if defined(__x86_64__)

/*
 * Read Xen's CPUID leaves. Without this prefix a PV guest would read the processor's own. Other
 * guests always read Xen's.
 */
static void
xen_cpuid(uint32_t leaf, uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
	__asm__ volatile(".byte 0x0f,0x0b,0x78,0x65,0x6e; cpuid"
			 : "=a"(*a), "=b"(*b), "=c"(*c), "=d"(*d)
			 : "a"(leaf), "c"(0));
}

static bool
is_pv(void)
{
	char type[16] = "";
	FILE *f = fopen("/sys/hypervisor/guest_type", "re");

	if (f == NULL)
		return false;
	if (fscanf(f, "%15s", type) != 1)
		type[0] = '\0';
	fclose(f);
	return strcmp(type, "PV") == 0;
}

/* A PV guest reads the machine's TSC, unless Xen emulates it (tsc_mode): see Xen's CPUID leaf 3. */
static bool
reads_host_tsc(void)
{
	uint32_t a, b, c, d;

	if (!is_pv())
		return false;
	xen_cpuid(0x40000000, &a, &b, &c, &d);
	if (b != 0x566e6558 || c != 0x65584d4d || d != 0x4d4d566e ||
		a < 0x40000003) /* "XenVMMXenVMM" */
		return false;
	xen_cpuid(0x40000003, &a, &b, &c, &d);
	return (a & 1) == 0;
}

#else

static bool
reads_host_tsc(void)
{
	return false;
}

#endif

uint64_t
fido_xen_clock(unsigned int domid)
{
	return reads_host_tsc() ? 0 : (uint64_t)domid + 1;
}
