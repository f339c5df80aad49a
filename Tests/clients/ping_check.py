import re, subprocess

from networks import ADDRESSES, ADDRESSES_IPV6, impair, on, run, two_hosts
from programs import LIMIT, needs


def figures(text):
    """What was sent and received, and the round trips: least, mean, most; of either program."""
    sent, received = re.search(r"(\d+) (?:packets transmitted|sent), (\d+) received", text).groups()
    times = re.search(r"= ([\d.]+)/([\d.]+)/([\d.]+)/", text)
    return int(sent), int(received), [float(time) for time in times.groups()] if times else []


def both(programs, address, *words):
    """The figures of the system's ping and of ours."""
    theirs = run(*on(0, "ping", "-q", "-i", "0.01", *words, address), check=False)
    ours = run(*on(0, programs.command, "ping", address, "-q", "-i", "10ms", *words), check=False)
    assert theirs.returncode in (0, 1) and ours.returncode in (0, 69), (theirs, ours)
    return figures(theirs.stdout), figures(ours.stdout)


def check_all_that_the_system_s_ping_gets_we_get(programs):
    needs("ping")
    with two_hosts():
        for address in (ADDRESSES[1], ADDRESSES_IPV6[1], "127.0.0.1", "::1"):
            theirs, ours = both(programs, address, "-c", 20)
            assert theirs[:2] == ours[:2] == (20, 20), (theirs, ours)
            assert len(theirs[2]) == len(ours[2]) == 3, (theirs, ours)


def check_round_trips_and_losses_are_those_of_the_system_s_ping(programs):
    needs("ping")
    with two_hosts():
        for address in (ADDRESSES[1], ADDRESSES_IPV6[1]):
            impair("delay", "20ms")
            theirs, ours = both(programs, address, "-c", 20)
            assert theirs[:2] == ours[:2] == (20, 20), (theirs, ours)
            # Nothing is faster than the delay; how much slower it may be is the machine's.
            assert min(theirs[2][0], ours[2][0]) >= 20, (theirs, ours)
            assert abs(theirs[2][0] - ours[2][0]) < 20, (theirs, ours)
            impair("loss", "30%")
            theirs, ours = both(programs, address, "-c", 300)
            # 90 of 300 are lost, give or take 8; six times that never happens.
            for sent, received, _ in (theirs, ours):
                assert sent == 300 and abs(sent - received - 90) < 48, (theirs, ours)


def check_a_host_that_is_not_there_does_not_answer(programs):
    with two_hosts():
        words = on(0, programs.command, "ping", "10.78.0.9", "-c", 2, "-i", "100ms")
        done = run(*words, check=False)
        assert done.returncode == 69 and "2 sent, 0 received, 100.0 % lost" in done.stdout, done


def check_raw_sockets_do_where_ping_sockets_are_not_allowed(programs):
    with two_hosts():
        run(*on(0, "sysctl", "-qw", "net.ipv4.ping_group_range=1 0"))
        for address in (ADDRESSES[1], ADDRESSES_IPV6[1]):
            done = run(*on(0, programs.command, "ping", address, "-c", 3, "-i", "10ms"))
            assert "3 sent, 3 received" in done.stdout, done
