# SPDX-License-Identifier: BSD-3-Clause
"""The benchmark set `chains`: six forwarders in a row, eight domains, on two CPUs.

Called by run.sh. README.md says what each case measures.
"""
import sys

import crowd
import suite

DOMAINS = 8
MMNET = ("mmnet-adaptive", "mmnet-batch", "mmnet-adaptive-8k")
MEMIF = ("memif-copy", "memif-zero", "memif-copy-nap", "memif-zero-nap", "memif-copy-nap-8k")
VHOST = ("vhost-rx", "vhost-tx", "vhost-rx-nap", "vhost-tx-nap")
LABELS = {
    "mmnet-adaptive": "mmnet, adaptive", "mmnet-batch": "mmnet, adaptive, SCHED_BATCH",
    "mmnet-adaptive-8k": "mmnet, adaptive, rings of 8192",
    "memif-copy-nap-8k": "memif copy, naps, rings of 8192",
    "memif-copy": "memif copy, polling", "memif-zero": "memif zero-copy, polling",
    "memif-copy-nap": "memif copy, naps", "memif-zero-nap": "memif zero-copy, naps",
    "vhost-rx": "virtio-user to vhost, polling", "vhost-tx": "vhost to virtio-user, polling",
    "vhost-rx-nap": "virtio-user to vhost, naps", "vhost-tx-nap": "vhost to virtio-user, naps",
}


def sample_six(bench, name, size):
    return crowd.sample(bench, name, size, DOMAINS)


def case(peer, size):
    return {"id": f"six/{peer}/{size}", "bench": "six", "peer": peer, "size": size}


# memif announces frames of 1518 bytes at most, and fido-fwd takes its word.
CASES = [case(peer, size) for size in (64, 1500) for peer in MMNET + MEMIF + VHOST] \
    + [case(peer, 9000) for peer in MMNET + VHOST]


def ratio(name, metric, of, to):
    return {"name": name, "metric": metric, "of": of, "to": to}


RATIOS = [
    ratio(f"six hops, {size} bytes: mmnet {way} / best of {name}", "pps", f"six/mmnet-{way}/{size}",
          [f"six/{peer}/{size}" for peer in group])
    for size in (64, 1500, 9000) for way in ("adaptive", "batch", "adaptive-8k")
    for name, group in (("memif polling", MEMIF[:2]), ("memif", MEMIF), ("vhost-user", VHOST))
] + [
    ratio(f"six hops, {way}, processor time of a hop: {size} bytes / 64 bytes", "hop_ns",
          f"six/mmnet-{way}/{size}", [f"six/mmnet-{way}/64"])
    for way in ("adaptive", "batch", "adaptive-8k") for size in (1500, 9000)
]

SUITE = suite.Suite(
    name="chains", functions={"six": sample_six}, cases=CASES,
    quick=("six/mmnet-*/1500", "six/mmnet-adaptive*/64", "six/mmnet-adaptive*/9000",
           "six/memif-*/1500", "six/vhost-*-nap/1500"), ratios=RATIOS,
    goals=[{"ratio": "six hops, 1500 bytes: mmnet adaptive / best of memif polling", "at_least": 5},
           {"ratio": "six hops, 1500 bytes: mmnet adaptive / best of memif", "at_least": 5},
           {"ratio": "six hops, 1500 bytes: mmnet adaptive-8k / best of memif", "at_least": 5},
           {"ratio": "six hops, adaptive, processor time of a hop: 9000 bytes / 64 bytes",
            "at_most": 1.1}],
    labels=LABELS)

if __name__ == "__main__":
    sys.exit(suite.main(SUITE, sys.argv[1:]))
