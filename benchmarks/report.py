#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Makes table and CSV of what a benchmark's guest reported.

report.py --title T --note N... --name NAME --out DIR [--lockstep] FOLDER
	writes NAME.txt (the table), NAME.csv (one line per cell) and
	NAME.samples.csv (every measurement); page.py draws them
report.py --worst FILE.csv...
	prints `worst cell: RATIO (which)`

FOLDER is what scripts/guest.sh left.  The lines read of its result.log are
`sample CELL VARIANT VALUE UNIT`; with --lockstep the measurements are the times
between marks, whose names are CELL/VARIANT/BYTES.  The reference is the
variant "stock".  A ratio compares the n-th measurement of a variant with the
n-th of the reference, so that both were made close in time; above 1 the
variant is the faster one.  What is neither acrypto nor a second stock gets columns
of its own, beside acrypto's.
"""
import argparse
import csv
import os
import statistics
import sys

SEED_COLUMNS = [
    ("out char", 10), ("out block", 12), ("rewrite", 14), ("in char", 16),
    ("in block", 18), ("seeks", 20), ("create", 27), ("stat", 29),
    ("delete", 31), ("rnd create", 33), ("rnd stat", 35), ("rnd delete", 37)]


def read_samples(path):
    """{cell: {variant: [values]}}, {cell: unit}, bonnie++'s own lines"""
    cells, units, bonnie = {}, {}, []
    with open(path, errors="replace") as log:
        for line in log:
            words = line.split()
            if line.startswith("sample ") and len(words) == 5:
                _, cell, variant, value, unit = words
                cells.setdefault(cell, {}).setdefault(variant, []).append(float(value))
                units[cell] = unit
            elif line.startswith("bonnie "):
                bonnie.append(line.split(None, 1)[1].strip().split(","))
    return cells, units, bonnie


def ratios(values, reference, unit):
    pairs = zip(values, reference)
    if unit == "s":
        return [b / a for a, b in pairs if a]
    return [a / b for a, b in pairs if b]


def spread(numbers):
    if not numbers:
        return ["", "", ""]
    return [f"{f(numbers):.4f}" for f in (statistics.median, min, max)]


def summary(cells, units):
    rows = []
    for cell, variants in cells.items():
        if "stock" not in variants:
            continue
        stock = variants["stock"]
        candidate = "acrypto" if "acrypto" in variants else "stock2"
        if candidate not in variants:
            continue
        row = {"cell": cell, "unit": units[cell], "rounds": len(stock),
               "stock": f"{statistics.median(stock):.6g}",
               candidate: f"{statistics.median(variants[candidate]):.6g}"}
        row["ratio"], row["low"], row["high"] = spread(
            ratios(variants[candidate], stock, units[cell]))
        control = ratios(variants["stock2"], stock, units[cell]) \
            if candidate == "acrypto" and "stock2" in variants else []
        row["aa_ratio"], row["aa_low"], row["aa_high"] = spread(control)
        for other in variants:
            if other not in ("stock", "stock2", candidate):
                row[other] = f"{statistics.median(variants[other]):.6g}"
                row[other + "_ratio"], row[other + "_low"], row[other + "_high"] = spread(
                    ratios(variants[other], stock, units[cell]))
        rows.append(row)
    return rows


def read_lockstep(folder):
    """the same from the times of the sections that marks delimit"""
    names = ["start"]
    with open(os.path.join(folder, "result.log"), errors="replace") as log:
        names += [line.split()[1] for line in log if line.startswith("mark ")]
    cells, units = {}, {}
    with open(os.path.join(folder, "counts.log")) as log:
        for line in log:
            words = line.split()
            if words[2] != "time" or names[int(words[1])].count("/") != 2:
                continue
            cell, variant, size = names[int(words[1])].split("/")
            rate = int(size) / 1024 / (int(words[3]) / 1e9)
            cells.setdefault(cell, {}).setdefault(variant, []).append(rate)
            units[cell] = "KiB/s"
    return cells, units


