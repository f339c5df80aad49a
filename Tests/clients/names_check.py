import os, subprocess

from programs import LIMIT, needs, port


def dig(address, *words):
    done = subprocess.run(
        ["dig", "@127.0.0.1", "-p", str(port(address)), *words], capture_output=True, text=True,
        timeout=LIMIT)
    assert done.returncode == 0, done
    text = done.stdout.replace(";; WARNING: recursion requested but not available", "")
    assert "WARNING" not in text, done
    return text


def check_dig_finds_what_the_hosts_file_says(programs):
    needs("dig")
    path = os.path.join(programs.folder, "hosts")
    with open(path, "w") as file:
        file.write("192.0.2.1 one.example one # a comment\n2001:db8::1 one.example\n")
        for number in range(100):
            file.write(f"198.51.100.{number} many.example\n")
    with programs.serving("names", "--listen", "127.0.0.1:0", "--hosts", path) as address:
        for words in ([], ["+tcp"], ["+noedns"]):
            assert dig(address, "+short", *words, "ONE.example") == "192.0.2.1\n"
            assert dig(address, "+short", *words, "one.example", "AAAA") == "2001:db8::1\n"
            assert dig(address, "+short", *words, "-x", "192.0.2.1") == "one.example.\n"
            assert dig(address, "+short", *words, "-x", "2001:db8::1") == "one.example.\n"
            assert "NXDOMAIN" in dig(address, *words, "none.example")
            nothing = dig(address, *words, "one.example", "MX")
            assert "NOERROR" in nothing and "ANSWER: 0" in nothing, nothing
        cut = dig(address, "+ignore", "many.example")
        assert " tc" in cut and "ANSWER: 0" in cut, cut
        # Without +ignore it asks again over TCP.
        assert len(dig(address, "+short", "many.example").splitlines()) == 100
        assert len(dig(address, "+short", "+tcp", "+keepopen", "one", "one.example").split()) == 2


def check_a_broken_hosts_file_is_said(programs):
    path = os.path.join(programs.folder, "hosts")
    programs.run("names", "--hosts", path, code=66)
    with open(path, "w") as file:
        file.write("1.2.3 a\n")
    programs.run("names", "--hosts", path, code=65)
