#!/usr/bin/env python3
"""Holds the coroutine echo server to its numbers, beside hand-written C over the same system call.

    bench.py cpu          server CPU per message, coroutine over raw, and the generator's own
    bench.py instructions instructions per message outside the kernel, exact to a few
    bench.py hops         instructions for tasks of one loop to wait for one another
    bench.py syscalls     system calls per message: the server's counters, and strace
    bench.py allocations  heap allocations per message
    bench.py idle         memory per idle connection
    bench.py batches      an echo over UDP by 32 datagrams at once, beside C, in slices
    bench.py all          all of them
    bench.py instructions --over udp    one of them, over UDP or Unix sockets

The server has processor 0 to itself and the generator processor 1. Needs `swift build -c release`,
a C compiler, taskset; strace for `syscalls`, valgrind for `instructions` and `hops`. See
docs/BENCHMARKING.md for the method.
"""

import argparse
import contextlib
import json
import mmap
import os
import re
import resource
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SERVER_CPU, CLIENT_CPU = 0, 1
# Where a server is to listen that chooses a free address itself.
LISTEN = {"tcp": "127.0.0.1:0", "unix": "unix:", "udp": "udp:127.0.0.1:0"}
FAR_NS = 160  # A round trip longer than this is between processors that are far apart.


def main():
    options = read_options()
    raise_descriptor_limit()
    bench = Bench(options)
    modes = list(MODES) if options.mode == "all" else [options.mode]
    results = {"machine": describe_machine()}
    for mode in modes:
        results[mode] = MODES[mode](bench)
    if options.json:
        Path(options.json).write_text(json.dumps(results, indent=2) + "\n")


def read_options():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=[*MODES, "all"])
    parser.add_argument("--drivers", default="poll,epoll", help="which to measure (poll,epoll)")
    parser.add_argument("--over", default="tcp", choices=LISTEN,
                        help="what the servers are reached over (tcp); not for idle")
    parser.add_argument("--batch", type=int, metavar="N",
                        help="over udp: datagrams that a call of the coroutine moves at most")
    parser.add_argument("--conns", default="100,1000", help="connections (100,1000)")
    parser.add_argument("--pairs", type=int, default=5, help="pairs of runs that count (5)")
    parser.add_argument("--seconds", type=float, default=3, help="length of a run (3)")
    parser.add_argument("--at-most", type=int, metavar="N",
                        help="end with 1 when a message takes more instructions")
    parser.add_argument("--idle-conns", type=int, default=10_000, help="for idle (10000)")
    parser.add_argument("--json", help="write everything there as well")
    parser.add_argument("--build", default=ROOT / ".build/release", type=Path,
                        help="where echo-server and loadtest are (.build/release)")
    return parser.parse_args()


