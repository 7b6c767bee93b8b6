# SPDX-License-Identifier: BSD-3-Clause
"""The benchmark set `blk`: block volumes of another domain.

Called by run.sh. README.md says what each case measures. The server and the client, which is fio in
all cases, have one CPU each. The `direct` cases are the same engine with the store in its own process
and thread: the
monolithic limit.
"""
import json
import os
import subprocess
import sys

import suite
from process import SampleError, wait_until

VOLUME_MIB = 256
# With `touch`, the client adds up each byte that it reads and makes anew each byte that it writes.
LABELS = {
    "fido": "Fido, lent or by address", "fido-touch": "Fido, each byte used",
    "fido-copy": "Fido, copied", "direct": "function calls in one process",
    "direct-touch": "function calls, each byte used", "nbd": "fio's nbd engine, nbdkit memory",
    "fido-direct": "Fido, file: direct=on", "fio-uring": "fio's io_uring engine, direct=1",
}
SERVER_CPU, CLIENT_CPU = 0, 1


# --- what is run ---

def parts(bench_name):
    """Split a case's name: rread32 -> read, rand, 32."""
    kind, depth = bench_name.rstrip("0123456789"), "".join(c for c in bench_name if c.isdigit())
    return ("write" if kind.endswith("write") else "read",
            "seq" if kind.startswith("s") else "rand", depth)


def answer(bench, cpu, argv):
    """Run a client to its end; return the JSON that it prints."""
    argv = ["setpriv", "--pdeathsig", "KILL", "taskset", "-c", str(bench.cpus[cpu]), *argv]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise SampleError(f"{' '.join(argv)}: {done.stderr.strip() or done.stdout.strip()}")
    # fio prints other lines first.
    return json.loads(done.stdout[done.stdout.find("{"):])


def fio(bench, options):
    said = answer(bench, CLIENT_CPU, ["fio", "--name=x", "--output-format=json", "--time_based",
                                      f"--runtime={max(1, round(bench.window))}", "--norandommap",
                                      "--gtod_reduce=1", *options])
    job = said["jobs"][0]
    return {"pps": job["read"]["iops"] + job["write"]["iops"], "_said": job}


