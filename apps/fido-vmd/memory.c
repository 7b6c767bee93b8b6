/* SPDX-License-Identifier: BSD-3-Clause */
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include <fido/log.h>

#include "header.h"

#define POOL "/sys/kernel/mm/hugepages/hugepages-2048kB/"
#define PLAIN "/dev/shm"
#define MIB(bytes) ((bytes) >> 20)

/* ---- room ---- */

static uint64_t
pool_number(const char *file)
{
	char path[128];
	unsigned long long n = 0;
	FILE *f;

	snprintf(path, sizeof(path), POOL "%s", file);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	if (fscanf(f, "%llu", &n) != 1)
		n = 0;
	fclose(f);
	return n;
}

/* @return bytes that a file in dir can have; a mount of hugetlbfs may have a limit of its own */
static uint64_t
room_in(const char *dir, bool *huge)
{
	uint64_t room, pages, reserved;
	struct statfs st;

	*huge = false;
	if (statfs(dir, &st) != 0)
		return 0;
	room = (uint64_t)st.f_bavail * (uint64_t)st.f_bsize;
	if (st.f_type != HUGETLBFS_MAGIC)
		return room;
	*huge = true;
	pages = pool_number("free_hugepages");
	reserved = pool_number("resv_hugepages");
	pages = pages > reserved ? pages - reserved : 0;
	return st.f_blocks == 0 || pages << 21 < room ? pages << 21 : room;
}

static bool
choose_huge(struct vmd_group *g)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent *mount;
	bool found = false, huge;
	struct statfs st;

	while (mounts != NULL && !found && (mount = getmntent(mounts)) != NULL) {
		found = strcmp(mount->mnt_type, "hugetlbfs") == 0 &&
			statfs(mount->mnt_dir, &st) == 0 &&
			(uint64_t)st.f_bsize == FIDO_GRANULE_SIZE &&
			access(mount->mnt_dir, W_OK) == 0 &&
			room_in(mount->mnt_dir, &huge) >= vmd_group_total_size(g);
		if (found)
			snprintf(g->memory, sizeof(g->memory), "%s", mount->mnt_dir);
	}
	if (mounts != NULL)
		endmntent(mounts);
	return found;
}

int
vmd_memory_choose(struct vmd_group *g)
{
	uint64_t need = vmd_group_total_size(g), room;
	bool huge;

	if (choose_huge(g))
		return 0;
	snprintf(g->memory, sizeof(g->memory), PLAIN);
	room = room_in(PLAIN, &huge);
	if (room >= need)
		return 0;
	fido_log(FIDO_LOG_ERROR,
		"group %s: no room for %u slots: need %" PRIu64 " MiB, that is %" PRIu64
		" pages of 2 MiB; free are %" PRIu64 " pages and %" PRIu64 " MiB in " PLAIN
		": give --size, --slots-per-vm, or more pages: echo N > " POOL "nr_hugepages",
		g->name, g->layout.slots, MIB(need), need >> 21, pool_number("free_hugepages"),
		MIB(room));
	return -ENOSPC;
}

static void
report_create(const struct vmd_group *g, const char *path, int err)
{
	bool huge;
	uint64_t room = room_in(g->memory, &huge);

	if (err == -EEXIST)
		fido_log(FIDO_LOG_ERROR,
			"group %s: %s is there: it is left of a former group of this name; if "
			"nobody uses it (fuser -v), remove it: rm %s",
			g->name, path, path);
	else if (err == -ENOSPC || err == -ENOMEM)
		fido_log(FIDO_LOG_ERROR,
			"group %s: no room in %s for %u slots: need %" PRIu64 " MiB, have %" PRIu64
			" MiB: give a smaller --size, fewer slots, or another --memory%s",
			g->name, g->memory, g->layout.slots, MIB(vmd_group_total_size(g)),
			MIB(room), huge ? ", or more pages: echo N > " POOL "nr_hugepages" : "");
	else
		fido_log(FIDO_LOG_ERROR, "group %s: cannot create %s: %s: give another --memory",
			g->name, path, strerror(-err));
}

