import filecmp, os, random, shutil, socket, subprocess, time

from programs import LIMIT, needs, port, search_path

SIZE = 100 * 1024 * 1024
# In blocks of 512 bytes each way waits for each: as many as make their count begin again.
SMALL = 512 * 70_000


def made(folder, name, size):
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(random.Random(size).randbytes(size))
    return path


def call(*words, **options):
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, timeout=LIMIT,
        env={**os.environ, "PATH": search_path()}, **options)
    return done


def same(one, other):
    assert filecmp.cmp(one, other, shallow=False), (one, other)


def served(programs, size, work, *words):
    root = os.path.join(programs.folder, "root")
    os.mkdir(root)
    made(root, "file", size)
    with programs.serving(
            "tftp", "--listen", "127.0.0.1:0", "--root", root, "--write", *words) as address:
        work(address, root)
    assert sorted(name for name in os.listdir(root) if name.startswith(".")) == []


def check_tftp_hpa_gets_and_puts_100_MB(programs):
    needs("tftp")

    def work(address, root):
        got = os.path.join(programs.folder, "got")
        words = ["tftp", "-m", "octet", "127.0.0.1", port(address), "-c"]
        call(*words, "get", "file", got)
        same(os.path.join(root, "file"), got)
        call(*words, "put", got, "file-put")
        same(got, os.path.join(root, "file-put"))
        stolen = os.path.join(programs.folder, "stolen")
        done = call("tftp", "127.0.0.1", port(address), "-c", "get", "../secret", stolen)
        assert "Error" in done.stdout + done.stderr, done

    served(programs, SIZE, work)


def check_atftp_gets_and_puts_100_MB(programs):
    needs("atftp")

    def work(address, root):
        got = os.path.join(programs.folder, "got")
        made(root, "small", SMALL)
        for file, options in (("small", []), ("file", ["blksize 1428", "windowsize 8"])):
            words = [word for option in options for word in ("--option", option)]
            words = ["atftp", *words, "-l", got]
            done = call(*words, "--get", "-r", file, "127.0.0.1", port(address))
            assert done.returncode == 0, done
            same(os.path.join(root, file), got)
            done = call(*words, "--put", "-r", file + "-put", "127.0.0.1", port(address))
            assert done.returncode == 0, done
            same(got, os.path.join(root, file + "-put"))
            os.remove(got)

    served(programs, SIZE, work)


def check_our_client_and_server_move_100_MB_and_text(programs):
    def work(address, root):
        for words in ([], ["--block-size", "8192", "--window", "16"]):
            programs.run("tftp", "get", address, "file", "got", *words)
            got = os.path.join(programs.folder, "got")
            same(os.path.join(root, "file"), got)
            name = f"put{len(words)}"
            programs.run("tftp", "put", address, "got", name, *words)
            same(got, os.path.join(root, name))
        with open(os.path.join(root, "text"), "wb") as file:
            file.write(b"one\ntwo\rthree\r\n\n" * 1000)
        programs.run("tftp", "get", address, "text", "text", "--text")
        same(os.path.join(root, "text"), os.path.join(programs.folder, "text"))

    served(programs, SIZE, work)


def check_tftp_hpa_agrees_about_lines(programs):
    needs("tftp")

    def work(address, root):
        text = os.path.join(programs.folder, "lines")
        with open(text, "wb") as file:
            file.write(b"a line\n" * 5000)
        call("tftp", "-m", "ascii", "127.0.0.1", port(address), "-c", "put", text, "lines")
        same(text, os.path.join(root, "lines"))
        got = os.path.join(programs.folder, "got")
        call("tftp", "-m", "ascii", "127.0.0.1", port(address), "-c", "get", "lines", got)
        same(text, got)

    served(programs, 10, work)


def check_our_client_gets_and_puts_100_MB_at_tftpd_hpa(programs):
    needs("in.tftpd")
    root = os.path.join(programs.folder, "root")
    os.mkdir(root, 0o777)
    os.chmod(programs.folder, 0o755)
    os.chmod(root, 0o777)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        number = free.getsockname()[1]
    server = subprocess.Popen(
        [shutil.which("in.tftpd", path=search_path()), "--foreground", "--listen", "--create",
         "--secure", "--user", "nobody" if os.getuid() == 0 else os.environ.get("USER", ""),
         "--address", f"127.0.0.1:{number}", root],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        sent = made(programs.folder, "sent", SIZE)
        address = f"127.0.0.1:{number}"
        # The first one is asked until the server is there.
        programs.run("tftp", "put", address, "sent", "file", "--tries", 100)
        same(sent, os.path.join(root, "file"))
        programs.run("tftp", "get", address, "file", "got")
        same(sent, os.path.join(programs.folder, "got"))
        programs.run("tftp", "get", address, "none", "none", code=65)
    finally:
        server.terminate()
        server.wait()


def check_no_name_leaves_the_root(programs):
    with open(os.path.join(programs.folder, "secret"), "w") as file:
        file.write("secret")

    def work(address, root):
        os.symlink("../secret", os.path.join(root, "link"))
        os.symlink("..", os.path.join(root, "up"))
        for name in ["../secret", "a/../../secret", "/../secret", "link", "up/secret", "..", "",
                     "./../secret", "file/", "up/new", ".hidden"]:
            for kind in (1, 2):
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                    client.settimeout(LIMIT)
                    request = bytes([0, kind]) + name.encode() + b"\0octet\0"
                    client.sendto(request, ("127.0.0.1", port(address)))
                    answer = client.recv(2000)
                    if name == "file/" and kind == 1:
                        continue
                    assert answer[:2] == b"\0\5", (name, kind, answer)
        for name in ["new", "secret2"]:
            assert not os.path.exists(os.path.join(programs.folder, name))
        with open(os.path.join(programs.folder, "secret")) as file:
            assert file.read() == "secret"

    served(programs, 10, work)
