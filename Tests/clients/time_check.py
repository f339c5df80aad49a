import datetime, os, re, socket, struct, subprocess, tempfile, time

from programs import LIMIT, Missing, needs, port, search_path

EPOCH = 2_208_988_800  # seconds from 1900 to 1970


def over_tcp(number, text=b"", size=None):
    with socket.create_connection(("127.0.0.1", number), timeout=LIMIT) as client:
        client.sendall(text)
        if size is None:
            client.shutdown(socket.SHUT_WR)
        got = b""
        while size is None or len(got) < size:
            piece = client.recv(65536)
            if not piece:
                break
            got += piece
        return got[:size]


def over_udp(number, text=b"x"):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(1)
        for _ in range(LIMIT):
            client.sendto(text, ("127.0.0.1", number))
            try:
                return client.recv(65536)
            except TimeoutError:
                pass


def is_now(bytes):
    return abs(struct.unpack("!I", bytes)[0] - EPOCH - time.time()) < 5


def serving(programs, name):
    return programs.serving("time", "--only", name, "--listen", "127.0.0.1:0")


def check_rdate_reads_the_time(programs):
    needs("rdate")
    with serving(programs, "time") as address:
        for words in ([], ["-u"]):
            done = subprocess.run(
                ["rdate", "-p", "-o", str(port(address)), *words, "127.0.0.1"],
                capture_output=True, text=True, timeout=LIMIT,
                env={**os.environ, "PATH": search_path(), "TZ": "UTC", "LC_ALL": "C"})
            year = str(datetime.datetime.now(datetime.timezone.utc).year)
            assert done.returncode == 0 and year in done.stdout, done


def check_nmap_knows_daytime(programs):
    needs("nmap")
    with serving(programs, "daytime") as address:
        done = subprocess.run(
            ["nmap", "-Pn", "-sT", "-p", str(port(address)), "--script", "+daytime", "127.0.0.1"],
            capture_output=True, text=True, timeout=LIMIT)
        assert re.search(r"daytime: \d\d [A-Z]{3} \d{4} \d\d:\d\d:\d\d UTC", done.stdout), done


def check_each_service_over_tcp_and_udp(programs):
    with serving(programs, "time") as address:
        assert is_now(over_tcp(port(address))) and is_now(over_udp(port(address)))
    with serving(programs, "echo") as address:
        assert over_tcp(port(address), b"hello") == over_udp(port(address), b"hello") == b"hello"
    with serving(programs, "discard") as address:
        assert over_tcp(port(address), b"x" * 1_000_000) == b""
    with serving(programs, "quote") as address:
        assert over_tcp(port(address)).endswith(b"\r\n") and len(over_udp(port(address))) < 512
    with serving(programs, "chargen") as address:
        assert len(over_tcp(port(address), size=100_000)) == 100_000
        assert len(over_udp(port(address))) <= 512


def check_xinetd_answers_the_same(programs):
    needs("xinetd")
    kinds = {"time": "time", "daytime": "daytime", "echo": "echo", "discard": "discard",
             "chargen": "chargen"}
    ports = {}
    for name in kinds:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            ports[name] = free.getsockname()[1]
    path = os.path.join(programs.folder, "xinetd.conf")
    with open(path, "w") as file:
        for name, number in ports.items():
            for protocol, kind in (("tcp", "stream"), ("udp", "dgram")):
                wait = "yes" if protocol == "udp" else "no"
                file.write(
                    f"service {name}\n{{\n type = INTERNAL UNLISTED\n id = {name}-{kind}\n"
                    f" socket_type = {kind}\n protocol = {protocol}\n wait = {wait}\n"
                    f" port = {number}\n bind = 127.0.0.1\n user = root\n disable = no\n}}\n")
    server = subprocess.Popen(
        ["xinetd", "-dontfork", "-f", path, "-pidfile", path + ".pid"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, "PATH": search_path()})
    try:
        for _ in range(100):
            try:
                over_tcp(ports["time"])
                break
            except ConnectionRefusedError:
                time.sleep(0.1)
        else:
            raise Missing("xinetd does not serve here")
        with serving(programs, "daytime") as address:
            form = re.compile(rb"\d\d [A-Z]{3} \d{4} \d\d:\d\d:\d\d [A-Z]+\r\n")
            for ask in (over_tcp, over_udp):
                theirs, ours = ask(ports["daytime"]), ask(port(address))
                assert form.fullmatch(theirs) and form.fullmatch(ours), (theirs, ours)
        with serving(programs, "time") as address:
            for ask in (over_tcp, over_udp):
                assert is_now(ask(ports["time"])) and is_now(ask(port(address)))
        with serving(programs, "chargen") as address:
            theirs, ours = (over_tcp(number, size=74 * 95 * 2) for number in
                            (ports["chargen"], port(address)))
            # The same lines; theirs leave "~" and the space out, so those differ that come around.
            lines = {line for line in theirs.split(b"\r\n") if line and b"}!" not in line}
            assert len(lines) > 20 and lines <= set(ours.split(b"\r\n")), lines
        with serving(programs, "echo") as address:
            for ask in (over_tcp, over_udp):
                assert ask(ports["echo"], b"hello") == ask(port(address), b"hello") == b"hello"
        with serving(programs, "discard") as address:
            assert over_tcp(ports["discard"], b"x" * 9999) == over_tcp(port(address), b"x" * 9999)
    finally:
        server.terminate()
        server.wait()
