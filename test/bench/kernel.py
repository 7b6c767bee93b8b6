# SPDX-License-Identifier: BSD-3-Clause
"""The benchmark set `kernel`: the network stacks of two namespaces, joined by Fido and by others;
and volumes as block devices.

Called by run.sh. README.md says what each case measures. The scheduler places all processes on the
benchmark's two CPUs: clients, servers and domains are more than there are CPUs.
"""
import json
import os
import subprocess
import sys
import time

import kernel_disk
import suite
from process import SampleError, run, wait_until

ADDRESS = "10.98.0.2"
LABELS = {
    "vtap": "Fido, three domains, vtap", "vtap-one": "one fido-fwd, two vtaps",
    "tap": "Fido, three domains, net_tap", "memif-tap": "memif, three processes, net_tap",
    "veth": "veth", "bridge": "two veths and a bridge", "loopback": "loopback",
    **kernel_disk.LABELS,
}


# --- two network namespaces ---

class Namespaces:
    """Two namespaces. On exit all processes end and the namespaces go."""

    def __init__(self, bench):
        self.bench = bench
        self.names = [f"{bench.group}-{side}" for side in "ab"]
        self.made = list(self.names)

    def __enter__(self):
        for name in self.made:
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        return self

    def __exit__(self, *_):
        self.bench.stop_all()
        for name in self.made:
            subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL)

    def ip(self, side, *words):
        run("ip", "-n", self.names[side], *words)

    def inside(self, side, *argv):
        return ["ip", "netns", "exec", self.names[side], *argv]

    def give_addresses(self):
        """Set up interface `net0` of each side, and wait until they reach each other."""
        for side in (0, 1):
            wait_until(lambda: ok("ip", "-n", self.names[side], "link", "set", "net0", "up"), 20,
                       f"interface of side {side}")
            self.ip(side, "addr", "add", f"10.98.0.{side + 1}/24", "dev", "net0")
        wait_until(lambda: ok(*self.inside(0, "ping", "-q", "-c", "1", "-W", "1", ADDRESS)), 20,
                   "answer of the other side")


def ok(*argv):
    return subprocess.run(argv, capture_output=True).returncode == 0


# --- what joins them ---

def forwarder(bench, name, ports, *options, inside=()):
    """Start fido-fwd. `inside` is a command that runs it in a namespace, where net_tap creates its
    interface."""
    cpus = ",".join(str(cpu) for cpu in bench.cpus)
    argv = [*inside, bench.fido_fwd, "--lcores", f"0@({cpus})", "--file-prefix", name, "--no-pci",
            "--in-memory", "--single-file-segments", "-m", "256", "-d", bench.driver,
            "-d", bench.vtap_driver, *[f"--vdev={port}" for port in ports], "--",
            "--idle", "adaptive", "--quiet", *options]
    return bench.spawn_anywhere(name, argv)


def mmnet(bench, number, domain, peer):
    return f"net_mmnet{number},group={bench.group},domain={domain},peer={peer},rx=zero"


def memif(bench, number, role, link):
    return (f"net_memif{number},role={role},id=0,rsize=10,bsize=2048,"
            f"socket={bench.path(link + '.sock')},socket-abstract=no")


def vtap(ends, side, number=0, queues=1):
    return f"net_vtap{number},iface=net0,netns={ends.names[side]},queues={queues}"


def join_vtap(bench, ends, queues=1):
    several = ["--rxq", str(queues), "--txq", str(queues)] if queues > 1 else []
    options = ["--offload", *several]
    forwarder(bench, "mid", [mmnet(bench, 0, "mid", "left"), mmnet(bench, 1, "mid", "right")],
              *options)
    for side, name in enumerate(("left", "right")):
        forwarder(bench, name, [vtap(ends, side, queues=queues), mmnet(bench, 0, name, "mid")],
                  *options)


def join_vtap_one(bench, ends):
    forwarder(bench, "one", [vtap(ends, 0, 0), vtap(ends, 1, 1)], "--offload")


TAP = "net_tap0,iface=net0"