class Bench:
    """The programs that are measured and that measure, built and found."""

    def __init__(self, options):
        self.options = options
        self.drivers = getattr(options, "drivers", "epoll").split(",")
        self.over = getattr(options, "over", "tcp")
        self.conns = [int(number) for number in options.conns.split(",")]
        self.programs = ROOT / ".build/bench"
        self.programs.mkdir(parents=True, exist_ok=True)
        for source in HERE.glob("*.c"):
            self.compile(source)
        for program in ["echo-server", "loadtest"]:
            if not (options.build / program).exists():
                sys.exit(f"{options.build / program} is missing: run swift build -c release first")

    def compile(self, source):
        is_library = source.stem == "allocations"
        target = self.programs / (source.stem + (".so" if is_library else ""))
        flags = ["-shared", "-fPIC"] if is_library else ["-pthread"]
        subprocess.run(["cc", "-O2", "-o", target, source, *flags], check=True)

    def raw(self, driver, under=()):
        loop = "udp" if self.over == "udp" else driver
        return Server([*under, self.programs / f"raw_{loop}"], listen=LISTEN[self.over])

    def coroutine(self, driver, environment=None, under=()):
        program = self.options.build / "echo-server"
        if under:
            program = self.without_debug_information(program)
        command = [*under, program, "--driver", driver]
        if getattr(self.options, "batch", None):
            command += ["--batch", str(self.options.batch)]
        return Server(command, environment, LISTEN[self.over])

    def without_debug_information(self, program):
        """A copy with its symbols alone: valgrind gives up where it cannot read the rest."""
        copy = self.programs / program.name
        subprocess.run(["objcopy", "--strip-debug", program, copy], check=True)
        return copy

    def distance(self):
        """The round trip of a cache line between the two processors, in nanoseconds."""
        command = [self.programs / "distance", str(SERVER_CPU), str(CLIENT_CPU)]
        return float(subprocess.run(command, check=True, capture_output=True).stdout)

    def load(self, server, conns, seconds=None, requests=None):
        """Runs the generator without warm-up, so that every message counts; returns its report."""
        length = ["-n", str(requests)] if requests else ["-d", f"{seconds}s"]
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.json"
            command = ["taskset", "-c", str(CLIENT_CPU), self.options.build / "loadtest",
                       server.address, "--conns", str(conns), *length, "--warmup", "0",
                       "--driver", "epoll", "--live", "off", "-q", "--json", report]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode != 0:
                sys.exit(f"loadtest ended with {done.returncode}:\n{done.stdout}{done.stderr}")
            return json.loads(report.read_text())


class Server(contextlib.AbstractContextManager):
    """A server pinned to its processor, on a free address."""

    def __init__(self, command, environment=None, listen=LISTEN["tcp"]):
        self.process = subprocess.Popen(
            ["taskset", "-c", str(SERVER_CPU), *command, "--listen", listen],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, **(environment or {})})
        self.ready_line = self.process.stdout.readline().strip()
        match = re.match(r"listening on (\S+)", self.ready_line)
        if not match:
            sys.exit(f"{command[0]} did not start: {self.process.communicate()[1]}")
        self.address = match[1]
        self.errors = None

    def __exit__(self, *_):
        if self.errors is None:
            self.stop()

    def stop(self):
        """Ends the server as a user would; returns what it said on standard error."""
        self.process.send_signal(signal.SIGTERM)
        self.errors = self.process.communicate(timeout=30)[1]
        return self.errors

    def counters(self):
        """Stops the server and reads the line of counters that it prints on its way out."""
        lines = [line for line in self.stop().splitlines() if line.startswith("{")]
        return json.loads(lines[-1])

    @property
    def pid(self):
        return self.process.pid

    def cpu_seconds(self):
        """CPU time of every thread so far, from the scheduler's own count."""
        total = 0
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
        return total / 1e9

    def resident_bytes(self):
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * mmap.PAGESIZE


# MARK: CPU per message

def measure_cpu(bench):
    rows = []
    for driver in bench.drivers:
        for conns in bench.conns:
            with bench.raw(driver) as raw, bench.coroutine(driver) as coroutine:
                for server in (raw, coroutine):
                    bench.load(server, conns, seconds=1)
                rows.append(interleaved_pairs(bench, driver, conns, raw, coroutine))
    return rows


def interleaved_pairs(bench, driver, conns, raw, coroutine):
    """Alternates raw and coroutine until enough pairs saw processors equally far apart."""
    pairs, dropped = [], 0
    while len(pairs) < bench.options.pairs and dropped < 3 * bench.options.pairs:
        distances = [bench.distance()]
        runs = []
        for server in (raw, coroutine):
            runs.append(one_run(bench, server, conns))
            distances.append(bench.distance())
        if len({distance > FAR_NS for distance in distances}) > 1:
            dropped += 1
            print(f"  dropped a pair: distances {distances} ns", file=sys.stderr)
            continue
        pairs.append({"raw": runs[0], "coroutine": runs[1], "distances_ns": distances})
        print(f"  {driver} × {conns}: raw {runs[0]['server_us']:.3f} µs, coroutine "
              f"{runs[1]['server_us']:.3f} µs, distances {distances} ns", file=sys.stderr)
    if len(pairs) < bench.options.pairs:
        sys.exit("the processors wander too much: too few pairs are alike")
    return summary(driver, conns, pairs, dropped)


