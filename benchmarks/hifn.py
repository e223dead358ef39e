#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Compares two rows of figures that differ in one column.

hifn.py --compare COLUMN --by COLUMN,... --show COLUMN:+|-,...
	--title T --note N... --name NAME --out DIR <TABLE

TABLE has tabs and a line of names.  Rows that are equal in the columns of --by
are a pair; the one that comes first is the reference.  Of each column of --show
both values are printed, and a ratio above 1 says that the other is the better
one: + where more is better, - where less is.

Writes NAME.csv (the table as it came), NAME.txt (the pairs) and NAME.gnuplot,
which makes NAME.svg of the ratios.
"""
import argparse
import csv
import os
import sys


def ratio(first, other, sign):
    up, down = (other, first) if sign == "+" else (first, other)
    return up / down if down else float("inf")


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
    pairs = {}
    for row in rows:
        pairs.setdefault(tuple(row[column] for column in by), []).append(row)
    if not pairs or any(len(pair) != 2 for pair in pairs.values()):
        sys.exit("not every row has another one to be compared with")
    first, other = ((row[args.compare]) for row in next(iter(pairs.values())))

    base = os.path.join(args.out, args.name)
    comments = [args.title] + args.note
    with open(base + ".csv", "w", newline="") as f:
        f.writelines(f"# {comment}\n" for comment in comments)
        writer = csv.DictWriter(f, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)

    lines = comments + ["", f"{args.compare}: {first} and {other}; a ratio above 1 "
                        f"says that {other} is the better one", ""]
    width = max(len(column) for column, _ in show) + 2
    lines.append("".join(f"{column:>10}" for column in by) +
                 "".join(f"{column:>{max(width, 9)}}{'':>9}{'ratio':>8}"
                         for column, _ in show))
    ratios = []
    for key, (a, b) in pairs.items():
        line = "".join(f"{part:>10}" for part in key)
        found = []
        for column, sign in show:
            found.append(ratio(float(a[column]), float(b[column]), sign))
            line += (f"{number(float(a[column])):>{max(width, 9)}}"
                     f"{number(float(b[column])):>9}{found[-1]:>8.2f}")
        lines.append(line)
        ratios.append((" ".join(key), found))
    with open(base + ".txt", "w") as f:
        f.write("\n".join(lines) + "\n")

    with open(base + ".gnuplot", "w") as f:
        f.write(f"set terminal svg size {max(200 + 70 * len(ratios), 640)},480 "
                "noenhanced background rgb 'white'\n"
                f"set output '{base}.svg'\n"
                f"set title \"{args.title}\"\n"
                f"set ylabel '{other} : {first} (above 1 is better)'\n"
                f"set xlabel '{', '.join(by)}'\n"
                "set style data histograms\nset style histogram clustered\n"
                "set style fill solid 0.5\nset yrange [0:*]\nset grid ytics\n"
                "set xtics rotate by -50\nset key top left\n$data << END\n")
        for key, found in ratios:
            f.write(f"\"{key}\" " + " ".join(f"{value:.4f}" if value != float("inf")
                                              else "NaN" for value in found) + "\n")
        f.write("END\nplot " + ", ".join(
            f"$data using {n + 2}:xtic(1) title '{column}'"
            for n, (column, _) in enumerate(show)) + ", 1 lc black dt 2 notitle\n")


main()
