# SPDX-License-Identifier: BSD-3-Clause
"""The benchmark set `idle`: the processor time of a chain with little or nothing to do, and what
the ability to sleep costs under full load.

Called by run.sh. README.md says what each case measures.
"""
import sys
import time

import crowd
import suite
from peers import PEERS
from process import wait_until
from samples import rate, start_both, start_sender, warm_up

DOMAINS = 6
GAP_US = 1000  # 1000 packets per second
LABELS = {
    "mmnet": "mmnet, adaptive", "memif": "memif zero-copy, naps",
    "adaptive": "mmnet, adaptive", "poll": "mmnet, polling",
}


def name_of(peer):
    """The name of this peer in crowd.py."""
    return {"mmnet": "mmnet-adaptive", "memif": "memif-zero-nap"}[peer]


def cpu_share(bench, domains):
    """Percent of one CPU that all threads of all domains use."""
    before, began = [domain.cpu_ns() for domain in domains], time.monotonic()
    time.sleep(4 * bench.window)
    took = sum(domain.cpu_ns() - at for domain, at in zip(domains, before))
    return took / (time.monotonic() - began) / 1e9 * 100


def received(domain):
    return domain.ask("/ethdev/stats,0")["ipackets"]


def start_chain(bench, peer, size, gap_us):
    """Start a polling sender on the first CPU, and on the second one four domains that forward and
    one that drops. The sender sends one packet every `gap_us` microseconds."""
    name = name_of(peer)
    domains = []
    for i in range(DOMAINS - 1, 0, -1):
        domains.insert(0, crowd.start_domain(bench, name, i, DOMAINS, size, cpu=1))
        if peer == "memif":
            wait_until(lambda: domains[0].check() and crowd.socket_there(bench, f"{i}.sock"), 30,
                       f"d{i}: socket")
    eal, _ = crowd.ports_of(bench, name, 0, DOMAINS - 1, size)
    # bench-wake uses port 0, whatever its name.
    sender = bench.start("d0", 0, bench.build + "/test/bench/bench-wake", eal,
                         ["send", str(gap_us)])
    return sender, domains


def sample_silent(bench, peer, size):
    """Links are up and no packet comes."""
    # The second packet would be due in 17 minutes.
    _, domains = start_chain(bench, peer, size, 10**9)
    for domain in domains:
        domain.wait_ready()
    # Domains first sleep with timeouts, as buffers may still return: wait for that phase to end.
    time.sleep(2 * bench.window)
    return {"cpu": cpu_share(bench, domains)}


def sample_slow(bench, peer, size):
    """1000 packets per second go through the chain."""
    _, domains = start_chain(bench, peer, size, GAP_US)
    wait_until(lambda: domains[-1].check() and received(domains[-1]) > 0, 30, "sink: a packet")
    time.sleep(bench.window)
    first, began = received(domains[-1]), time.monotonic()
    sample = {"cpu": cpu_share(bench, domains)}
    sample["_pps"] = (received(domains[-1]) - first) / (time.monotonic() - began)
    return sample


def sample_full(bench, idle, size):
    """testpmd txonly to a fido-fwd that drops, with one CPU each."""
    pair = PEERS["mmnet-zero"].pair(bench, size)
    started = start_both({
        "tx": lambda: start_sender(bench, pair.tx, size),
        "rx": lambda: bench.start("rx", 1, bench.fido_fwd, [*pair.rx.eal, "--vdev=net_null0"],
                                  ["--map", "0:1", "--idle", idle, "--quiet"])},
        pair.listener, pair.sockets)
    for side in ("rx", "tx"):
        started[side].wait_ready()
    started["tx"].tell("start")
    warm_up(bench, started["rx"])
    slept = started["rx"].counters().get("rx_armed", 0)
    sample = rate(bench, started["rx"])
    sample["_slept"] = started["rx"].counters().get("rx_armed", 0) - slept
    return sample


def case(bench, peer, size=64):
    return {"id": f"{bench}/{peer}/{size}", "bench": bench, "peer": peer, "size": size}


CASES = [case(bench, peer) for bench in ("silent", "slow") for peer in ("mmnet", "memif")] \
    + [case("full", idle, size) for size in (64, 1500) for idle in ("poll", "adaptive")]
RATIOS = [
    {"name": f"full load, {size} bytes: adaptive / polling", "metric": "pps",
     "of": f"full/adaptive/{size}", "to": [f"full/poll/{size}"]} for size in (64, 1500)
] + [
    {"name": f"processor time, {text}: mmnet / memif with naps", "metric": "cpu",
     "of": f"{bench}/mmnet/64", "to": [f"{bench}/memif/64"]}
    for bench, text in (("silent", "idle chain"), ("slow", "1000 packets per second"))
]

SUITE = suite.Suite(
    name="idle", functions={"silent": sample_silent, "slow": sample_slow, "full": sample_full},
    cases=CASES, quick=("*",), ratios=RATIOS,
    goals=[{"case": "silent/mmnet/64", "metric": "cpu", "at_most": 1,
            "ratio": "percent of a CPU, idle chain of five adaptive domains"},
           {"ratio": RATIOS[0]["name"], "at_least": 0.97},
           {"ratio": RATIOS[1]["name"], "at_least": 0.97}],
    labels=LABELS)

if __name__ == "__main__":
    sys.exit(suite.main(SUITE, sys.argv[1:]))
