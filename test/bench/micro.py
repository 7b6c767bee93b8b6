# SPDX-License-Identifier: BSD-3-Clause
"""The benchmark set `micro`: the cost of single steps and the machine's limits for them, by
bench-micro (Google Benchmark).

Called by run.sh. README.md says what each case measures.
"""
import json
import os
import subprocess
import sys

import suite
from process import SampleError

BURSTS = (1, 8, 32, 64)
LABELS = {
    "fido": "a Fido queue", "rte-ring": "rte_ring, SPSC, one way",
    "rte-ring-pair": "two rte_rings, both ways", "index": "indices, one way",
    "lap-single": "lap in each descriptor, single completions", "lap-runs": "the same, runs",
    "lap-last-single": "lap, first one last, single completions",
    "lap-last-runs": "the same, runs (Fido's)",
    "index-single": "producer index, single completions", "index-runs": "the same, runs",
    "ping_pong": "a line, round trip", "stream": "a stream of lines", "memcpy": "memcpy",
    "check": "check a peer's address", "translate": "translate an own address",
    "huge-pages": "2 MiB pages", "small-pages": "4 KiB pages", "eventfd": "two sleepers",
}
UNITS = {"one_core": "per burst", "two_cores": "per burst", "layout": "per burst",
         "line": "lines per burst", "address": "MiB", "join": "MiB", "doorbell": ""}


def sample(name, bench, peer, size):
    argv = ["setpriv", "--pdeathsig", "KILL", bench.build + "/test/bench/micro/bench-micro",
            f"--benchmark_filter=^{name}/{peer}/{size}/", "--benchmark_format=json",
            f"--benchmark_min_time={bench.window / 4}"]
    cpus = ",".join(str(cpu) for cpu in bench.cpus)
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120,
                          env={**os.environ, "FIDO_BENCH_CPUS": cpus})
    if done.returncode != 0:
        raise SampleError(f"bench-micro: {done.stderr.strip()}")
    said = json.loads(done.stdout)["benchmarks"][0]
    if said.get("error_occurred"):
        raise SampleError(f"{name}/{peer}/{size}: {said['error_message']}")
    metrics = {"pps": said["items_per_second"], "turn_ns": said["real_time"], "_said": said}
    if "lines_per_second" in said:
        metrics["lines"] = said["lines_per_second"]
    return metrics


# --- the set ---

def cases(name, peers, sizes):
    return [{"id": f"{name}/{peer}/{size}", "bench": name, "peer": peer, "size": size}
            for size in sizes for peer in peers]


LAYOUTS = [name for name in LABELS if name.startswith(("lap-", "index-"))]
CASES = (cases("two_cores", ("fido", "rte-ring", "rte-ring-pair", "index"), BURSTS)
         + cases("line", ("stream",), (1, 2, 8, 16)) + cases("line", ("ping_pong",), (1,))
         + cases("one_core", ("fido",), BURSTS) + cases("layout", LAYOUTS, BURSTS)
         + cases("address", ("check", "translate"), (64, 1024, 65536))
         + cases("copy", ("memcpy",), (64, 1500, 4096, 9000))
         + cases("join", ("huge-pages", "small-pages"), (1024,))
         + cases("doorbell", ("eventfd",), (1,)))


def ratio(name, metric, of, to):
    return {"name": name, "metric": metric, "of": of, "to": to}


RATIOS = [ratio("lines per second, burst 32 (8 lines): Fido / bare stream", "lines",
                "two_cores/fido/32", ["line/stream/8"])]
RATIOS += [ratio(f"across cores, burst {n}: Fido / {text}", "pps", f"two_cores/fido/{n}",
                 [f"two_cores/{peer}/{n}"])
           for n in BURSTS for peer, text in (("rte-ring", "rte_ring one way"),
                                              ("rte-ring-pair", "two rte_rings, both ways"),
                                              ("index", "indices one way"))]
RATIOS += [ratio(f"layout, burst {n}: what Fido does / best of the others", "pps",
                 f"layout/lap-last-runs/{n}",
                 [f"layout/{peer}/{n}" for peer in LAYOUTS if peer != "lap-last-runs"])
           for n in BURSTS]
GOALS = [{"ratio": RATIOS[0]["name"], "at_least": 0.8}]
GOALS += [{"ratio": f"across cores, burst {n}: Fido / rte_ring one way", "at_least": 1}
          for n in BURSTS]

SUITE = suite.Suite(
    name="micro",
    functions={name: lambda bench, peer, size, name=name: sample(name, bench, peer, size)
               for name in {case["bench"] for case in CASES}},
    cases=CASES, quick=("two_cores/*", "line/*", "address/*"), ratios=RATIOS, goals=GOALS,
    labels=LABELS, units=UNITS)

if __name__ == "__main__":
    sys.exit(suite.main(SUITE, sys.argv[1:]))