def seed_table(bonnie):
    """the columns of the table that acrypto's first page had"""
    lines = ["As bonnie++ gives them: K/s or operations per second, and % of the CPU", "",
             f"{'':<9}" + "".join(f"{name:>15}" for name, _ in SEED_COLUMNS)]
    for run in bonnie:
        lines.append(f"{run[2]:<9}" + "".join(
            f"{run[n - 1] + ' ' + run[n] + '%':>15}" if n < len(run) else ""
            for _, n in SEED_COLUMNS))
    return lines


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--title", default="")
    parser.add_argument("--note", action="append", default=[])
    parser.add_argument("--name")
    parser.add_argument("--out")
    parser.add_argument("--lockstep", action="store_true")
    parser.add_argument("--worst", action="store_true")
    parser.add_argument("files", nargs="+")
    args = parser.parse_args()

    if args.worst:
        found = []
        for path in args.files:
            workload = os.path.basename(path)[:-len(".csv")]
            with open(path) as f:
                lines = [line for line in f if not line.startswith("#")]
            found += [(float(row["ratio"]), workload + " " + row["cell"])
                      for row in csv.DictReader(lines) if row["ratio"]]
        if not found:
            sys.exit("no cell was measured")
        ratio, cell = min(found)
        print(f"worst cell: {ratio:.2f} ({cell})")
        return

    cells, units, bonnie = read_samples(os.path.join(args.files[0], "result.log"))
    if args.lockstep:
        cells, units = read_lockstep(args.files[0])
    rows = summary(cells, units)
    if not rows:
        sys.exit(f"no pair of measurements in {args.files[0]}")
    candidate = "acrypto" if "acrypto" in rows[0] else "stock2"
    others = [name[:-len("_ratio")] for name in rows[0]
              if name.endswith("_ratio") and name != "aa_ratio"]
    base = os.path.join(args.out, args.name)
    comments = [args.title] + args.note

    with open(base + ".csv", "w", newline="") as f:
        for comment in comments:
            f.write(f"# {comment}\n")
        columns = ["cell", "unit", "rounds", "stock", candidate, "ratio", "low", "high",
                   "aa_ratio", "aa_low", "aa_high"]
        for other in others:
            columns += [other, other + "_ratio", other + "_low", other + "_high"]
        writer = csv.DictWriter(f, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    with open(base + ".samples.csv", "w", newline="") as f:
        for comment in comments:
            f.write(f"# {comment}\n")
        writer = csv.writer(f, lineterminator="\n")
        writer.writerow(["cell", "variant", "round", "value", "unit"])
        for cell, variants in cells.items():
            for variant, values in variants.items():
                for n, value in enumerate(values):
                    writer.writerow([cell, variant, n, value, units[cell]])

    control = any(row["aa_ratio"] for row in rows)
    lines = comments + [""]
    lines.append(f"{'cell':<20}{'unit':>6}{'stock':>11}{candidate:>11}{'ratio':>8}"
                 f"{'(lowest-highest)':>18}" + (f"{'A/A':>8}{'(lowest-highest)':>18}"
                                                if control else "") +
                 "".join(f"{other:>11}{'ratio':>8}{'(lowest-highest)':>18}"
                         for other in others))
    for row in rows:
        line = (f"{row['cell']:<20}{row['unit']:>6}{float(row['stock']):>11.4g}"
                f"{float(row[candidate]):>11.4g}{float(row['ratio']):>8.3f}" +
                f"({float(row['low']):.3f}-{float(row['high']):.3f})".rjust(18))
        if row["aa_ratio"]:
            line += f"{float(row['aa_ratio']):>8.3f}" + \
                f"({float(row['aa_low']):.3f}-{float(row['aa_high']):.3f})".rjust(18)
        for other in others:
            line += f"{float(row[other]):>11.4g}{float(row[other + '_ratio']):>8.3f}" + \
                f"({float(row[other + '_low']):.3f}-{float(row[other + '_high']):.3f})".rjust(18)
        lines.append(line)
    if bonnie:
        lines += [""] + seed_table(bonnie)
    with open(base + ".txt", "w") as f:
        f.write("\n".join(lines) + "\n")


main()
