import pathlib

from messages import Messages
from programs import port


def keys(programs):
    lines = [programs.run("auth", "key", name) for name in ["ann", "bob"]]
    path = pathlib.Path(programs.folder, "keys")
    path.write_text("".join(lines))
    return path, dict(line.split() for line in lines)


def check_python_and_the_server_prove_themselves(programs):
    path, secrets = keys(programs)
    with programs.serving("auth", "--keys", path, "--listen", "127.0.0.1:0") as address:
        with Messages("127.0.0.1", port(address)) as client:
            assert client.prove("ann", secrets["ann"]) is None
            client.socket.sendall(b"any stream")
            assert client.exactly(10) == b"any stream"
        for user, key in [("ann", secrets["bob"]), ("eve", secrets["bob"]), ("", "")]:
            with Messages("127.0.0.1", port(address)) as client:
                refusal = client.prove(user, key)
                assert refusal == {"code": 77, "error": "no such user, or another key"}, refusal
                assert client.receive() is None


def check_the_client_logs_in(programs):
    path, _ = keys(programs)
    with programs.serving("auth", "--keys", path, "--listen", "127.0.0.1:0") as address:
        words = ["auth", "login", "--to", address, "--keys", path, "--user"]
        assert programs.run(*words, "ann", input="hello\nworld\n") == "hello\nworld\n"
        programs.run(*words, "eve", code=66)
        path.write_text(programs.run("auth", "key", "ann"))
        programs.run(*words, "ann", input="hello", code=77)
    programs.run("auth", code=64)
    programs.run("auth", "--keys", "none", code=66)
