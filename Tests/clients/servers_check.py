import os, socket, subprocess

from programs import LIMIT, needs, port

KINDS = ["iterating", "threading", "forking", "coroutine"]


def check_streams_one_after_the_other(programs):
    for kind in KINDS:
        with programs.serving("servers", "--kind", kind, "--upper", "-l", "127.0.0.1:0") as address:
            for _ in range(20):
                with socket.create_connection(("127.0.0.1", port(address)), LIMIT) as client:
                    client.sendall(b"hello")
                    client.shutdown(socket.SHUT_WR)
                    assert client.makefile("rb").read() == b"HELLO", kind


def check_datagrams(programs):
    for kind in KINDS:
        with programs.serving(
                "servers", "--kind", kind, "--udp", "--upper", "-l", "127.0.0.1:0") as address:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.settimeout(LIMIT)
                client.connect(("127.0.0.1", port(address)))
                for _ in range(20):
                    client.send(b"hello")
                    assert client.recv(100) == b"HELLO", kind


def check_streams_do_what_every_echo_service_must(programs):
    loadtest = os.path.join(os.path.dirname(programs.command), "loadtest")
    needs(loadtest)
    words = [loadtest, "compare", "--conns", "10", "--rounds", "3", "--quiet", "--strict"]
    for kind in KINDS[1:]:  # one after the other cannot hold ten clients at once
        words += ["--server", f"{kind}={programs.command} servers -k {kind} -l {{listen}}"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode in (0, 98), done.stdout + done.stderr
    assert "conformance" not in done.stderr, done.stderr
