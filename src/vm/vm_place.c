/* SPDX-License-Identifier: BSD-3-Clause */
#include "vm_place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fido/log.h>

#include "vm_protocol.h"
#include "vm_uuid.h"

#define SYS_PORTS "/sys/class/virtio-ports"
#define SYS_DAX "/sys/bus/dax/devices"
#define SYS_KMEM "/sys/bus/dax/drivers/kmem"
#define SYS_NVDIMM "/sys/bus/nd/devices"

/* ---- sysfs ---- */

/* Read the first line of a small file. @return false: there is none */
static bool
read_line(const char *dir, const char *file, char *out, size_t size)
{
	char path[PATH_MAX];
	FILE *f;
	bool ok;

	if (snprintf(path, sizeof(path), "%s/%s", dir, file) >= (int)sizeof(path))
		return false;
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	ok = fgets(out, (int)size, f) != NULL;
	fclose(f);
	if (ok)
		out[strcspn(out, "\n")] = '\0';
	return ok;
}

/*
 * Call fn for each entry of a folder until it returns true.
 * @return false: it did for none
 */
static bool
each_entry(const char *dir, bool (*fn)(void *arg, const char *name), void *arg)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	bool found = false;

	while (!found && d != NULL && (e = readdir(d)) != NULL)
		found = e->d_name[0] != '.' && fn(arg, e->d_name);
	if (d != NULL)
		closedir(d);
	return found;
}

/* ---- ports ---- */

struct port_search {
	char prefix[FIDO_NAME_MAX + 8]; /* of the ports' names */
	uint32_t from;
	uint32_t slot; /* the least one found; FIDO_VM_ANY: none */
	char device[NAME_MAX + 1];
};

static bool
see_port(void *arg, const char *device)
{
	struct port_search *s = arg;
	char dir[sizeof(SYS_PORTS) + NAME_MAX + 1], name[128], *end;
	size_t len = strlen(s->prefix);
	unsigned long slot;

	snprintf(dir, sizeof(dir), "%s/%s", SYS_PORTS, device);
	if (!read_line(dir, "name", name, sizeof(name)) || strncmp(name, s->prefix, len) != 0)
		return false;
	slot = strtoul(name + len, &end, 10);
	if (end == name + len || *end != '\0' || slot >= FIDO_SLOTS_MAX || slot < s->from ||
		slot >= s->slot)
		return false;
	s->slot = (uint32_t)slot;
	snprintf(s->device, sizeof(s->device), "%s", device);
	return false; /* Another one may be less. */
}

bool
fido_vm_place_port(const struct fido_vm_place *p, uint32_t *slot, char *path, size_t size)
{
	struct port_search s = {.from = *slot, .slot = FIDO_VM_ANY};

	snprintf(s.prefix, sizeof(s.prefix), "fido.%s.", p->group);
	each_entry(SYS_PORTS, see_port, &s);
	if (s.slot == FIDO_VM_ANY)
		return false;
	*slot = s.slot;
	return snprintf(path, size, "/dev/%s", s.device) < (int)size;
}

/* ---- memory ---- */

struct dax {
	const char *group;
	uint32_t file; /* its number */
	bool writable; /* the machine may write to it, or does not know */
	char name[NAME_MAX + 1];
};

/* Of an NVDIMM: "nmem0,0,1073741824,0". @return false: the region lies on none */
static bool
read_handle(const char *region, uint32_t *file)
{
	char line[128], dir[sizeof(SYS_NVDIMM) + sizeof(line) + 8];

	if (!read_line(region, "mapping0", line, sizeof(line)))
		return false;
	line[strcspn(line, ",")] = '\0';
	snprintf(dir, sizeof(dir), "%s/%s/nfit", SYS_NVDIMM, line);
	if (!read_line(dir, "handle", line, sizeof(line)))
		return false;
	*file = (uint32_t)strtoul(line, NULL, 0) - 1;
	return *file < FIDO_VM_FILES_MAX;
}

/* Of virtio-pmem, by the uuid in the file's header. @return false: it is not of that group */
static bool
read_uuid(const char *device, const char *group, uint32_t *file)
{
	char line[64], text[FIDO_VM_UUID_TEXT];
	struct fido_vm_uuid uuid;

	if (!read_line(device, "uuid", line, sizeof(line)) || strlen(line) + 1 != sizeof(text))
		return false;
	/* The last byte is the file's number. */
	*file = (uint32_t)strtoul(line + sizeof(text) - 3, NULL, 16);
	uuid = fido_vm_uuid(group, *file);
	fido_vm_uuid_text(&uuid, text);
	return strcmp(line, text) == 0 && *file < FIDO_VM_FILES_MAX;
}

