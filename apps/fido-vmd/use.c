/* SPDX-License-Identifier: BSD-3-Clause */
#include "use.h"

#include <errno.h>
#include <unistd.h>

#include <fido/log.h>

#include "process.h"
#include "unix_socket.h"

/* @return true: somebody listens at the machine's QMP */
static bool
answers(const struct vmd_group *g, uint32_t vm)
{
	char path[VMD_PATH_MAX];
	int fd;

	if (vmd_folder_path(path, g->dir, "%s.vm/qmp", g->vms[vm].name) != 0)
		return false;
	fd = unix_connect(path);
	if (fd >= 0)
		close(fd);
	return fd >= 0 || fd == -EAGAIN;
}

bool
vmd_use_runs(const struct vmd_group *g, const struct vmd_state_shm *state, uint32_t vm)
{
	if (vm == VMD_HOST_INDEX)
		return false;
	if (state != NULL && process_lives(state->vms[vm].pid, state->vms[vm].start))
		return true;
	return answers(g, vm);
}

bool
vmd_use_lives(const struct vmd_group *g, const struct vmd_state_shm *state, uint32_t slot)
{
	uint32_t vm = vmd_group_vm_of(g, slot);
	const struct vmd_slot_shm *s;

	if (state == NULL)
		return false;
	s = &state->slots[slot];
	if (!vmd_slot_lives(s))
		return false;
	return vm == VMD_HOST_INDEX ? process_lives(s->pid, s->start) : vmd_use_runs(g, state, vm);
}

int
vmd_use_refuse(const struct vmd_group *g)
{
	const struct vmd_state_shm *state = NULL;
	int ret = vmd_state_read(&state, g);

	if (ret != 0 && ret != -ENOENT)
		return ret;
	ret = 0;
	for (uint32_t vm = 0; vm < g->vm_count && ret == 0; vm++)
		if (vmd_use_runs(g, state, vm)) {
			ret = -EBUSY;
			fido_log(FIDO_LOG_ERROR,
				"group %s: %s runs: shut it down first, or give --force", g->name,
				g->vms[vm].name);
		}
	for (uint32_t slot = 0; slot < g->layout.slots && ret == 0; slot++)
		if (vmd_use_lives(g, state, slot)) {
			ret = -EBUSY;
			fido_log(FIDO_LOG_ERROR,
				"group %s: its member %.*s (process %llu) lives: end it first, or "
				"give --force",
				g->name, FIDO_NAME_MAX, state->slots[slot].name,
				(unsigned long long)state->slots[slot].pid);
		}
	if (state != NULL)
		vmd_state_close(state);
	return ret;
}
