#!/usr/bin/env bash
# Puts bugs back, one at a time, into a copy of the tree, and shows which seed finds each: of the
# sweep, or of the tests of coordination in a thousand worlds where that is what the bug is in.
# Every `*.patch` beside this file is such a bug; `run.sh NAME...` tries some. Fails when one is not
# found, or when the code that it changes is no longer what it was.
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

# Runs the tests of coordination with the bug `$1`; its first line tells the seed and the reason.
find_in_coordination() {
    swift build --build-tests >build.log 2>&1 || { cat build.log; exit 1; }
    timeout 600 swift test --skip-build --filter 'in a thousand worlds' >found.log 2>&1 || true
    seed=$(sed -n 's/.*SWIFTLET_SEED=\([0-9]*\) .*/\1/p' found.log | head -1)
    if [ -z "$seed" ]; then
        printf '%-17s %s\n' "$1" 'is not found: the worlds must get better'
        survivors=$((survivors + 1))
    else
        reason=$(sed -n 's/.*Caught error: //p' found.log | head -1 | cut -c1-100)
        printf '%-17s %5s %6s %8s  %s\n' "$1" "$seed" "$((seed + 1))" - "$reason"
    fi
}

printf '%-17s %5s %6s %8s  %s\n' bug seed seeds seconds 'found as'
for name in "$@"; do
    git apply "$patches/$name.patch"
    if grep -q '^+++ .*/Coordination/' "$patches/$name.patch"; then
        find_in_coordination "$name"
        git apply --reverse "$patches/$name.patch"
        continue
    fi
    swift build -c release --product sweep >build.log 2>&1 || { cat build.log; exit 1; }
    if timeout 600 .build/release/sweep >found.log 2>&1; then
        printf '%-17s %s\n' "$name" 'is not found: the sweep must get better'
        survivors=$((survivors + 1))
    else
        # "seed 7 fails: REASON", and below it "9 seeds in 0.1 s, 90 seeds/s".
        if ! grep -q '^seed [0-9]* fails: ' found.log; then
            printf '%-17s %s\n' "$name" 'ended without a seed:'
            tail -n 5 found.log
            survivors=$((survivors + 1))
            git apply --reverse "$patches/$name.patch"
            continue
        fi
        read -r seed reason < <(sed -n 's/^seed \([0-9]*\) fails: /\1 /p' found.log)
        read -r seeds _ _ seconds _ < <(sed -n '/^seed .* fails: /{n;p}' found.log)
        printf '%-17s %5s %6s %8s  %s\n' "$name" "$seed" "$seeds" "$seconds" "$reason"
    fi
    git apply --reverse "$patches/$name.patch"
done
exit $((survivors > 0))
