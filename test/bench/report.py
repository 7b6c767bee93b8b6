#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Put the results of a set into doc/benchmarks.md, between the set's two marks; where there are none
yet, at the end.

usage: test/bench/report.py [SET.JSON [BENCHMARKS.MD]]
"""
import json
import os
import sys

sys.dont_write_bytecode = True

import table  # noqa: E402 (after the setting above, which keeps the source tree clean)

BEGIN = "<!-- results of {}: begin (written by test/bench/report.py) -->"
END = "<!-- results of {}: end -->"
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def machine_lines(machine, result):
    kind = " (a virtual machine)" if machine["virtual_machine"] else ""
    facts = [
        ("processor", f"{machine['cpu']}{kind}, {machine['cores']} CPUs; used: "
                      f"{', '.join(str(cpu) for cpu in machine['cpus_used'])}"),
        ("memory", f"{machine['memory_mib']} MiB"),
        ("kernel", machine["kernel"]),
        ("compiler", f"{machine['compiler']}, {machine['build_type']}"),
        ("DPDK", machine["dpdk"]),
        ("commit", commits(result)),
        ("date", machine["date"]),
        ("load average before", machine["load_average_before"]),
        ("cache line, there and back", f"{table.spread(result['cacheline_ns'])} ns"),
        ("rounds", f"{result['runs']}, {result['window_seconds']} s for each figure, "
                   f"{result['minutes']} minutes in all"),
    ]
    return table.markdown(["", ""], [[name, str(value)] for name, value in facts])


def commits(result):
    """All that were measured, each once."""
    every = [part["commit"] for part in result.get("earlier", [])] + [result["machine"]["commit"]]
    return ", ".join(dict.fromkeys(every))


def report(result):
    quick = " This was a `--quick` run: few rounds, short ones." if result["quick"] else ""
    parts = [f"### The set `{result['set']}`, as measured last",
             f"Figures are the median of the rounds (min - max).{quick}",
             machine_lines(result["machine"], result)]
    for title, head, rows in table.tables(result):
        parts += [f"{title[0].upper()}{title[1:]}:", table.markdown(head, rows)]
    if result["ratios"]:
        parts += ["Ratios, formed within each round:", table.markdown(*table.ratio_table(result))]
    if result["goals"]:
        parts += ["Goals:", table.markdown(*table.goal_table(result))]
    if result["failures"]:
        lost = sum(case["metrics"] == {} for case in result["cases"])
        parts.append(f"{len(result['failures'])} samples failed and were tried again; {lost} "
                     "cases gave no figure.")
    return "\n\n".join(parts)


def replace_section(text, name, section):
    begin, end = BEGIN.format(name), END.format(name)
    before, found, rest = text.partition(begin)
    after = rest.partition(end)[2] if found else "\n"
    if found and end not in rest:
        raise SystemExit(f"report: the document lacks the line '{end}'")
    before = before if found else before.rstrip("\n") + "\n\n"
    return f"{before}{begin}\n\n{section}\n\n{end}{after}"


def main(argv):
    build = os.environ.get("FIDO_BUILD", os.path.join(TOP, "build"))
    source = argv[0] if argv else os.path.join(build, "bench", "net.json")
    document = argv[1] if len(argv) > 1 else os.path.join(TOP, "doc", "benchmarks.md")
    try:
        with open(source) as file:
            result = json.load(file)
    except (OSError, ValueError) as error:
        raise SystemExit(f"report: cannot read {source}: {error}. Run test/bench/run.sh "
                         "first, or name the SET.json that it wrote") from error
    with open(document) as file:
        text = file.read()
    with open(document, "w") as file:
        file.write(replace_section(text, result["set"], report(result)))


if __name__ == "__main__":
    main(sys.argv[1:])
