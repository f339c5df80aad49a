import pathlib, time

from messages import Messages
from programs import port


def script(programs, name, text):
    path = pathlib.Path(programs.folder, name)
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return path


def allowed(programs):
    mixed = script(
        programs, "mixed",
        "echo one; sleep 0.5; echo two >&2; sleep 0.5; echo three; exit 5")
    loud = script(programs, "loud", "yes")
    slow = script(programs, "slow", f"touch {programs.folder}/begun; sleep 1000 & wait")
    killed = script(programs, "killed", "kill -9 $$")
    path = pathlib.Path(programs.folder, "allowed")
    path.write_text(
        f"# what clients may run\nhello /bin/echo hello\necho /bin/echo *\nmixed {mixed}\n"
        f"loud {loud}\nslow {slow}\nnone /no/such/program\nkilled {killed}\n"
        "env /usr/bin/env\n")
    return path


def pieces(client):
    found = []
    while True:
        header, body = client.receive()
        if "from" not in header:
            return found, header
        found.append((header["from"], body))


def check_python_runs_what_is_allowed(programs):
    path = allowed(programs)
    with programs.serving(
            "remote", "--allow", path, "--listen", "127.0.0.1:0", "--time-max", "2s",
            "--output-max", "1m") as address:
        with Messages("127.0.0.1", port(address)) as client:
            client.send(run="mixed")
            assert pieces(client) == (
                [("out", b"one\n"), ("err", b"two\n"), ("out", b"three\n")], {"exit": 5})
            client.send(b"; rm -rf /\0$HOME", run="echo")
            assert pieces(client) == ([("out", b"; rm -rf / $HOME\n")], {"exit": 0})
            client.send(run="killed")
            assert pieces(client) == ([], {"killed": "SIGKILL"})
            client.send(run="env")
            said, _ = pieces(client)
            assert sorted(said[0][1].split()) == [b"LANG=C.UTF-8", b"PATH=/usr/bin:/bin"], said
            for name, body, code in [
                    ("hello", b"more", 77), ("rm", b"", 77), ("/bin/sh", b"", 77), ("", b"", 77),
                    ("echo", b"\xff", 65), ("none", b"", 69), ("slow", b"", 74)]:
                client.send(body, run=name)
                assert pieces(client)[1]["code"] == code, name
            client.send(run="loud")
            said, header = pieces(client)
            assert header["code"] == 74 and sum(len(body) for _, body in said) <= 1 << 20


def running(text):
    """Programs whose command line has a text in it."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if text.encode() in path.read_bytes():
                found.append(path)
        except OSError:
            pass  # It has ended.
    return found


def check_a_command_ends_with_its_client(programs):
    path = allowed(programs)
    with programs.serving("remote", "--allow", path, "--listen", "127.0.0.1:0") as address:
        with Messages("127.0.0.1", port(address)) as client:
            client.send(run="slow")
            while not pathlib.Path(programs.folder, "begun").exists():
                time.sleep(0.05)
            assert running(f"{programs.folder}/slow")
        while running(f"{programs.folder}/slow"):
            time.sleep(0.05)


def check_the_client_prints_and_ends_as_the_command(programs):
    path = allowed(programs)
    socket = f"unix:{programs.folder}/socket"
    with programs.serving("remote", "--allow", path, "--listen", socket):
        words = ["remote", "run", "--to", socket]
        assert programs.run(*words, "hello") == "hello\n"
        assert programs.run(*words, "echo", "a b", "", "c") == "a b  c\n"
        assert programs.run(*words, "mixed", code=5) == "one\nthree\n"
        programs.run(*words, "rm", code=77)
        programs.run(*words, "none", code=69)
        programs.run("remote", "run", code=64)


def check_others_need_a_key(programs):
    path = allowed(programs)
    for address in ["0.0.0.0:0", "[::]:0", "127.0.0.1.example.org:0"]:
        programs.run("remote", "--allow", path, "--listen", address, code=64)
    keys = pathlib.Path(programs.folder, "keys")
    keys.write_text(programs.run("auth", "key", "ann"))
    with programs.serving(
            "remote", "--allow", path, "--keys", keys, "--listen", "0.0.0.0:0") as address:
        words = ["remote", "run", "--to", f"127.0.0.1:{port(address)}"]
        assert programs.run(*words, "--user", "ann", "--keys", keys, "hello") == "hello\n"
        programs.run(*words, "hello", code=77)
        with Messages("127.0.0.1", port(address)) as client:
            client.receive()
            assert client.ask(run="hello") is None