def join_tap(bench, ends):
    forwarder(bench, "mid", [mmnet(bench, 0, "mid", "left"), mmnet(bench, 1, "mid", "right")])
    for side, name in enumerate(("left", "right")):
        forwarder(bench, name, [TAP, mmnet(bench, 0, name, "mid")], inside=ends.inside(side))


def join_memif(bench, ends):
    forwarder(bench, "mid", [memif(bench, 0, "server", "left"), memif(bench, 1, "server", "right")])
    for name in ("left", "right"):
        wait_until(lambda: os.path.exists(bench.path(name + ".sock")), 20, f"socket for {name}")
    for side, name in enumerate(("left", "right")):
        forwarder(bench, name, [TAP, memif(bench, 0, "client", name)], inside=ends.inside(side))


def join_veth(_, ends):
    ends.ip(0, "link", "add", "net0", "type", "veth", "peer", "name", "net0", "netns",
            ends.names[1])


def join_bridge(_, ends):
    """Both veths end in the first namespace's bridge, as containers of one host do in its own."""
    ends.ip(0, "link", "add", "bridge", "type", "bridge")
    for side in (0, 1):
        ends.ip(0, "link", "add", f"end{side}", "type", "veth", "peer", "name", f"port{side}")
        ends.ip(0, "link", "set", f"port{side}", "master", "bridge", "up")
    ends.ip(0, "link", "set", "bridge", "up")
    ends.ip(0, "link", "set", "end1", "netns", ends.names[1], "name", "net0")
    ends.ip(0, "link", "set", "end0", "name", "net0")


def join_loopback(_, ends):
    """One namespace, whose loopback has the server's address."""
    ends.names[1] = ends.names[0]
    ends.ip(0, "addr", "add", f"{ADDRESS}/32", "dev", "lo")


JOIN = {"vtap": join_vtap, "vtap-one": join_vtap_one, "tap": join_tap, "memif-tap": join_memif,
        "veth": join_veth, "bridge": join_bridge, "loopback": join_loopback}


def join(bench, ends, peer, **more):
    JOIN[peer](bench, ends, **more)
    if peer != "loopback":
        ends.give_addresses()


# --- samples ---

def clients(bench, ends, kind, size, count=1):
    """Run clients at once; return what each prints."""
    program = bench.build + "/test/bench/bench-sockets"
    started = []
    for i in range(count):
        address = f"10.98.0.{2 + 10 * i}"
        if i > 0:
            ends.ip(1, "addr", "add", address + "/24", "dev", "net0")
        server = bench.spawn_anywhere(f"serve{i}", ends.inside(1, program, "serve", address))
        wait_until(lambda: server.check() and "ready" in server.log(), 20, "start of the server")
        started.append((i, address))
    running = [bench.spawn_anywhere(f"client{i}", ends.inside(0, program, kind, address,
                                                              str(size), str(2 * bench.window)))
               for i, address in started]
    answers = []
    for client in running:
        if client.child.wait(60 + 2 * bench.window) != 0:
            raise SampleError(f"{client.name}: {client.last_lines()}")
        answers.append(json.loads(client.last_lines(1)))
    return answers


def proof(bench, peer):
    """What the domains copied, which must be nothing between vtaps."""
    if peer != "vtap":
        return {}
    copied = 0
    for process in bench.running:
        if process.name not in ("left", "mid", "right"):
            continue
        for port in (0, 1):
            counters = process.counters(port)
            copied += sum(counters.get(name, 0) for name in
                          ("tx_copied_packets", "rx_copied_packets", "rx_header_packets"))
    return {"copied": copied}


def sample(bench, kind, peer, size, count=1, **more):
    with Namespaces(bench) as ends:
        join(bench, ends, peer, **more)
        time.sleep(bench.warm_up)
        before = proof(bench, peer)
        answers = clients(bench, ends, kind, size, count)
        copied = proof(bench, peer).get("copied", 0) - before.get("copied", 0)
        if copied:
            raise SampleError(f"{copied} packets were copied")
    result = {"pps": sum(answer["per_second"] for answer in answers)}
    if "p50_ns" in answers[0]:
        result.update(p50_us=answers[0]["p50_ns"] / 1e3, p99_us=answers[0]["p99_ns"] / 1e3)
    return result


def sample_tcp(bench, peer, size):
    return sample(bench, "stream", peer, size)