def one_run(bench, server, conns):
    before = server.cpu_seconds()
    report = bench.load(server, conns, seconds=bench.options.seconds)
    used = server.cpu_seconds() - before
    messages = report["counts"]["answered"]
    return {"server_us": used / messages * 1e6, "messages": messages,
            "client_us": report["cpu"]["client_us_per_req"],
            "rate": report["rate"]["achieved"]}


def summary(driver, conns, pairs, dropped):
    def median(values):
        return statistics.median(list(values))

    ratios = [pair["coroutine"]["server_us"] / pair["raw"]["server_us"] for pair in pairs]
    clients = [pair["coroutine"]["client_us"] / pair["coroutine"]["server_us"] for pair in pairs]
    row = {
        "driver": driver, "conns": conns, "pairs": pairs, "dropped_pairs": dropped,
        "raw_us": median(pair["raw"]["server_us"] for pair in pairs),
        "coroutine_us": median(pair["coroutine"]["server_us"] for pair in pairs),
        "ratio": median(ratios), "ratio_min": min(ratios), "ratio_max": max(ratios),
        "client_ratio": median(clients),
    }
    print(f"cpu  {driver:6} × {conns:5}: raw {row['raw_us']:.2f} µs, "
          f"coroutine {row['coroutine_us']:.2f} µs, ratio {row['ratio']:.3f} "
          f"({row['ratio_min']:.3f} to {row['ratio_max']:.3f}), "
          f"generator over server {row['client_ratio']:.2f}")
    return row


# MARK: Instructions per message

def measure_instructions(bench):
    """Counts them in the simulated processor of valgrind, which no other program disturbs."""
    rows = []
    for driver in bench.drivers:
        for conns in bench.conns:
            row = {"driver": driver, "conns": conns,
                   "raw": instructions_per_message(bench, bench.raw, driver, conns),
                   "coroutine": instructions_per_message(bench, bench.coroutine, driver, conns)}
            rows.append(row)
            print(f"instructions  {driver:6} × {conns:5}: raw {row['raw']:,.0f}, "
                  f"coroutine {row['coroutine']:,.0f} per message")
    at_most = bench.options.at_most
    if at_most and max(row["coroutine"] for row in rows) > at_most:
        sys.exit(f"a message may take {at_most:,} instructions at most")
    return rows


def instructions_per_message(bench, start, driver, conns):
    """The difference between a short and a long run: all but the messages cancels out."""
    runs = []
    for requests in (5_000, 10_000):
        with tempfile.NamedTemporaryFile("r", suffix=".callgrind") as output:
            callgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={output.name}"]
            with start(driver, under=callgrind) as server:
                answered = bench.load(server, conns, requests=requests)["counts"]["answered"]
            count = re.search(r"^(?:summary|totals): (\d+)", output.read(), re.MULTILINE)
            runs.append((answered, int(count[1])))
    return (runs[1][1] - runs[0][1]) / (runs[1][0] - runs[0][0])


# MARK: Instructions per hop

HOPS = ["suspension", "yield", "async-stream", "channel", "channel-16", "select-16", "queue-16",
        "semaphore", "semaphore-scope", "semaphore-contended"]


def measure_hops(bench):
    """What it costs that tasks of one loop wait for one another: `hops` does it ever so often."""
    rows = []
    for way in HOPS:
        runs = []
        for count in (2_000, 12_000):
            with tempfile.NamedTemporaryFile("r", suffix=".callgrind") as output:
                subprocess.run(["valgrind", "--tool=callgrind",
                                f"--callgrind-out-file={output.name}",
                                bench.options.build / "hops", way, str(count)],
                               check=True, stderr=subprocess.DEVNULL)
                runs.append(int(re.search(r"^(?:summary|totals): (\d+)", output.read(),
                                          re.MULTILINE)[1]))
        rows.append({"way": way, "instructions": (runs[1] - runs[0]) / 10_000})
        print(f"hops  {way:20} {rows[-1]['instructions']:7,.0f} instructions")
    return rows


