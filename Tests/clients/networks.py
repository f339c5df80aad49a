"""Two hosts as network namespaces of this machine, for the checks in this folder. They know nothing
of the real network, and are gone at the end."""

import contextlib, os, subprocess

from programs import LIMIT, Missing, needs, search_path

NAMES = ("swiftlet-a", "swiftlet-b")
ADDRESSES = ("10.78.0.1", "10.78.0.2")
ADDRESSES_IPV6 = ("fd78::1", "fd78::2")


def run(*words, check=True):
    return subprocess.run(
        list(map(str, words)), capture_output=True, text=True, timeout=LIMIT, check=check,
        stdin=subprocess.DEVNULL, env={**os.environ, "PATH": search_path()})


def on(host, *words):
    """The words of a command on one of the two hosts, 0 or 1."""
    return ["ip", "netns", "exec", f"{NAMES[host]}-{os.getpid()}", *map(str, words)]


@contextlib.contextmanager
def two_hosts():
    needs("ip")
    names = [f"{name}-{os.getpid()}" for name in NAMES]
    if os.getuid() != 0 or run("ip", "netns", "add", names[0], check=False).returncode != 0:
        raise Missing("this machine lets nobody make network namespaces")
    try:
        run("ip", "netns", "add", names[1])
        run("ip", "link", "add", "eth0", "netns", names[0], "type", "veth", "peer", "name", "eth0",
            "netns", names[1])
        for host in (0, 1):
            run(*on(host, "sysctl", "-qw", "net.ipv6.conf.all.accept_dad=0"), check=False)
            run(*on(host, "sysctl", "-qw", "net.ipv4.ping_group_range=0 2147483647"), check=False)
            run(*on(host, "ip", "link", "set", "lo", "up"))
            run(*on(host, "ip", "addr", "add", f"{ADDRESSES[host]}/24", "dev", "eth0"))
            six = f"{ADDRESSES_IPV6[host]}/64"
            run(*on(host, "ip", "addr", "add", six, "dev", "eth0", "nodad"))
            run(*on(host, "ip", "link", "set", "eth0", "up"))
            run(*on(host, "ip", "route", "add", "default", "dev", "eth0"))
        # A first packet waits for the other end's address of the link; until IPv6 has its own, too.
        for address in (ADDRESSES[1], ADDRESSES_IPV6[1]):
            for _ in range(30):
                if run(*on(0, "ping", "-c", 1, "-W", 1, address), check=False).returncode == 0:
                    break
        yield
    finally:
        for name in names:
            run("ip", "netns", "del", name, check=False)


def impair(*rule):
    """What happens to packets between the two, as tc-netem(8) has it: "delay", "20ms"."""
    done = run(*on(0, "tc", "qdisc", "replace", "dev", "eth0", "root", "netem", *rule), check=False)
    if done.returncode != 0:
        raise Missing("the kernel has no netem")
