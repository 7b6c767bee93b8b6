# SPDX-License-Identifier: BSD-3-Clause
"""Compute medians, paired ratios and goals from samples; write JSON and CSV."""
import csv
import json


def median(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2


def summary(values):
    """Median, min and max of a list that has None for a round without a figure."""
    known = [value for value in values if value is not None]
    if not known:
        return {"samples": values, "median": None, "min": None, "max": None}
    return {"samples": values, "median": median(known), "min": min(known), "max": max(known)}


def case_result(case, samples):
    """Summarize a case. `samples` has a dictionary of metrics, or None, for each round."""
    names = sorted({name for sample in samples if sample for name in sample if name[0] != "_"})
    return {
        **case,
        "metrics": {name: summary([sample.get(name) if sample else None for sample in samples])
                    for name in names},
        "rounds": samples,
    }


def samples_of(cases, case_id, metric):
    case = cases.get(case_id)
    return case["metrics"].get(metric, {}).get("samples", []) if case else []


def best_of(cases, case_ids, metric, pick):
    """The best figure of these cases in each round."""
    columns = [samples_of(cases, case_id, metric) for case_id in case_ids]
    result = []
    for row in zip(*[column for column in columns if column]):
        known = [value for value in row if value is not None]
        result.append(pick(known) if known else None)
    return result


def ratio_result(ratio, cases):
    """Form a ratio within each round: what slows down the machine slows down both sides."""
    pick = max if ratio["metric"] == "pps" else min
    above = best_of(cases, [ratio["of"]], ratio["metric"], pick)
    below = best_of(cases, ratio["to"], ratio["metric"], pick)
    values = [a / b if a and b else None for a, b in zip(above, below)]
    return {**ratio, **summary(values)}


def goal_result(goal, ratios, cases):
    """Judge a goal, which is for a ratio or for a metric of a case."""
    if "case" in goal:
        case = cases.get(goal["case"])
        value = case["metrics"].get(goal["metric"], {}).get("median") if case else None
    else:
        value = next((r["median"] for r in ratios if r["name"] == goal["ratio"]), None)
    reached = None
    if value is not None:
        reached = value >= goal["at_least"] if "at_least" in goal else value <= goal["at_most"]
    return {**goal, "median": value, "reached": reached}


def write_json(path, result):
    with open(path, "w") as file:
        json.dump(result, file, indent=1)
        file.write("\n")


def write_csv(path, result):
    """Write one line for each figure of each round."""
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["bench", "peer", "size", "hops", "round", "metric", "value"])
        for case in result["cases"]:
            for name, metric in case["metrics"].items():
                for i, value in enumerate(metric["samples"], 1):
                    writer.writerow([case["bench"], case["peer"], case["size"],
                                     case.get("hops", ""), i, name,
                                     "" if value is None else f"{value:.6g}"])
