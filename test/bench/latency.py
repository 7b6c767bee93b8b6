# SPDX-License-Identifier: BSD-3-Clause
"""The benchmark set `latency`: round trips to a reflector, at shares of the highest loss-free rate.

Called by run.sh. README.md says what each case measures.
"""
import json
import re
import sys
import time

import suite
from peers import PEERS, Memif, Mmnet, Side
from process import SampleError, wait_until
from samples import start_both, testpmd_options

LOADS = (0, 10, 50, 90)
PARTS = ("p50", "p90", "p99", "p999", "max")
SIZES = (64, 1500)
# The time that both programs take by themselves, by packet size, as measured last.
own_us = {}
COMPARED = ("mmnet-zero", "mmnet-auto", "memif-copy", "memif-zero", "vhost")
LABELS = {name: PEERS[name].label for name in COMPARED if name in PEERS}
LABELS.update({
    "vhost": "virtio-user, vhost-user", "floor": "the floor: cache line, and both programs alone",
})
# testpmd's account of received bursts, at its end: their number, and the share of empty ones.
BURSTS = re.compile(r"RX-bursts : (\d+) \[(\d+)% of 0 pkts")


def sides(bench, name, size):
    """Return the ports of the client and the reflector, which of them listens, and its sockets."""
    if name == "vhost":
        path = bench.path("v.sock")
        asks = [f"--vdev=net_virtio_user0,path={path},queues=1,queue_size=1024,mrg_rxbuf=1,"
                "in_order=1"]
        return asks, [f"--vdev=net_vhost0,iface={path},queues=1"], "reflector", [path]
    peer = PEERS[name]
    if isinstance(peer, Memif):
        socket = bench.path("a.sock")
        return (peer.port(bench, 0, "client", "a.sock", size),
                peer.port(bench, 0, "server", "a.sock", size), "reflector", [socket])
    assert isinstance(peer, Mmnet)
    mode = f",rx={peer.mode}"
    return (peer.port(bench, 0, "ping", "back", mode), peer.port(bench, 0, "back", "ping", mode),
            "", [])


def start_testpmd(bench, cpu, side, size, *options):
    """Start a testpmd that sends each packet back on the port that received it."""
    return bench.start("reflector", cpu, "dpdk-testpmd", ["-m", "256", *side.eal],
                       testpmd_options("io", size) + ["--port-topology=loop", *options])


def start_ping(bench, eal, size, loads):
    return bench.start("ping", 0, bench.build + "/test/bench/bench-ping", ["-m", "64", *eal],
                       [str(size), str(int(1000 * bench.window)), *map(str, loads)])


def answers(ping, seconds):
    """Wait until bench-ping has ended; return what it printed."""
    wait_until(lambda: ping.child.poll() is not None, seconds, "ping: its end")
    lines = [json.loads(line) for line in ping.log().splitlines() if line.startswith("{")]
    if ping.child.returncode != 0 or not lines:
        raise SampleError(f"ping: {ping.last_lines()}")
    return lines


def metrics(lines):
    sample = {}
    for line in lines:
        if "loss_free" in line:
            sample["loss_free_pps"] = line["loss_free"]
            continue
        if not line["count"]:
            raise SampleError(f"ping: nothing came back at load {line['load']}")
        for part in PARTS:
            sample[f"{part}_us_{line['load']}"] = line[f"{part}_ns"] / 1e3
        sample[f"_lost_{line['load']}"] = line["lost"]
        sample[f"_sent_{line['load']}"] = line["sent"]
    return sample


def sample_rtt(bench, name, size, loads=LOADS[1:]):
    """Round trips of one packet at a time, and at each load."""
    if name == "floor":
        return sample_floor(bench, size)
    if size not in own_us:
        sample_floor(bench, size)
        bench.stop_all()
    line = bench.cacheline_ns()
    asks, reflects, listener, sockets = sides(bench, name, size)

    def reflector():
        process = start_testpmd(bench, 1, Side(reflects), size)
        process.tell("start")
        return process

    started = start_both({"ping": lambda: start_ping(bench, asks, size, loads),
                          "reflector": reflector}, listener, sockets)
    sample = metrics(answers(started["ping"], 60))
    bench.stop_all()
    lines = (line, bench.cacheline_ns())
    sample["line_us"] = sum(lines) / 2e3
    # If the lines differ, the host moved a CPU meanwhile: neither line is that of the sample.
    if max(lines) < 1.3 * min(lines):
        sample["floors"] = sample["p50_us_0"] / (sample["line_us"] + own_us[size])
    return sample


