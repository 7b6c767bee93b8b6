# SPDX-License-Identifier: BSD-3-Clause
"""Check the receive queue of each frame of a file by the rules of RSS.

  rss.py counts FRAMES QUEUES    print the frames of each queue: default key and table, all types
  rss.py log FRAMES LOG KEY TABLE TYPES
                                 testpmd's output (verbose) shows each frame with its hash and queue;
                                 TABLE: the queues of entries 0, 1, ..., repeated; TYPES: udp, udp4, all
  rss.py same SENT CAME          both have the same frames, in any order

Exit status 0: right; 1: the first difference is printed.
"""
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from frames import IPV4, IPV6, TCP, UDP, Parts, read  # noqa: E402

KEY = ("6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b4"
       "77cb2da38030f20c6a42b73bbeac01fa")
ENTRIES = 128


def toeplitz(key, data):
    bits, window, out = int.from_bytes(key, "big"), len(key) * 8 - 32, 0
    for byte in data:
        for bit in range(7, -1, -1):
            if byte >> bit & 1:
                out ^= bits >> window & 0xFFFFFFFF
            window -= 1
    return out


def hash_of(frame, key, types):
    p = Parts(frame)
    if p.type not in (IPV4, IPV6) or (types != "all" and p.proto != UDP) or (types == "udp4" and p.type != IPV4):
        return None
    src, dst = p.addresses()
    return toeplitz(key, src + dst + (p.rest[:4] if p.proto in (UDP, TCP) else b""))


def counts(frames, queues):
    out = [0] * queues
    for frame in frames:
        h = hash_of(frame, bytes.fromhex(KEY), "all")
        out[0 if h is None else h % ENTRIES % queues] += 1
    return out


def shown(path):
    """@return by source address: hash or None, and queue"""
    with open(path, errors="replace") as log:
        text = log.read()
    out = {}
    for m in re.finditer(r"src=([0-9A-F:]{17}) - dst=.*?Receive queue=0x([0-9a-f]+)", text, re.DOTALL):
        rss = re.search(r"RSS hash=0x([0-9a-f]+)", m.group(0))
        out[m.group(1)] = (int(rss.group(1), 16) if rss else None, int(m.group(2), 16))
    return out


def check_log(frames, log, key, table, types):
    seen = shown(log)
    for i, frame in enumerate(frames):
        h = hash_of(frame, key, types)
        want = (h, 0 if h is None else table[h % ENTRIES % len(table)])
        src = ":".join("%02X" % b for b in frame[6:12])
        if seen.get(src) != want:
            return "frame %d from %s: hash and queue %s, not %s" % (i, src, seen.get(src), want)
    return None


def main():
    what, frames = sys.argv[1], read(sys.argv[2])
    wrong = None
    if what == "counts":
        print(*counts(frames, int(sys.argv[3])))
    elif what == "log":
        wrong = check_log(frames, sys.argv[3], bytes.fromhex(sys.argv[4]), [int(q) for q in sys.argv[5].split(",")], sys.argv[6])
    elif sorted(frames) != sorted(read(sys.argv[3])):
        wrong = "other frames came than were sent"
    if wrong:
        print(wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
