import contextlib, subprocess

from networks import ADDRESSES, on, run, two_hosts


@contextlib.contextmanager
def announcing(programs, host, *words):
    server = subprocess.Popen(
        on(host, programs.command, "discover", "announce", *words), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, text=True)
    try:
        assert "listening on" in server.stdout.readline()
        yield
        server.terminate()
        assert server.wait() == 0
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


def check_services_of_another_host_are_found(programs):
    ways = [
        [], ["--broadcast"], ["--group", "[ff02::4d58]:7788", "--interface", "eth0"],
    ]
    with two_hosts():
        for way in ways:
            with announcing(programs, 1, "printer", "one", 631, *way), \
                    announcing(programs, 1, "printer", "two", 632, *way), \
                    announcing(programs, 1, "clock", "three", 123, *way):
                found = run(
                    *on(0, programs.command, "discover", "find", "printer", "--wait", "2s", *way))
                lines = sorted(found.stdout.splitlines())
                assert [line.split()[1] for line in lines] == ["one", "two"], (way, found)
                if not way:
                    assert lines[0] == f"printer one {ADDRESSES[1]}:631", lines
                none = run(
                    *on(0, programs.command, "discover", "find", "radio", "--wait", "500ms", *way),
                    check=False)
                assert none.returncode == 69, none
