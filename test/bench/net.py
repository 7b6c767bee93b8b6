# SPDX-License-Identifier: BSD-3-Clause
"""The benchmark set `net`: packets from one domain to another, by mmnet and by its peers.

Called by run.sh. What each benchmark measures is said in doc/benchmarks.md.
"""
import argparse
import fnmatch
import os
import signal
import sys
import time

import machine
import plot
import results
import samples
import table
from peers import PEERS
from process import Bench, SampleError

SIZES = (64, 1500, 9000)
MMNET = ("mmnet-zero", "mmnet-header", "mmnet-copy", "mmnet-auto")
MEMIF = ("memif-copy", "memif-zero")
VHOST = ("vhost-rx", "vhost-tx")
FUNCTIONS = {"rate": samples.sample_rate, "touch": samples.sample_touch,
             "hop": samples.sample_hop, "chain": samples.sample_chain}
# What --quick leaves: enough for each goal, and one of each kind.
QUICK = ("rate/mmnet-zero/*", "rate/mmnet-copy/64", "rate/mmnet-auto/64", "rate/memif-*/64",
         "rate/memif-*/1500", "rate/vhost-*/64", "rate/vhost-*/1500", "rate/null/64",
         "touch/mmnet-zero/1500", "touch/memif-zero/1500", "touch/vhost-rx/1500",
         "hop/mmnet-zero/64", "hop/mmnet-zero/9000", "hop/memif-copy/64",
         "chain/mmnet-zero/64/1", "chain/mmnet-zero/9000/1", "chain/mmnet-zero/64/3")


def add(found, bench, peers, sizes, hops=(None,)):
    for count in hops:
        for size in sizes:
            for peer in peers:
                case = {"id": f"{bench}/{peer}/{size}", "bench": bench, "peer": peer, "size": size}
                if count:
                    case.update(id=f"{case['id']}/{count}", hops=count)
                found.append(case)


def all_cases():
    """In the order of a round: what is compared with each other comes one after the other."""
    found = []
    add(found, "rate", MMNET + MEMIF + VHOST + ("null",), SIZES)
    # memif announces frames of 1518 bytes at most, and fido-fwd believes it.
    add(found, "touch", ("mmnet-zero", "mmnet-copy") + MEMIF + VHOST, (64, 1500))
    add(found, "touch", ("mmnet-zero", "mmnet-copy") + VHOST, (9000,))
    add(found, "hop", ("mmnet-zero",) + MEMIF, (64, 1500))
    add(found, "hop", ("mmnet-zero",), (9000,))
    add(found, "chain", ("mmnet-zero",), SIZES, range(1, 7))
    return found


def ratio(name, metric, of, to):
    return {"name": name, "metric": metric, "of": of, "to": list(to)}


def all_ratios():
    """Each against the best of its peers in the same round."""
    found = []
    for bench, verb in (("rate", "moves"), ("touch", "reads")):
        for size in SIZES:
            for mode in ("zero", "auto", "copy"):
                for name, group in (("memif", MEMIF), ("vhost-user", VHOST)):
                    found.append(ratio(
                        f"{verb} {size} bytes: mmnet rx={mode} / best of {name}", "pps",
                        f"{bench}/mmnet-{mode}/{size}", [f"{bench}/{p}/{size}" for p in group]))
    for size in SIZES:
        found.append(ratio(f"moves {size} bytes: mmnet rx=zero / no peer", "pps",
                           f"rate/mmnet-zero/{size}", [f"rate/null/{size}"]))
        for name, group in (("memif", MEMIF), ("vhost-user", VHOST)):
            found.append(ratio(f"limit for {size} bytes: no peer / best of {name}", "pps",
                               f"rate/null/{size}", [f"rate/{p}/{size}" for p in group]))
    for size in (64, 1500):
        found.append(ratio(f"hop of {size} bytes: mmnet / best of memif", "ns",
                           f"hop/mmnet-zero/{size}", [f"hop/{p}/{size}" for p in MEMIF]))
    for size in (1500, 9000):
        found.append(ratio(f"mmnet hop: {size} bytes / 64 bytes", "ns",
                           f"hop/mmnet-zero/{size}", ["hop/mmnet-zero/64"]))
        for hops in range(1, 7):
            found.append(ratio(f"chain of {hops}, cost of a hop: {size} bytes / 64 bytes", "ns",
                               f"chain/mmnet-zero/{size}/{hops}", [f"chain/mmnet-zero/64/{hops}"]))
    return found


GOALS = [
    {"ratio": "moves 64 bytes: mmnet rx=zero / best of memif", "at_least": 3},
    {"ratio": "moves 1500 bytes: mmnet rx=zero / best of memif", "at_least": 3},
    {"ratio": "moves 64 bytes: mmnet rx=zero / best of vhost-user", "at_least": 5},
    {"ratio": "moves 1500 bytes: mmnet rx=zero / best of vhost-user", "at_least": 5},
    {"ratio": "moves 64 bytes: mmnet rx=auto / best of memif", "at_least": 1.3},
    {"ratio": "mmnet hop: 9000 bytes / 64 bytes", "at_most": 1.15},
]


def matches(case, patterns):
    return any(fnmatch.fnmatch(case["id"], p) or fnmatch.fnmatch(case["id"], p + "/*")
               for p in patterns)


