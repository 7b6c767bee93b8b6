# SPDX-License-Identifier: BSD-3-Clause
"""Run a chain of more domains than CPUs, over mmnet, memif, or vhost-user and virtio-user.

All domains are fido-fwd: the first makes packets (net_null), the last drops them, the others
forward. The first half of the chain runs on one CPU and the second half on the other, so that as
few doorbells as possible cross CPUs.
"""
import time

from peers import PEERS, Memif
from process import SampleError, wait_until
from samples import copies, mtu, read_counter

# Read the rate in this many windows: a chain that stalls for a while shows in one of them.
WINDOWS = 8
# With SCHED_BATCH, a woken domain does not preempt the one that is at work: batches grow.
BATCH = ("chrt", "--batch", "0")


def ring_of(name):
    """Descriptors per ring: the usual number, or more when the name ends in -8k."""
    return 8192 if name.endswith("-8k") else 1024


def mmnet_ports(bench, i, last, size):
    ports, names = [], ["", ""]
    for number, peer in ((0, i - 1), (1, i + 1)):
        if 0 <= peer <= last:
            ports += PEERS["mmnet-zero"].port(bench, number, f"d{i}", f"d{peer}", ",rx=zero")
            names[number] = f"net_mmnet{number}"
    return ports, names


def memif_ports(bench, peer, i, last, size):
    """Each domain is the client of the next one, which starts before it. (Only a client can avoid
    its copy.)"""
    ports, names = [], ["", ""]
    for number, role, socket in ((0, "server", i), (1, "client", i + 1)):
        if 0 < socket <= last:
            ports += peer.port(bench, number, role, f"{socket}.sock", size)
            names[number] = f"net_memif{number}"
    return ports, names


def vhost_ports(bench, receiver, i, last, size):
    """Each link has a vhost end, which listens, and a virtio end, which connects."""
    ports, names = [], ["", ""]
    for number, socket in ((0, i), (1, i + 1)):
        if not 0 < socket <= last:
            continue
        path = bench.path(f"{socket}.sock")
        if (number == 0) == (receiver == "vhost"):
            ports.append(f"--vdev=net_vhost{number},iface={path},queues=1")
            names[number] = f"net_vhost{number}"
        else:
            mergeable = 1 if receiver == "virtio" else 0
            ports.append(f"--vdev=net_virtio_user{number},path={path},queues=1,queue_size=1024,"
                         f"mrg_rxbuf={mergeable},in_order=1")
            names[number] = f"net_virtio_user{number}"
    return ports, names


def ports_of(bench, name, i, last, size):
    """Return the EAL options of domain i of a chain, and the names of its ports: in, out."""
    if name.startswith("mmnet"):
        return mmnet_ports(bench, i, last, size)
    if name.startswith("memif"):
        ports, names = memif_ports(bench, Memif("zero" in name), i, last, size)
        size_log = ring_of(name).bit_length() - 1
        return [port.replace("rsize=10", f"rsize={size_log}") for port in ports], names
    return vhost_ports(bench, "vhost" if "-rx" in name else "virtio", i, last, size)


def start_domain(bench, name, i, domains, size, cpu=None):
    """Start domain i on the CPU of its half of the chain, or on `cpu`."""
    last = domains - 1
    eal, (way_in, way_out) = ports_of(bench, name, i, last, size)
    if i in (0, last):
        eal = [*eal, f"--vdev=net_null9,size={size}"]
    sleeps = name.startswith("mmnet") or "-nap" in name
    ring = ring_of(name)
    return bench.start(
        f"d{i}", i * 2 // domains if cpu is None else cpu, bench.fido_fwd, eal,
        ["--map", f"{way_in or 'net_null9'}:{way_out or 'net_null9'}",
         "--idle", "adaptive" if sleeps else "poll", "--rxd", str(ring), "--txd", str(ring),
         # Enough to fill virtio's two rings as well.
         "--mbufs", str(max(4096, 2 * ring)), "--quiet", *mtu(size)],
        BATCH if "-batch" in name else ())


def socket_there(bench, name):
    try:
        with open("/proc/net/unix") as file:
            return bench.path(name) in file.read()
    except OSError:
        return False


def start(bench, name, size, domains):
    """Start the chain and return its processes in order. Listeners start before clients."""
    mmnet = name.startswith("mmnet")
    forwards = name.startswith("vhost-tx")
    chain = [None] * domains
    for i in range(domains) if forwards else range(domains - 1, -1, -1):
        domain = chain[i] = start_domain(bench, name, i, domains, size)
        socket = i + 1 if forwards else i
        if not mmnet and 0 < socket < domains:
            wait_until(lambda: domain.check() and socket_there(bench, f"{socket}.sock"), 30,
                       f"d{i}: socket")
    return chain


def sample(bench, name, size, domains):
    """Measure the packet rate at the end of the chain, that of the slowest window, and the
    forwarders' processor time per packet and hop."""
    chain = start(bench, name, size, domains)
    sink, forwarders = chain[-1], chain[1:-1]
    wait_until(lambda: sink.check() and sink.ask("/ethdev/stats,0")["ipackets"] > 0, 60,
               "sink: a packet")
    time.sleep(2 * bench.warm_up)
    before = [domain.cpu_ns() for domain in forwarders]
    seen = [read_counter(sink, "ipackets", bench.window)[:2]]
    for _ in range(WINDOWS):
        time.sleep(bench.window / 2)
        seen.append(read_counter(sink, "ipackets", bench.window)[:2])
    cpu = [domain.cpu_ns() - at for domain, at in zip(forwarders, before)]
    packets = seen[-1][0] - seen[0][0]
    rates = [(b[0] - a[0]) / (b[1] - a[1]) for a, b in zip(seen, seen[1:])]
    if packets <= 0:
        raise SampleError("sink: no packet")
    return {"pps": packets / (seen[-1][1] - seen[0][1]), "slowest_pps": min(rates),
            "hop_ns": sum(cpu) / len(cpu) / packets, "_rates": rates,
            "_copies": sum(copies(domain) for domain in forwarders)}
