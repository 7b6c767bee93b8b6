# SPDX-License-Identifier: BSD-3-Clause
"""Describe the machine: figures mean nothing without it."""
import datetime
import json
import os
import re
import subprocess


def output(*argv, cwd=None):
    """Return what a command prints, or "" if it is not installed or fails."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=30, cwd=cwd)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def first_match(pattern, path):
    try:
        with open(path, errors="replace") as file:
            match = re.search(pattern, file.read(), re.M)
    except OSError:
        return ""
    return match.group(1).strip() if match else ""


def compiler_of(program):
    """Find the compiler's name, which it leaves in the program."""
    with open(program, "rb") as file:
        names = re.findall(rb"(?:GCC: \([^)\0]*\)|[A-Za-z ]*clang version) [0-9][^\0 ]*",
                           file.read())
    # The first name may be that of the C library's start-up code.
    return names[-1].decode() if names else ""


def build_type(build):
    options = output("meson", "introspect", build, "--buildoptions")
    try:
        values = {option["name"]: option["value"] for option in json.loads(options)}
    except ValueError:
        return ""
    extra = [f"{name}={values[name]}" for name in ("c_args", "b_sanitize", "b_lto")
             if values.get(name) not in (None, [], "none", False)]
    return " ".join([str(values.get("buildtype", "")), *extra])


def commit_of(top):
    commit = output("git", "rev-parse", "--short=12", "HEAD", cwd=top)
    if commit and output("git", "status", "--porcelain", "--untracked-files=no", cwd=top):
        commit += " and changes"
    return commit


def describe(top, bench):
    uname = os.uname()
    flags = first_match(r"^flags\s*:(.*)", "/proc/cpuinfo").split()
    return {
        "cpu": first_match(r"^model name\s*:(.*)", "/proc/cpuinfo"),
        "virtual_machine": "hypervisor" in flags,
        "cores": os.cpu_count(),
        "cpus_used": bench.cpus,
        "memory_mib": int(first_match(r"^MemTotal:\s*(\d+)", "/proc/meminfo") or 0) // 1024,
        "hugepages_2m_free": int(first_match(
            r"(\d+)", "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages") or 0),
        "kernel": f"{uname.sysname} {uname.release} {uname.machine}",
        "compiler": compiler_of(bench.fido_fwd),
        "build_type": build_type(bench.build),
        "dpdk": output("pkg-config", "--modversion", "libdpdk"),
        "commit": commit_of(top),
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "load_average_before": round(os.getloadavg()[0], 2),
    }
