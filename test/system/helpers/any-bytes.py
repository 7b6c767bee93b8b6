#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Change and read a file at random places in all ways, and compare with a model of its contents.

usage: any-bytes.py FILE MODEL SEED COUNT

The model is written to the file MODEL at the end.
"""
import ctypes
import mmap
import os
import random
import sys

KEEP_SIZE, PUNCH_HOLE, ZERO_RANGE = 0x01, 0x02, 0x10
ENOSPC = 28

path, model_path, seed, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
random.seed(seed)
size = os.path.getsize(path)
libc = ctypes.CDLL(None, use_errno=True)
libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
cached = os.open(path, os.O_RDWR)
direct = os.open(path, os.O_RDWR | os.O_DIRECT)
synced = os.open(path, os.O_RDWR | os.O_DSYNC)
mapped = mmap.mmap(cached, size)
model = bytearray(os.pread(cached, size, 0))
while len(model) < size:
    model += os.pread(cached, size - len(model), len(model))


def place():
    length = random.choice([1, 7, 512, 513, 4096, 4097, 9000, 65536, 131072, (1 << 20) - 1, 1 << 20,
                            random.randrange(1, 1 << 21)])
    offset = random.randrange(0, size - length + 1)
    if random.random() < 0.3:
        offset &= ~511
    return offset, length


def write(offset, length):
    data = random.randbytes(length)
    how = random.choice(["cached", "direct", "synced", "mapped"])
    if how == "cached":
        written = os.pwrite(cached, data, offset)
    elif how == "synced":
        written = os.pwrite(synced, data, offset)
    elif how == "direct":
        # Memory that begins with a page, as direct I/O wants it.
        buffer = mmap.mmap(-1, length)
        buffer[:] = data
        written = os.pwritev(direct, [buffer], offset)
    else:
        mapped[offset:offset + length] = data
        written = length
        if random.random() < 0.3:
            mapped.flush()
    assert written == length, f"{how}: {written} of {length} bytes at {offset} were written"
    model[offset:offset + length] = data


def zero(offset, length):
    mode = random.choice([PUNCH_HOLE, ZERO_RANGE]) | KEEP_SIZE
    if libc.fallocate(cached, mode, offset, length) != 0:
        raise OSError(ctypes.get_errno(), f"fallocate({mode}, {offset}, {length})")
    model[offset:offset + length] = bytes(length)


def read(offset, length):
    how = random.choice(["cached", "direct", "mapped"])
    if how == "cached":
        data = os.pread(cached, length, offset)
    elif how == "mapped":
        data = mapped[offset:offset + length]
    else:
        buffer = mmap.mmap(-1, length)
        data = buffer[:os.preadv(direct, [buffer], offset)]
    assert data == model[offset:offset + length], f"{how}: {length} bytes at {offset} are wrong (seed {seed})"


def check_end():
    try:
        os.pwrite(cached, b"x", size)
        raise AssertionError("a write at the end does not fail")
    except OSError as error:
        assert error.errno == ENOSPC, error
    assert os.pwrite(cached, b"xy", size - 1) == 1, "a write across the end is not short"
    model[-1] = ord("x")
    assert os.pread(cached, 10, size) == b"", "there is something beyond the end"


for _ in range(count):
    random.choice([write, write, write, write, zero, read, read, read])(*place())
mapped.flush()
os.fsync(cached)
check_end()
with open(model_path, "wb") as f:
    f.write(model)
