# Every target is one line of what it runs; read it and type it yourself if you like that better.

.PHONY: build test tidy format lint sanitize bench peers ci clean

build:
	swift build -c release

test:
	swift test

# The rules that a machine can check: sizes, imports by floor, words, links.
tidy: lint
	swift test --filter TidyTests

format:
	swift format --in-place --recursive Package.swift Sources Tests loadtest

lint:
	swift format lint --strict --recursive Package.swift Sources Tests loadtest

sanitize:
	.ci/run sanitize

# Server and generator beside hand-written C, memory and system calls; about eight minutes.
bench: build
	python3 loadtest/bench/bench.py all
	python3 loadtest/bench/generator.py all

# Swiftlet beside servers of other people, which it installs; it says first how long it takes.
peers: build
	loadtest/peers/compare.sh

# Everything that must hold before a change lands, as the build machine does it.
ci:
	.ci/run

clean:
	rm -rf .build .build-*
