import subprocess

from programs import LIMIT, needs, port


def ncat(address, text):
    return subprocess.run(
        ["ncat", "127.0.0.1", str(port(address))], input=text, capture_output=True, text=True,
        timeout=LIMIT).stdout


def check_ncat_gets_back_what_it_sends(programs):
    needs("ncat")
    with programs.serving("echo", "--listen", "127.0.0.1:0") as address:
        assert ncat(address, "hello\n") == "hello\n"


def check_ncat_gets_capitals(programs):
    needs("ncat")
    with programs.serving("upper", "--listen", "127.0.0.1:0") as address:
        assert ncat(address, "hello\nworld\n") == "HELLO\nWORLD\n"
    with programs.serving("upper", "--once", "--listen", "127.0.0.1:0") as address:
        assert ncat(address, "hello\n") == "HELLO\n"
