# SPDX-License-Identifier: BSD-3-Clause
"""Take one sample of a benchmark: start the processes, measure once.

Each function returns the metrics of the sample by name: `pps` (packets per second at the receiver),
`ns` (nanoseconds of processor time per packet and hop), and details, whose names begin with an
underscore.
"""
import os
import re
import time

from peers import HEADROOM, PEERS, Side, data_room
from process import SampleError, wait_until

FLOW_SECONDS = 20


def testpmd_options(mode, size):
    return ["-i", "--disable-link-check", "--nb-cores=1", "--rxd=1024", "--txd=1024",
            "--burst=32", "--total-num-mbufs=8192", f"--mbuf-size={data_room(size) + HEADROOM}",
            f"--forward-mode={mode}"]


def start_sender(bench, side, size):
    return bench.start("tx", 0, "dpdk-testpmd", ["-m", "256", *side.eal],
                       testpmd_options("txonly", size) + [f"--txpkts={size}", *side.testpmd])


def mtu(size):
    return ["--mtu", "9000"] if size > 1514 else []


def start_rxonly(bench, side, size):
    return bench.start("rx", 1, "dpdk-testpmd", ["-m", "256", *side.eal],
                       testpmd_options("rxonly", size) + side.testpmd)


def start_touch(bench, side, size):
    """Start a fido-fwd that reads each byte that port 0 receives, and drops the packets."""
    return bench.start("rx", 1, bench.fido_fwd, [*side.eal, "--vdev=net_null0"],
                       ["--map", "0:1", "--mode", "touch", "--quiet", *mtu(size)])


def start_both(starters, listener, sockets):
    """Start two processes, the listener first. `starters` maps their names to functions."""
    names = sorted(starters, key=lambda name: name != listener)
    started = {names[0]: starters[names[0]]()}
    for path in sockets:
        wait_until(lambda: started[names[0]].check() and os.path.exists(path), 15,
                   f"{names[0]}: socket")
    started[names[1]] = starters[names[1]]()
    return started


def read_counter(process, counter, seconds):
    """Return a counter of port 0, the time when it was read, and the uncertainty of that time."""
    for _ in range(20):
        before = time.monotonic()
        value = process.ask("/ethdev/stats,0")[counter]
        after = time.monotonic()
        if after - before < seconds / 100:
            break
        time.sleep(0.01)
    return value, (before + after) / 2, after - before


def warm_up(bench, process, counter="ipackets"):
    wait_until(lambda: process.check() and process.ask("/ethdev/stats,0")[counter] > 0,
               FLOW_SECONDS, f"{process.name}: a packet")
    time.sleep(bench.warm_up)


def rate(bench, process, counter="ipackets"):
    """Measure the packets per second that a process receives."""
    first, start, blur = read_counter(process, counter, bench.window)
    time.sleep(bench.window)
    last, end, more_blur = read_counter(process, counter, bench.window)
    if last <= first:
        raise SampleError(f"{process.name}: no packet for {end - start:.1f} s")
    return {"pps": (last - first) / (end - start), "_seconds": end - start,
            "_error": (blur + more_blur) / 2 / (end - start)}


def prove(process, peer, sample):
    """Raise SampleError unless the packets took the path that the sample is for."""
    if peer.proof is None:
        return sample
    for _ in range(10):
        counters = process.counters()
        done, all_packets = counters.get(peer.proof, 0), counters.get("rx_good_packets", 0)
        # The two counters are not read at the same moment, and packets keep coming.
        if done >= 0.99 * all_packets:
            break
    else:
        raise SampleError(f"{peer.label}: only {done} of {all_packets} packets are "
                          f"{peer.proof}")
    return sample


def sample_pair(bench, name, size, start_receiver):
    peer = PEERS[name]
    pair = peer.pair(bench, size)
    started = start_both({"tx": lambda: start_sender(bench, pair.tx, size),
                          "rx": lambda: start_receiver(bench, pair.rx, size)},
                         pair.listener, pair.sockets)
    for side in ("rx", "tx"):
        started[side].wait_ready()
    if started["rx"].is_testpmd:
        started["rx"].tell("start")
    started["tx"].tell("start")
    warm_up(bench, started["rx"])
    return prove(started["rx"], peer, rate(bench, started["rx"]))


def sample_rate(bench, name, size):
    """testpmd txonly to testpmd rxonly."""
    if name != "null":
        return sample_pair(bench, name, size, start_rxonly)
    sender = start_sender(bench, PEERS[name].pair(bench, size).tx, size)
    sender.wait_ready()
    sender.tell("start")
    warm_up(bench, sender, "opackets")
    return rate(bench, sender, "opackets")


