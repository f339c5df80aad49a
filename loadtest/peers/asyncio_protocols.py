"""The echo service over asyncio's protocols: callbacks on an object for each connection.

    asyncio_protocols.py PORT            on asyncio's own event loop
    asyncio_protocols.py PORT uvloop     on uvloop's
"""

import asyncio
import sys


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, received):
        self.transport.write(received)

    # What the client does not read must not pile up here.
    def pause_writing(self):
        self.transport.pause_reading()

    def resume_writing(self):
        self.transport.resume_reading()


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Echo, "127.0.0.1", int(sys.argv[1]), backlog=1024)
    async with server:
        await server.serve_forever()


if sys.argv[2:] == ["uvloop"]:
    from uvloop import run
else:
    from asyncio import run
run(main())
