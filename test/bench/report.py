#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Write the results of benchmark sets into doc/results and redraw the plots in doc/img.

For each SET.json of test/bench/run.sh, doc/results/SET.json gets the figures without the samples
of each round, and doc/results/SET.md the tables. The tables and plots are functions of the files
doc/results/*.json: without arguments, rebuild all of them.
"""
import argparse
import glob
import json
import os
import sys
import textwrap

sys.dont_write_bytecode = True

import plot  # noqa: E402 (after the setting above, which keeps the source tree clean)
import table  # noqa: E402

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MARK = "<!-- Written by test/bench/report.py from {}.json. Do not edit. -->"


# --- doc/results/SET.json ---

def rounded(value):
    """A float with six significant digits: more than the tables show."""
    return float(f"{value:.6g}") if isinstance(value, float) else value


def without_samples(entry):
    return {key: rounded(value) for key, value in entry.items() if key != "samples"}


def summarize(result, notes):
    """The result without the samples of each round, and without the logs of failures."""
    cases = []
    for case in result["cases"]:
        kept = {key: value for key, value in case.items() if key not in ("metrics", "rounds")}
        kept["metrics"] = {name: without_samples(entry) for name, entry in case["metrics"].items()}
        cases.append(kept)
    return {
        **result,
        "cacheline_ns": without_samples(result["cacheline_ns"]),
        "cases": cases,
        "ratios": [without_samples(ratio) for ratio in result["ratios"]],
        "goals": [without_samples(goal) for goal in result["goals"]],
        "failures": [{"case": failure["case"]} for failure in result["failures"]],
        "notes": notes,
    }


def dump(summary):
    """JSON with one case, ratio or goal per line, so that a difference can be read."""
    parts = []
    for key, value in summary.items():
        if isinstance(value, list) and value:
            items = ",\n".join("  " + json.dumps(item, ensure_ascii=False) for item in value)
            parts.append(f" {json.dumps(key)}: [\n{items}\n ]")
        else:
            parts.append(f" {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


# --- doc/results/SET.md ---

def commits(result):
    """Each commit that was measured, once."""
    every = [part["commit"] for part in result.get("earlier", [])] + [result["machine"]["commit"]]
    return ", ".join(dict.fromkeys(every))


def processor(machine):
    kind = " (a virtual machine)" if machine["virtual_machine"] else ""
    used = ", ".join(str(cpu) for cpu in machine.get("cpus_used", []))
    return f"{machine['cpu']}{kind}, {machine['cores']} CPUs" + (f"; used: {used}" if used else "")


def rounds(result):
    text = f"{result['runs']}, {result['window_seconds']} s for each figure"
    return text + (f", {result['minutes']} minutes in all" if "minutes" in result else "")


def machine_table(result):
    """What the figures were measured on. A fact that was not recorded has no line."""
    machine = result["machine"]
    kind = machine.get("build_type")
    line = table.spread(result["cacheline_ns"])
    facts = {
        "processor": processor(machine),
        "memory": f"{machine['memory_mib']} MiB" if "memory_mib" in machine else None,
        "kernel": machine.get("kernel"),
        "compiler": machine["compiler"] + (f", {kind}" if kind else ""),
        "DPDK": machine["dpdk"],
        "commit": commits(result),
        "date": machine["date"],
        "load average before": machine.get("load_average_before"),
        "cache line, round trip": f"{line} ns" if line != "-" else None,
        "rounds": rounds(result),
    }
    return table.markdown(["", ""], [[name, str(value)] for name, value in facts.items()
                                     if value is not None])


def wrapped(text, bullet=""):
    return textwrap.fill(text, 100, initial_indent=bullet, subsequent_indent=" " * len(bullet),
                         break_long_words=False, break_on_hyphens=False)


def report(result):
    quick = " Measured with `--quick`: fewer cases, shorter windows." if result["quick"] else ""
    parts = [MARK.format(result["set"]), f"# Results of the set `{result['set']}`",
             wrapped(f"Each figure is the median of the rounds (min - max).{quick}"),
             machine_table(result)]
    for title, head, rows in table.tables(result):
        parts += [f"{title[0].upper()}{title[1:]}:", table.markdown(head, rows)]
    if result["ratios"]:
        parts += ["Ratios, formed within each round:", table.markdown(*table.ratio_table(result))]
    if result["goals"]:
        parts += ["Goals:", table.markdown(*table.goal_table(result))]
    if result["failures"]:
        lost = sum(case["metrics"] == {} for case in result["cases"])
        parts.append(f"{len(result['failures'])} samples failed and were repeated; {lost} cases "
                     "gave no figure.")
    if result["notes"]:
        parts += ["Notes:", "\n".join(wrapped(note, "- ") for note in result["notes"])]
    return "\n\n".join(parts) + "\n"


# --- files ---

def read(path):
    with open(path) as file:
        return file.read()


def load(path):
    try:
        return json.loads(read(path))
    except (OSError, ValueError) as error:
        raise SystemExit(f"report: cannot read {path}: {error}. Run test/bench/run.sh first, or "
                         "name the SET.json that it wrote") from error


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def stale(path, wanted):
    try:
        return read(path) != wanted
    except OSError:
        return True


def check(summaries, results, images):
    """Print each table and plot that does not match its data; return how many there are."""
    bad = [path for path, summary in ((os.path.join(results, s["set"] + ".md"), s)
                                      for s in summaries) if stale(path, report(summary))]
    bad += plot.stale_plots(summaries, images)
    for path in bad:
        print(f"report: {path} does not match its data: run test/bench/report.py", file=sys.stderr)
    return len(bad)


def parse(argv):
    parser = argparse.ArgumentParser(prog="report.py", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", nargs="*", metavar="SET.json",
                        help="a result of test/bench/run.sh, as in build/bench/net.json")
    parser.add_argument("--note", action="append", default=[], metavar="TEXT",
                        help="add a note below the tables of each SET.json")
    parser.add_argument("--check", action="store_true",
                        help="write nothing; fail when a table or plot does not match its data")
    parser.add_argument("--results", default=os.path.join(TOP, "doc", "results"), metavar="DIR",
                        help="where data and tables are (default: doc/results)")
    parser.add_argument("--images", default=os.path.join(TOP, "doc", "img"), metavar="DIR",
                        help="where the plots are (default: doc/img)")
    return parser.parse_args(argv)


def main(argv):
    arguments = parse(argv)
    if not arguments.check:
        for source in arguments.source:
            summary = summarize(load(source), arguments.note)
            write(os.path.join(arguments.results, summary["set"] + ".json"), dump(summary))
    summaries = [load(path) for path in sorted(glob.glob(os.path.join(arguments.results,
                                                                      "*.json")))]
    if arguments.check:
        return 1 if check(summaries, arguments.results, arguments.images) else 0
    for summary in summaries:
        write(os.path.join(arguments.results, summary["set"] + ".md"), report(summary))
    if plot.draw_plots(summaries, arguments.images) is None:
        print("report: no plots: install gnuplot (Debian: gnuplot-nox)", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
