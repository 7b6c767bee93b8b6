/* SPDX-License-Identifier: BSD-3-Clause */
#include "bell_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <fido/log.h>

#include "state.h"

#define FILE_NAME "bells"

int
vmd_bells_open(struct vmd_bells_shm **out, const struct vmd_group *g, bool writable)
{
	char path[VMD_PATH_MAX];
	int ret = vmd_folder_path(path, g->dir, FILE_NAME), fd;
	void *p = MAP_FAILED;

	if (ret != 0)
		return ret;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	/* Every page is there: a full file system must not end fido-vmd later. */
	if (fd < 0 || ftruncate(fd, sizeof(**out)) != 0)
		ret = -errno;
	else
		ret = -posix_fallocate(fd, 0, sizeof(**out));
	if (ret == 0) {
		p = mmap(NULL, sizeof(**out), writable ? PROT_READ | PROT_WRITE : PROT_READ,
			MAP_SHARED, fd, 0);
		ret = p == MAP_FAILED ? -errno : 0;
	}
	if (fd >= 0)
		close(fd);
	*out = p;
	if (ret != 0)
		fido_log(FIDO_LOG_ERROR, "group %s: cannot use %s: %s", g->name, path,
			strerror(-ret));
	return ret;
}

void
vmd_bells_close(const struct vmd_bells_shm *bells)
{
	munmap((void *)(uintptr_t)bells, sizeof(*bells));
}

static bool
machine_has_them(const struct vmd_bell_machine_shm *m, const struct vmd_vm_shm *vm)
{
	return fido_load_acquire(&m->connected) != 0 && fido_load_relaxed(&m->pid) == vm->pid &&
		fido_load_relaxed(&m->start) == vm->start;
}

uint32_t
vmd_bell_id(const struct vmd_bells_shm *bells, const struct vmd_group *g,
	const struct vmd_state_shm *state, uint32_t slot)
{
	uint32_t vm = vmd_group_vm_of(g, slot);

	if (bells == NULL || fido_load_acquire(&bells->holder) == 0)
		return FIDO_VM_ANY;
	if (vm != VMD_HOST_INDEX)
		return machine_has_them(&bells->machines[vm], &state->vms[vm]) ? vm : FIDO_VM_ANY;
	return state->slots[slot].bell_holder == fido_load_relaxed(&bells->holder)
		? g->vm_count + slot - g->vms[vm].first
		: FIDO_VM_ANY;
}
