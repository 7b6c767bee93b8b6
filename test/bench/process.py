# SPDX-License-Identifier: BSD-3-Clause
"""Start and stop the processes of a benchmark, and read their counters.

Each process runs on one CPU with all its threads. It ends with the sample, at a signal, or when the
benchmark itself dies.
"""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time


class SampleError(Exception):
    """A sample gave no figure; the text says why."""


def wait_until(condition, seconds, what):
    """Wait until the condition is true; return its value."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise SampleError(f"{what}: not within {seconds} s")
        time.sleep(0.01)


def run(*argv):
    """Run a program to its end; return what it prints."""
    done = subprocess.run(argv, capture_output=True, text=True)
    if done.returncode != 0:
        raise SampleError(f"{' '.join(argv)}: {done.stderr.strip()}")
    return done.stdout.strip()


class Telemetry:
    """DPDK's telemetry socket. A thread of its own answers, not the one that forwards."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(10)
        self.socket.connect(path)
        self.socket.recv(4096)

    def ask(self, command):
        self.socket.send(command.encode())
        return json.loads(self.socket.recv(1 << 17))[command.split(",")[0]]

    def close(self):
        self.socket.close()


class Process:
    """A process that Bench.start() or Bench.spawn() created."""

    def __init__(self, name, argv, log, telemetry_path, environment):
        self.name = name
        self.log_path = log
        self.telemetry_path = telemetry_path
        self.is_testpmd = "dpdk-testpmd" in argv
        self.connection = None
        with open(log, "wb") as out:
            self.child = subprocess.Popen(
                argv, stdin=subprocess.PIPE, stdout=out, stderr=out, env=environment,
                start_new_session=True)

    def log(self):
        with open(self.log_path, errors="replace") as file:
            return file.read()

    def last_lines(self, count=4):
        lines = [line for line in self.log().splitlines() if line.strip()]
        return " | ".join(lines[-count:])

    def check(self):
        """Raise SampleError unless the process is running."""
        if self.child.poll() is not None:
            raise SampleError(f"{self.name} ended early (status {self.child.returncode}): "
                              f"{self.last_lines()}")
        return True

    def tell(self, line):
        """Give testpmd a command."""
        self.child.stdin.write(line.encode() + b"\n")
        self.child.stdin.flush()

    def ask(self, command):
        if self.connection is None:
            self.connection = wait_until(self.connect, 15, f"{self.name}: telemetry")
        try:
            return self.connection.ask(command)
        except (OSError, ValueError) as error:
            self.check()
            raise SampleError(f"{self.name}: no answer to {command}: {error}") from error

    def connect(self):
        self.check()
        try:
            return Telemetry(self.telemetry_path)
        except OSError:
            return None

    def wait_ready(self, seconds=15):
        """Wait until the link of port 0 is up. (testpmd reads commands once it has its prompt.)"""
        wait_until(self.link_is_up, seconds, f"{self.name}: link")

    def link_is_up(self):
        self.check()
        answer = self.ask("/ethdev/link_status,0")
        return bool(answer) and answer.get("status") == "UP"

    def counters(self, port=0):
        """The extended statistics of a port, by name."""
        return self.ask(f"/ethdev/xstats,{port}") or {}

    def cpu_ns(self):
        """Processor time of all threads so far, in nanoseconds."""
        total = 0
        folder = f"/proc/{self.child.pid}/task"
        for task in os.listdir(folder):
            with open(f"{folder}/{task}/schedstat") as file:
                total += int(file.read().split()[0])
        return total

    def stop(self, seconds=3):
        """Ask the process to end; kill it after `seconds`."""
        if self.connection is not None:
            self.connection.close()
        try:
            if self.is_testpmd:
                self.tell("stop")
                self.tell("quit")
            else:
                self.child.send_signal(signal.SIGINT)
        except OSError:
            pass
        try:
            self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
        try:
            self.child.stdin.close()
        except OSError:
            pass

    def kill(self):
        self.child.kill()
        self.child.wait()


