#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Writes what the suite measured as a table and a CSV file.

usage: report.py [--note TEXT]... --out BASE FIGURES

FIGURES has lines "share DEVICES WRITE READ" (KiB/s) and
"priority LEVEL MEDIAN P99 LONGEST" (microseconds).  BASE.txt and BASE.csv are
written; benchmarks/page.py draws them.  All of it is from simulated devices, by
the clock of counted instructions.
"""
import argparse
import csv
import sys


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--note", action="append", default=[])
    parser.add_argument("--out", required=True)
    parser.add_argument("figures")
    args = parser.parse_args()

    share, wait = [], []
    with open(args.figures, encoding="ascii") as lines:
        for line in lines:
            word, *values = line.split()
            {"share": share, "priority": wait}[word].append([int(v) for v in values])
    if not share or not wait:
        sys.exit("report.py: figures are missing")

    base = share[0]
    rows = [("share", "%d devices" % n, "write KiB/s", w, w / base[1])
            for n, w, r in share]
    rows += [("share", "%d devices" % n, "read KiB/s", r, r / base[2])
             for n, w, r in share]
    bulk = next(row for row in wait if row[0] == 16)
    for level, *values in sorted(wait):
        for name, value, same in zip(("median us", "p99 us", "longest us"),
                                     values, bulk[1:]):
            rows.append(("priority", "priority %d" % level, name, value,
                         value / same))

    with open(args.out + ".csv", "w", encoding="ascii", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(("test", "case", "what", "value", "ratio"))
        for row in rows:
            writer.writerow(row[:4] + ("%.3f" % row[4],))

    with open(args.out + ".txt", "w", encoding="ascii") as out:
        out.write("Simulated accelerators under Debian's kernel: model figures\n\n")
        for note in args.note:
            out.write(note + "\n")
        out.write("\none stream of dm-crypt, capi:acrypto(cbc(aes))-plain64, "
                  "4096-byte sectors, on devices\nof limited rate; ratio: to one "
                  "device\n\n")
        form = "%-12s %-12s %12s %8s\n"
        out.write(form % ("devices", "", "KiB/s", "ratio"))
        for _, case, what, value, ratio in rows:
            if what.endswith("KiB/s"):
                out.write(form % (case, what.split()[0], value, "%.3f" % ratio))
        out.write("\nsmall sessions behind a queue of bulk of priority 16 on one "
                  "device of limited rate,\nfrom submission to callback; ratio: "
                  "to those of priority 16\n\n")
        out.write(form % ("priority", "", "us", "ratio"))
        for test, case, what, value, ratio in rows:
            if test == "priority":
                out.write(form % (case.split()[1], what.split()[0], value,
                                  "%.3f" % ratio))


if __name__ == "__main__":
    main()
