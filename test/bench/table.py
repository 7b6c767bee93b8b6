# SPDX-License-Identifier: BSD-3-Clause
"""Format results as tables, for the terminal and for Markdown."""

TITLES = {
    "rate": ("from testpmd txonly to testpmd rxonly, million packets per second", "pps", 1e6),
    "touch": ("the receiver reads every byte, million packets per second", "pps", 1e6),
    "hop": ("one forwarder alone on its CPU, nanoseconds per packet", "ns", 1),
    "chain": ("a chain on two CPUs, nanoseconds of processor time per packet and hop", "ns", 1),
    "latency-median": ("one packet to a receiver that waits for it, median, microseconds",
                       "p50_us", 1),
    "latency-p99": ("one packet to a receiver that waits for it, 99th percentile, microseconds",
                    "p99_us", 1),
    "crowd": ("six domains in a chain on two CPUs, million packets per second at its end",
              "pps", 1e6),
    "crowd-slowest": ("the same in the slowest of eight windows", "slowest_pps", 1e6),
    "six": (
        "six forwarders in a chain on two CPUs, million packets per second at its end", "pps", 1e6),
    "six-slowest": ("the same in the slowest of eight windows", "slowest_pps", 1e6),
    "six-hop": ("the same, nanoseconds of processor time per packet and hop", "hop_ns", 1),
    "rtt-free": ("highest rate without loss to a reflector and back, million packets per second",
                 "loss_free_pps", 1e6),
    "silent": ("five domains with nothing to do, percent of one CPU", "cpu", 1),
    "slow": ("five domains and 1000 packets per second, percent of one CPU", "cpu", 1),
    "full": ("full load, a domain on each CPU, million packets per second", "pps", 1e6),
    "both": ("both directions at once, sum, million packets per second", "pps", 1e6),
    "queues": ("several queues on two CPUs, 64 bytes, million packets per second", "pps", 1e6),
    "burst": ("burst size, 64 bytes, million packets per second", "pps", 1e6),
    "ring": ("ring size, 64 bytes, million packets per second", "pps", 1e6),
    "rread1": (
        "random reads of a memory volume, one at a time, thousand requests per second", "pps", 1e3),
    "rread32": (
        "random reads of a memory volume, 32 at a time, thousand requests per second", "pps", 1e3),
    "rwrite1": (
        "random writes to a memory volume, one at a time, thousand requests per second",
        "pps", 1e3),
    "rwrite32": (
        "random writes to a memory volume, 32 at a time, thousand requests per second", "pps", 1e3),
    "sread8": (
        "sequential reads of a memory volume, 8 at a time, thousand requests per second",
        "pps", 1e3),
    "swrite8": (
        "sequential writes to a memory volume, 8 at a time, thousand requests per second",
        "pps", 1e3),
    "frread32": ("random reads of a file, 32 at a time, thousand requests per second", "pps", 1e3),
    "frwrite32": (
        "random writes to a file, 32 at a time, thousand requests per second", "pps", 1e3),
    "fsread8": (
        "sequential reads of a file, 8 at a time, thousand requests per second", "pps", 1e3),
    "fswrite8": (
        "sequential writes to a file, 8 at a time, thousand requests per second", "pps", 1e3),
    "tcp": ("TCP between two kernels, one connection, by size of a send, Gbit/s", "pps", 1.25e8),
    "tcp4": ("TCP between two kernels, four connections, Gbit/s", "pps", 1.25e8),
    "rr": ("TCP between two kernels, round trips one at a time, thousand per second", "pps", 1e3),
    "dread32": ("a volume as a block device: random reads of 8 KiB, 32 at a time, thousand per second",
                "pps", 1e3),
    "dwrite8": ("a volume as a block device: writes of 1 MiB, 8 at a time, per second", "pps", 1),
    "udp": ("UDP between two kernels, thousand datagrams received per second", "pps", 1e3),
    "two_cores": ("descriptors from one core to the other, million per second", "pps", 1e6),
    "line": ("bare cache lines from one core to the other, million per second", "pps", 1e6),
    "one_core": ("descriptors, both ends on one core, million per second", "pps", 1e6),
    "layout": ("ring layouts, descriptors across cores, million per second", "pps", 1e6),
    "address": (
        "checking and translating addresses, by size of the memory, nanoseconds", "turn_ns", 1),
    "copy": ("copying from memory to memory, nanoseconds", "turn_ns", 1),
    "join": ("joining, until a peer's memory can be read, milliseconds", "turn_ns", 1e6),
    "doorbell": ("a doorbell and its answer, microseconds", "turn_ns", 1e3),
    "chain-rate": ("a chain on two CPUs, million packets per second at its end", "pps", 1e6),
}
PARTS = {"p50": "median", "p90": "90 %", "p99": "99 %", "p999": "99.9 %", "max": "largest"}
# Tables with several metrics as columns and a row for each peer and size: title, the head of each
# metric's column, scale.
WIDE = {
    f"rtt-{load}": (f"round trip, microseconds, {what}",
                    {f"{part}_us_{load}": head for part, head in PARTS.items()}, 1)
    for load, what in ((10, "at 10 % of that rate"), (50, "at 50 % of that rate"),
                       (90, "at 90 % of that rate"))
}
WIDE["one-each"] = ("round trip, microseconds, one packet at a time",
                    {f"{part}_us_0": head for part, head in PARTS.items()}, 1)
