# SPDX-License-Identifier: BSD-3-Clause
"""Plot a result as SVG, with gnuplot."""
import hashlib
import os
import subprocess

from table import TITLES, WIDE

COLOURS = {
    "mmnet-zero": "#08519c", "mmnet-header": "#3182bd", "mmnet-copy": "#9ecae1",
    "mmnet-auto": "#6baed6", "memif-copy": "#fd8d3c", "memif-zero": "#d94801",
    "vhost-rx": "#74c476", "vhost-tx": "#238b45", "null": "#969696",
    "mmnet-sleep": "#08519c", "mmnet-adaptive": "#08519c", "mmnet-poll": "#6baed6",
    "mmnet-batch": "#3182bd", "mmnet-adaptive-8k": "#08306b", "mmnet-arena": "#08306b",
    "memif-copy-nap": "#fdd0a2", "memif-zero-nap": "#fdae6b", "memif-copy-nap-8k": "#e6550d",
    "vhost-rx-nap": "#c7e9c0", "vhost-tx-nap": "#a1d99b",
    "fido": "#08519c", "fido-touch": "#3182bd", "fido-copy": "#9ecae1", "fido-direct": "#08519c",
    "direct": "#636363", "direct-touch": "#969696", "nbd": "#d94801", "fio-uring": "#d94801",
    "memif-poll": "#d94801", "eventfd": "#969696",
    "vtap": "#08519c", "vtap-one": "#9ecae1", "tap": "#d94801", "memif-tap": "#fd8d3c",
    "mount": "#08519c", "loop": "#636363", "nbdfuse": "#d94801",
    "veth": "#238b45", "bridge": "#74c476", "loopback": "#636363",
}
# Plot each table; of a table with several metrics, plot the first and the third.
PLOTS = dict(TITLES)
for wide_key, (wide_title, wide_names, wide_scale) in WIDE.items():
    for wide_name in list(wide_names)[:3:2]:
        PLOTS[f"{wide_key}-{wide_name.split('_')[0]}"] = (
            f"{wide_title}, {wide_names[wide_name]}", wide_name, wide_scale)
# The plots of doc/performance.md: set, key of the plot, sizes that are shown.
DOC_PLOTS = (("net", "rate", (64, 1500, 9000)), ("chains", "six", (1500,)))
HEAD = """set terminal svg size 900,480 dynamic noenhanced background rgb 'white' font 'sans,12'
set title {title}
set key below height 1
set grid ytics
set yrange [0:*]
"""


def block(name, rows):
    """Inline data of a script."""
    lines = [" ".join("NaN" if cell is None else str(cell) for cell in row) for row in rows]
    return f"${name} << EOD\n" + "\n".join(lines) + "\nEOD\n"


def colour(peer, number):
    """The peer's own colour, or gnuplot's next one."""
    return f"rgb '{COLOURS[peer]}'" if peer in COLOURS else str(number + 1)


def heading(title):
    """A table's title as that of a plot."""
    return quoted(title[0].upper() + title[1:])


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def entry_of(case, metric, scale):
    entry = case["metrics"].get(metric) if case else None
    if entry is None or entry["median"] is None:
        return [None] * 3
    return [entry[key] / scale for key in ("median", "min", "max")]


def bars(result, key, shown=None):
    """A script that draws a group of bars for each size, with a bar for each peer. Whiskers show
    min and max. `shown` limits the sizes."""
    title, metric, scale = PLOTS[key]
    cases = [case for case in result["cases"] if case["bench"] == key.split("-")[0]
             and (shown is None or case["size"] in shown)]
    sizes = sorted({case["size"] for case in cases})
    peers = list(dict.fromkeys(case["peer"] for case in cases
                               if entry_of(case, metric, scale)[0] is not None))
    by_key = {(case["peer"], case["size"]): case for case in cases}
    script = HEAD.format(title=heading(title))
    script += "set style data histograms\nset style histogram errorbars gap 2 lw 1\n"
    of = "request" if result["set"] == "blk" else "packet"
    unit = result["units"].get(key, f"bytes per {of}")
    script += f"set style fill solid 0.9 border -1\nset xlabel '{unit}'\n"
    for i, peer in enumerate(peers):
        script += block(f"d{i}", [[size, *entry_of(by_key.get((peer, size)), metric, scale)]
                                  for size in sizes])
    curves = [f"$d{i} using 2:3:4:xticlabels(1) title {quoted(result['labels'][peer])} "
              f"linecolor {colour(peer, i)}" for i, peer in enumerate(peers)]
    return script + "plot " + ", \\\n".join(curves) + "\n"


