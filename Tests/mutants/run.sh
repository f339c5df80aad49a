#!/usr/bin/env bash
# Puts bugs back, one at a time, into a copy of the tree, and shows which seed of the sweep finds
# each. Every `*.patch` beside this file is such a bug; `run.sh NAME...` tries some. Fails when one
# is not found in 10,000 seeds, or when the code that it changes is no longer what it was.
set -euo pipefail
cd "$(dirname "$0")/../.."
patches=$PWD/Tests/mutants
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cp -r Package.swift Sources Tests loadtest "$scratch"
cd "$scratch"

if [ $# -eq 0 ]; then
    for patch in "$patches"/*.patch; do set -- "$@" "$(basename "$patch" .patch)"; done
fi
survivors=0
printf '%-14s %5s %6s %8s  %s\n' bug seed seeds seconds 'found as'
for name in "$@"; do
    git apply "$patches/$name.patch"
    swift build -c release --product sweep >build.log 2>&1 || { cat build.log; exit 1; }
    if timeout 600 .build/release/sweep >found.log 2>&1; then
        printf '%-14s %s\n' "$name" 'is not found: the sweep must get better'
        survivors=$((survivors + 1))
    else
        # "seed 7 fails: REASON", and below it "9 seeds in 0.1 s, 90 seeds/s".
        if ! grep -q '^seed [0-9]* fails: ' found.log; then
            printf '%-14s %s\n' "$name" 'ended without a seed:'
            tail -n 5 found.log
            survivors=$((survivors + 1))
            git apply --reverse "$patches/$name.patch"
            continue
        fi
        read -r seed reason < <(sed -n 's/^seed \([0-9]*\) fails: /\1 /p' found.log)
        read -r seeds _ _ seconds _ < <(sed -n '/^seed .* fails: /{n;p}' found.log)
        printf '%-14s %5s %6s %8s  %s\n' "$name" "$seed" "$seeds" "$seconds" "$reason"
    fi
    git apply --reverse "$patches/$name.patch"
done
exit $((survivors > 0))
