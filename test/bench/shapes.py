# SPDX-License-Identifier: BSD-3-Clause
"""The benchmark set `shapes`: both directions at once, several queues, unusual bursts and rings.

Called by run.sh. README.md says what each case measures.
"""
import sys
import time

import suite
from peers import PEERS
from process import SampleError
from samples import mtu, prove, rate, read_counter, start_both, testpmd_options, warm_up

SIZE = 64
PACKET_SIZES = (64, 1500)
QUEUES = (1, 2, 4)
BURSTS = (1, 4, 8, 16, 32, 64, 128, 256)
RINGS = (128, 256, 512, 1024, 2048, 4096)
COMPARED = ("mmnet-zero", "mmnet-auto", "memif-copy", "memif-zero", "vhost-rx", "vhost-tx")
MEMIF = ("memif-copy", "memif-zero")
VHOST = ("vhost-rx", "vhost-tx")


# --- both directions ---

def both_ways(bench, name, size):
    """Return the ports of two fido-fwd that make packets (net_null) and drop what they receive."""
    if name.startswith("vhost"):
        # virtio receives too, so it needs mergeable buffers, which this pair has.
        return PEERS["vhost-tx"].pair(bench, size)
    pair = PEERS[name].pair(bench, size)
    if name.startswith("mmnet"):
        mode = f",rx={PEERS[name].mode}"
        pair.tx.eal = PEERS[name].port(bench, 0, "tx", "rx", mode)
    return pair


def sample_both(bench, name, size):
    """Measure the packets per second of both directions together."""
    pair = both_ways(bench, name, size)

    def start(which, cpu, side):
        eal = [*side.eal, f"--vdev=net_null8,size={size}", "--vdev=net_null9"]
        return bench.start(which, cpu, bench.fido_fwd, eal,
                           ["--map", "net_null8:0,0:net_null9", "--mbufs", "8192", "--quiet",
                            *mtu(size)])

    started = start_both({"tx": lambda: start("tx", 0, pair.tx),
                          "rx": lambda: start("rx", 1, pair.rx)}, pair.listener, pair.sockets)
    sides = (started["rx"], started["tx"])
    for side in sides:
        side.wait_ready()
    for side in sides:
        warm_up(bench, side)
    first = [read_counter(side, "ipackets", bench.window) for side in sides]
    time.sleep(bench.window)
    last = [read_counter(side, "ipackets", bench.window) for side in sides]
    each = [(b[0] - a[0]) / (b[1] - a[1]) for a, b in zip(first, last)]
    if min(each) <= 0:
        raise SampleError("no packets in one direction")
    return {"pps": sum(each), "_each": each}


# --- one direction, testpmd, with unusual numbers ---

def shaped(arguments, changes):
    """Change some of testpmd's options, as in {"--burst": 8}."""
    return [f"{name}={changes.get(name, value)}" if value else name
            for name, _, value in (argument.partition("=") for argument in arguments)] \
        + [f"{name}={value}" for name, value in changes.items()
           if not any(argument.startswith(name + "=") for argument in arguments)]


def eal_with(bench, name, queues, ring):
    """Return the pair with devices of `queues` queues of `ring` descriptors."""
    pair = PEERS[name].pair(bench, SIZE)
    for side in (pair.tx, pair.rx):
        side.eal = [option.replace("rsize=10", f"rsize={ring.bit_length() - 1}")
                          .replace("queues=1", f"queues={queues}")
                          .replace("queue_size=1024", f"queue_size={ring}")
                    for option in side.eal]
    return pair


def sample_shaped(bench, name, queues=1, ring=1024, burst=32):
    """testpmd txonly to testpmd rxonly, 64 bytes."""
    pair = eal_with(bench, name, queues, ring)
    # Enough to fill each ring and each side's mempool cache.
    changes = {"--rxd": ring, "--txd": ring, "--burst": burst, "--rxq": queues, "--txq": queues,
               "--total-num-mbufs": max(8192, 3 * queues * ring)}

    def start(which, cpu, mode, side):
        options = shaped(testpmd_options(mode, SIZE), changes) + side.testpmd
        return bench.start(which, cpu, "dpdk-testpmd", ["-m", "256", *side.eal], options)

    started = start_both({"tx": lambda: start("tx", 0, "txonly", pair.tx),
                          "rx": lambda: start("rx", 1, "rxonly", pair.rx)},
                         pair.listener, pair.sockets)
    for side in ("rx", "tx"):
        started[side].wait_ready()
    for side in ("rx", "tx"):
        started[side].tell("start")
    warm_up(bench, started["rx"])
    return prove(started["rx"], PEERS[name], rate(bench, started["rx"]))


# --- the set ---

def cases(bench, sizes):
    return [{"id": f"{bench}/{peer}/{size}", "bench": bench, "peer": peer, "size": size}
            for size in sizes for peer in COMPARED
            # There, one sample has both directions of vhost.
            if (bench, peer) != ("both", "vhost-tx")]


def ratios(bench, text, sizes):
    return [{"name": f"{text.format(size)}: mmnet rx={mode} / best of {name}", "metric": "pps",
             "of": f"{bench}/mmnet-{mode}/{size}",
             "to": [f"{bench}/{peer}/{size}" for peer in group]}
            for size in sizes for mode in ("zero", "auto")
            for name, group in (("memif", MEMIF), ("vhost-user", VHOST))]


SUITE = suite.Suite(
    name="shapes",
    functions={
        "both": sample_both,
        "queues": lambda bench, peer, count: sample_shaped(bench, peer, queues=count),
        "burst": lambda bench, peer, count: sample_shaped(bench, peer, burst=count),
        "ring": lambda bench, peer, count: sample_shaped(bench, peer, ring=count)},
    cases=cases("both", PACKET_SIZES) + cases("queues", QUEUES) + cases("burst", BURSTS)
    + cases("ring", RINGS),
    quick=("both/*/64", "queues/*/2", "burst/*/1", "burst/*/8", "ring/*/128", "ring/*/4096"),
    ratios=ratios("both", "both directions, {} bytes", PACKET_SIZES)
    + ratios("queues", "{} queues", QUEUES) + ratios("burst", "bursts of {}", BURSTS)
    + ratios("ring", "rings of {}", RINGS),
    goals=[], labels={name: PEERS[name].label for name in COMPARED},
    units={"queues": "queues", "burst": "per burst", "ring": "in a ring"})

if __name__ == "__main__":
    sys.exit(suite.main(SUITE, sys.argv[1:]))
