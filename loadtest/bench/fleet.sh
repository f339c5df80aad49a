#!/usr/bin/env bash
# Tries the spread run of docs/fleet.md for real: hosts as network namespaces of this machine, ssh
# between them, GNU parallel to start the parts, `loadtest merge` to put them together.
#
#     fleet.sh [DIRECTORY]     leaves the parts and the merged run there
#
#     operator 10.77.0.2 ──┐
#     load-1  10.77.0.11 ──┼── switch ── server 10.77.0.1:7788
#     load-2  10.77.0.12 ──┘
#
# Needs root, iproute2, openssh-server, parallel and `swift build -c release`. The namespaces know
# nothing of the real network, and are gone at the end.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=$(realpath -m "${1:-$(mktemp -d)}")
mkdir -p "$out"
program=$PWD/.build/release/loadtest
work=$(mktemp -d)
prefix=swl$$
hosts=(operator server load-1 load-2)
addresses=(10.77.0.2 10.77.0.1 10.77.0.11 10.77.0.12)

say() { printf '%s\n' "$*" >&2; }

cleanup() {
    local host pids
    for host in "${hosts[@]}" switch; do
        pids=$(ip netns pids "$prefix-$host" 2>/dev/null)
        if [ -n "$pids" ]; then kill $pids 2>/dev/null; fi
        ip netns del "$prefix-$host" 2>/dev/null
    done
    rm -rf "$work"
}
trap 'cleanup || true' EXIT

on() { ip netns exec "$prefix-$1" "${@:2}"; }

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
    mkdir -p /run/sshd
    ssh-keygen -q -t ed25519 -N '' -f "$work/host"
    ssh-keygen -q -t ed25519 -N '' -f "$work/user"
    cp "$work/user.pub" "$work/authorized"
    chmod 755 "$work"
    local host
    for host in load-1 load-2; do
        on "$host" /usr/sbin/sshd -f /dev/null -o "HostKey=$work/host" -o PidFile=none \
            -o "AuthorizedKeysFile=$work/authorized" -o StrictModes=no -o PermitRootLogin=yes \
            -o UsePAM=no
    done
    cat >"$work/config" <<CONFIG
Host 10.77.0.*
  IdentityFile $work/user
  UserKnownHostsFile /dev/null
  StrictHostKeyChecking no
  LogLevel ERROR
CONFIG
    printf '%s\n' 10.77.0.11 10.77.0.12 >"$work/hosts.txt"
}

build_network
start_ssh
on server "$program" echo --listen 10.77.0.1:7788 --driver epoll >"$work/server" 2>/dev/null &
until grep -q listening "$work/server"; do sleep 0.05; done

start=$(($(date +%s) + 4))
say "two hosts, 1,000 connections and 10,000 requests per second in all"
on operator parallel --will-cite --jobs 0 --joblog "$out/jobs.tsv" --results "$out/parts" \
    --halt soon,fail=1 ssh -F "$work/config" '{}' \
    "'$program 10.77.0.1:7788 --conns 1k --rate 10k -d 3s --live off \
        --shard {#}/2 --start-at $start --run-id try --json -'" \
    :::: "$work/hosts.txt" >/dev/null
"$program" merge "$out"/parts/1/*/stdout -o "$out/merged.json"
say "the parts and merged.json are in $out"
