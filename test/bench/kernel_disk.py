# SPDX-License-Identifier: BSD-3-Clause
"""The block devices of the set `kernel`: a volume of another domain as a loop device, by
fido-blk-mount and by nbdkit and nbdfuse, and a loop device on the same memory without a split.
"""
import json
import os
import subprocess

from process import SampleError, run, wait_until

VOLUME_MIB = 256
LABELS = {"mount": "fido-blk-mount and loop", "loop": "loop on memory, no split",
          "nbdfuse": "nbdkit, nbdfuse and loop"}
# What fio does: its options, and bytes of a request.
LOADS = {"dread32": (["--rw=randread", "--iodepth=32", "--iodepth_batch=16"], 8192),
         "dwrite8": (["--rw=write", "--iodepth=8"], 1 << 20)}


def first_line(process, what):
    def line():
        process.check()
        found = [text for text in process.log().splitlines() if text.startswith("/dev/loop")]
        return found[0] if found else None
    return wait_until(line, 30, what)


def attach(path):
    return run("losetup", "--find", "--show", "--direct-io=on", path)


class Disk:
    """A block device, and what is to be undone."""

    def __init__(self, bench):
        self.bench = bench
        self.device = None
        self.folder = bench.path("disk")
        self.mounted = False
        os.makedirs(self.folder, exist_ok=True)

    def serve(self):
        blkd = self.bench.spawn_anywhere("disk-server", [
            self.bench.build + "/apps/fido-blkd/fido-blkd", "--group", self.bench.group,
            "--domain", "disk", "--volume", f"v=mem:{VOLUME_MIB}M"])
        wait_until(lambda: blkd.check() and "volume" in blkd.log(), 30, "start of fido-blkd")

    def open_mount(self):
        self.serve()
        mount = self.bench.spawn_anywhere("mount", [
            self.bench.build + "/apps/fido-blk-mount/fido-blk-mount", "--group", self.bench.group,
            "--volume", "v", "--loop", self.folder])
        return first_line(mount, "start of fido-blk-mount")

    def open_loop(self):
        # Huge pages, as fido-blkd has them.
        run("mount", "-t", "tmpfs", "-o", f"size={VOLUME_MIB + 8}M,huge=always", "none",
            self.folder)
        self.mounted = True
        path = self.folder + "/disk"
        run("dd", "if=/dev/zero", f"of={path}", "bs=1M", f"count={VOLUME_MIB}", "status=none")
        self.device = attach(path)
        return self.device

    def open_nbdfuse(self):
        self.serve()
        socket = self.bench.path("disk.sock")
        server = self.bench.spawn_anywhere("nbdkit", [
            "nbdkit", "-f", "-U", socket, self.bench.build +
            "/drivers/blk/nbdkit/nbdkit-fido-plugin.so", f"group={self.bench.group}", "volume=v"])
        wait_until(lambda: server.check() and os.path.exists(socket), 30, "socket of nbdkit")
        fuse = self.bench.spawn_anywhere("nbdfuse", ["nbdfuse", self.folder, "--unix", socket])
        wait_until(lambda: fuse.check() and os.path.exists(self.folder + "/nbd"), 30, "nbdfuse")
        self.mounted = True
        self.device = attach(self.folder + "/nbd")
        return self.device

    def close(self):
        if self.device:
            subprocess.run(["losetup", "-d", self.device], stderr=subprocess.DEVNULL)
            wait_until(lambda: not backing_file(self.device), 20, "end of the loop device")
        self.bench.stop_all()
        if self.mounted:
            subprocess.run(["umount", self.folder], stderr=subprocess.DEVNULL)
        os.rmdir(self.folder)


def backing_file(device):
    return os.path.exists(f"/sys/block/{os.path.basename(device)}/loop/backing_file")


def fio(bench, device, options, size):
    done = subprocess.run(
        ["taskset", "-c", ",".join(str(cpu) for cpu in bench.cpus), "fio", "--name=x",
         "--output-format=json", "--time_based", f"--runtime={max(1, round(2 * bench.window))}",
         "--ramp_time=0.3", "--ioengine=libaio", "--direct=1", f"--filename={device}",
         f"--bs={size}", "--iodepth_batch_complete_min=1", "--norandommap", "--gtod_reduce=1",
         *options], capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise SampleError(f"fio: {done.stderr.strip() or done.stdout.strip()}")
    job = json.loads(done.stdout[done.stdout.find("{"):])["jobs"][0]
    return job["read"]["iops"] + job["write"]["iops"]


def sample(bench, load, peer, size):
    options, _ = LOADS[load]
    disk = Disk(bench)
    try:
        device = getattr(disk, "open_" + peer)()
        return {"pps": fio(bench, device, options, size)}
    finally:
        disk.close()