/* ---- files ---- */

static int
give_to(int fd, const struct vmd_group *g, const struct vmd_vm *vm)
{
	if ((vm->uid != geteuid() || g->shared) && fchown(fd, vm->uid, g->gid) != 0)
		return -errno;
	return fchmod(fd, g->shared ? 0640 : 0600) == 0 ? 0 : -errno;
}

static int
create_file(const struct vmd_group *g, uint32_t file, const char *path)
{
	const struct fido_vm_uuid uuid = fido_vm_uuid(g->name, file);
	uint64_t size = vmd_group_file_size(g, file);
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600), ret;

	if (fd < 0)
		return -errno;
	ret = fallocate(fd, 0, 0, (off_t)size) == 0 ? 0 : -errno;
	if (ret == 0)
		ret = vmd_header_repair(fd, size, &uuid);
	if (ret >= 0)
		ret = give_to(fd, g, &g->vms[vmd_group_vm_of(g, file)]);
	close(fd);
	if (ret != 0)
		unlink(path);
	return ret;
}

static void
remove_files(const struct vmd_group *g, uint32_t end)
{
	char path[VMD_PATH_MAX];

	for (uint32_t file = 0; file < end; file++)
		if (vmd_group_file_size(g, file) != 0 && vmd_group_memory(g, file, path) == 0)
			unlink(path);
}

/* A file system that is too small is refused before anything is made. */
static int
check_room(const struct vmd_group *g)
{
	bool huge;

	return access(g->memory, F_OK) != 0 || room_in(g->memory, &huge) >= vmd_group_total_size(g)
		? 0
		: -ENOSPC;
}

int
vmd_memory_create(const struct vmd_group *g)
{
	char path[VMD_PATH_MAX] = "";
	int ret = check_room(g);
	uint32_t file = 0;

	while (ret == 0 && file < FIDO_VM_FILES_MAX) {
		if (vmd_group_file_size(g, file) != 0) {
			ret = vmd_group_memory(g, file, path);
			if (ret == 0)
				ret = create_file(g, file, path);
		}
		if (ret == 0)
			file++;
	}
	if (ret != 0) {
		remove_files(g, file);
		report_create(g, path, ret);
	}
	return ret;
}

void
vmd_memory_remove(const struct vmd_group *g)
{
	remove_files(g, FIDO_VM_FILES_MAX);
}

static int
repair_file(const struct vmd_group *g, uint32_t file)
{
	const struct fido_vm_uuid uuid = fido_vm_uuid(g->name, file);
	char path[VMD_PATH_MAX], text[VMD_FILE_TEXT_MAX];
	int ret = vmd_group_memory(g, file, path), fd;

	if (ret != 0)
		return ret;
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ret = fd < 0 ? -errno : vmd_header_repair(fd, vmd_group_file_size(g, file), &uuid);
	if (fd >= 0)
		close(fd);
	vmd_group_file_text(g, file, text);
	if (ret < 0)
		fido_log(FIDO_LOG_ERROR,
			"group %s: cannot repair the header of %s (%s): %s: end the group's "
			"virtual machines and create the group again",
			g->name, text, path, strerror(-ret));
	else if (ret > 0)
		fido_log(FIDO_LOG_WARNING,
			"group %s: the header of %s was damaged, and is written again: its "
			"owner, %s, has overwritten it",
			g->name, text, g->vms[vmd_group_vm_of(g, file)].name);
	return ret;
}

int
vmd_memory_repair(const struct vmd_group *g, bool *written)
{
	int first = 0;

	for (uint32_t file = 0; file < FIDO_VM_FILES_MAX; file++) {
		int ret = vmd_group_file_size(g, file) != 0 ? repair_file(g, file) : 0;

		if (ret < 0 && first == 0)
			first = ret;
		if (ret > 0 && written != NULL)
			written[file] = true;
	}
	return first;
}
