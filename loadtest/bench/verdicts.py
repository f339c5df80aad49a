#!/usr/bin/env python3
"""Measures how often each rule of the verdict speaks when it should not, and when it should.

    verdicts.py                    healthy servers and planted faults, 20 runs each (about an hour)
    verdicts.py --only healthy     … only the runs in which nothing is wrong
    verdicts.py --only faults      … only those in which the fault of a rule was planted
    verdicts.py --table            the table of the runs so far, without a new one

Prints a table in Markdown. Every run is kept in a file (`--state`), so that an interrupted
measurement goes on where it ended. The kinds of runs take turns, so that a disturbance of the
machine does not fall on one of them alone. Needs `swift build -c release`, two processors and
taskset; root for the rule of the quota.
"""

import argparse
import asyncio
import contextlib
import ctypes
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import bench as yard

PATIENCE = 120  # Seconds after which a run is given up.
FAULT_SECONDS = 3  # Of measuring, where a fault is planted.
MIDDLE = 1.5  # Seconds after the start: connected, warmed up for half a second, and measuring.


def main():
    if sys.argv[1:2] == ["--serve"]:
        return asyncio.run(serve(sys.argv[2]))
    options = read_options()
    yard.raise_descriptor_limit()
    plant_debug_build(options)
    state = State(options)
    if not options.table:
        lab = Lab(options)
        kinds = {**(healthy_runs() if options.only != "faults" else {}),
                 **(fault_runs() if options.only != "healthy" else {})}
        for turn in range(options.runs):
            for name, run in kinds.items():
                if len(state.runs(name)) <= turn:
                    attempt(state, name, run, lab)
    print(table(state))


def read_options():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20, help="of each kind (20)")
    parser.add_argument("--duration", type=float, default=10, help="of a healthy run, seconds (10)")
    parser.add_argument("--only", choices=["healthy", "faults"], help="one half of it")
    parser.add_argument("--table", action="store_true", help="print what is there already")
    parser.add_argument("--state", type=Path, default=yard.ROOT / ".build/verdicts.json",
                        help="where the runs are kept (.build/verdicts.json)")
    parser.add_argument("--build", default=yard.ROOT / ".build/release", type=Path,
                        help="where echo-server and loadtest are (.build/release)")
    parser.add_argument("--debug-build", default=yard.ROOT / ".build/debug", type=Path,
                        help="where a debug build is, for B-DEBUG (.build/debug)")
    return parser.parse_args()


class State:
    """The findings of every run so far: for each kind of run, what was found in each."""

    def __init__(self, options):
        self.options = options
        self.kinds = {}
        if options.state.exists():
            kept = json.loads(options.state.read_text())
            if kept["duration"] != options.duration:
                sys.exit(f"{options.state} has runs of {kept['duration']} s: give the same "
                         "--duration, another --state, or remove it")
            self.kinds = kept["kinds"]

    def runs(self, kind):
        return self.kinds.get(kind, [])

    def add(self, kind, findings):
        self.kinds.setdefault(kind, []).append(findings)
        draft = self.options.state.with_suffix(".draft")
        draft.write_text(json.dumps({"duration": self.options.duration, "kinds": self.kinds}))
        draft.replace(self.options.state)


def attempt(state, name, run, lab):
    """Makes a run and keeps its findings; one that fails is told and left for the next time."""
    try:
        report = run(lab)
    except (RunFailed, OSError, subprocess.SubprocessError) as error:
        print(f"  {name}: failed: {error}", file=sys.stderr)
        return
    findings = {one["code"]: one["level"] for one in report["verdict"]["findings"]}
    state.add(name, findings)
    print(f"  {name}: {report['verdict']['level']} {findings}", file=sys.stderr)


class RunFailed(Exception):
    """A run without a report."""