/* Read about a device of device dax. @return false: it is not memory of dax->group */
static bool
read_dax(const char *name, struct dax *dax)
{
	char link[sizeof(SYS_DAX) + NAME_MAX + 1], path[PATH_MAX], line[16], *device, *end;
	uint32_t by_uuid = 0;
	bool is_pmem;

	snprintf(link, sizeof(link), "%s/%s", SYS_DAX, name);
	snprintf(dax->name, sizeof(dax->name), "%s", name);
	/* .../ndbus0/region3/dax3.1/dax3.0: the region knows its NVDIMM, its device the uuid. */
	if (realpath(link, path) == NULL || (device = strstr(path, "/region")) == NULL ||
		(device = strchr(device + 1, '/')) == NULL ||
		(end = strchr(device + 1, '/')) == NULL)
		return false;
	*end = '\0';
	is_pmem = read_uuid(path, dax->group, &by_uuid);
	*device = '\0';
	dax->writable = read_line(path, "read_only", line, sizeof(line)) && line[0] == '0';
	if (read_handle(path, &dax->file))
		return true;
	dax->file = by_uuid;
	return is_pmem;
}

static bool
has_number(void *arg, const char *name)
{
	struct dax *wanted = arg, dax = {.group = wanted->group};

	if (!read_dax(name, &dax) || dax.file != wanted->file)
		return false;
	*wanted = dax;
	return true;
}

static int
open_file(const char *path, bool writable)
{
	int fd = open(path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);

	return fd >= 0 ? fd : -errno;
}

static int
open_host(const struct fido_vm_place *p, uint32_t file, bool writable)
{
	char path[FIDO_LOCAL_PATH_MAX], name[32];

	if (file < FIDO_SLOTS_MAX)
		snprintf(name, sizeof(name), FIDO_VM_MEMORY, file);
	else
		snprintf(name, sizeof(name), FIDO_VM_RAM_MEMORY, file - FIDO_SLOTS_MAX);
	fido_local_folder_path(&p->folder, name, path);
	return open_file(path, writable);
}

int
fido_vm_place_memory(const struct fido_vm_place *p, uint32_t file, bool writable, uint64_t *offset)
{
	struct dax dax = {.group = p->group, .file = file};
	char path[sizeof("/dev/") + NAME_MAX];

	*offset =
		p->is_host ? FIDO_VM_HEADER_SIZE : 0; /* A guest sees what is behind the header. */
	if (p->is_host)
		return open_host(p, file, writable);
	if (!each_entry(SYS_DAX, has_number, &dax))
		return -ENOENT;
	snprintf(path, sizeof(path), "/dev/%s", dax.name);
	return open_file(path, writable);
}

/* A virtio-pmem does not tell whose it is. Only its own can work as RAM. */
static bool
is_own_ram(void *arg, const char *name)
{
	char driver[sizeof(SYS_KMEM) + NAME_MAX + 1];
	struct dax *dax = arg;

	snprintf(driver, sizeof(driver), "%s/%s", SYS_KMEM, name);
	return access(driver, F_OK) == 0 && read_dax(name, dax) && dax->writable &&
		dax->file >= FIDO_VM_RAM(0);
}

bool
fido_vm_place_ram(const struct fido_vm_place *p, uint32_t *file, uint64_t *start, uint64_t *size)
{
	char dir[sizeof(SYS_DAX) + NAME_MAX + 1], line[64];
	struct dax dax = {.group = p->group};

	if (!each_entry(SYS_DAX, is_own_ram, &dax))
		return false;
	snprintf(dir, sizeof(dir), "%s/%s", SYS_DAX, dax.name);
	*file = dax.file;
	*start = read_line(dir, "resource", line, sizeof(line)) ? strtoull(line, NULL, 0) : 0;
	*size = read_line(dir, "size", line, sizeof(line)) ? strtoull(line, NULL, 0) : 0;
	return *start != 0 && *size != 0;
}

/* ---- the group ---- */

static bool
find_folder(struct fido_vm_place *p)
{
	char run[FIDO_LOCAL_DIR_MAX - FIDO_NAME_MAX - 8];

	if (fido_group_run_dir(run, sizeof(run)) != 0)
		return false;
	snprintf(p->folder.dir, sizeof(p->folder.dir), "%s/" FIDO_VM_FOLDER, run, p->group);
	/* Without permission it is there all the same: fido_vm_place_connect() says so. */
	return access(p->folder.dir, F_OK) == 0 || errno != ENOENT;
}

int
fido_vm_place_find(struct fido_vm_place *p, const char *group)
{
	char port[64];
	uint32_t slot = 0;

	*p = (struct fido_vm_place){.folder = {.lock_fd = -1}};
	snprintf(p->group, sizeof(p->group), "%s", group);
	p->is_host = find_folder(p);
	if (p->is_host || fido_vm_place_port(p, &slot, port, sizeof(port)))
		return 0;
	fido_log(FIDO_LOG_ERROR,
		"group vm:%s: no such group here: on the host there is no folder %s: create the "
		"group (fido-vmd create %s ...); in a virtual machine there is no port "
		"fido.%s.N in %s: start it with what `fido-vmd args` prints, and modprobe "
		"virtio_console",
		group, p->folder.dir, group, group, SYS_PORTS);
	return -ENOENT;
}

int
fido_vm_place_connect(const struct fido_vm_place *p)
{
	return fido_local_folder_connect_stream(&p->folder, "host");
}
