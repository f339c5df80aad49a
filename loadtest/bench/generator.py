#!/usr/bin/env python3
"""Holds the load generator to its numbers.

    generator.py cpu          CPU per request, over that of a minimal client in C; bytes verified
    generator.py delay        send delay at half of the ceiling
    generator.py conns        18,000 connections from one process
    generator.py allocations  heap allocations per request
    generator.py all          all of them

The server has processor 0 to itself and the generator processor 1. Needs what bench.py needs.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import bench as yard

def main():
    options = read_options()
    yard.raise_descriptor_limit()
    bench = yard.Bench(options)
    modes = list(MODES) if options.mode == "all" else [options.mode]
    results = {"machine": yard.describe_machine()}
    for mode in modes:
        results[mode] = MODES[mode](bench)
    if options.json:
        Path(options.json).write_text(json.dumps(results, indent=2) + "\n")


def read_options():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=[*MODES, "all"])
    parser.add_argument("--conns", default="100,1000", help="connections (100,1000)")
    parser.add_argument("--pairs", type=int, default=5, help="pairs of runs that count (5)")
    parser.add_argument("--seconds", type=float, default=3, help="length of a run (3)")
    parser.add_argument("--json", help="write everything there as well")
    parser.add_argument("--build", default=yard.ROOT / ".build/release", type=Path,
                        help="where echo-server and loadtest are (.build/release)")
    return parser.parse_args()


def loadtest(bench, *arguments, environment=None):
    """Runs loadtest on its processor; returns its report."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = ["taskset", "-c", str(yard.CLIENT_CPU), bench.options.build / "loadtest",
                   *arguments, "--live", "off", "-q", "--json", report]
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        if done.returncode != 0:
            sys.exit(f"loadtest ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return json.loads(report.read_text())


def raw_client(bench, server, conns):
    host, port = server.address.split(":")
    command = ["taskset", "-c", str(yard.CLIENT_CPU), bench.programs / "raw_client", host, port,
               str(conns), str(bench.options.seconds)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def measure_cpu(bench):
    """Alternates the C client and the generator over one raw server."""
    rows = []
    for conns in bench.conns:
        pairs = []
        with bench.raw("epoll") as server:
            while len(pairs) < bench.options.pairs:
                before = bench.distance()
                raw = raw_client(bench, server, conns)["cpu_us"]
                between = bench.distance()
                ours = loadtest(bench, server.address, "--conns", str(conns), "-d",
                                f"{bench.options.seconds}s", "--warmup", "0",
                                )["cpu"]["client_us_per_req"]
                distances = [before, between, bench.distance()]
                if len({distance > yard.FAR_NS for distance in distances}) > 1:
                    print(f"  dropped a pair: distances {distances} ns", file=sys.stderr)
                    continue
                pairs.append({"raw_us": raw, "generator_us": ours, "distances_ns": distances})
                print(f"  × {conns}: raw {raw:.3f} µs, generator {ours:.3f} µs", file=sys.stderr)
        ratios = [pair["generator_us"] / pair["raw_us"] for pair in pairs]
        row = {"conns": conns, "pairs": pairs, "ratio": statistics.median(ratios)}
        rows.append(row)
        raw, ours = (statistics.median(pair[name] for pair in pairs)
                     for name in ("raw_us", "generator_us"))
        print(f"cpu  × {conns:5}: raw client {raw:.2f} µs, generator {ours:.2f} µs,"
              f" ratio {row['ratio']:.3f} ({min(ratios):.3f} to {max(ratios):.3f})")
    return rows


def measure_delay(bench):
    rows = []
    for conns in bench.conns:
        with bench.raw("epoll") as server:
            target = [server.address, "--conns", str(conns), "-d", f"{bench.options.seconds}s"]
            ceiling = loadtest(bench, *target)["rate"]["achieved"]
            report = loadtest(bench, *target, "--rate", str(round(ceiling / 2)))
        delays = {str(point["q"]): point["value"]
                  for point in report["latency"]["send_delay"]["q"]}
        row = {"conns": conns, "ceiling": ceiling, "send_delay": delays}
        rows.append(row)
        print(f"delay  × {conns:5}: at half of {ceiling:,.0f}/s, send delay p50 "
              f"{delays['0.5'] * 1e6:.1f} µs, p99 {delays['0.99'] * 1e6:.1f} µs")
    return rows


def measure_conns(bench):
    with bench.coroutine("epoll") as server:
        report = loadtest(bench, server.address, "--conns", "18k", "-d",
                          f"{bench.options.seconds}s", "--timeout", "30s", "--fail-if", "errors>0")
    counts = report["counts"]
    print(f"conns  {counts['connects']['ok']:,} of 18,000 up in "
          f"{report['phases']['connect_s']:.2f} s, {report['rate']['achieved']:,.0f}/s, "
          f"{counts['answered']:,} of {counts['scheduled']:,} answered")
    return {"connects": counts["connects"], "rate": report["rate"]["achieved"],
            "counts": counts}


# Loads of equal length and different density: what goes on with time, the sweeps ten times a second
# and the progress, is the same in both and cancels.
DENSITIES = {
    "closed": (["--conns", "100"], ["--conns", "100", "--pipeline", "8"]),
    "open": (["--conns", "100", "--rate", "2k"], ["--conns", "100", "--rate", "60k"]),
}


def measure_allocations(bench):
    rows = []
    for loop, densities in DENSITIES.items():
        counts = []
        for extra in densities:
            with bench.raw("epoll") as server, tempfile.NamedTemporaryFile() as shared:
                environment = {**yard.os.environ, "ALLOCATIONS_FILE": shared.name,
                               "LD_PRELOAD": str(bench.programs / "allocations.so")}
                report = loadtest(bench, server.address, "-d", f"{bench.options.seconds}s",
                                  "--warmup", "0", *extra, environment=environment)
                counts.append((report["counts"]["answered"], yard.read_count(shared.name)))
        (few, low), (many, high) = counts
        per_request = (high - low) / (many - few)
        rows.append({"loop": loop, "per_request": per_request, "counts": counts})
        print(f"allocations  {loop:6} loop: {per_request:.5f} per request, "
              f"{low:,} in all with {few:,} requests and {high:,} with {many:,}")
    return rows


MODES = {"cpu": measure_cpu, "delay": measure_delay, "conns": measure_conns,
         "allocations": measure_allocations}

if __name__ == "__main__":
    main()