# MARK: System calls per message

def measure_syscalls(bench):
    rows = []
    for driver in bench.drivers:
        for conns in bench.conns:
            counted = counters_per_message(bench, driver, conns)
            traced = strace_per_message(bench, driver, conns)
            rows.append({"driver": driver, "conns": conns, "counters": counted, "strace": traced})
            print(f"syscalls  {driver:6} × {conns:5}: counters {figures(counted)}; "
                  f"strace {figures(traced)}")
    return rows


def figures(per_message):
    shown = {name: round(value, 4) for name, value in per_message.items() if value >= 0.00005}
    return ", ".join(f"{name} {value:g}" for name, value in shown.items()) or "nothing"


LENGTHS = (50_000, 250_000)


def counters_per_message(bench, driver, conns):
    """The difference between a short and a long run, so that connecting and ending cancel out."""
    counters = []
    for requests in LENGTHS:
        with bench.coroutine(driver) as server:
            answered = bench.load(server, conns, requests=requests)["counts"]["answered"]
            counters.append((answered, server.counters()["loops"][0]))
    messages = counters[1][0] - counters[0][0]
    names = ["receives", "sends", "waits", "interest_changes", "would_blocks", "spurious_wakes"]
    return {name: (counters[1][1][name] - counters[0][1][name]) / messages for name in names}


def strace_per_message(bench, driver, conns):
    """The same difference, in the kernel's view of a traced (and so far slower) server."""
    calls = []
    for requests in LENGTHS:
        with bench.coroutine(driver) as server:
            with tempfile.NamedTemporaryFile("r", suffix=".strace") as output:
                tracer = subprocess.Popen(
                    ["strace", "-c", "-f", "-o", output.name, "-p", str(server.pid)],
                    stderr=subprocess.PIPE, text=True)
                tracer.stderr.readline()  # "Process … attached"
                answered = bench.load(server, conns, requests=requests)["counts"]["answered"]
                tracer.send_signal(signal.SIGINT)
                tracer.wait(timeout=30)
                calls.append((answered, strace_counts(output.read())))
    messages = calls[1][0] - calls[0][0]
    names = set(calls[0][1]) | set(calls[1][1])
    return {name: (calls[1][1].get(name, 0) - calls[0][1].get(name, 0)) / messages
            for name in sorted(names)}


def strace_counts(table):
    counts = {}
    for line in table.splitlines():
        words = line.split()
        if len(words) >= 5 and words[3].isdigit() and words[-1] != "total":
            counts[words[-1]] = int(words[3])
    return counts


# MARK: Allocations per message

def measure_allocations(bench):
    """Counts malloc and its kin in the server; connecting cancels out between two lengths."""
    rows = []
    for driver in bench.drivers:
        for conns in bench.conns:
            with tempfile.NamedTemporaryFile() as shared:
                environment = {"LD_PRELOAD": str(bench.programs / "allocations.so"),
                               "ALLOCATIONS_FILE": shared.name}
                with bench.coroutine(driver, environment) as server:
                    runs = [counted_run(bench, server, conns, requests, shared.name)
                            for requests in (LENGTHS[0], *LENGTHS)]
            # The first run warms up.
            messages = runs[2][0] - runs[1][0]
            row = {"driver": driver, "conns": conns,
                   # A handful more or less is noise, and there is no minus zero.
                   "per_message": round((runs[2][1] - runs[1][1]) / messages, 4) + 0.0,
                   "per_connection": runs[1][1] / conns}
            rows.append(row)
            print(f"allocations  {driver:6} × {conns:5}: {row['per_message']:.4f} per message, "
                  f"{row['per_connection']:.1f} per connection")
    return rows


