#!/usr/bin/env python3
"""Other people's programs against ours: socat, ncat, python's asyncio and gevent as clients of
`echo-server`, and as servers of `peer-program` and `loadtest`, over TCP, Unix sockets and UDP.
`.ci/run peers` installs what it can and calls this.

Each conversation of a stream sends a megabyte, ends its half, and must get all of it back. (What
ncat runs for a client cannot do that: it is talked to in steps.) One of datagrams sends a datagram
as a client, and `loadtest` a hundred. A peer that is not installed is skipped, and said to be. It
takes free ports, and waits for what servers print."""

import contextlib, importlib.util, os, random, re, shutil, subprocess, sys, tempfile

LIMIT = 60  # seconds that only a fault uses up
MESSAGE = random.Random(7).randbytes(1_000_000)
# ".build/release poll epoll": where the programs are, and the drivers to take by turns.
BUILD, *DRIVERS = sys.argv[1:]

# A client reads MESSAGE on its standard input and prints what comes back.
ASYNCIO_CLIENT = """
import asyncio, sys
async def main(kind, *where):
    connect = asyncio.open_unix_connection if kind == 'unix' else asyncio.open_connection
    reader, writer = await connect(*where)
    async def send():
        writer.write(sys.stdin.buffer.read())
        await writer.drain()
        writer.write_eof()
    _, answer = await asyncio.gather(send(), reader.read())
    sys.stdout.buffer.write(answer)
    writer.close()
asyncio.run(main(*sys.argv[1:]))
"""
GEVENT_CLIENT = """
import gevent, gevent.socket as s, sys
kind, *where = sys.argv[1:]
if kind == 'unix':
    c = s.socket(s.AF_UNIX)
    c.connect(where[0])
else:
    c = s.create_connection((where[0], int(where[1])))
def send():
    c.sendall(sys.stdin.buffer.read())
    c.shutdown(s.SHUT_WR)
sending = gevent.spawn(send)
answer = bytearray()
while piece := c.recv(65536): answer += piece
sending.get()
sys.stdout.buffer.write(answer)
"""
# A client of datagrams reads one on its standard input and prints the one that comes back.
DATAGRAM_CLIENT = """
import sys, MODULE as s
c = s.socket(s.AF_INET, s.SOCK_DGRAM)
c.connect((sys.argv[1], int(sys.argv[2])))
c.send(sys.stdin.buffer.read(SIZE))
sys.stdout.buffer.write(c.recv(65536))
"""
ASYNCIO_DATAGRAM_SERVER = """
import asyncio, sys
class Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport): self.transport = transport
    def datagram_received(self, data, peer): self.transport.sendto(data, peer)
async def main(where):
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Echo, local_addr=(where, 0))
    print('listening on', transport.get_extra_info('sockname'), flush=True)
    await asyncio.Event().wait()
asyncio.run(main(*sys.argv[1:]))
"""
GEVENT_DATAGRAM_SERVER = """
import gevent.socket as s, sys
from gevent.server import DatagramServer
class Echo(DatagramServer):
    def handle(self, data, peer): self.socket.sendto(data, peer)
listener = s.socket(s.AF_INET, s.SOCK_DGRAM)
listener.bind((sys.argv[1], 0))
print('listening on', listener.getsockname(), flush=True)
Echo(listener).serve_forever()
"""
# A server prints a line with its port, or any line, when it listens.
ASYNCIO_SERVER = """
import asyncio, sys
async def echo(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()
async def main(kind, where):
    if kind == 'unix': server = await asyncio.start_unix_server(echo, where)
    else: server = await asyncio.start_server(echo, where, 0)
    print('listening on', server.sockets[0].getsockname(), flush=True)
    await server.serve_forever()
asyncio.run(main(*sys.argv[1:]))
"""
GEVENT_SERVER = """
import gevent.socket as s, sys
from gevent.server import StreamServer
def echo(c, _):
    while data := c.recv(65536): c.sendall(data)
kind, where = sys.argv[1:]
listener = s.socket(s.AF_UNIX if kind == 'unix' else s.AF_INET)
listener.bind(where if kind == 'unix' else (where, 0))
listener.listen(16)
print('listening on', listener.getsockname(), flush=True)
StreamServer(listener, echo).serve_forever()
"""


def python(source, *arguments):
    return [sys.executable, "-c", source, *arguments]


CLIENTS = {
    "socat": lambda kind, *where: [
        "socat", "-t", str(LIMIT), "-", ":".join([kind.upper(), *where])],
    "ncat": lambda kind, *where: ["ncat", "-U", *where] if kind == "unix" else ["ncat", *where],
    "asyncio": lambda kind, *where: python(ASYNCIO_CLIENT, kind, *where),
    "gevent": lambda kind, *where: python(GEVENT_CLIENT, kind, *where),
}
SERVERS = {
    "socat": lambda kind, where: [
        "socat", "-d", "-d", "-t", str(LIMIT),
        f"UNIX-LISTEN:{where},fork" if kind == "unix" else f"TCP-LISTEN:0,bind={where},fork",
        "EXEC:cat"],
    "ncat": lambda kind, where: [
        "ncat", "-l", "-k", "-v", "-e", "/bin/cat",
        *(["-U", where] if kind == "unix" else [where, "0"])],
    "asyncio": lambda kind, where: python(ASYNCIO_SERVER, kind, where),
    "gevent": lambda kind, where: python(GEVENT_SERVER, kind, where),
}


DATAGRAM = MESSAGE[:1000]


def datagram_client(module):
    return DATAGRAM_CLIENT.replace("MODULE", module).replace("SIZE", str(len(DATAGRAM)))


