# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# A container on the host as a place for jobs (verbs.sh). Its root is the guests' tree of files.
# shellcheck disable=SC2154
#
#   box_open GROUP           have the place `box`: each job is a container of its own
#
# It has namespaces of its own, no network, no capability, a root that it cannot write, and of the
# host the group's folder and the slots' memory: it can write that of the host's slots only.

box_open()
{
	local slot
	command -v podman >/dev/null && command -v crun >/dev/null ||
		skip "podman or crun is not installed ($FIDO_TOP/setup.sh --vm)"
	# Without a lock in shared memory, which podman leaves there.
	printf '[engine]\nlock_type = "file"\n' >"$lib_dir/podman.conf"
	# Its limits by default are higher than ours may be.
	box_run=(env "CONTAINERS_CONF=$lib_dir/podman.conf"
		podman --root "$lib_dir/podman" --runroot "$lib_dir/podman.run" --tmpdir "$lib_dir/podman.tmp"
		--storage-driver vfs --cgroup-manager cgroupfs --events-backend none --runtime crun
		run --rm --rootfs --read-only --network none --no-hosts --cgroups disabled --pid private
		--uidmap 0:0:65536 --gidmap 0:0:65536 --ulimit nofile=1024:1024 --ulimit nproc=1000:1000
		--cap-drop all --security-opt no-new-privileges --log-driver none
		-v "$FIDO_RUNDIR/vm.$1:/run/fido/vm.$1:ro" -v "$vm_memory:$vm_memory:ro")
	for slot in $(vm_slots host); do
		slot=$(realpath "$(vm_memory_of "$slot")")
		box_run+=(-v "$slot:$slot:rw")
	done
	place box "${box_run[@]}" "$vm_dir/guest" /bin/sh -c
}
