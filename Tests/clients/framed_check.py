import struct

from messages import Messages, encoded
from programs import port


def check_python_sends_messages_in_pieces_and_together(programs):
    with programs.serving("framed", "--listen", "127.0.0.1:0") as address:
        with Messages("127.0.0.1", port(address)) as client:
            for byte in encoded(b"one byte after the other", name="grüße 😀"):
                client.socket.sendall(bytes([byte]))
            assert client.receive() == ({"number": 1, "size": 24}, b"one byte after the other")
            client.socket.sendall(encoded(b"two") + encoded(b"") + encoded(b"x" * 1_000_000))
            assert client.receive()[1] == b"two"
            assert client.receive() == ({"number": 3}, b"")
            assert client.receive()[1] == b"x" * 1_000_000


def check_what_is_no_message_is_refused(programs):
    with programs.serving("framed", "--listen", "127.0.0.1:0", "--size-max", "1k") as address:
        for junk in [
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", struct.pack("!I", 4_000_000_000),
            struct.pack("!I", 2) + b"[]", encoded(b"x" * 1_025), struct.pack("<I", 2) + b"{}",
        ]:
            with Messages("127.0.0.1", port(address)) as client:
                client.socket.sendall(junk)
                header, _ = client.receive()
                assert header["code"] == 65, header


def check_the_client_sends_texts(programs):
    with programs.serving("framed", "--listen", "127.0.0.1:0") as address:
        said = programs.run("framed", "send", "--to", address, "hello", "grüße", "")
        assert said == "1: hello\n2: grüße\n3: \n", said
    programs.run("framed", "send", "--to", address, "too late", code=69)
    programs.run("framed", "sned", code=64)
