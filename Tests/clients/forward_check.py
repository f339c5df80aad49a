import json, os, subprocess

from programs import LIMIT, needs, port


def check_ncat_through_two_targets_of_which_one_is_dead(programs):
    needs("ncat")
    with programs.serving("upper", "--listen", "127.0.0.1:0") as target, \
            programs.serving(
                "forward", "--to", "127.0.0.1:1", "--to", target, "--listen", "127.0.0.1:0"
            ) as middle:
        for _ in range(3):
            answer = subprocess.run(
                ["ncat", "127.0.0.1", str(port(middle))], input="hello\n", text=True,
                capture_output=True, timeout=LIMIT).stdout
            assert answer == "HELLO\n", answer


def check_loadtest_through_it_loses_nothing(programs):
    loadtest = os.path.join(os.path.dirname(programs.command), "loadtest")
    needs(loadtest)
    with programs.serving("echo", "--listen", "127.0.0.1:0") as target, \
            programs.serving("forward", "--to", target, "--listen", "127.0.0.1:0") as middle:
        words = [loadtest, middle, "--conns", "100", "--requests", "20000", "--warmup", "0",
            "--json", f"{programs.folder}/run.json"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=LIMIT)
        assert done.returncode == 0, done.stdout + done.stderr
        with open(f"{programs.folder}/run.json") as file:
            assert json.load(file)["counts"]["answered"] == 20_000, done.stdout
