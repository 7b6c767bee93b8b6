# SPDX-License-Identifier: BSD-3-Clause
"""The benchmark set `net`: packets from one domain to another, by mmnet and by its peers.

Called by run.sh. README.md says what each case measures.
"""
import sys

import samples
import suite
from peers import PEERS

SIZES = (64, 1500, 9000)
MMNET = ("mmnet-zero", "mmnet-arena", "mmnet-header", "mmnet-copy", "mmnet-auto")
MEMIF = ("memif-copy", "memif-zero")
VHOST = ("vhost-rx", "vhost-tx")
FUNCTIONS = {"rate": samples.sample_rate, "touch": samples.sample_touch,
             "hop": samples.sample_hop, "chain": samples.sample_chain}
# The cases of --quick: enough for each goal, and one of each kind.
QUICK = ("rate/mmnet-zero/*", "rate/mmnet-copy/64", "rate/mmnet-auto/*",
         "rate/mmnet-arena/64", "rate/mmnet-arena/1500", "rate/memif-*",
         "rate/vhost-*/64", "rate/vhost-*/1500", "rate/null/64", "rate/null/1500",
         "touch/mmnet-zero/1500", "touch/memif-*/1500", "touch/vhost-rx/1500",
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
    """All cases in the order of a round. Cases that are compared follow each other."""
    found = []
    add(found, "rate", MMNET + MEMIF + VHOST + ("null",), SIZES)
    # memif announces frames of 1518 bytes at most, and fido-fwd takes its word.
    add(found, "touch", ("mmnet-zero", "mmnet-copy") + MEMIF + VHOST, (64, 1500))
    add(found, "touch", ("mmnet-zero", "mmnet-copy") + VHOST, (9000,))
    add(found, "hop", ("mmnet-zero",) + MEMIF, (64, 1500))
    add(found, "hop", ("mmnet-zero",), (9000,))
    add(found, "chain", ("mmnet-zero",), SIZES, range(1, 7))
    return found


def ratio(name, metric, of, to):
    return {"name": name, "metric": metric, "of": of, "to": list(to)}


def all_ratios():
    """Ratios of each case to the best of its peers in the same round."""
    found = []
    for bench, verb in (("rate", "moves"), ("touch", "reads")):
        for size in SIZES:
            for mode in ("zero", "auto", "copy"):
                for name, group in (("memif", MEMIF), ("vhost-user", VHOST)):
                    found.append(ratio(
                        f"{verb} {size} bytes: mmnet rx={mode} / best of {name}", "pps",
                        f"{bench}/mmnet-{mode}/{size}", [f"{bench}/{p}/{size}" for p in group]))
    for size in SIZES:
        found.append(ratio(f"moves {size} bytes: pools in arenas / in the heap", "pps",
                           f"rate/mmnet-arena/{size}", [f"rate/mmnet-zero/{size}"]))
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


GOALS = [{"ratio": f"moves {size} bytes: mmnet rx=zero / best of {name}", "at_least": times}
         for name, times in (("memif", 4), ("vhost-user", 5)) for size in (64, 1500)]
GOALS += [{"ratio": f"moves {size} bytes: mmnet rx=zero / no peer", "at_least": 0.5}
          for size in (64, 1500)]
GOALS += [{"ratio": f"moves {size} bytes: pools in arenas / in the heap", "at_least": 0.95}
          for size in (64, 1500)]
GOALS += [{"ratio": f"moves {size} bytes: mmnet rx=auto / best of memif", "at_least": times}
          for size, times in ((64, 2), (1500, 1), (9000, 1))]
GOALS += [{"ratio": "reads 1500 bytes: mmnet rx=zero / best of memif", "at_least": 1.5},
          {"ratio": "mmnet hop: 9000 bytes / 64 bytes", "at_most": 1.1}]


SUITE = suite.Suite(
    name="net", functions=FUNCTIONS, cases=all_cases(), quick=QUICK, ratios=all_ratios(),
    goals=GOALS, labels={name: peer.label for name, peer in PEERS.items()})

if __name__ == "__main__":
    sys.exit(suite.main(SUITE, sys.argv[1:]))
