"""The echo service over asyncio's streams: a task for each connection.

    asyncio_streams.py PORT            on asyncio's own event loop
    asyncio_streams.py PORT uvloop     on uvloop's
"""

import asyncio
import sys


async def echo(reader, writer):
    try:
        while received := await reader.read(65536):
            writer.write(received)
            await writer.drain()
        writer.close()
        await writer.wait_closed()
    except ConnectionError:
        writer.close()  # The client is gone.


async def main():
    server = await asyncio.start_server(echo, "127.0.0.1", int(sys.argv[1]), backlog=1024)
    async with server:
        await server.serve_forever()


if sys.argv[2:] == ["uvloop"]:
    from uvloop import run
else:
    from asyncio import run
run(main())