def lines(result, key):
    """A script that draws a chain's figures over its number of hops, with a line for each size."""
    title, metric, scale = PLOTS[key]
    cases = [case for case in result["cases"] if case["bench"] == "chain"]
    sizes = sorted({case["size"] for case in cases})
    script = HEAD.format(title=heading(title))
    script += "set xlabel 'hops'\nset xtics 1\nset xrange [0.8:6.2]\n"
    for i, size in enumerate(sizes):
        rows = [[case["hops"], *entry_of(case, metric, scale)]
                for case in cases if case["size"] == size]
        script += block(f"d{i}", rows)
    curves = [f"$d{i} using 1:2:3:4 with yerrorlines linewidth 2 title '{size} bytes'"
              for i, size in enumerate(sizes)]
    return script + "plot " + ", \\\n".join(curves) + "\n"


def draw(script, path):
    """Have gnuplot write an SVG file; return False when there is no gnuplot."""
    script = f"set output {quoted(path)}\n{script}"
    try:
        done = subprocess.run(["gnuplot"], input=script, text=True, capture_output=True)
    except OSError:
        return False
    if done.returncode != 0:
        raise SystemExit(f"bench: gnuplot failed on {path}: {done.stderr.strip()}")
    return True


def plot_all(result, folder):
    """Draw all plots of a result; return their paths, or None when there is no gnuplot."""
    present = {case["bench"] for case in result["cases"] if case["metrics"]}
    made = []
    for key in PLOTS:
        if key.split("-")[0] not in present:
            continue
        if not any(PLOTS[key][1] in case["metrics"] for case in result["cases"]
                   if case["bench"] == key.split("-")[0]):
            continue
        path = os.path.join(folder, f"{result['set']}-{key}.svg")
        if not draw(lines(result, key) if key.startswith("chain") else bars(result, key), path):
            return None
        made.append(path)
    return made


# --- the plots of doc/performance.md ---

def doc_plots(summaries, folder):
    """Path, script and stamp of each plot. The stamp stands at the end of the SVG file: it tells
    whether a plot is up to date without gnuplot, whose versions draw differently."""
    by_set = {summary["set"]: summary for summary in summaries}
    for name, key, shown in DOC_PLOTS:
        cases = by_set.get(name, {"cases": []})["cases"]
        if any(case["bench"] == key and case["size"] in shown and case["metrics"]
               for case in cases):
            script = bars(by_set[name], key, shown)
            digest = hashlib.sha256(script.encode()).hexdigest()
            yield (os.path.join(folder, f"{name}-{key}.svg"), script,
                   f"<!-- Drawn by test/bench/report.py from doc/results/{name}.json. "
                   f"Script: sha256 {digest} -->\n")


def is_stamped(path, stamp):
    try:
        with open(path) as file:
            return file.read().endswith(stamp)
    except OSError:
        return False


def stale_plots(summaries, folder):
    """Paths of the plots that do not show the figures of these results."""
    return [path for path, _, stamp in doc_plots(summaries, folder)
            if not is_stamped(path, stamp)]


def draw_plots(summaries, folder):
    """Draw the plots that are not up to date; return their paths, or None without gnuplot."""
    made = []
    for path, script, stamp in doc_plots(summaries, folder):
        if is_stamped(path, stamp):
            continue
        os.makedirs(folder, exist_ok=True)
        if not draw(script, path):
            return None
        with open(path, "a") as file:
            file.write(stamp)
        made.append(path)
    return made
