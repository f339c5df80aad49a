#!/usr/bin/env python3
"""Whether `loadtest compare` says the truth of real servers, as its tests show of simulated ones.

    equal      four processes of one server: how many sessions call any of them different
    planted    a server that spins for 3 % more CPU a message: how many sessions find it

Needs `swift build -c release` and a C compiler. A session takes half a minute at most.
"""

import argparse
import json
import os
import subprocess
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def build(folder):
    server = os.path.join(folder, "raw_epoll")
    source = os.path.join(ROOT, "loadtest", "bench", "raw_epoll.c")
    subprocess.run(["cc", "-O2", "-o", server, source], check=True)
    return server


def compare(arguments, servers):
    """Runs a session, and returns the figures of CPU by the names of the servers."""
    command = [os.path.join(ROOT, ".build", "release", "loadtest"), "compare", "-q", "--json", "-"]
    command += ["--conns", str(arguments.conns), "--time", arguments.time]
    command += ["--seed", str(arguments.seed)]
    for name, words in servers.items():
        command += ["--server", f"{name}={words}"]
    arguments.seed += 1
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    record = json.loads(output.stdout)
    names = [arm["name"] for arm in record["arms"]]
    figures = {reading: {} for reading in ("cpu_per_message_s", "rate_per_s")}
    for figure in record["figures"]:
        if figure["reading"] in figures:
            figures[figure["reading"]][names[figure["arm"]]] = figure
    return figures["cpu_per_message_s"], figures["rate_per_s"]


def show(cpu):
    for name, figure in cpu.items():
        if figure["ratio"] is None:
            continue
        low, high = figure["ratio_low"], figure["ratio_high"]
        print(f"    {name}: {figure['ratio']:.3f} [{low:.3f}, {high:.3f}] {figure['word']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=5)
    parser.add_argument("--time", default="30s")
    parser.add_argument("--conns", type=int, default=100)
    parser.add_argument("--planted", type=float, default=0.03)
    arguments = parser.parse_args()
    arguments.seed = 1
    with tempfile.TemporaryDirectory() as folder:
        server = build(folder)
        words = f"{server} --listen 127.0.0.1:{{port}}"
        called = found = 0
        for _ in range(arguments.sessions):
            cpu, rate = compare(arguments, {name: words for name in "abcd"})
            wrong = {figure["word"] for figure in list(cpu.values()) + list(rate.values())}
            called += bool(wrong & {"less", "more", "faster", "slower"})
            show(cpu)
        print(f"equal: {called} of {arguments.sessions} sessions call a difference", flush=True)
        spin = round(cpu["a"]["median"] * arguments.planted * 1e9)
        for _ in range(arguments.sessions):
            cpu, _ = compare(arguments, {"plain": words, "spun": f"{words} --spin {spin}"})
            found += cpu["spun"]["word"] == "more"
            show(cpu)
        print(f"planted, {spin} ns a message: found in {found} of {arguments.sessions} sessions")


if __name__ == "__main__":
    main()