WIDE["one-floor"] = (
    "the parts of the floor, microseconds",
    {"line_us": "cache line, round trip", "ping_us": "bench-ping with its own ring",
     "packet_us": "testpmd, one loop with one packet", "empty_us": "(testpmd, one empty loop)",
     "floors": "median round trip, one packet at a time, in floors"}, 1)
STEPS = {"steps_send": "sent", "steps_receive": "received", "steps_free": "freed", "total": "sum"}
WIDE["steps-each"] = ("instructions per packet, bursts of 32", STEPS, 1)
WIDE["single-each"] = ("instructions per packet, one at a time", STEPS, 1)


def number(value):
    """A number with three significant digits."""
    if value is None:
        return "-"
    for limit, digits in ((10, 2), (100, 1)):
        if abs(value) < limit:
            return f"{value:.{digits}f}"
    return f"{value:.0f}"


def spread(entry, scale=1):
    """median (min - max), or the median alone where the others were not recorded."""
    if entry is None or entry["median"] is None:
        return "-"
    if entry["min"] is None:
        return number(entry["median"] / scale)
    middle, low, high = (number(entry[key] / scale) for key in ("median", "min", "max"))
    return f"{middle} ({low} - {high})"


def grid(result, bench, metric, scale):
    """The head and rows of a table: peers (or hops of a chain) by packet size."""
    cases = [case for case in result["cases"]
             if case["bench"] == bench and metric in case["metrics"]]
    sizes = sorted({case["size"] for case in cases})
    keys = list(dict.fromkeys((case.get("hops"), case["peer"]) for case in cases))
    rows = []
    for hops, peer in keys:
        entries = {case["size"]: case["metrics"].get(metric) for case in cases
                   if case["peer"] == peer and case.get("hops") == hops}
        label = result["labels"][peer] if hops is None else f"{hops} hop{'s' if hops > 1 else ''}"
        rows.append([label] + [spread(entries.get(size), scale) for size in sizes])
    unit = result["units"].get(bench, "bytes")
    return ["median (min - max)"] + [f"{size} {unit}".rstrip() for size in sizes], rows


def wide(result, bench, names, scale):
    rows = []
    for case in result["cases"]:
        if case["bench"] != bench or not any(name in case["metrics"] for name in names):
            continue
        rows.append([f"{case['size']} bytes, {result['labels'][case['peer']]}"]
                    + [spread(case["metrics"].get(name), scale) for name in names])
    return ["median (min - max)", *names.values()], rows


def tables(result):
    """Yield title, head and rows for each benchmark that was run."""
    for key, (title, metric, scale) in TITLES.items():
        head, rows = grid(result, key.split("-")[0], metric, scale)
        if rows:
            yield title, head, rows
    for key, (title, names, scale) in WIDE.items():
        head, rows = wide(result, key.split("-")[0], names, scale)
        if rows:
            yield title, head, rows


def ratio_table(result):
    rows = [[ratio["name"], spread(ratio)] for ratio in result["ratios"]
            if ratio["median"] is not None]
    return ["median of the rounds' ratios (min - max)", ""], rows


def verdict(goal):
    if goal["reached"] is None:
        return "not measured"
    return "reached" if goal["reached"] else "not reached"


def goal_table(result):
    rows = []
    for goal in result["goals"]:
        kind = "at_least" if "at_least" in goal else "at_most"
        rows.append([goal["ratio"], f"{kind.replace('_', ' ')} {goal[kind]}",
                     number(goal["median"]), verdict(goal)])
    return ["goal", "wanted", "median", ""], rows


def text(title, head, rows):
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = ["", title] if title else [""]
    for row in [head, *rows]:
        cells = [cell.ljust(width) for cell, width in zip(row, widths)]
        lines.append("  " + "  ".join(cells).rstrip())
    return "\n".join(lines)


def markdown(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


def cacheline_line(result):
    entry = result["cacheline_ns"]
    return f"Round trip of a cache line to the other CPU: {spread(entry)} ns."


def full_text(result):
    parts = [text(*table) for table in tables(result)]
    parts.append(text("Ratios, formed within each round", *ratio_table(result)))
    parts.append(text("Goals (for information)", *goal_table(result)))
    parts.append("\n" + cacheline_line(result))
    return "\n".join(parts)
