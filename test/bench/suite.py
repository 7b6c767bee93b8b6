# SPDX-License-Identifier: BSD-3-Clause
"""Run a set of benchmarks: choose its cases, measure them in turn, write the results."""
import argparse
import fnmatch
import json
import os
import signal
import sys
import time
from dataclasses import dataclass, field

import machine
import plot
import results
import table
from process import Bench, SampleError

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@dataclass
class Suite:
    """A set of benchmarks. `cases` are in the order of a round."""
    name: str
    functions: dict  # by benchmark: function(bench, peer, size[, hops]) -> sample
    cases: list
    quick: tuple     # patterns of the cases that --quick measures
    ratios: list
    goals: list
    labels: dict
    units: dict = field(default_factory=dict)  # unit of `size` by benchmark, if not "bytes"


def matches(case, patterns):
    return any(fnmatch.fnmatch(case["id"], p) or fnmatch.fnmatch(case["id"], p + "/*")
               for p in patterns)


def chosen_cases(suite, arguments):
    """The cases that are named on the command line, else those of --quick, else all."""
    if arguments.cases:
        return [case for case in suite.cases if matches(case, arguments.cases)]
    return [case for case in suite.cases if not arguments.quick or matches(case, suite.quick)]


def measure(suite, bench, case, failures):
    """Take one sample, in two attempts; return None if both fail."""
    extra = [case["hops"]] if "hops" in case else []
    for _ in range(2):
        start = time.monotonic()
        try:
            sample = suite.functions[case["bench"]](bench, case["peer"], case["size"], *extra)
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
    if "pps" in sample and "ns" not in sample:
        return table.number(sample["pps"] / 1e6)
    if "total" in sample:
        return table.number(sample["total"])
    if "cpu" in sample:
        return f"{table.number(sample['cpu'])} %"
    name = next(name for name in ("ns", "p50_us", "p50_us_0") if name in sample)
    return f"{table.number(sample[name])} {'us' if 'us' in name else 'ns'}"


def run_round(suite, bench, cases, taken, failures, title):
    group = None
    cacheline = None
    for case in cases:
        if (case["bench"], case["size"]) != group:
            group = (case["bench"], case["size"])
            cacheline = bench.cacheline_ns()
            unit = suite.units.get(case["bench"], "bytes")
            print(f"\n{title}  {case['bench']:5} {case['size']:4} {unit}  "
                  f"(cache line {cacheline:.0f} ns)", end="", flush=True)
        sample = measure(suite, bench, case, failures)
        if sample is not None:
            sample["_cacheline_ns"] = cacheline
        taken[case["id"]].append(sample)
        name = case["peer"] if "hops" not in case else f"hops={case['hops']}"
        print(f"  {name} {shown(sample)}", end="", flush=True)


def earlier_result(suite, arguments):
    """With --append, the result that the file already has, else None."""
    if not arguments.append:
        return None
    try:
        with open(os.path.join(arguments.out, suite.name + ".json")) as file:
            return json.load(file)
    except FileNotFoundError:
        return None


def rounds_before(earlier, cases):
    """The samples so far, by case. A round without a sample has None, so that the same index in two
    lists means the same round."""
    if earlier is None:
        return {case["id"]: [] for case in cases}
    there = {case["id"]: case["rounds"] for case in earlier["cases"]}
    return {**there, **{case["id"]: there.get(case["id"], [None] * earlier["runs"])
                        for case in cases}}


def history(earlier):
    """Date and commit of the rounds that --append keeps."""
    if earlier is None:
        return []
    now = {name: earlier["machine"][name] for name in ("date", "commit")}
    return [*earlier.get("earlier", []), {**now, "runs": earlier["runs"]}]


def collect(suite, bench, arguments, cases, failures):
    """Run all rounds; return the result in the form of SET.json."""
    earlier = earlier_result(suite, arguments)
    before = earlier or {"runs": 0, "minutes": 0, "failures": []}
    if earlier and earlier["window_seconds"] != bench.window:
        raise SystemExit(f"bench: --append: the rounds of {suite.name} that are there took "
                         f"{earlier['window_seconds']} s for each figure, not {bench.window} s: "
                         "with or without --quick as they were, or another --out")
    taken = rounds_before(earlier, cases)
    runs = before["runs"] + arguments.runs
    described = machine.describe(TOP, bench)
    if described["load_average_before"] > 0.5:
        print(f"bench: warning: load average {described['load_average_before']}: other programs "
              "use the CPUs too, the figures will be worth little")
    start = time.monotonic()
    for i in range(before["runs"] + 1, runs + 1):
        run_round(suite, bench, cases, taken, failures, f"round {i}/{runs}")
    print()
    for rounds in taken.values():
        rounds += [None] * (runs - len(rounds))
    done = [results.case_result(case, taken[case["id"]])
            for case in suite.cases if case["id"] in taken]
    by_id = {case["id"]: case for case in done}
    ratios = [r for r in (results.ratio_result(r, by_id) for r in suite.ratios) if r["samples"]]
    cachelines = [sample["_cacheline_ns"] for case in done for sample in case["rounds"] if sample]
    return {
        "set": suite.name, "quick": arguments.quick, "runs": runs, "earlier": history(earlier),
        "window_seconds": bench.window,
        "minutes": round(before["minutes"] + (time.monotonic() - start) / 60, 1),
        "machine": described,
        "labels": suite.labels, "units": suite.units,
        "cacheline_ns": results.summary(cachelines),
        "cases": done, "ratios": ratios,
        "goals": [results.goal_result(goal, ratios, by_id) for goal in suite.goals],
        "failures": before["failures"] + [{key: failure[key] for key in ("case", "why")}
                                          for failure in failures],
    }


def write(result, folder, failures):
    """Write all files; print the tables and the failures."""
    base = os.path.join(folder, result["set"])
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


def parse(suite, argv):
    parser = argparse.ArgumentParser(prog=suite.name + ".py")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--runs", type=int, default=0)
    parser.add_argument("--cpus", default="0,1")
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--append", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--out", default=".")
    parser.add_argument("cases", nargs="*")
    arguments = parser.parse_args(argv)
    arguments.runs = arguments.runs or (1 if arguments.smoke else 3 if arguments.quick else 7)
    return arguments


def main(suite, argv):
    arguments = parse(suite, argv)
    cases = chosen_cases(suite, arguments)
    if arguments.list:
        print("\n".join(f"{suite.name}/{case['id']}" for case in cases))
        return 0
    if not cases:
        raise SystemExit(f"bench: nothing is named {' '.join(arguments.cases)}: see --list")
    cpus = [int(cpu) for cpu in arguments.cpus.split(",")]
    window = 0.1 if arguments.smoke else 0.5 if arguments.quick else 1.0
    bench = Bench(cpus, window, 0.4 * window)
    failures = []
    for name in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(name, lambda number, _: sys.exit(128 + number))
    try:
        result = collect(suite, bench, arguments, cases, failures)
    finally:
        for name in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(name, signal.SIG_IGN)
        bench.stop_all()
    write(result, arguments.out, failures)
    measured = {case["id"] for case in cases}
    return 0 if all(any(case["rounds"][-arguments.runs:]) for case in result["cases"]
                    if case["id"] in measured) else 1
