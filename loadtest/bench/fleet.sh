#!/usr/bin/env bash
# Tries the spread run of docs/fleet.md for real: hosts as network namespaces of this machine, ssh
# between them, GNU parallel to start the parts, `loadtest merge` to put them together. Then the
# same again with one host whose network ends in the middle of it.
#
#     fleet.sh [DIRECTORY]     leaves the parts and what was merged there, if it is given
#
#     operator 10.77.0.2  ──┐
#     load-1   10.77.0.11 ──┤
#     load-2   10.77.0.12 ──┼── switch ── server 10.77.0.1:7788
#     load-3   10.77.0.13 ──┘
#
# Needs root, iproute2, openssh-server, parallel, python3 and `swift build -c release`. The
# namespaces know nothing of the real network, and are gone at the end.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
out=$(realpath -m "${1:-$work/out}")
mkdir -p "$out" "$work/parallel"
program=$PWD/.build/release/loadtest
prefix=swl$$
hosts=(operator server load-1 load-2 load-3)
addresses=(10.77.0.2 10.77.0.1 10.77.0.11 10.77.0.12 10.77.0.13)
made_folder=

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "fleet.sh: $*"
    exit 1
}

on() { ip netns exec "$prefix-$1" "${@:2}"; }

# Ends what runs in a namespace, by number.
quell() {
    local number
    for number in $(ip netns pids "$prefix-$1" 2>/dev/null); do
        kill -KILL "$number" 2>/dev/null
    done
}

cleanup() {
    local host
    for host in "${hosts[@]}" switch; do
        quell "$host"
        ip netns del "$prefix-$host" 2>/dev/null
    done
    { wait; } 2>/dev/null
    rm -rf "$work"
    if [ -n "$made_folder" ]; then rmdir /run/sshd; fi
}
trap 'cleanup || true' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Tries a command until it holds, or for a minute.
await() {
    local tries
    for tries in {1..600}; do
        if "$@" >/dev/null 2>&1; then return; fi
        sleep 0.1
    done
    fail "still in vain after $tries tries: $*"
}

build_network() {
    ip netns add "$prefix-switch"
    on switch ip link add bridge type bridge
    on switch ip link set bridge up
    local index host
    for index in "${!hosts[@]}"; do
        host=${hosts[index]}
        ip netns add "$prefix-$host"
        on switch ip link add "port$index" type veth peer name eth0 netns "$prefix-$host"
        on switch ip link set "port$index" master bridge up
        on "$host" ip address add "${addresses[index]}/24" dev eth0
        on "$host" ip link set lo up
        on "$host" ip link set eth0 up
    done
}

start_ssh() {
    # sshd insists on this folder, and packages leave it to the boot to make it.
    if mkdir /run/sshd 2>/dev/null; then made_folder=yes; fi
    ssh-keygen -q -t ed25519 -N '' -f "$work/host"
    ssh-keygen -q -t ed25519 -N '' -f "$work/user"
    cat >"$work/config" <<CONFIG
Host 10.77.0.*
  User root
  IdentityFile $work/user
  UserKnownHostsFile /dev/null
  StrictHostKeyChecking no
  LogLevel ERROR
  ServerAliveInterval 2
  ServerAliveCountMax 2
CONFIG
    local index
    for index in 2 3 4; do
        on "${hosts[index]}" /usr/sbin/sshd -D -f /dev/null -E "$work/sshd" -o PidFile=none \
            -o "HostKey=$work/host" -o "AuthorizedKeysFile=$work/user.pub" -o StrictModes=no \
            -o PermitRootLogin=yes -o UsePAM=no >/dev/null 2>&1 &
        printf '%s\n' "${addresses[index]}" >>"$work/hosts.txt"
    done
    local address
    while read -r address; do
        await on operator ssh -n -F "$work/config" "$address" true
    done <"$work/hosts.txt"
}

# The spread run of docs/fleet.md; returns what parallel does.
spread() {
    local folder=$1 start
    # Time enough for a busy machine to start three parts.
    start=$(($(date +%s) + 10))
    say "three hosts, 1,000 connections and 3,000 requests per second in all"
    PARALLEL_HOME=$work/parallel on operator timeout 60 parallel --will-cite --jobs 0 \
        --joblog "$folder/jobs.tsv" --results "$folder/parts" --halt soon,fail=1 \
        ssh -n -F "$work/config" '{}' \
        "'$program 10.77.0.1:7788 --conns 1k --rate 3k -d 3s --interval 1s --shard {#}/3 \
            --start-at $start --run-id fleet-$start --json -'" \
        :::: "$work/hosts.txt" >/dev/null 2>"$folder/log"
}

# Merges the parts that came back; a host that died leaves an empty one.
merge() {
    local folder=$1 parts
    shift
    mapfile -t parts < <(find "$folder/parts" -name stdout -size +0 | sort)
    "$program" merge "${parts[@]}" -o "$folder/merged.json" "$@"
}

# Holds the whole against its parts; says what was merged.
check() {
    python3 - "$@" <<'PYTHON'
import glob, json, os, sys
folder, count = sys.argv[1], int(sys.argv[2])
paths = glob.glob(folder + "/parts/1/*/stdout")
parts = [json.load(open(path)) for path in paths if os.path.getsize(path)]
whole = json.load(open(folder + "/merged.json"))
counts = whole["counts"]
assert len(parts) == count == len(whole["shards"]), (len(parts), len(whole["shards"]))
assert counts["answered"] == sum(part["counts"]["answered"] for part in parts) > 0, counts
assert counts["answered"] == counts["scheduled"] == whole["latency"]["response"]["n"], counts
assert counts["connects"]["ok"] == sum(part["config"]["connections"] for part in parts), counts
if count == 3:
    assert counts["connects"]["ok"] == 1000, counts
for part in parts:
    late = part["run"]["started_s"] - float(part["run"]["id"].split("-")[1])
    assert late >= 0, f"a part began {-late} s early"
print(f"merged {count} parts: {counts['connects']['ok']:,} connections,",
      f"{counts['answered']:,} requests, {whole['rate']['achieved']:,.1f}/s")
PYTHON
}

try_all() {
    mkdir -p "$out/all"
    spread "$out/all" || fail "a part failed: $(cat "$out/all/log")"
    merge "$out/all" || fail "merge ended with $?"
    check "$out/all" 3
}

# Pulls the cable of load-2 and ends all that runs there, while its part measures.
try_loss() {
    mkdir -p "$out/loss"
    local victim=$out/loss/parts/1/10.77.0.12 code=0
    spread "$out/loss" &
    await grep -q measuring "$victim/stderr"
    say "load-2 goes dark"
    on load-2 ip link set eth0 down
    quell load-2
    wait $! && fail "parallel did not notice that a host is gone"
    merge "$out/loss" 2>"$work/said" || code=$?
    cat "$work/said" >&2
    [ $code -eq 65 ] || fail "merge ended with $code, not 65"
    grep -q 'of 3 parts 2 is missing' "$work/said" || fail "merge did not name the missing part"
    merge "$out/loss" --allow-missing >"$work/said" || fail "merge --allow-missing ended with $?"
    sed -n '/^verdict/,$p' "$work/said"
    grep -q '^verdict *INVALID' "$work/said" || fail "a run without a part is not INVALID"
    check "$out/loss" 2
}

[ -x "$program" ] || fail "$program is not there: swift build -c release"
build_network
start_ssh
on server "$program" echo --listen 10.77.0.1:7788 --driver epoll >"$work/server" 2>&1 &
await grep -q listening "$work/server"
try_all
try_loss
if [ $# -gt 0 ]; then say "the parts and what was merged are in $out"; fi
