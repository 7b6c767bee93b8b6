# SPDX-License-Identifier: BSD-3-Clause
"""The benchmark set `instructions`: instructions per packet, counted by callgrind. Neither the
speed of the machine nor other programs make a difference, so one round is enough.

Called by run.sh. README.md says what each case measures.
"""
import os
import re
import subprocess
import sys

import suite
from peers import PEERS
from process import SampleError, wait_until
from samples import start_both

PACKETS = 6400
BURSTS = {"steps": 32, "single": 1}
COMPARED = ("mmnet-zero", "mmnet-arena", "mmnet-vm", "mmnet-copy", "memif-copy", "memif-zero")
FUNCTIONS = {"tx": ("steps_send",), "rx": ("steps_receive", "steps_free")}
# Valgrind has no room for the address range that EAL reserves for huge pages: use ordinary ones.
MEMORY = ("--no-huge", "--single-file-segments", "-m", "64")


def start(bench, which, cpu, side, size, burst):
    counts = [f"--toggle-collect={name}" for name in FUNCTIONS[which]]
    return bench.start(
        which, cpu, bench.build + "/test/bench/bench-steps", side.eal,
        ["send" if which == "tx" else "receive", str(size), str(burst), str(PACKETS),
         bench.path("tx.fifo"), bench.path("rx.fifo")],
        ["valgrind", "--tool=callgrind", f"--callgrind-out-file={bench.path(which + '.callgrind')}",
         *counts], MEMORY)


def counted(bench, process):
    """Instructions per packet of each function, including its callees."""
    wait_until(lambda: process.child.poll() is not None, 60, f"{process.name}: its end")
    said = re.search(r"^packets (\d+)$", process.log(), re.M)
    if process.child.returncode != 0 or said is None:
        raise SampleError(f"{process.name}: {process.last_lines()}")
    done = subprocess.run(
        ["callgrind_annotate", "--inclusive=yes", "--auto=no", "--threshold=100",
         bench.path(process.name + ".callgrind")], capture_output=True, text=True, timeout=60)
    found = {}
    for name in FUNCTIONS[process.name]:
        line = re.search(rf"^ *([0-9,]+) .*:{name} ", done.stdout, re.M)
        if line is None:
            raise SampleError(f"callgrind: nothing of {name}: {done.stderr.strip()}")
        found[name] = int(line.group(1).replace(",", "")) / int(said.group(1))
    return found


def remove(bench):
    for name in ("tx.fifo", "rx.fifo", "tx.callgrind", "rx.callgrind"):
        if os.path.exists(bench.path(name)):
            os.unlink(bench.path(name))


def sample_steps(bench, name, size, burst):
    """Sender and receiver take turns, so that no poll is in vain."""
    pair = PEERS[name].pair(bench, size)
    remove(bench)
    for fifo in ("tx.fifo", "rx.fifo"):
        os.mkfifo(bench.path(fifo))
    try:
        with PEERS[name].around(bench):
            started = start_both({"tx": lambda: start(bench, "tx", 0, pair.tx, size, burst),
                                  "rx": lambda: start(bench, "rx", 1, pair.rx, size, burst)},
                                 pair.listener, pair.sockets)
            found = {**counted(bench, started["tx"]), **counted(bench, started["rx"])}
    finally:
        remove(bench)
    return {"total": sum(found.values()), **found}


def ratio(name, of, to):
    return {"name": name, "metric": "total", "of": of, "to": to}


CASES = [{"id": f"{bench}/{peer}/{size}", "bench": bench, "peer": peer, "size": size}
         for bench in BURSTS for size in (64, 1500) for peer in COMPARED]
RATIOS = [ratio(f"instructions per packet, bursts of {burst}, {size} bytes: "
                f"mmnet rx={mode} / best of memif",
                f"{bench}/mmnet-{mode}/{size}",
                [f"{bench}/{peer}/{size}" for peer in ("memif-copy", "memif-zero")])
          for bench, burst in BURSTS.items() for size in (64, 1500) for mode in ("zero", "copy")]
# The transport is not on the path of packets.
RATIOS += [ratio(f"instructions per packet, bursts of {burst}, {size} bytes: group vm: / host:",
                 f"{bench}/mmnet-vm/{size}", [f"{bench}/mmnet-arena/{size}"])
           for bench, burst in BURSTS.items() for size in (64, 1500)]

SUITE = suite.Suite(
    name="instructions",
    functions={bench: lambda bench_, peer, size, burst=burst:
               sample_steps(bench_, peer, size, burst)
               for bench, burst in BURSTS.items()},
    cases=CASES, quick=("steps",), ratios=RATIOS, goals=[],
    labels={name: PEERS[name].label for name in COMPARED})

if __name__ == "__main__":
    sys.exit(suite.main(SUITE, sys.argv[1:]))