def sample_tcp4(bench, peer, size):
    return sample(bench, "stream", peer, size, 4, **({"queues": 2} if peer == "vtap" else {}))


def sample_rr(bench, peer, size):
    return sample(bench, "rr", peer, size)


def sample_udp(bench, peer, size):
    return sample(bench, "udp", peer, size)


# --- the set ---

def case(bench, peer, size):
    return {"id": f"{bench}/{peer}/{size}", "bench": bench, "peer": peer, "size": size}


SIZES = (64, 256, 1024, 4096, 16384, 65536)
PAPER = ("vtap", "veth", "tap", "memif-tap", "loopback")
CASES = [case("tcp", peer, size) for size in SIZES for peer in PAPER] \
    + [case("tcp", peer, 65536) for peer in ("bridge", "vtap-one")] \
    + [case("tcp4", peer, 65536) for peer in ("vtap", "veth", "bridge")] \
    + [case("rr", peer, size) for size in (1, *SIZES) for peer in PAPER] \
    + [case("rr", "bridge", 1)] \
    + [case("udp", peer, 64) for peer in ("vtap", "veth", "bridge", "tap")] \
    + [case(load, peer, size) for load, (_, size) in kernel_disk.LOADS.items()
       for peer in kernel_disk.LABELS]


def ratio(name, bench, size, of, to):
    return {"name": name, "metric": "pps", "of": f"{bench}/{of}/{size}",
            "to": [f"{bench}/{to}/{size}"]}


RATIOS = [ratio(f"{text}: three domains with vtap / {LABELS[to]}", bench, size, "vtap", to)
          for bench, size, text, others in (
              ("tcp", 65536, "TCP, one connection",
               ("veth", "bridge", "tap", "memif-tap", "vtap-one")),
              ("tcp4", 65536, "TCP, four connections", ("veth", "bridge")),
              ("rr", 1, "round trips, 1 byte", ("veth", "bridge", "tap", "memif-tap")),
              ("udp", 64, "UDP, 64 bytes", ("veth", "bridge", "tap")))
          for to in others]
RATIOS += [ratio(f"{text}: fido-blk-mount and loop / {kernel_disk.LABELS[to]}", load, size, "mount",
                 to) for load, size, text in (("dread32", 8192, "random reads of 8 KiB"),
                                              ("dwrite8", 1 << 20, "writes of 1 MiB"))
           for to in ("loop", "nbdfuse")]
GOALS = [{"ratio": f"{text}: three domains with vtap / {LABELS[to]}", "at_least": least}
         for text, to, least in (("TCP, one connection", "veth", 0.8),
                                 ("TCP, one connection", "tap", 8),
                                 ("TCP, four connections", "veth", 0.8),
                                 ("TCP, four connections", "bridge", 0.8),
                                 ("round trips, 1 byte", "veth", 0.5),
                                 ("round trips, 1 byte", "bridge", 0.5),
                                 ("UDP, 64 bytes", "veth", 0.5), ("UDP, 64 bytes", "bridge", 0.5))]
GOALS += [{"ratio": f"{text}: fido-blk-mount and loop / {kernel_disk.LABELS[to]}",
           "at_least": least}
          for text, to, least in (("random reads of 8 KiB", "loop", 0.5),
                                  ("random reads of 8 KiB", "nbdfuse", 4),
                                  ("writes of 1 MiB", "loop", 0.75),
                                  ("writes of 1 MiB", "nbdfuse", 2))]

SUITE = suite.Suite(
    name="kernel",
    functions={"tcp": sample_tcp, "tcp4": sample_tcp4, "rr": sample_rr, "udp": sample_udp,
               **{load: lambda bench, peer, size, load=load: kernel_disk.sample(bench, load, peer,
                                                                                size)
                  for load in kernel_disk.LOADS}},
    cases=CASES, quick=("tcp/*/65536", "tcp4/*", "rr/*/1", "udp/*", "d*"), ratios=RATIOS,
    goals=GOALS,
    labels=LABELS, units={"tcp": "bytes a send", "tcp4": "bytes a send"})

if __name__ == "__main__":
    sys.exit(suite.main(SUITE, sys.argv[1:]))
