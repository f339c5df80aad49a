"""The echo service over trio: a task for each connection.

    trio_echo.py PORT
"""

import sys

import trio


async def echo(stream):
    try:
        async for received in stream:
            await stream.send_all(received)
    except trio.BrokenResourceError:
        pass  # The client is gone.


async def main():
    await trio.serve_tcp(echo, int(sys.argv[1]), host="127.0.0.1", backlog=1024)


trio.run(main)