def sample_touch(bench, name, size):
    """testpmd txonly to a receiver that reads every byte."""
    return sample_pair(bench, name, size, start_touch)


# The forwarder's own account of a period: packet rate, processor time, and the share of idle time.
STATUS = re.compile(r"^fido-fwd: \S+s rx ([0-9.]+) Mpps .* cpu ([0-9]+)% idle ([0-9]+)%$", re.M)


def loop_cost(bench, loop, size):
    """Measure a forwarder alone on its CPU; one other process makes and receives its packets."""
    starters = {
        "ends": lambda: bench.start(
            "ends", 0, bench.fido_fwd,
            [*loop.ends_out, *loop.ends_in, f"--vdev=net_null0,size={size}", "--vdev=net_null1"],
            ["--map", "2:0,1:3", "--quiet", *mtu(size)]),
        "fwd": lambda: bench.start(
            "fwd", 1, bench.fido_fwd, [*loop.fwd_in, *loop.fwd_out],
            ["--map", "0:1", "--stats-period", str(bench.window), *mtu(size)])}
    started = start_both(starters, loop.listener, loop.sockets)
    fwd = started["fwd"]
    warm_up(bench, fwd)
    # The current period began before the warm-up ended; take the next one.
    seen = len(STATUS.findall(fwd.log()))
    lines = wait_until(lambda: fwd.check() and STATUS.findall(fwd.log())[seen + 1:],
                       10 * bench.window, "fwd: status line")
    pps = float(lines[0][0]) * 1e6
    cpu, idle = (float(percent) / 100 for percent in lines[0][1:])
    if pps <= 0 or cpu <= 0:
        raise SampleError("fwd: no packet in a period")
    return {"pps": pps, "ns": cpu * (1 - idle) / pps * 1e9, "_cpu": cpu, "_idle": idle,
            "_copies": copies(fwd)}


def copies(process):
    """Packets that an mmnet forwarder copied, whole or in part."""
    total = 0
    for port in (0, 1):
        counters = process.counters(port)
        total += sum(counters.get(name, 0) for name in
                     ("rx_copied_packets", "rx_header_packets", "tx_copied_packets"))
    return total


def sample_hop(bench, name, size):
    """Time that a forwarder alone on its CPU spends on a packet: the mean over its roles."""
    parts = []
    for loop in PEERS[name].loops(bench, size):
        parts.append(loop_cost(bench, loop, size))
        bench.stop_all()
    sample = {key: sum(part[key] for part in parts) / len(parts) for key in ("pps", "ns")}
    sample["_parts"] = parts
    return sample


def start_chain(bench, peer, size, hops):
    """Start tx - h1 - ... - sink from its end, alternating between the CPUs."""
    names = ["tx"] + [f"h{i}" for i in range(1, hops + 1)] + ["sink"]
    mode = f",rx={peer.mode}"
    processes = {}
    for i in range(len(names) - 1, 0, -1):
        eal = peer.port(bench, 0, names[i], names[i - 1], mode)
        if names[i] == "sink":
            eal = eal + ["--vdev=net_null0"]
        else:
            eal = eal + peer.port(bench, 1, names[i], names[i + 1], mode)
        processes[names[i]] = bench.start(
            names[i], i, bench.fido_fwd, eal,
            ["--map", "0:1", "--idle", "adaptive", "--mbufs", "1024", "--quiet", *mtu(size)])
    processes["tx"] = start_sender(bench, Side(peer.port(bench, 0, "tx", "h1")), size)
    return processes


def sample_chain(bench, name, size, hops):
    """Measure the forwarders' processor time per packet and hop, in a chain on two CPUs."""
    processes = start_chain(bench, PEERS[name], size, hops)
    forwarders = [processes[f"h{i}"] for i in range(1, hops + 1)]
    processes["tx"].wait_ready()
    processes["tx"].tell("start")
    warm_up(bench, processes["sink"])
    first = [(p.ask("/ethdev/stats,0")["ipackets"], p.cpu_ns()) for p in forwarders]
    sample = rate(bench, processes["sink"])
    last = [(p.ask("/ethdev/stats,0")["ipackets"], p.cpu_ns()) for p in forwarders]
    packets = [b[0] - a[0] for a, b in zip(first, last)]
    cpu = [b[1] - a[1] for a, b in zip(first, last)]
    if min(packets) <= 0:
        raise SampleError("a forwarder got no packet")
    sample["ns"] = sum(cpu) / sum(packets)
    sample["_hops_ns"] = [c / p for c, p in zip(cpu, packets)]
    sample["_copies"] = sum(copies(p) for p in forwarders)
    return sample
