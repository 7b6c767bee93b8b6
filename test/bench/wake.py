# SPDX-License-Identifier: BSD-3-Clause
"""The benchmark set `wake`: sleeping and waking, and more domains than cores.

Called by run.sh. README.md says what each case measures.
"""
import json
import subprocess
import sys

import crowd
import suite
from peers import PEERS
from process import SampleError, wait_until
from samples import start_both

GAP_US = 1000
DOMAINS = 6

LABELS = {
    "mmnet-sleep": "mmnet, receiver asleep", "mmnet-poll": "mmnet, receiver polls",
    "memif-poll": "memif, receiver polls", "eventfd": "bare eventfd, receiver asleep",
    "mmnet-adaptive": "mmnet, adaptive", "mmnet-batch": "mmnet, adaptive, SCHED_BATCH",
    "memif-copy": "memif copy, polling",
    "memif-zero": "memif zero-copy, polling",
}


# --- latency ---

def times(answer, slept):
    """The metrics in a receiver's answer. `slept`: fail unless most packets woke it."""
    if slept and answer["slept"] < 0.6 * answer["count"]:
        raise SampleError(f"only {answer['slept']} of {answer['count']} packets woke the receiver")
    return {"p50_us": answer["p50_ns"] / 1e3, "p99_us": answer["p99_ns"] / 1e3,
            "_max_us": answer["max_ns"] / 1e3, "_slept": answer["slept"]}


def packets(bench):
    return int(4000 * bench.window)


def sample_eventfd(bench):
    argv = [bench.build + "/test/bench/bench-eventfd", *[str(cpu) for cpu in bench.cpus[:2]],
            str(packets(bench)), str(GAP_US)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise SampleError(f"bench-eventfd: {done.stderr.strip()}")
    return times(json.loads(done.stdout), True)


def answer_of(process, seconds):
    """Wait until a receiver has ended; return what it printed."""
    wait_until(lambda: process.child.poll() is not None, seconds, f"{process.name}: its end")
    lines = [line for line in process.log().splitlines() if line.startswith("{")]
    if process.child.returncode != 0 or not lines:
        raise SampleError(f"{process.name}: {process.last_lines()}")
    return json.loads(lines[-1])


def sample_latency(bench, name, size):
    """Measure one packet at a time, to a receiver that waits for it."""
    if name == "eventfd":
        return sample_eventfd(bench)
    driver, way = name.split("-")
    pair = PEERS["mmnet-zero" if driver == "mmnet" else "memif-copy"].pair(bench, size)
    program = bench.build + "/test/bench/bench-wake"
    started = start_both(
        {"tx": lambda: bench.start("tx", 0, program, pair.tx.eal, ["send", str(GAP_US)]),
         "rx": lambda: bench.start("rx", 1, program, pair.rx.eal, [way, str(packets(bench))])},
        pair.listener, pair.sockets)
    return times(answer_of(started["rx"], 30), way == "sleep")


def sample_crowd(bench, name, size):
    """Measure the rate at the end of a chain of six domains on two CPUs."""
    return crowd.sample(bench, name, size, DOMAINS)


# --- the set ---

def case(bench, peer, size=64):
    return {"id": f"{bench}/{peer}/{size}", "bench": bench, "peer": peer, "size": size}


CASES = [case("latency", peer) for peer in ("eventfd", "mmnet-sleep", "mmnet-poll", "memif-poll")] \
    + [case("crowd", peer, size) for size in (64, 1500)
       for peer in ("mmnet-adaptive", "mmnet-batch", "memif-copy", "memif-zero")]


def ratio(name, metric, of, to):
    return {"name": name, "metric": metric, "of": of, "to": to}


RATIOS = [
    ratio(f"{which} latency: mmnet {way} / {other_name}", metric,
          f"latency/mmnet-{way}/64", [f"latency/{other}/64"])
    for which, metric in (("median", "p50_us"), ("99th percentile", "p99_us"))
    for way, other, other_name in (("sleep", "eventfd", "bare eventfd"),
                                   ("sleep", "memif-poll", "memif polling"),
                                   ("poll", "memif-poll", "memif polling"))
] + [
    ratio(f"six domains on two CPUs, {size} bytes: mmnet {way} / best of memif polling", "pps",
          f"crowd/mmnet-{way}/{size}", [f"crowd/{p}/{size}" for p in ("memif-copy", "memif-zero")])
    for size in (64, 1500) for way in ("adaptive", "batch")
]

SUITE = suite.Suite(
    name="wake", functions={"latency": sample_latency, "crowd": sample_crowd}, cases=CASES,
    quick=("*",), ratios=RATIOS,
    goals=[{"ratio": "six domains on two CPUs, 64 bytes: mmnet adaptive / best of memif polling",
            "at_least": 10}],
    labels=LABELS)

if __name__ == "__main__":
    sys.exit(suite.main(SUITE, sys.argv[1:]))
