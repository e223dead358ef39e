#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Compares rows of figures that differ in one column.

hifn.py --compare COLUMN --by COLUMN,... --show COLUMN:+|-,...
	--title T --note N... --name NAME --out DIR <TABLE

TABLE has tabs and a line of names.  Rows that are equal in the columns of --by
belong together; the first of them is the reference.  Of each column of --show
the value is printed and a ratio, which above 1 says that it is better than the
reference's: + where more is better, - where less is.

Writes NAME.csv (the table as it came) and NAME.txt; page.py draws them.
"""
import argparse
import csv
import os
import sys


def ratio(reference, value, sign):
    up, down = (value, reference) if sign == "+" else (reference, value)
    return up / down if down else float("nan")


def number(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def main():
    parser = argparse.ArgumentParser()
    for name in ("compare", "by", "show", "title", "name", "out"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--note", action="append", default=[])
    args = parser.parse_args()
    by = args.by.split(",")
    show = [column.rsplit(":", 1) for column in args.show.split(",")]

    rows = list(csv.DictReader(sys.stdin, delimiter="\t"))
    groups, variants = {}, []
    for row in rows:
        groups.setdefault(tuple(row[column] for column in by), []).append(row)
        if row[args.compare] not in variants:
            variants.append(row[args.compare])
    if len(variants) < 2:
        sys.exit("there is nothing to compare")

    base = os.path.join(args.out, args.name)
    comments = [args.title] + args.note
    with open(base + ".csv", "w", newline="") as f:
        f.writelines(f"# {comment}\n" for comment in comments)
        writer = csv.DictWriter(f, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)

    widths = [max(len(column), 9) + 2 for column, _ in show]
    first = max(len(args.compare), *(len(name) for name in variants)) + 2
    lines = comments + ["", f"The ratio is to {variants[0]}; above 1 is better.", ""]
    lines.append("".join(f"{column:>10}" for column in by) + "  " +
                 f"{args.compare:<{first}}" +
                 "".join(f"{column:>{width}}{'ratio':>7}"
                         for (column, _), width in zip(show, widths)))
    for key, group in groups.items():
        for row in group:
            line = "".join(f"{part:>10}" for part in key) + "  " + \
                f"{row[args.compare]:<{first}}"
            for (column, sign), width in zip(show, widths):
                value = float(row[column])
                better = ratio(float(group[0][column]), value, sign)
                line += f"{number(value):>{width}}{better:>7.2f}"
            lines.append(line)
    with open(base + ".txt", "w") as f:
        f.write("\n".join(lines) + "\n")


main()
