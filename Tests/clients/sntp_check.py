import os, re, socket, struct, subprocess, threading, time

from programs import LIMIT, needs, port, search_path

EPOCH = 2_208_988_800  # seconds from 1900 to 1970


def stamp(seconds):
    return int((seconds + EPOCH) * 2**32) & 0xFFFF_FFFF_FFFF_FFFF


def check_a_client_in_python_reads_the_time(programs):
    with programs.serving("sntp", "--listen", "127.0.0.1:0", "--stratum", 3) as address:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(LIMIT)
            sent = stamp(time.time())
            client.sendto(
                struct.pack("!B39xQ", 3 << 3 | 3, sent), ("127.0.0.1", port(address)))
            answer = client.recv(100)
            first, stratum = answer[:2]
            originate, receive, transmit = struct.unpack("!QQQ", answer[24:48])
            assert (first & 7, first >> 3 & 7, stratum) == (4, 3, 3), answer
            assert originate == sent and sent <= receive <= transmit <= stamp(time.time())


def check_ntpdate_reads_the_time(programs):
    needs("ntpdate")
    # It asks port 123 alone.
    if os.getuid() != 0:
        from programs import Missing
        raise Missing("port 123 needs root")
    with programs.serving("sntp", "--listen", "127.0.0.1:123", "--stratum", 3) as address:
        done = subprocess.run(
            ["ntpdate", "-q", "127.0.0.1"], capture_output=True, text=True, timeout=LIMIT,
            env={**os.environ, "PATH": search_path()})
        assert done.returncode == 0 and "127.0.0.1" in done.stdout + done.stderr, done


def check_our_client_finds_the_offset_of_a_server_in_python(programs):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))

    def serve():
        while True:
            question, client = server.recvfrom(100)
            if question == b"end":
                return
            now = stamp(time.time() + 1000)
            originate = struct.unpack("!Q", question[40:48])[0]
            server.sendto(
                struct.pack("!BBBbII4sQQQQ", 4 << 3 | 4, 1, 0, -20, 0, 0, b"TEST", now, originate,
                            now, now), client)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        text = programs.run("sntp", "ask", address, "--samples", 3, "--interval", "10ms")
        offset, error, delay = map(
            float, re.match(r"offset (\S+) s \+- (\S+) s, delay (\S+) s, stratum 1", text).groups())
        assert abs(offset - 1000) <= error + 1e-5 and error >= delay / 2 - 1e-5, text
    finally:
        server.sendto(b"end", server.getsockname())
        thread.join()
        server.close()


def check_chrony_finds_the_time_of_our_server(programs):
    needs("chronyd")
    with programs.serving("sntp", "--listen", "127.0.0.1:0", "--stratum", 3) as address:
        done = subprocess.run(
            ["chronyd", "-Q", "-t", "60", "-f", "/dev/null",
             f"server 127.0.0.1 port {port(address)} iburst maxsamples 2"],
            capture_output=True, text=True, timeout=LIMIT,
            env={**os.environ, "PATH": search_path()})
        text = done.stdout + done.stderr
        assert done.returncode == 0 and "System clock wrong by" in text, text