class Bench:
    """What all samples share: programs, CPUs, windows, the running processes.

    Reads variables that test/bench/run.sh sets: FIDO_BUILD, FIDO_DRIVER and FIDO_VTAP_DRIVER (the
    mmnet and vtap drivers), FIDO_GROUP (a group for this run alone), FIDO_BENCH_WORK (a work folder
    for this run alone).
    """

    def __init__(self, cpus, window, warm_up):
        self.build = os.environ["FIDO_BUILD"]
        self.driver = os.environ["FIDO_DRIVER"]
        self.vtap_driver = os.environ["FIDO_VTAP_DRIVER"]
        self.group = os.environ["FIDO_GROUP"]
        self.work = os.environ["FIDO_BENCH_WORK"]
        self.cpus = cpus
        self.window = window
        self.warm_up = warm_up
        self.running = []
        self.fido_fwd = self.build + "/apps/fido-fwd/fido-fwd"
        self.cacheline_program = self.build + "/test/bench/bench-cacheline"

    def path(self, name):
        return os.path.join(self.work, name)

    def start(self, name, cpu, program, eal, app, wrapper=(),
              memory=("--in-memory", "--single-file-segments")):
        """Start a DPDK application, with all its threads, on the benchmark's CPU number `cpu`.
        `wrapper` is a command that runs it, such as chrt."""
        cpu = self.cpus[cpu % len(self.cpus)]
        lcores = f"0@{cpu},1@{cpu}" if program == "dpdk-testpmd" else f"0@{cpu}"
        argv = ["setpriv", "--pdeathsig", "KILL", "taskset", "-c", str(cpu), *wrapper,
                program,
                "--lcores", lcores, "--file-prefix", name, "--no-pci", *memory, *eal, "--", *app]
        environment = dict(os.environ, RUNTIME_DIRECTORY=self.work)
        process = Process(name, argv, self.path(name + ".log"),
                          self.path(f"dpdk/{name}/dpdk_telemetry.v2"), environment)
        self.running.append(process)
        return process

    def spawn(self, name, cpu, argv):
        """Start another program on the benchmark's CPU number `cpu`."""
        argv = ["setpriv", "--pdeathsig", "KILL", "taskset", "-c",
                str(self.cpus[cpu % len(self.cpus)]), *argv]
        process = Process(name, argv, self.path(name + ".log"), None, dict(os.environ))
        self.running.append(process)
        return process

    def spawn_anywhere(self, name, argv):
        """Start another program on all of the benchmark's CPUs: the scheduler places it. When the
        benchmark itself dies, it can still undo what it did (mounts)."""
        argv = ["setpriv", "--pdeathsig", "TERM", "taskset", "-c",
                ",".join(str(cpu) for cpu in self.cpus), *argv]
        environment = dict(os.environ, RUNTIME_DIRECTORY=self.work)
        process = Process(name, argv, self.path(name + ".log"),
                          self.path(f"dpdk/{name}/dpdk_telemetry.v2"), environment)
        self.running.append(process)
        return process

    def stop_all(self):
        """Stop all processes, the youngest first, and remove the files that they leave."""
        while self.running:
            self.running[-1].stop()
            self.running.pop()
        shutil.rmtree(self.path("dpdk"), ignore_errors=True)
        shutil.rmtree("/run/fido/" + self.group, ignore_errors=True)
        for name in os.listdir(self.work):
            if name.endswith(".sock"):
                os.unlink(self.path(name))

    def logs(self):
        """The output of all processes of this sample."""
        return "\n".join(f"--- {p.name}\n{p.log()}" for p in self.running)

    def cacheline_ns(self):
        """Measure the round trip of a cache line between the two CPUs."""
        argv = [self.cacheline_program, str(self.cpus[0]), str(self.cpus[1])]
        answer = subprocess.run(argv, capture_output=True, text=True, timeout=60)
        if not re.fullmatch(r"[0-9.]+\n", answer.stdout):
            raise SystemExit(f"bench: {' '.join(argv)} failed: {answer.stderr.strip()}")
        return float(answer.stdout)
