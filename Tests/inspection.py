#!/usr/bin/env python3
"""Other people's programs ask `echo-server --inspect` what it does: curl and nc, where they are
installed, Prometheus' own parser, where it is, and a check of the JSON against
docs/inspection.schema.json.
`.ci/run main` calls this with the folder of the built commands."""

import json, os, shutil, signal, socket, subprocess, sys, tempfile
import jsonschema
try:
    from prometheus_client.parser import text_string_to_metric_families
except ImportError:
    text_string_to_metric_families = None

LIMIT = 60  # seconds that only a fault uses up
BUILD = sys.argv[1]


def ask(path, request):
    """What comes back for some bytes over a Unix socket."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(LIMIT)
        client.connect(path)
        client.sendall(request)
        answer = bytearray()
        while piece := client.recv(65_536):
            answer += piece
        return answer.decode()


def check_json(text):
    document = json.loads(text)
    jsonschema.validate(document, json.load(open("docs/inspection.schema.json")))
    assert [loop["state"] for loop in document["loops"]] == ["answers"] * 2, document
    return document


def check_metrics(text):
    if not text_string_to_metric_families:
        return "no"
    families = {family.name: family for family in text_string_to_metric_families(text)}
    accepted = families["swiftlet_server_accepted"]
    assert accepted.type == "counter" and len(accepted.samples) == 1, accepted
    turns = families["swiftlet_loop_turn_seconds"]
    assert turns.type == "histogram", turns
    assert sorted({sample.labels["loop"] for sample in turns.samples}) == ["0", "1"], turns
    return len(families)


def main():
    folder = tempfile.mkdtemp()
    path = f"{folder}/inspect"
    command = [f"{BUILD}/echo-server", "--listen", "127.0.0.1:0", "--loops", "2"]
    server = subprocess.Popen(
        [*command, "--inspect", f"unix:{path}"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        server.stdout.readline()
        assert os.stat(path).st_mode & 0o777 == 0o600
        check_json(ask(path, b"json\n"))
        count = check_metrics(ask(path, b"metrics\n"))
        print(f"json keeps to its schema, and Prometheus' parser reads {count} metrics")
        if shutil.which("curl"):
            curl = ["curl", "-sS", "--fail", "--unix-socket", path, "-m", str(LIMIT)]
            for way, check in [("json", check_json), ("metrics", check_metrics)]:
                for more in [[], ["--http1.0"]]:
                    check(subprocess.check_output(
                        [*curl, *more, f"http://x/{way}"], text=True, timeout=LIMIT))
            assert subprocess.run([*curl, "http://x/else"], capture_output=True).returncode == 22
            print("curl: ok")
        for name in ["nc", "ncat"]:
            if not shutil.which(name):
                continue
            # One that says nothing gets text.
            for line, start in [(b"", b"loop 0: "), (b"json\n", b"{")]:
                told = subprocess.run(
                    [name, "-U", path], input=line, capture_output=True, timeout=LIMIT).stdout
                assert told.startswith(start), told
            print(f"{name}: ok")
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(LIMIT)
    assert not os.path.exists(path)
    os.rmdir(folder)


main()