def chosen_cases(arguments):
    """Names on the command line choose among all cases; without any, --quick chooses."""
    cases = all_cases()
    if arguments.cases:
        return [case for case in cases if matches(case, arguments.cases)]
    return [case for case in cases if not arguments.quick or matches(case, QUICK)]


def measure(bench, case, failures):
    """One sample, tried twice; None when that fails."""
    extra = [case["hops"]] if "hops" in case else []
    for _ in range(2):
        start = time.monotonic()
        try:
            sample = FUNCTIONS[case["bench"]](bench, case["peer"], case["size"], *extra)
            bench.stop_all()
            return {**sample, "_took": round(time.monotonic() - start, 2)}
        except SampleError as error:
            failures.append({"case": case["id"], "why": str(error), "logs": bench.logs()})
        finally:
            bench.stop_all()
    return None


def shown(sample):
    if sample is None:
        return "failed"
    return table.number(sample["ns"]) + " ns" if "ns" in sample \
        else table.number(sample["pps"] / 1e6)


def run_round(bench, cases, taken, failures, title):
    group = None
    cacheline = None
    for case in cases:
        if (case["bench"], case["size"]) != group:
            group = (case["bench"], case["size"])
            cacheline = bench.cacheline_ns()
            print(f"\n{title}  {case['bench']:5} {case['size']:4} bytes  "
                  f"(cache line {cacheline:.0f} ns)", end="", flush=True)
        sample = measure(bench, case, failures)
        if sample is not None:
            sample["_cacheline_ns"] = cacheline
        taken[case["id"]].append(sample)
        name = case["peer"] if "hops" not in case else f"hops={case['hops']}"
        print(f"  {name} {shown(sample)}", end="", flush=True)


def collect(top, bench, arguments, cases, failures):
    """Run all rounds; return the result as it goes to JSON."""
    taken = {case["id"]: [] for case in cases}
    described = machine.describe(top, bench)
    if described["load_average_before"] > 0.5:
        print(f"bench: warning: load average {described['load_average_before']}: other programs "
              "use the CPUs too, the figures will be worth little")
    start = time.monotonic()
    for i in range(1, arguments.runs + 1):
        run_round(bench, cases, taken, failures, f"round {i}/{arguments.runs}")
    print()
    done = [results.case_result(case, taken[case["id"]]) for case in cases]
    by_id = {case["id"]: case for case in done}
    ratios = [r for r in (results.ratio_result(r, by_id) for r in all_ratios()) if r["samples"]]
    cachelines = [sample["_cacheline_ns"] for case in done for sample in case["rounds"] if sample]
    return {
        "set": "net", "quick": arguments.quick, "runs": arguments.runs,
        "window_seconds": bench.window, "minutes": round((time.monotonic() - start) / 60, 1),
        "machine": described,
        "labels": {name: peer.label for name, peer in PEERS.items()},
        "cacheline_ns": results.summary(cachelines),
        "cases": done, "ratios": ratios,
        "goals": [results.goal_result(goal, ratios) for goal in GOALS],
        "failures": [{key: failure[key] for key in ("case", "why")} for failure in failures],
    }


def write(result, folder, failures):
    """Write all files; print the tables and what went wrong."""
    base = os.path.join(folder, "net")
    results.write_json(base + ".json", result)
    results.write_csv(base + ".csv", result)
    print(table.full_text(result))
    plots = plot.plot_all(result, folder)
    print("\nWritten: " + ", ".join([base + ".json", base + ".csv", *(plots or [])]))
    if plots is None:
        print("No plots: there is no gnuplot (Debian: gnuplot-nox).")
    report_failures(failures, base + "-failures.log")


def report_failures(failures, path):
    if os.path.exists(path):
        os.unlink(path)
    if not failures:
        return
    with open(path, "w") as file:
        for failure in failures:
            file.write(f"=== {failure['case']}: {failure['why']}\n{failure['logs']}\n")
    print(f"{len(failures)} attempts failed, the last: {failures[-1]['case']}: "
          f"{failures[-1]['why']}\nAll of them: {path}")


def parse(argv):
    parser = argparse.ArgumentParser(prog="net.py")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--runs", type=int, default=0)
    parser.add_argument("--cpus", default="0,1")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--out", default=".")
    parser.add_argument("cases", nargs="*")
    arguments = parser.parse_args(argv)
    arguments.runs = arguments.runs or (3 if arguments.quick else 7)
    return arguments


def main(argv):
    arguments = parse(argv)
    cases = chosen_cases(arguments)
    if arguments.list:
        print("\n".join("net/" + case["id"] for case in cases))
        return 0
    if not cases:
        raise SystemExit(f"bench: nothing is named {' '.join(arguments.cases)}: see --list")
    cpus = [int(cpu) for cpu in arguments.cpus.split(",")]
    bench = Bench(cpus, 0.5 if arguments.quick else 1.0, 0.2 if arguments.quick else 0.4)
    top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    failures = []
    for name in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(name, lambda number, _: sys.exit(128 + number))
    try:
        result = collect(top, bench, arguments, cases, failures)
    finally:
        for name in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(name, signal.SIG_IGN)
        bench.stop_all()
    write(result, arguments.out, failures)
    return 0 if all(case["metrics"] for case in result["cases"]) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
