#!/usr/bin/env bash
# Measures the servers of this folder beside Swiftlet's; `make peers`.
#
#     loadtest/peers/compare.sh [OPTIONS of loadtest compare]
#     loadtest/peers/compare.sh --time 20s --conns 1k
#     loadtest/peers/compare.sh --matrix 'conns=100,1k,9k size=64'
#
# Needs `swift build -c release`; installs the rest. The tables, the page and the raw figures are
# .build/peers/comparison.md, .html and .json; the pictures are in .build/peers/pictures.
set -euo pipefail
cd "$(dirname "$0")/../.."
variants=coroutine,iterative,fork,threads,sweep,select,poll,epoll,epoll-et,io_uring

# What could not be installed was reported, and the table shows it as skipped.
loadtest/peers/install.sh || true
servers=()
while IFS= read -r server; do
    servers+=(--server "$server")
done <loadtest/peers/servers.txt
mkdir -p .build/peers/pictures
exec .build/release/loadtest compare --variants $variants "${servers[@]}" \
    --json .build/peers/comparison.json --html .build/peers/comparison.html \
    --md .build/peers/comparison.md --svg .build/peers/pictures "$@"
