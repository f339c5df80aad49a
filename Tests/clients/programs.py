"""Example programs as processes, for the checks in this folder."""

import contextlib, importlib.util, os, re, shutil, signal, subprocess, tempfile

LIMIT = 120  # seconds that only a fault uses up


class Missing(Exception):
    """Something that a check needs is not installed."""


def needs(*commands):
    """Raises `Missing` for a command that is not there, unless another one separated by | is."""
    for command in commands:
        if not any(shutil.which(name, path=search_path()) for name in command.split("|")):
            raise Missing(f"there is no {command}")


def needs_module(name):
    if importlib.util.find_spec(name) is None:
        raise Missing(f"python has no module {name}")


def search_path():
    return os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


class Programs:
    """Starts `example NAME …`, in an empty folder of its own, and ends all that it started."""

    def __init__(self, build):
        self.command = os.path.join(os.path.abspath(build), "example")
        self.ends = contextlib.ExitStack()

    def __enter__(self):
        self.folder = self.ends.enter_context(tempfile.TemporaryDirectory())
        return self

    def __exit__(self, *error):
        return self.ends.__exit__(*error)

    @contextlib.contextmanager
    def serving(self, *words, code=0):
        """A server, by "HOST:PORT" once it listens; it must end with `code` after SIGTERM."""
        server = subprocess.Popen(
            [self.command, *map(str, words)], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.folder)
        try:
            lines = (re.search(r"listening on (\S+)", line) for line in server.stdout)
            match = next(filter(None, lines), None)
            if not match:
                raise AssertionError(f"{words} ended: {server.stderr.read()}")
            yield match[1]
            server.send_signal(signal.SIGTERM)
            output, errors = server.communicate(timeout=LIMIT)
            assert server.returncode == code, (words, server.returncode, output, errors)
        finally:
            server.kill()
            server.wait()

    def run(self, *words, input=None, code=0):
        """What a program prints that ends by itself; it must end with `code`."""
        done = subprocess.run(
            [self.command, *map(str, words)], input=input, capture_output=True, text=True,
            timeout=LIMIT, cwd=self.folder)
        assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
        return done.stdout


def port(address):
    """The number behind the last colon: of "127.0.0.1:7007" or "[::1]:7007"."""
    return int(address.rpartition(":")[2])
