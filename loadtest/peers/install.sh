#!/usr/bin/env bash
# Installs what the servers of this folder need, and builds those that are compiled.
#
#     loadtest/peers/install.sh
#
#     .build/peers/venv    gevent, uvloop and trio from PyPI, and the Python that runs them
#     .build/peers/bin     the servers in C, Go, Rust and Swift
#     .build/peers/log     what was said on the way, a file for each step
#
# Compilers and libraries come from Debian, unless they are there already; that needs root. What
# cannot be installed is reported with the reason and skipped, and the rest goes on. The exit code
# is 0 when everything is ready, and 1 when something is missing.
set -uo pipefail
cd "$(dirname "$0")/../.."
sources=$PWD/loadtest/peers
out=$PWD/.build/peers
mkdir -p "$out/bin" "$out/log"
missing=0

# Runs a step with its output in a file; says what became of it.
try() {
    local name=$1 log=$out/log/$1 code
    shift
    (
        set -e
        "$@"
    ) >"$log" 2>&1 </dev/null
    code=$?
    if [ $code -eq 0 ]; then
        echo "$name: ready"
    else
        missing=1
        echo "$name: skipped: $(reason "$log" $code) (.build/peers/log/$name)"
    fi
}

# The last line that speaks of an error, or the last one.
reason() {
    local line
    line=$(grep -iE 'error|^E:|not found|denied|required' "$1" | tail -n 1)
    if [ -z "$line" ]; then line=$(tail -n 1 "$1"); fi
    echo "${line:-it ended with $2}"
}

# from_debian WHAT PACKAGE…: installs the packages, unless the command or file WHAT is there.
from_debian() {
    local what=$1 root=
    shift
    if command -v "$what" >/dev/null || compgen -G "$what" >/dev/null; then return; fi
    if [ "$(id -u)" -ne 0 ]; then root="sudo -n"; fi
    $root apt-get update -qq
    $root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -qq -y --no-install-recommends "$@"
    command -v "$what" >/dev/null || compgen -G "$what" >/dev/null
}

step_python() {
    from_debian python3 python3
    # Debian keeps what makes environments in a package of its own.
    if ! python3 -c 'import ensurepip'; then
        from_debian '/usr/lib/python3.*/ensurepip' python3-venv
    fi
    if [ ! -x "$out/venv/bin/python" ]; then python3 -m venv "$out/venv"; fi
    "$out/venv/bin/python" --version
}

from_pypi() {
    "$out/venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
    "$out/venv/bin/python" -m pip --disable-pip-version-check freeze
}

step_node() {
    from_debian node nodejs
    node --version
}

step_libuv() {
    from_debian cc gcc libc6-dev
    from_debian /usr/include/uv.h libuv1-dev
    cc -std=gnu11 -O2 -Wall -Wextra -o "$out/bin/libuv_echo" "$sources/libuv_echo.c" -luv
}

step_go() {
    from_debian go golang-go
    go version
    GOCACHE=$out/go GO111MODULE=off go build -o "$out/bin/go_echo" "$sources/go_echo.go"
}

# Built from a copy, because cargo writes its lock file beside the sources.
step_tokio() {
    from_debian cargo cargo
    from_debian '/usr/share/cargo/registry/tokio-1*' librust-tokio-dev
    mkdir -p "$out/tokio"
    cp -r "$sources/tokio/." "$out/tokio"
    cd "$out/tokio"
    cargo build --release --offline --target-dir "$out/tokio/target" \
        --config 'source.crates-io.replace-with="debian"' \
        --config 'source.debian.directory="/usr/share/cargo/registry"'
    cp target/release/tokio-echo "$out/bin/tokio_echo"
}

step_swift() {
    swift build -c release --package-path "$sources/swift" --scratch-path "$out/swift"
    cp "$out/swift/release/"{nio-handlers,nio-async,flying-socks} "$out/bin"
}

try python step_python
try gevent from_pypi 'gevent>=24.2'
try uvloop from_pypi 'uvloop>=0.21'
try trio from_pypi 'trio>=0.27'
try node step_node
try libuv step_libuv
try go step_go
try tokio step_tokio
echo "swift: the first build of SwiftNIO takes some minutes"
try swift step_swift
exit $missing
