"""The messages of the example programs, as a program in Python writes and reads them: 4 bytes, a
JSON header of so many bytes, and a body of its "size"."""

import hashlib, hmac, json, os, socket, struct


class Messages:
    def __init__(self, host, port):
        self.socket = socket.create_connection((host, port), timeout=60)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.socket.close()

    def send(self, body=b"", **header):
        self.socket.sendall(encoded(body, **header))

    def receive(self):
        """A header and a body; None at the end."""
        prefix = self.exactly(4)
        if prefix is None:
            return None
        header = json.loads(self.exactly(struct.unpack("!I", prefix)[0]))
        return header, self.exactly(header.get("size", 0))

    def ask(self, body=b"", **header):
        self.send(body, **header)
        return self.receive()

    def exactly(self, count):
        data = b""
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                assert not data, f"the stream ended after {data!r}"
                return None
            data += piece
        return data

    def prove(self, user, key):
        """The client's side of the handshake; what the server refuses with, or None."""
        challenge, _ = self.receive()
        nonce = os.urandom(32).hex()

        def proof(role):
            fields = [role, challenge["nonce"], nonce, user]
            text = "".join(f"{len(field.encode())}:{field}" for field in fields)
            return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()

        answer, _ = self.ask(user=user, nonce=nonce, proof=proof("client"))
        if "error" in answer:
            return answer
        assert hmac.compare_digest(answer["proof"], proof("server"))


def encoded(body=b"", **header):
    if body:
        header["size"] = len(body)
    text = json.dumps(header).encode()
    return struct.pack("!I", len(text)) + text + body
