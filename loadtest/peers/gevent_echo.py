"""The echo service over gevent: a greenlet for each connection.

    gevent_echo.py PORT
"""

import sys

from gevent.server import StreamServer


def echo(connection, address):
    try:
        while received := connection.recv(65536):
            connection.sendall(received)
    except ConnectionError:
        pass  # The client is gone.


StreamServer(("127.0.0.1", int(sys.argv[1])), echo, backlog=1024).serve_forever()
