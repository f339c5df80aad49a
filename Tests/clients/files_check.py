import hashlib, os, pathlib, random

from messages import Messages
from programs import port


def prepared(programs):
    """A file of keys for two users, and the options of a server and of a client."""
    keys = pathlib.Path(programs.folder, "keys")
    keys.write_text("".join(programs.run("auth", "key", name) for name in ["ann", "bob"]))
    root = pathlib.Path(programs.folder, "root")
    root.mkdir()
    return root, dict(line.split() for line in keys.read_text().splitlines()), [
        "files", "--keys", keys, "--listen", "127.0.0.1:0", "--root", root], keys


def check_files_go_there_and_back(programs):
    root, _, server, keys = prepared(programs)
    content = random.Random(1).randbytes(3_000_000)
    pathlib.Path(programs.folder, "big.bin").write_bytes(content)
    pathlib.Path(programs.folder, "empty").write_bytes(b"")
    with programs.serving(*server, "--quota", "4m") as address:
        def run(verb, *words, user="ann", code=0):
            return programs.run(
                "files", verb, "--to", address, "--keys", keys, "--user", user, *words, code=code)

        run("put", "big.bin", f"{programs.folder}/empty")
        assert run("list") == "3000000 big.bin\n0 empty\n"
        assert run("list", user="bob") == ""
        assert (root / "ann" / "big.bin").read_bytes() == content
        os.mkdir(f"{programs.folder}/there")
        run("get", "--into", "there", "big.bin", "empty")
        assert pathlib.Path(programs.folder, "there", "big.bin").read_bytes() == content
        run("get", "big.bin", user="bob", code=66)
        run("get", "../bob/keys", code=65)
        run("put", "none", code=66)
        pathlib.Path(programs.folder, "more").write_bytes(b"x" * 2_000_000)
        run("put", "more", code=69)
        run("put", "more", user="bob")
        run("remove", "big.bin")
        run("put", "more")
        run("list", "what", code=64)
        run("put", code=64)
    assert sorted(os.listdir(root / "ann")) == ["empty", "more"]


def check_python_goes_on_where_it_was_broken_off(programs):
    root, secrets, server, _ = prepared(programs)
    content = random.Random(2).randbytes(1_000_000)
    header = {"name": "a", "length": len(content), "sum": hashlib.sha256(content).hexdigest()}
    with programs.serving(*server) as address:
        place, breaks = 0, 0
        while place < len(content):
            with Messages("127.0.0.1", port(address)) as client:
                assert client.prove("ann", secrets["ann"]) is None
                answer, _ = client.ask(do="put", **header)
                if "error" in answer:
                    continue  # The last connection is not gone yet.
                assert answer["from"] >= place, (answer, place)
                place = answer["from"]
                for _ in range(random.Random(breaks).randrange(1, 20)):
                    client.send(content[place:place + 20_000])
                    place = min(place + 20_000, len(content))
                    if place == len(content):
                        assert client.receive() == ({}, b"")
                        break
                else:
                    place = answer["from"]
                    assert not (root / "ann" / "a").exists()
                breaks += 1
        assert (root / "ann" / "a").read_bytes() == content and breaks > 1
        with Messages("127.0.0.1", port(address)) as client:
            assert client.prove("ann", secrets["ann"]) is None
            offer, _ = client.ask(do="get", name="a")
            assert offer == header
            client.send(**{"from": 999_000})
            assert client.receive()[1] == content[999_000:]
            assert client.ask() == ({}, b"")
            for name in ["", "..", "a/b", "/etc/passwd", "a\0", "\u202ea", ".a"]:
                assert client.ask(do="get", name=name)[0]["code"] == 65, name
            assert client.ask(do="dance")[0]["code"] == 65
