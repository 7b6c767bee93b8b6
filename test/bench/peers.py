# SPDX-License-Identifier: BSD-3-Clause
"""The drivers that are compared: mmnet, memif, vhost-user.

All get the same number of descriptors (1024), the same buffers and the same pinning. Their devices
are set up as their documentation recommends for speed.
"""
import contextlib
import os
import shutil
import subprocess
from dataclasses import dataclass, field

# Buffers of testpmd's pools: 2 KiB, or large enough for a frame of 9000 bytes in one segment.
HEADROOM = 128


def data_room(size):
    return 2048 if size <= 2048 else 9216


@dataclass
class Side:
    """The options of one process: EAL's and testpmd's."""
    eal: list
    testpmd: list = field(default_factory=list)


@dataclass
class Pair:
    """Sender and receiver. `listener` must have created `sockets` before the other one starts."""
    tx: Side
    rx: Side
    listener: str = ""
    sockets: list = field(default_factory=list)


@dataclass
class Loop:
    """A forwarder with two links to one other process, `ends`."""
    ends_out: list
    ends_in: list
    fwd_in: list
    fwd_out: list
    listener: str = ""
    sockets: list = field(default_factory=list)


class Peer:
    """What all have in common."""
    def around(self, bench):
        """What must be there while the pair runs: a context."""
        return contextlib.nullcontext()


class Mmnet(Peer):
    """The mmnet driver in one receive mode, with the sender's pools in EAL's heap or in arenas."""
    family = "mmnet"

    def __init__(self, mode, pools="heap"):
        self.mode = mode
        self.pools = pools
        self.label = f"mmnet rx={mode}" + (", arena pools" if pools == "arena" else "")
        # The counter that equals the packets received when all of them took the mode's path.
        self.proof = {"zero": "rx_zero_copy_packets", "copy": "rx_copied_packets"}.get(mode)

    @staticmethod
    def port(bench, number, domain, peer, extra=""):
        return ["-d", bench.driver, f"--vdev=net_mmnet{number},group={bench.group},"
                                    f"domain={domain},peer={peer}{extra}"]

    def pair(self, bench, size):
        scatter = ["--enable-scatter"] if self.mode == "header" else []
        rx = self.port(bench, 0, "rx", "tx", f",rx={self.mode}")
        tx = self.port(bench, 0, "tx", "rx", f",pools={self.pools}")
        return Pair(tx=Side(tx), rx=Side(rx, scatter))

    def loops(self, bench, size):
        mode = f",rx={self.mode}"
        return [Loop(ends_out=self.port(bench, 0, "ends", "fwd", ",link=a"),
                     ends_in=self.port(bench, 1, "ends", "fwd", ",link=b" + mode),
                     fwd_in=self.port(bench, 0, "fwd", "ends", ",link=a" + mode),
                     fwd_out=self.port(bench, 1, "fwd", "ends", ",link=b"))]


class MmnetVm(Mmnet):
    """The same between members of a group of virtual machines, as processes of the host: the driver
    and the library do there what they do in a guest."""

    def __init__(self):
        super().__init__("zero", "arena")
        self.label = "mmnet rx=zero, arena pools, group vm:"

    @contextlib.contextmanager
    def around(self, bench):
        vmd = bench.build + "/apps/fido-vmd/fido-vmd"
        memory = bench.path("vm-memory")
        os.mkdir(memory)
        try:
            subprocess.run([vmd, "create", bench.group, "--vm", "none", "--slots-per-vm", "1",
                            "--host", "2", "--memory", memory], check=True)
            try:
                bench.spawn_anywhere("vmd", [vmd, "serve", bench.group])
                yield
            finally:
                bench.stop_all()
                subprocess.run([vmd, "destroy", bench.group, "--force"], check=True)
        finally:
            shutil.rmtree(memory)

    @staticmethod
    def port(bench, number, domain, peer, extra=""):
        return ["-d", bench.driver, f"--vdev=net_mmnet{number},group=vm:{bench.group},"
                                    f"domain={domain},peer={peer}{extra}"]


class Memif(Peer):
    """DPDK's memif driver. The sender is the client, because only a client can avoid its copy
    (zero_copy)."""
    family = "memif"
    proof = None

    def __init__(self, zero_copy):
        self.zero_copy = zero_copy
        self.label = "memif zero-copy" if zero_copy else "memif copy"

    def port(self, bench, number, role, socket, size):
        mode = ",zero-copy=yes" if self.zero_copy and role == "client" else ""
        return [f"--vdev=net_memif{number},role={role},id=0,socket={bench.path(socket)},"
                f"socket-abstract=no,rsize=10,bsize={data_room(size)}{mode}"]

    def pair(self, bench, size):
        return Pair(tx=Side(self.port(bench, 0, "client", "a.sock", size)),
                    rx=Side(self.port(bench, 0, "server", "a.sock", size)),
                    listener="rx", sockets=[bench.path("a.sock")])

    def loops(self, bench, size):
        """With zero-copy, the server of a link does all copying. In a chain of equal domains, a
        forwarder is the server of one link and the client of the next: average a forwarder that
        serves both links and one that serves none."""
        loops = []
        for fwd, ends in [("server", "client"), ("client", "server")][:2 if self.zero_copy else 1]:
            loops.append(Loop(
                ends_out=self.port(bench, 0, ends, "a.sock", size),
                ends_in=self.port(bench, 1, ends, "b.sock", size),
                fwd_in=self.port(bench, 0, fwd, "a.sock", size),
                fwd_out=self.port(bench, 1, fwd, "b.sock", size),
                listener="fwd" if fwd == "server" else "ends",
                sockets=[bench.path("a.sock"), bench.path("b.sock")]))
        return loops


class Vhost(Peer):
    """vhost-user in one process, virtio-user in the other: one copy, always made by vhost.

    virtio uses mergeable buffers where it receives; where it only sends, it is faster without."""
    family = "vhost"
    proof = None

    def __init__(self, receiver):
        self.receiver = receiver
        self.label = {"vhost": "virtio-user to vhost", "virtio": "vhost to virtio-user"}[receiver]

    def pair(self, bench, size):
        path = bench.path("v.sock")
        vhost = Side([f"--vdev=net_vhost0,iface={path},queues=1"])
        mergeable = 1 if self.receiver == "virtio" else 0
        virtio = Side([f"--vdev=net_virtio_user0,path={path},queues=1,queue_size=1024,"
                       f"mrg_rxbuf={mergeable},in_order=1"])
        if self.receiver == "vhost":
            return Pair(tx=virtio, rx=vhost, listener="rx", sockets=[path])
        return Pair(tx=vhost, rx=virtio, listener="tx", sockets=[path])


class Null(Peer):
    """No receiver: the most that testpmd can send."""
    family = "null"
    proof = None
    label = "no peer (net_null)"

    def pair(self, bench, size):
        return Pair(tx=Side([f"--vdev=net_null0,size={size}"]), rx=None)


PEERS = {
    "mmnet-zero": Mmnet("zero"),
    "mmnet-arena": Mmnet("zero", pools="arena"),
    "mmnet-vm": MmnetVm(),
    "mmnet-header": Mmnet("header"),
    "mmnet-copy": Mmnet("copy"),
    "mmnet-auto": Mmnet("auto"),
    "memif-copy": Memif(False),
    "memif-zero": Memif(True),
    "vhost-rx": Vhost("vhost"),
    "vhost-tx": Vhost("virtio"),
    "null": Null(),
}
