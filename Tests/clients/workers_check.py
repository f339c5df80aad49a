import pathlib, subprocess

from messages import Messages
from programs import port


def check_python_puts_takes_and_loses_jobs(programs):
    with programs.serving("workers", "--listen", "127.0.0.1:0") as address:
        with Messages("127.0.0.1", port(address)) as producer:
            assert producer.ask(b"later", do="put", priority=1) == ({"id": 1}, b"")
            assert producer.ask(b"sooner", do="put", priority=2) == ({"id": 2}, b"")
            with Messages("127.0.0.1", port(address)) as worker:
                assert worker.ask(do="get")[1] == b"sooner"
                assert worker.ask(do="done", id=2) == ({}, b"")
                assert worker.ask(do="done", id=2)[0]["code"] == 65
                assert worker.ask(do="get")[1] == b"later"
            # It has gone: another one gets what it had.
            with Messages("127.0.0.1", port(address)) as worker:
                header, body = worker.ask(do="get")
                assert (header["attempt"], body) == (2, b"later"), header
                assert producer.ask(do="state")[0]["running"] == 1
                assert producer.ask(do="dance")[0]["code"] == 65
                assert producer.ask(do="put", priority=-1)[0]["code"] == 65


def check_a_command_does_jobs(programs):
    done = pathlib.Path(programs.folder, "done")
    with programs.serving("workers", "--listen", "127.0.0.1:0", "--attempts", 2) as address:
        lines = "".join(f"job number {number}\n" for number in range(50))
        said = programs.run("workers", "put", "--to", address, input=lines)
        assert said.splitlines()[-1] == "job 50", said
        work = ["workers", "work", "--to", address, "--until-empty", "--"]
        workers = [
            subprocess.Popen(
                [programs.command, *work, "sh", "-c", f'line=$(cat); echo "$line" >>{done}'],
                cwd=programs.folder)
            for _ in range(3)
        ]
        assert [worker.wait(60) for worker in workers] == [0, 0, 0]
        assert sorted(done.read_text().split("\n")) == sorted(lines.split("\n"))
        programs.run("workers", "put", "--to", address, "--priority", "9", "one that fails")
        programs.run(*work, "false")
        state = programs.run("workers", "state", "--to", address)
        assert state == "waiting 0, running 0, done 50, given up 1\n", state
    programs.run("workers", "work", code=64)