class Lab:
    """The programs, and how a run is made with them."""

    def __init__(self, options):
        self.options = options
        for program in ["echo-server", "loadtest"]:
            if not (options.build / program).exists():
                sys.exit(f"{options.build / program} is missing: run swift build -c release first")

    def server(self, *arguments):
        """The echo server on a processor of its own."""
        return yard.Server([self.options.build / "echo-server", *arguments])

    def load(self, *arguments, cpu=None, during=None, build=None, prepare=None):
        """Runs loadtest; returns its report, whatever its exit code is."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "report.json"
            pinned = ["taskset", "-c", str(cpu)] if cpu is not None else []
            command = [*pinned, (build or self.options.build) / "loadtest", *map(str, arguments),
                       "--live", "off", "-q", "--json", path]
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, text=True,
                                       stderr=subprocess.PIPE, preexec_fn=prepare)
            try:
                if during:
                    time.sleep(MIDDLE)
                    during(process)
                said = process.communicate(timeout=PATIENCE)[1]
            finally:
                process.kill()
                process.wait()
            if not path.exists():
                raise RunFailed(f"exit {process.returncode}: {said.strip()}")
            return json.loads(path.read_text())

    def load_with_fault(self, *arguments, **how):
        """A short run with a fixed warm-up, so that what is planted falls into its middle."""
        return self.load(*arguments, "-d", f"{FAULT_SECONDS}s", "--warmup", "500ms", **how)

    def merge(self, *reports):
        """Runs `loadtest merge` on the reports; returns the whole."""
        with tempfile.TemporaryDirectory() as folder:
            paths = [Path(folder) / f"{number}.json" for number in range(len(reports))]
            for path, report in zip(paths, reports):
                path.write_text(json.dumps(report))
            whole = Path(folder) / "whole.json"
            done = subprocess.run([self.options.build / "loadtest", "merge", *paths, "-o", whole,
                                   "--allow-missing"], capture_output=True, text=True)
            if not whole.exists():
                raise RunFailed(f"merge ended with {done.returncode}: {done.stderr.strip()}")
            return json.loads(whole.read_text())


# MARK: Healthy runs

HEALTHY = {
    "default": [],
    "--rate 70%": ["--rate", "70%"],
    "--rate 200 --arrivals poisson": ["--rate", "200", "--arrivals", "poisson"],
    "-c 18000": ["-c", "18000"],
    "-t 2": ["-t", "2"],
}
TOGETHER = "two parts, merged"


def healthy_runs():
    def healthy(arguments):
        return lambda lab: lab.load(*arguments, "-d", f"{lab.options.duration}s")

    return {**{name: healthy(arguments) for name, arguments in HEALTHY.items()},
            TOGETHER: parts_together}


def parts_together(lab):
    """The parts run in two processes that begin together."""
    with lab.server() as server:
        begin = ["--start-at", f"{time.time() + 1:.3f}"]
        first = Background(lambda: part(lab, server, "1/2", *begin))
        second = part(lab, server, "2/2", *begin)
        return lab.merge(first.result(), second)


def part(lab, server, shard, *arguments):
    return lab.load_with_fault(server.address, "--shard", shard, "--run-id", "one", *arguments)


class Background:
    """A call on a thread of its own."""

    def __init__(self, call):
        self.pool = ThreadPoolExecutor(1)
        self.future = self.pool.submit(call)

    def result(self):
        with self.pool:
            return self.future.result()


# MARK: Faults

FAULTS = {}  # rule → (what is planted, the run)
NOT_TRIED = {
    "H-STEAL": "only a hypervisor can take the time",
}


def fault(rule, what):
    """Names the fault of a rule, and the function that makes a run with it."""
    def take(run):
        FAULTS[rule] = (what, run)
        return run
    return take


def fault_runs():
    return {rule: run for rule, (_, run) in FAULTS.items()}


MANY_WRITES = ["--split", "bytes", "-s", "1k", "-c", "100"]


@fault("G-CPU", "requests that the generator sends in 1,024 writes, and the server reads in fewer")
def saturate_generator(lab):
    with lab.server("--driver", "epoll") as server:
        return lab.load_with_fault(server.address, *MANY_WRITES, cpu=yard.CLIENT_CPU)


@fault("G-LAG", "requests of 1 MiB, each of which takes a turn long, `--rate 200`")
def lengthen_turns(lab):
    with lab.server("--driver", "epoll") as server:
        return lab.load_with_fault(server.address, "-s", "1m", "--rate", "200")


@fault("G-SCHED", "two programs that compute on the generator's processor, `--rate 5k`")
def crowd_open_loop(lab):
    with lab.server() as server, hogs(2):
        return lab.load_with_fault(server.address, "--rate", "5k", cpu=yard.CLIENT_CPU)


@fault("L-LITTLE", "`--pipeline 1024 -c 2`: a thousand answers, compared before more is sent")
def lengthen_batches(lab):
    with lab.server() as server:
        return lab.load_with_fault(server.address, "--pipeline", "1024", "-c", "2",
                                   cpu=yard.CLIENT_CPU)


@fault("G-RATE", "a server that answers 500 requests a second, `--rate 1000`")
def overload_server(lab):
    with foreign("slow") as address:
        return lab.load_with_fault(address, "--rate", "1000")


@fault("G-HALF", "the load of `G-CPU` from two threads, `--prove-headroom`")
def halve_generator(lab):
    with lab.server("--driver", "epoll") as server:
        return lab.load_with_fault(server.address, *MANY_WRITES, "-t", "2", "--prove-headroom")


@fault("E-FEW", "`-n 500`")
def ask_for_little(lab):
    with lab.server() as server:
        return lab.load(server.address, "-n", "500", "--warmup", "0")


@fault("E-ERRORS", "a server that resets a connection at its hundredth request, `--reconnect`")
def reset_connections(lab):
    with foreign("resetting") as address:
        return lab.load_with_fault(address, "--reconnect")


@fault("E-SILENT", "SIGSTOP to the server after a second of measuring")
def stop_server(lab):
    with lab.server() as server:
        try:
            return lab.load_with_fault(
                server.address, during=lambda _: os.kill(server.pid, signal.SIGSTOP))
        finally:
            os.kill(server.pid, signal.SIGCONT)


@fault("C-CONNS", "a server that stops listening after 20 connections or a few more, `-c 200`")
def refuse_connections(lab):
    with foreign("few") as address:
        return lab.load_with_fault(address, "-c", "200")


@fault("F-NEVER", "a server that never answers one connection in ten")
def starve_connections(lab):
    with foreign("starving") as address:
        return lab.load_with_fault(address)


@fault("F-HARDLY", "a server that answers one connection in ten after 200 ms")
def delay_connections(lab):
    with foreign("unfair") as address:
        return lab.load_with_fault(address)


@fault("W-UNSTEADY", "a server that answers after 1 ms and after 20 ms, in turns of 0.3 s")
def change_speed(lab):
    with foreign("changing") as address:
        return lab.load(address, "-d", f"{FAULT_SECONDS}s")


@fault("I-EARLY", "SIGTERM to `loadtest` in the middle")
def interrupt_generator(lab):
    with lab.server() as server:
        return lab.load_with_fault(
            server.address, during=lambda process: process.terminate())


@fault("B-VERIFY", "`--verify off`")
def verify_nothing(lab):
    with lab.server() as server:
        return lab.load_with_fault(server.address, "--verify", "off")


def run_debug_build(lab):
    with lab.server() as server:
        return lab.load_with_fault(server.address, build=lab.options.debug_build)


def plant_debug_build(options):
    if (options.debug_build / "loadtest").exists():
        fault("B-DEBUG", "a debug build")(run_debug_build)
    else:
        NOT_TRIED["B-DEBUG"] = f"no debug build in {options.debug_build}"


@fault("N-LISTEN", "a backlog of 1, and 500 connections at once")
def overflow_backlog(lab):
    with lab.server("--backlog", "1") as server:
        return lab.load_with_fault(server.address, "-c", "500")


@fault("N-RETRANS", "a socket filter of the server's that drops one segment in a hundred")
def lose_segments(lab):
    with foreign("losing") as address:
        return lab.load_with_fault(address)


@fault("H-SHARED", "`taskset -c 1`: one processor for both")
def share_processor(lab):
    return lab.load_with_fault(cpu=yard.CLIENT_CPU)


@fault("H-QUOTA", "a control group with a fifth of a processor")
def limit_generator(lab):
    with lab.server() as server, quota(0.2) as join:
        return lab.load_with_fault(server.address, prepare=join)


@fault("K-STOPPED", "SIGSTOP to `loadtest` for 1.5 s")
def stop_generator(lab):
    def stop(process):
        process.send_signal(signal.SIGSTOP)
        time.sleep(1.5)
        process.send_signal(signal.SIGCONT)

    with lab.server() as server:
        return lab.load_with_fault(server.address, during=stop)


@fault("M-OVERLAP", "two parts that ran one after the other")
def separate_parts(lab):
    with lab.server() as server:
        return lab.merge(part(lab, server, "1/2"), part(lab, server, "2/2"))


@fault("M-MISSING", "one part of two, `--allow-missing`")
def lose_part(lab):
    with lab.server() as server:
        return lab.merge(part(lab, server, "1/2"))


# MARK: What faults are planted with

@contextlib.contextmanager
def hogs(count):
    """Programs that compute on the generator's processor."""
    command = ["taskset", "-c", str(yard.CLIENT_CPU), sys.executable, "-c", "while True: pass"]
    processes = [subprocess.Popen(command) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


@contextlib.contextmanager
def quota(share):
    """A control group with a share of a processor (cgroups(7), version 2 or 1); what a process
    calls to join it."""
    group, settings = new_group(share)
    group.mkdir()
    try:
        for name, value in settings.items():
            (group / name).write_text(value)
        yield lambda: (group / "cgroup.procs").write_text("0")
    finally:
        group.rmdir()


def new_group(share):
    period = 100_000
    allowed = int(share * period)
    name = f"verdicts-{os.getpid()}"
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if "cpu" in controllers.split(","):
            return (Path(f"/sys/fs/cgroup/{controllers}{path}") / name,
                    {"cpu.cfs_period_us": str(period), "cpu.cfs_quota_us": str(allowed)})
    # The group's own processes forbid a child with a controller, except at the root.
    return Path("/sys/fs/cgroup") / name, {"cpu.max": f"{allowed} {period}"}


@contextlib.contextmanager
def foreign(kind):
    """A server that misbehaves, in a process of its own on the server's processor."""
    process = subprocess.Popen(
        ["taskset", "-c", str(yard.SERVER_CPU), sys.executable, __file__, "--serve", kind],
        stdout=subprocess.PIPE, text=True)
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


async def serve(kind):
    """Serves for ever; prints the address first."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Misbehaving(kind, loop), "127.0.0.1", 0,
                                      backlog=10 if kind == "few" else 1024)
    Misbehaving.server = server
    print("%s:%d" % server.sockets[0].getsockname(), flush=True)
    await asyncio.Event().wait()


class Misbehaving(asyncio.Protocol):
    """Echoes, with one fault."""

    server = None
    count = 0  # Of connections.
    free_at = 0.0  # When the slow server can answer again.

    def __init__(self, kind, loop):
        self.answer = getattr(self, kind)
        self.kind, self.loop, self.requests = kind, loop, 0

    def connection_made(self, transport):
        self.transport = transport
        Misbehaving.count += 1
        self.number = Misbehaving.count
        if self.kind == "losing":
            lose_one_in_a_hundred(transport.get_extra_info("socket"))
        if self.kind == "few" and self.number == 20:
            self.server.close()

    def data_received(self, data):
        self.requests += 1
        self.answer(data)

    def few(self, data):
        self.transport.write(data)

    losing = few

    def slow(self, data):
        for start in range(0, len(data), 64):
            Misbehaving.free_at = max(Misbehaving.free_at, self.loop.time()) + 0.002
            self.loop.call_at(Misbehaving.free_at, self.transport.write, data[start:start + 64])

    def resetting(self, data):
        self.transport.abort() if self.requests == 100 else self.transport.write(data)

    def starving(self, data):
        if self.number % 10:
            self.transport.write(data)

    def unfair(self, data):
        if self.number % 10:
            self.transport.write(data)
        else:
            self.loop.call_later(0.2, self.transport.write, data)

    def changing(self, data):
        is_fast = int(self.loop.time() / 0.3) % 2 == 0
        self.loop.call_later(0.001 if is_fast else 0.02, self.transport.write, data)


def lose_one_in_a_hundred(one):
    """Attaches a filter that drops segments at random before TCP sees them (socket(7),
    SO_ATTACH_FILTER; the instructions are those of linux/filter.h)."""
    random = 0xFFFFF000 + 56  # SKF_AD_OFF + SKF_AD_RANDOM
    instructions = [
        (0x20, 0, 0, random),  # load a random word
        (0x35, 1, 0, 2**32 // 100),  # skip one if it is that or more
        (0x06, 0, 0, 0),  # drop
        (0x06, 0, 0, 0xFFFF_FFFF),  # take it all
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in instructions))
    one.setsockopt(socket.SOL_SOCKET, 26,  # SO_ATTACH_FILTER
                   struct.pack("HxxxxxxP", len(instructions), ctypes.addressof(code)))


# MARK: The table

def table(state):
    healthy = [*HEALTHY, TOGETHER]
    rules = [*FAULTS, *NOT_TRIED]
    seen = {code for runs in state.kinds.values() for one in runs for code in one}
    count = sum(len(state.runs(kind)) for kind in healthy)
    lines = [f"| rule | spoke in {count} healthy runs | the fault | detected |",
             "|---|---|---|---|"]
    for rule in [*rules, *sorted(seen.difference(rules))]:
        what, _ = FAULTS.get(rule, ("not tried: " + NOT_TRIED.get(rule, "no fault is known"), None))
        lines.append(f"| `{rule}` | {alarms(state, healthy, rule)} | {what} | "
                     f"{detections(state, rule)} |")
    return "\n".join([*lines, "", summary(state, healthy), "", origin(state)])


def alarms(state, healthy, rule):
    """"3 SUSPECT (`-t 2`)": in how many runs of which kind a rule spoke, at which level."""
    parts = []
    for kind in healthy:
        levels = [one[rule] for one in state.runs(kind) if rule in one]
        parts += [f"{levels.count(level)} {level} ({kind if kind == TOGETHER else f'`{kind}`'})"
                  for level in sorted(set(levels))]
    return ", ".join(parts).replace("`default`", "default") or "0"


def detections(state, rule):
    runs = state.runs(rule)
    levels = [one[rule] for one in runs if rule in one]
    if not runs:
        return ""
    return f"{len(levels)} of {len(runs)}" + "".join(f", {level}" for level in sorted(set(levels)))


def summary(state, healthy):
    """How many healthy runs of each kind were valid, and how many remarks they had at most."""
    parts = []
    for kind in healthy:
        runs = state.runs(kind)
        valid = sum(all(level == "NOTE" for level in one.values()) for one in runs)
        most = max((len(one) for one in runs), default=0)
        parts.append(f"{kind}: {valid} of {len(runs)}, at most {most} remarks")
    return "VALID without a fault: " + "; ".join(parts) + "."


def origin(state):
    options = state.options
    machine = yard.describe_machine()
    command = f"verdicts.py --runs {options.runs} --duration {options.duration:g}"
    return (f"`python3 loadtest/bench/{command}` on "
            f"{machine['cpus']} × {machine['processor']}, Linux {machine['kernel']}, "
            f"{time.strftime('%Y-%m-%d')}.")


if __name__ == "__main__":
    main()