def sample_one(bench, name, size):
    """Round trips of one packet at a time only."""
    return sample_rtt(bench, name, size, ())


# --- the floor ---

def empty_turn_ns(bench, size):
    """testpmd's time for one loop that finds an empty ring."""
    process = start_testpmd(bench, 1, Side(["--vdev=net_ring0"]), size)
    process.wait_ready()
    process.tell("set record-burst-stats on")
    process.tell("start")
    began = time.monotonic()
    time.sleep(bench.window)
    process.tell("stop")
    took = time.monotonic() - began
    # testpmd buffers what it prints to a file, until it ends.
    process.tell("quit")
    process.child.wait(10)
    said = BURSTS.search(process.log())
    if said is None:
        raise SampleError(f"testpmd: no account of bursts: {process.last_lines()}")
    return took / int(said.group(1)) * 1e9


def packet_turn_ns(bench, size):
    """testpmd's time for one loop that receives and sends one packet, from and to net_null."""
    process = start_testpmd(bench, 1, Side([f"--vdev=net_null0,size={size}"]), size, "--burst=1")
    process.wait_ready()
    process.tell("start")
    wait_until(lambda: process.ask("/ethdev/stats,0")["opackets"] > 0, 20, "testpmd: a packet")
    first, began = process.ask("/ethdev/stats,0")["opackets"], time.monotonic()
    time.sleep(bench.window)
    return (time.monotonic() - began) / (process.ask("/ethdev/stats,0")["opackets"] - first) * 1e9


def sample_floor(bench, size):
    """The floor: a round trip with nothing but a cache line between the two programs.

    The sum of the cache line's round trip, bench-ping's time for a packet through its own ring
    (net_ring), and testpmd's time for one loop with one packet, from and to net_null."""
    line = bench.cacheline_ns()
    empty = empty_turn_ns(bench, size)
    bench.stop_all()
    packet = packet_turn_ns(bench, size)
    bench.stop_all()
    own = metrics(answers(start_ping(bench, ["--vdev=net_ring0"], size, ()), 60))
    own_us[size] = packet / 1e3 + own["p50_us_0"]
    return {"p50_us_0": line / 1e3 + own_us[size], "line_us": line / 1e3,
            "ping_us": own["p50_us_0"], "empty_us": empty / 1e3, "packet_us": packet / 1e3}


# --- the set ---

def ratio(name, metric, of, to):
    return {"name": name, "metric": metric, "of": of, "to": to}


CASES = [{"id": f"{bench}/{peer}/{size}", "bench": bench, "peer": peer, "size": size}
         for bench in ("one", "rtt") for size in SIZES for peer in ("floor",) + COMPARED]
RATIOS = [ratio(f"round trip, {size} bytes, load {load} %, {part}: "
                f"mmnet rx={mode} / best of {name}",
                f"{part}_us_{load}", f"rtt/mmnet-{mode}/{size}", [f"rtt/{p}/{size}" for p in group])
          for size in SIZES for mode in ("zero", "auto") for load in LOADS[1:]
          for name, group in (("memif", ("memif-copy", "memif-zero")), ("vhost-user", ("vhost",)))
          for part in ("p50", "p99")]
RATIOS += [ratio(f"round trip, {size} bytes, one at a time, median in floors: "
                 f"mmnet rx={mode} / best of {name}",
                 "floors", f"one/mmnet-{mode}/{size}", [f"one/{p}/{size}" for p in group])
           for size in SIZES for mode in ("zero", "auto")
           for name, group in (("memif", ("memif-copy", "memif-zero")), ("vhost-user", ("vhost",)))]
GOALS = [{"case": "one/mmnet-zero/64", "metric": "floors", "at_most": 1.5,
          "ratio": "round trip, 64 bytes, one at a time, p50: mmnet rx=zero / the floor"}]
GOALS += [{"ratio": entry["name"], "at_most": 1} for entry in RATIOS
          if ("p50" in entry["name"] or "floors" in entry["name"]) and "rx=zero" in entry["name"]]

SUITE = suite.Suite(
    name="latency", functions={"one": sample_one, "rtt": sample_rtt}, cases=CASES,
    quick=("*",),
    ratios=RATIOS, goals=GOALS, labels=LABELS)

if __name__ == "__main__":
    sys.exit(suite.main(SUITE, sys.argv[1:]))
