#!/usr/bin/env python3
"""Holds our histogram files against the reference implementation (pip install hdrhistogram).

golden.py write            writes the reference's files that our tests read
golden.py check            reads what those tests say that we write
golden.py check R.json L.hlog P.hgrm   reads what a run wrote with --json, --hlog and --hgrm

A check compares counts and percentiles and ends with an error that says what differs.
"""
import base64
import io
import json
import pathlib
import sys
import zlib

from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader

FOLDER = pathlib.Path(__file__).parent / "ReportsTests" / "Formats" / "golden"
HOUR = 3_600_000_000_000


def samples():
    """The nanoseconds that all of the files hold; GoldenTests.swift has the same."""
    return [1 + step * step * step * 7 for step in range(2000)] + [5] * 300


def filled(digits):
    histogram = HdrHistogram(1, HOUR, digits)
    for sample in samples():
        histogram.record_value(sample)
    return histogram


def write():
    with open(FOLDER / "reference.hlog", "w", encoding="utf-8") as log:
        log.write("#[Histogram log format version 1.2]\n")
        log.write("#[StartTime: 1441812279.474 (seconds since epoch), Wed Sep 09 2015]\n")
        columns = ("StartTimestamp", "Interval_Length", "Interval_Max",
                   "Interval_Compressed_Histogram")
        log.write(",".join(f'"{column}"' for column in columns) + "\n")
        for digits in (1, 2, 3, 4):
            text = filled(digits).encode().decode()
            log.write(f"Tag=digits{digits},0.{digits},1.007,55930.06,{text}\n")
        log.write(f"1441812290.474,1.0,0.0,{HdrHistogram(1, HOUR, 3).encode().decode()}\n")
    plain = zlib.decompress(base64.b64decode(filled(2).encode())[8:])
    (FOLDER / "reference.v2").write_text(base64.b64encode(plain).decode() + "\n")
    text = io.BytesIO()
    filled(2).output_percentile_distribution(text, 1e6)
    (FOLDER / "reference.hgrm").write_bytes(text.getvalue())


def expect(ours, reference, what):
    if ours != reference:
        sys.exit(f"{what}: the file says {ours}, the reference implementation {reference}")


def intervals(path):
    """All histograms of a log, each kind added up: {tag: histogram}."""
    reader = HistogramLogReader(str(path), HdrHistogram(1, HOUR, 2))
    sums = {}
    while histogram := reader.get_next_interval_histogram():
        total = sums.setdefault(histogram.get_tag(), HdrHistogram(1, HOUR, 2))
        total.add(histogram)
    return sums


def rows(path):
    """The rows of a percentile text: (milliseconds, share, count)."""
    lines = pathlib.Path(path).read_text(encoding="utf-8").splitlines()
    numbers = [line.split() for line in lines[2:] if line and not line.startswith("#")]
    return [(float(row[0]), float(row[1]), int(row[2])) for row in numbers]


def value_at(histogram, share):
    """The end of the first bin that a share of the values stays within, and their number.

    The library's own percentile rounds the number of values to the nearest; ours rounds up.
    """
    wanted = share * histogram.get_total_count() - 1e-6
    seen = 0
    for row in histogram.get_recorded_iterator():
        seen += row.count_added_in_this_iter_step
        if seen >= wanted:
            return row.value_iterated_to, seen
    return None, seen


def check_value(place, seconds, share, histogram):
    """A value is in the bin that the reference finds for its share; returns the number within."""
    ours = histogram.get_highest_equivalent_value(round(seconds * 1e9))
    value, seen = value_at(histogram, share)
    expect(ours, value, f"{place} at {share}")
    return seen


def check_rows(path, histogram):
    found = rows(path)
    if not found and histogram.get_total_count():
        sys.exit(f"{path}: it has no rows")
    for value, share, count in found:
        seen = check_value(path, value / 1e3, share, histogram)
        expect(count, seen, f"{path}: count at {share}")


def check_latency(name, latency):
    """The quantiles of a document are those of the histogram that it carries."""
    histogram = HdrHistogram.decode(latency["hdr"])
    expect(latency["n"], histogram.get_total_count(), f"{name}: n")
    for row in latency["q"] if not latency["censored"] else []:
        if row["value"] is not None:
            check_value(f"{name}: q", row["value"], row["q"], histogram)
    return histogram


def check_run(report, log, percentiles):
    latency = json.loads(pathlib.Path(report).read_text(encoding="utf-8"))["latency"]
    response = check_latency("response", latency["response"])
    check_latency("service", latency["service"])
    logged = intervals(log)
    for tag, figure in latency.items():
        if tag in ("connect", "lag"):
            continue
        # A log has what was given up in its bins, a document beside them.
        total = figure["n"] + (figure["censored"] or {"n": 0})["n"]
        found = logged.pop(tag).get_total_count() if total else 0
        expect(found, total, f"{log}: {tag}")
    if logged:
        sys.exit(f"{log}: {report} does not have {sorted(logged)}")
    check_rows(percentiles, response)


def check_tests():
    reference = filled(2)
    found = intervals(FOLDER / "ours.hlog")
    expect(sorted(found), ["response", "service"], "tags")
    for histogram in found.values():
        expect(histogram.get_total_count(), reference.get_total_count(), "values of ours.hlog")
        for sample in samples():
            ours, theirs = (each.get_count_at_value(sample) for each in (histogram, reference))
            expect(ours, theirs, f"{sample} ns in ours.hlog")
    check_rows(FOLDER / "ours.hgrm", reference)


if sys.argv[1:] == ["write"]:
    write()
elif sys.argv[1:] == ["check"]:
    check_tests()
elif sys.argv[1:2] == ["check"] and len(sys.argv) == 5:
    check_run(*sys.argv[2:])
else:
    sys.exit(__doc__)