DATAGRAM_CLIENTS = {
    "socat": lambda *where: ["socat", "-", ":".join(["UDP", *where])],
    "ncat": lambda *where: ["ncat", "-u", *where],
    "asyncio": lambda *where: python(datagram_client("socket"), *where),
    "gevent": lambda *where: python(datagram_client("gevent.socket"), *where),
}
DATAGRAM_SERVERS = {
    "socat": lambda where: ["socat", "-d", "-d", f"UDP-LISTEN:0,bind={where},fork", "EXEC:cat"],
    "ncat": lambda where: ["ncat", "-u", "-l", "-k", "-v", "-e", "/bin/cat", where, "0"],
    "asyncio": lambda where: python(ASYNCIO_DATAGRAM_SERVER, where),
    "gevent": lambda where: python(GEVENT_DATAGRAM_SERVER, where),
}


def is_installed(peer):
    return peer == "asyncio" or shutil.which(peer) or importlib.util.find_spec(peer)


@contextlib.contextmanager
def running(command):
    """A server that has said that it listens, and the line with which it did."""
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        for line in server.stdout:
            if "istening on" in line:
                break
        else:
            raise SystemExit(f"{command[0]} did not listen; it ended with {server.wait()}")
        yield server, line
    finally:
        server.terminate()
        server.wait(LIMIT)
        server.stdout.close()


def port_of(server, line):
    """The port that a server took: the last number that it printed, or where that is 0, as ncat's,
    the one of its listening socket."""
    port = re.findall(r"\d+", line)[-1]
    if port != "0":
        return port
    descriptors = f"/proc/{server.pid}/fd"
    inodes = {os.readlink(f"{descriptors}/{number}") for number in os.listdir(descriptors)}
    # 0A is a listener of TCP, 07 a socket of UDP that is bound.
    for table, state in [("tcp", "0A"), ("udp", "07")]:
        for row in open(f"/proc/net/{table}").readlines()[1:]:
            fields = row.split()
            if f"socket:[{fields[9]}]" in inodes and fields[3] == state:
                return str(int(fields[1].split(":")[1], 16))
    raise SystemExit(f"no port of {server.args[0]} is known")


def talk(words, command, expected, message=None):
    """Runs a client to its end, and looks at what it printed."""
    done = subprocess.run(command, input=message, capture_output=True, timeout=LIMIT)
    if done.returncode != 0 or done.stdout != expected:
        print(done.stderr.decode(errors="replace"), file=sys.stderr)
        count = len(done.stdout)
        raise SystemExit(f"{words}: exit code {done.returncode}, {count} bytes came back")
    print(f"{words}: ok", flush=True)


def send_datagram(words, command):
    """Runs a client until it has printed as much as was sent; a datagram has no end to wait for."""
    client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    client.stdin.write(DATAGRAM)
    client.stdin.flush()
    answer = client.stdout.read(len(DATAGRAM))
    client.terminate()
    client.communicate(timeout=LIMIT)
    if answer != DATAGRAM:
        raise SystemExit(f"{words}: {len(answer)} bytes came back")
    print(f"{words}: ok", flush=True)


def talk_by_datagrams(peers):
    with running([f"{BUILD}/echo-server", "--listen", "udp:127.0.0.1:0"]) as (_, line):
        port = re.search(r":(\d+) ", line).group(1)
        for peer in peers:
            client = DATAGRAM_CLIENTS[peer]("127.0.0.1", port)
            send_datagram(f"{peer}, client of ours, udp", client)
    for peer in peers:
        with running(DATAGRAM_SERVERS[peer]("127.0.0.1")) as (server, line):
            target = f"udp:127.0.0.1:{port_of(server, line)}"
            ours = [f"{BUILD}/loadtest", target, "-c", "1", "-n", "100", "--warmup", "0", "-q",
                    "--timeout", f"{LIMIT}s", "--fail-if", "errors>0"]
            done = subprocess.run(ours, capture_output=True, text=True, timeout=2 * LIMIT)
            if done.returncode != 0:
                raise SystemExit(f"{peer}, server of ours, udp: {done.stdout}{done.stderr}")
            print(f"{peer}, server of ours, udp: ok", flush=True)


def main():
    folder = tempfile.mkdtemp()
    peers = [peer for peer in CLIENTS if is_installed(peer)]
    for peer in CLIENTS:
        if peer not in peers:
            print(f"{peer}: skipped, because it is not installed and could not be")
    path = f"{folder}/ours"
    ours = [f"{BUILD}/echo-server", "--listen"]
    with running([*ours, "127.0.0.1:0"]) as (_, line), running([*ours, f"unix:{path}"]):
        port = re.search(r":(\d+) ", line).group(1)
        for peer in peers:
            for kind, where in [("tcp", ["127.0.0.1", port]), ("unix", [path])]:
                client = CLIENTS[peer](kind, *where)
                talk(f"{peer}, client of ours, {kind}", client, MESSAGE, MESSAGE)
    # Each driver has its turn with each kind of socket.
    turn = 0
    for peer in peers:
        for kind, where in [("tcp", "127.0.0.1"), ("unix", f"{folder}/{peer}")]:
            with running(SERVERS[peer](kind, where)) as (server, line):
                address = f"unix:{where}" if kind == "unix" else f"{where}:{port_of(server, line)}"
                driver = DRIVERS[(turn // 2 + turn) % len(DRIVERS)]
                turn += 1
                ours = [f"{BUILD}/peer-program", driver, address]
                if peer == "ncat":
                    ours.append("steps")
                words = f"{peer}, server of ours, {kind}, {driver}"
                talk(words, ours, b"1000000 bytes came back\n")
    shutil.rmtree(folder)
    talk_by_datagrams(peers)


main()
