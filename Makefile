# Every target is a line or two that you could type yourself.

.PHONY: build test format lint sanitize sweep sweep-long mutants bench peers dist clean

build:
	swift build -c release

test:
	swift test

format:
	swift format --in-place --recursive Package.swift Sources Tests loadtest

# The rules that a machine can check: format, sizes, imports by floor, words, links.
lint:
	swift format lint --strict --recursive Package.swift Sources Tests loadtest
	swift test --filter TidyTests

sanitize:
	.ci/run sanitize

# An echo service in 10,000 simulated worlds in which things go wrong; less than a minute after the build.
sweep:
	swift run -c release sweep --seeds '0..<10000'

# A million other worlds, some fifteen minutes; interrupted, it goes on where it was.
sweep-long:
	swift run -c release sweep --seeds '1000000..<2000000' --progress .build/sweep-long.txt

# Puts bugs back into a copy of the tree, one at a time, and shows the seed of the sweep that finds each.
mutants:
	Tests/mutants/run.sh

# Server and generator beside hand-written C, memory and system calls; about eight minutes.
bench: build
	python3 loadtest/bench/bench.py all
	python3 loadtest/bench/generator.py all

# Swiftlet beside other servers, which it installs; it says first how long it takes.
peers: build
	loadtest/peers/compare.sh

# A release: commands that need the C library alone, manual pages and completions, in .build/dist.
dist:
	.ci/dist

clean:
	rm -rf .build .build-*