def counted_run(bench, server, conns, requests, path):
    before = read_count(path)
    answered = bench.load(server, conns, requests=requests)["counts"]["answered"]
    time.sleep(0.2)  # The last connections are still being closed.
    return answered, read_count(path) - before


def read_count(path):
    return struct.unpack("l", Path(path).read_bytes()[:8])[0]


# MARK: Memory per idle connection

def measure_idle(bench):
    rows = []
    wanted = bench.options.idle_conns
    for driver in bench.drivers:
        for name, start in (("raw", bench.raw), ("coroutine", bench.coroutine)):
            with start(driver) as server:
                host, port = server.address.split(":")
                warm = connect(host, int(port), 10)
                before = settled(server.resident_bytes)
                sockets = connect(host, int(port), wanted)
                connected = settled(server.resident_bytes)
                for one in sockets:
                    one.sendall(b"x" * 64)
                for one in sockets:
                    one.recv(64, socket.MSG_WAITALL)
                echoed = settled(server.resident_bytes)
                for one in sockets + warm:
                    one.close()
            row = {"driver": driver, "server": name, "conns": wanted,
                   "before_bytes": before, "connected_bytes": connected, "echoed_bytes": echoed,
                   "per_connection_bytes": (connected - before) / wanted,
                   "per_echoed_connection_bytes": (echoed - before) / wanted}
            rows.append(row)
            print(f"idle  {driver:6} {name:9}: {row['per_connection_bytes']:.0f} bytes per "
                  f"connection, {row['per_echoed_connection_bytes']:.0f} after an echo each, "
                  f"{echoed / 1e6:.1f} MB in all")
    return rows


def connect(host, port, count):
    """Opens connections and waits until the server has echoed a byte on the last one."""
    sockets = [socket.create_connection((host, port), timeout=60) for _ in range(count)]
    sockets[-1].sendall(b"x")
    sockets[-1].recv(1)
    return sockets


def settled(read):
    """Reads until the value has not changed for half a second."""
    value, since = read(), time.monotonic()
    while time.monotonic() - since < 0.5:
        time.sleep(0.05)
        again = read()
        if again != value:
            value, since = again, time.monotonic()
    return value


# MARK: Batches of datagrams

def measure_batches(bench):
    """CPU a message of an echo over UDP that receives and sends 32 at once, by slices."""
    rows = []
    server = bench.options.build / "echo-server"
    for conns in bench.conns:
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.json"
            subprocess.run(
                [bench.options.build / "loadtest", "compare", "--over", "udp", "-c", str(conns),
                 "--variants", "coroutine-epoll", "--baseline", "c", "--precision", "1%", "-q",
                 "--server", f"c={bench.programs}/raw_udp --listen {{listen}}",
                 "--server", f"batch={server} --driver epoll --batch 32 --listen {{listen}}",
                 "--json", report], check=True, stdout=subprocess.DEVNULL)
            record = json.loads(report.read_text())
        names = [arm["name"] for arm in record["arms"]]
        for figure in record["figures"]:
            if figure["reading"] == "cpu_per_message_s" and figure["ratio"] is not None:
                row = {"conns": conns, "server": names[figure["arm"]], **figure}
                rows.append(row)
                print(f"batches  {row['server']:16} × {conns:5}: {row['ratio']:.3f} "
                      f"[{row['ratio_low']:.3f}, {row['ratio_high']:.3f}] of C")
    return rows


# MARK: The machine

def raise_descriptor_limit():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def describe_machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo")
                  if line.startswith("model name")), "unknown")
    swift = subprocess.run(["swift", "--version"], capture_output=True, text=True).stdout
    return {"processor": model, "cpus": os.cpu_count(), "kernel": os.uname().release,
            "swift": swift.splitlines()[0] if swift else "unknown"}


MODES = {"cpu": measure_cpu, "instructions": measure_instructions, "syscalls": measure_syscalls,
         "hops": measure_hops, "allocations": measure_allocations, "idle": measure_idle,
         "batches": measure_batches}

if __name__ == "__main__":
    main()
