import contextlib, socket, subprocess

from programs import LIMIT, needs, port


def hear(stream, text):
    for line in stream:
        if line.strip().endswith(text):
            return
    raise AssertionError(f"the stream ended before {text!r}")


@contextlib.contextmanager
def process(*words):
    client = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield client
    finally:
        client.kill()
        client.wait()


def check_nc_and_socat_talk(programs):
    needs("ncat", "socat")
    with programs.serving("chat", "--listen", "127.0.0.1:0") as address:
        number = str(port(address))
        with process("ncat", "127.0.0.1", number) as ann, \
                process("socat", "-", f"TCP:127.0.0.1:{number}") as bob:
            for client, name in [(ann, "ann"), (bob, "bob")]:
                print(f"/nick {name}\n/join tea", file=client.stdin, flush=True)
                hear(client.stdout, f"* {name} is here")
            print("hello", file=bob.stdin, flush=True)
            hear(ann.stdout, "<bob> hello")
            print("/quit", file=bob.stdin, flush=True)
            hear(ann.stdout, "* bob has left")
            assert bob.wait(LIMIT) == 0


def check_datagrams_and_lines_meet(programs):
    with contextlib.ExitStack() as ends:
        free = ends.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        free.bind(("127.0.0.1", 0))
        where = free.getsockname()
        free.close()
        listen = ["--listen", f"unix:{programs.folder}/chat", "--udp", "%s:%d" % where]
        ends.enter_context(programs.serving("chat", *listen))
        line = ends.enter_context(socket.socket(socket.AF_UNIX))
        line.connect(f"{programs.folder}/chat")
        line.sendall(b"/nick ann\n/join tea\n")
        lines = line.makefile()
        hear(lines, "* ann is here")
        peer = ends.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        peer.settimeout(LIMIT)
        peer.connect(where)
        for text in ["/nick bob", "/join tea", "hello"]:
            peer.send(text.encode())
        hear(lines, "<bob> hello")
        line.sendall(b"hi\n")
        while peer.recv(2_000) != b"<ann> hi\n":
            pass
