import os, re, socket, subprocess, tempfile, time

from programs import LIMIT, needs, port


def until(condition):
    """What it gives that is not false, before a time that only a fault uses up."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError("it did not come")


class Terminal:
    """The program in a terminal of tmux's."""

    def __init__(self, programs):
        needs("tmux")
        # One that has just been told to end is still there for a moment.
        self.socket = os.path.join(tempfile.mkdtemp(dir=programs.folder), "tmux")
        words = [programs.command, "keyboard", "--listen", "127.0.0.1:0"]
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", "sh", "-c",
                  " ".join(words) + "; echo code $?; stty -a | grep -o ' -*icanon'; sleep 60")
        address = until(lambda: re.search(r"listening on (\S+)", self.screen()))[1]
        self.client = socket.create_connection(("127.0.0.1", port(address)), timeout=LIMIT)

    def tmux(self, *words):
        return subprocess.run(
            ["tmux", "-S", self.socket, *words], check=True, capture_output=True, text=True,
            timeout=LIMIT, env={**os.environ, "TERM": "xterm"}).stdout

    def screen(self):
        return self.tmux("capture-pane", "-p")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.client.close()
        self.tmux("kill-server")


def check_a_key_ends_it_while_a_client_is_served(programs):
    for key in ["q", "Q", "C-c"]:
        with Terminal(programs) as terminal:
            terminal.client.sendall(b"hello")
            assert terminal.client.recv(100) == b"hello"
            terminal.tmux("send-keys", "c")
            until(lambda: "1 clients" in terminal.screen())
            terminal.tmux("send-keys", "x")
            until(lambda: "keys: q and Q end it" in terminal.screen())
            terminal.client.sendall(b"still there")
            assert terminal.client.recv(100) == b"still there"
            terminal.tmux("send-keys", key)
            screen = until(lambda: "icanon" in terminal.screen() and terminal.screen())
            assert "the end: 1 clients were served" in screen, screen
            assert "code 0" in screen and "-icanon" not in screen, screen
            assert terminal.client.recv(100) == b""


def check_a_pipe_is_a_keyboard(programs):
    said = programs.run("keyboard", "--listen", "127.0.0.1:0", input="c\nq\n")
    assert "0 clients" in said and "the end" in said, said


def check_the_end_of_standard_input_ends_nothing(programs):
    with programs.serving("keyboard", "--listen", "127.0.0.1:0") as address:
        client = socket.create_connection(("127.0.0.1", port(address)), timeout=LIMIT)
        client.sendall(b"a daemon's")
        assert client.recv(100) == b"a daemon's"
        client.close()