def fio_options(bench_name, size):
    way, pattern, depth = parts(bench_name)
    # Half of the depth at a time: both sides have work. fio's default is one at a time.
    half = max(1, int(depth) // 2)
    return [f"--rw={'rand' if pattern == 'rand' else ''}{way}", f"--bs={size}", f"--iodepth={depth}",
            f"--iodepth_batch={half}", "--iodepth_batch_complete_min=1",
            f"--iodepth_batch_complete_max={half}"]


def engine(bench, path, volume, *options):
    return fio(bench, [f"--ioengine=external:{bench.build}/{path}", f"--group={bench.group}", "--domain=vm",
                       f"--volume={volume}", *options])


def serve(bench, store):
    blkd = bench.spawn("disk", SERVER_CPU, [
        bench.build + "/apps/fido-blkd/fido-blkd", "--group", bench.group, "--domain", "disk",
        "--volume", f"v={store}", "--idle", "poll"])
    wait_until(lambda: blkd.check() and "volume" in blkd.log(), 30, "fido-blkd: its start")


# --- samples ---

def memory(bench, bench_name, peer, size):
    """Sample a volume in memory."""
    if peer == "nbd":
        path = bench.path("nbd.sock")
        server = bench.spawn("nbdkit", SERVER_CPU, ["nbdkit", "-f", "-U", path, "memory",
                                                    f"{VOLUME_MIB}M"])
        wait_until(lambda: server.check() and os.path.exists(path), 30, "nbdkit: its socket")
        return fio(bench, ["--ioengine=nbd", f"--uri=nbd+unix:///?socket={path}",
                           f"--size={VOLUME_MIB}M", *fio_options(bench_name, size)])
    options = fio_options(bench_name, size)
    if peer.endswith("-touch"):
        options.append("--touch=1")
    if peer == "fido-copy":
        options += ["--lend=0", "--arena=0"]
    if peer.startswith("direct"):
        return engine(bench, "test/bench/bench-fio-direct.so", f"mem:{VOLUME_MIB}M", *options)
    serve(bench, f"mem:{VOLUME_MIB}M")
    return engine(bench, "drivers/blk/fio/fio_fido.so", "v", *options)


def make_file(path):
    """Write the whole file: reads of a hole would not reach the disk."""
    if not os.path.exists(path):
        with open(path, "wb") as file:
            for _ in range(VOLUME_MIB):
                file.write(os.urandom(1 << 20))
            os.fsync(file.fileno())


def file(bench, bench_name, peer, size):
    """Sample a file through io_uring, used by fido-blkd or by fio."""
    path = bench.path("volume")
    make_file(path)
    if peer == "fio-uring":
        # Huge pages, as fido-blkd uses: the kernel hands the device one piece instead of 32.
        return fio(bench, ["--ioengine=io_uring", "--direct=1", "--registerfiles=1",
                           "--iomem=mmaphuge", f"--filename={path}", f"--size={VOLUME_MIB}M",
                           *fio_options(bench_name[1:], size)])
    serve(bench, f"file:{path},direct=on")
    return engine(bench, "drivers/blk/fio/fio_fido.so", "v", *fio_options(bench_name[1:], size))


# --- the set ---

MEMORY_PEERS = ("fido", "fido-touch", "fido-copy", "direct", "direct-touch", "nbd")
FILE_PEERS = ("fido-direct", "fio-uring")
MEMORY = {"rread1": [4096], "rread32": [4096], "rwrite1": [4096], "rwrite32": [4096],
          "sread8": [131072, 1048576], "swrite8": [131072, 1048576]}
FILE = {"frread32": [4096], "frwrite32": [4096], "fsread8": [131072], "fswrite8": [131072]}


def case(bench, peer, size):
    return {"id": f"{bench}/{peer}/{size}", "bench": bench, "peer": peer, "size": size}


CASES = [case(name, peer, size) for names, peers in ((MEMORY, MEMORY_PEERS), (FILE, FILE_PEERS))
         for name, sizes in names.items() for size in sizes for peer in peers]


def ratio(name, of, to):
    return {"name": name, "metric": "pps", "of": of, "to": [to]}


def shown(name, size):
    way, pattern, depth = parts(name.lstrip("f"))
    return f"{'random' if pattern == 'rand' else 'sequential'} {way}, {size} bytes, depth {depth}"


RATIOS = [ratio(f"{shown(name, size)}: {text}", f"{name}/{of}/{size}", f"{name}/{to}/{size}")
          for name, sizes in MEMORY.items() for size in sizes
          for text, of, to in (("Fido / nbd", "fido", "nbd"),
                               ("Fido copied / nbd", "fido-copy", "nbd"),
                               ("Fido / function calls", "fido", "direct"),
                               ("each byte used: Fido / function calls",
                                "fido-touch", "direct-touch"))]
RATIOS += [ratio(f"file, {shown(name, size)}: Fido / fio io_uring", f"{name}/fido-direct/{size}",
                 f"{name}/fio-uring/{size}") for name, sizes in FILE.items() for size in sizes]
GOALS = [{"ratio": f"{shown(name, 4096)}: Fido / nbd", "at_least": 10}
         for name in ("rread32", "rwrite32")]
GOALS += [{"ratio": f"{shown(name, size)}: each byte used: Fido / function calls",
           "at_least": least}
          for name, size, least in (("rread32", 4096, 0.7), ("rwrite32", 4096, 0.7),
                                    ("sread8", 131072, 0.95), ("swrite8", 131072, 0.95))]
GOALS += [{"ratio": f"file, {shown(name, size)}: Fido / fio io_uring", "at_least": 0.95}
          for name, sizes in FILE.items() for size in sizes]

SUITE = suite.Suite(
    name="blk",
    functions={**{name: lambda bench, peer, size, name=name: memory(bench, name, peer, size)
                  for name in MEMORY},
               **{name: lambda bench, peer, size, name=name: file(bench, name, peer, size)
                  for name in FILE}},
    cases=CASES, quick=("rread32/*", "rwrite32/*", "sread8/*/131072", "frread32/*"), ratios=RATIOS,
    goals=GOALS, labels=LABELS)

if __name__ == "__main__":
    sys.exit(suite.main(SUITE, sys.argv[1:]))
