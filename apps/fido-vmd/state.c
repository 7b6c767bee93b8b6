/* SPDX-License-Identifier: BSD-3-Clause */
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fido/log.h>

#define FILE_NAME "state"

static bool
is_valid(const struct vmd_state_shm *state, const struct vmd_group *g)
{
	return state->magic == VMD_STATE_MAGIC && state->version == VMD_STATE_VERSION &&
		state->slot_count == g->layout.slots;
}

/* The magic number is written last: a file without it has nothing in it yet. */
static void
begin(struct vmd_state_shm *state, const struct vmd_group *g)
{
	state->version = VMD_STATE_VERSION;
	state->slot_count = g->layout.slots;
	fido_store_release(&state->magic, VMD_STATE_MAGIC);
}

static int
map(void **out, const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0644), ret = 0;
	int prot = (flags & O_ACCMODE) == O_RDWR ? PROT_READ | PROT_WRITE : PROT_READ;
	struct stat st;

	if (fd < 0)
		return -errno;
	if ((flags & O_CREAT) != 0 && ftruncate(fd, sizeof(struct vmd_state_shm)) != 0)
		ret = -errno;
	/* Every page is there: a full file system must not end fido-vmd later. */
	if (ret == 0 && (flags & O_CREAT) != 0)
		ret = -posix_fallocate(fd, 0, sizeof(struct vmd_state_shm));
	if (ret == 0 && (fstat(fd, &st) != 0 || st.st_size < (off_t)sizeof(struct vmd_state_shm)))
		ret = -EPROTO;
	if (ret == 0) {
		*out = mmap(NULL, sizeof(struct vmd_state_shm), prot, MAP_SHARED, fd, 0);
		ret = *out == MAP_FAILED ? -errno : 0;
	}
	close(fd);
	return ret;
}

static int
report(const struct vmd_group *g, int err)
{
	fido_log(FIDO_LOG_ERROR, "group %s: cannot use %s/" FILE_NAME ": %s%s", g->name, g->dir,
		strerror(-err),
		err == -EPROTO ? ": it is another version's: destroy the group and create it again"
			       : "");
	return err;
}

int
vmd_state_open(struct vmd_state_shm **out, const struct vmd_group *g)
{
	char path[VMD_PATH_MAX];
	void *p;
	int ret = vmd_folder_path(path, g->dir, FILE_NAME);

	if (ret != 0)
		return ret;
	ret = map(&p, path, O_RDWR | O_CREAT);
	if (ret != 0)
		return report(g, ret);
	*out = p;
	if ((*out)->magic == 0)
		begin(*out, g);
	if (is_valid(*out, g))
		return 0;
	vmd_state_close(*out);
	return report(g, -EPROTO);
}

int
vmd_state_read(const struct vmd_state_shm **out, const struct vmd_group *g)
{
	char path[VMD_PATH_MAX];
	void *p;
	int ret = vmd_folder_path(path, g->dir, FILE_NAME);

	if (ret != 0)
		return ret;
	ret = map(&p, path, O_RDONLY);
	if (ret == -ENOENT)
		return ret;
	if (ret != 0)
		return report(g, ret);
	*out = p;
	if (is_valid(*out, g))
		return 0;
	vmd_state_close(*out);
	return report(g, -EPROTO);
}

void
vmd_state_close(const struct vmd_state_shm *state)
{
	munmap((void *)(uintptr_t)state, sizeof(*state));
}

void
vmd_state_recover(struct vmd_state_shm *state)
{
	uint64_t living = 0;

	for (uint32_t i = 0; i < state->slot_count; i++) {
		state->slots[i].connected = 0;
		if (vmd_slot_lives(&state->slots[i]))
			living |= UINT64_C(1) << i;
	}
	for (uint32_t i = 0; i < state->slot_count; i++)
		fido_store_release(&state->slots[i].holders, state->slots[i].holders & living);
	for (uint32_t i = 0; i < VMD_VMS_MAX; i++)
		state->vms[i].qmp = 0;
}
