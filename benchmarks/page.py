#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Draws what was measured: a picture of each table, and one page with all of them.

usage: page.py DIR

DIR is where report.py, hifn.py and tests/accelerators/report.py left their CSV
files.  Of each NAME.csv there a picture NAME.svg is made, and of all of them
DIR/index.html, which needs no other file.
"""
import csv
import glob
import html
import os
import re
import sys

sys.dont_write_bytecode = True
import plot  # noqa: E402

# the name of the workload, which a title begins with
WORKLOADS = {
    "fio": "dm-crypt on one CPU",
    "streams": "dm-crypt on two CPUs",
    "fio2": "dm-crypt on two CPUs, by wall time",
    "copy": "A file system on dm-crypt",
    "bonnie": "bonnie++ on dm-crypt",
    "cryptoloop": "dm-crypt and cryptoloop",
    "cryptoloop2": "dm-crypt and cryptoloop on two CPUs",
}
CELLS = {
    "output-char": "write, each character", "output-block": "write, blocks",
    "rewrite": "rewrite", "input-char": "read, each character",
    "input-block": "read, blocks", "seeks": "seeks",
    "create-seq": "create files in order", "create-random": "create files at random",
    "delete-seq": "delete files in order", "delete-random": "delete files at random",
    "stat-seq": "stat files in order", "stat-random": "stat files at random",
    "mkfs.ext3": "mkfs.ext3", "copy": "copy a big file", "read-back": "read it back",
}
PATTERNS = {
    "write": "write in order", "read": "read in order",
    "randwrite": "write at random", "randread": "read at random",
    "transport": "transport mode", "tunnel": "tunnel mode",
}
NUMBERS = {"1": "one", "2": "two", "4": "four", "8": "eight"}
VARIANTS = {
    "acrypto": "acrypto, a session a request", "hifn": "a HIFN board",
    "acrypto, crypto API": "acrypto, through the crypto API",
    "acrypto, 8 a session": "acrypto, 8 requests a session",
}
# columns of what hifn.py compares
COMPARED = ("driver", "cipher", "boards")
# columns of figures: whether more is better, and what the picture calls it
BETTER = {
    "requests/s": (True, "requests a second"), "interrupts": (False, "interrupts"),
    "instructions": (False, "instructions"), "KiB/s": (True, "throughput"),
    "instructions/KiB": (False, "instructions"), "CPU %": (False, "time of the CPU"),
}


def read(path):
    """notes and rows of a CSV file"""
    with open(path, encoding="utf-8") as f:
        lines = f.read().splitlines()
    notes = [line[1:].strip() for line in lines if line.startswith("#")]
    beside = path[:-len("csv")] + "txt"
    if not notes and os.path.exists(beside):
        with open(beside, encoding="utf-8") as f:
            words = f.read().splitlines()
        notes = words[:1] + [w for w in words if re.match(r"[a-z]+: \S", w)]
    return notes, list(csv.DictReader(line for line in lines if not line.startswith("#")))


def ratio(value):
    return f"{value:.2f}" if value < 9.95 else f"{value:.1f}"


def axis(caption, values):
    """of ratios: logarithmic where they are far from 1 on both sides"""
    low, high = min(values), max(values)
    log = low < 0.8 and high > 2 or high > 6
    return plot.Axis(caption + ", logarithmic" * log, ratio, log=log)


def size_words(word):
    match = re.fullmatch(r"(\d+)([km])", word)
    if match:
        number, unit = int(match[1]), match[2]
        if unit == "k" and number % 1024 == 0:
            number, unit = number // 1024, "m"
        return f"{number} {'KiB' if unit == 'k' else 'MiB'}"
    return "TCP" if word == "bulk" else word + " bytes"


def cell_words(cell):
    """of a cell's name: the group it belongs to, and its label there"""
    pattern, _, rest = cell.partition("-")
    if cell in CELLS or pattern not in PATTERNS or not rest:
        return "", CELLS.get(cell, cell)
    size, _, streams = rest.partition("-")
    group = PATTERNS[pattern]
    if pattern in ("transport", "tunnel"):
        group += ", four SAs" if streams == "4" else ", one SA"
    elif streams:
        group += f", {NUMBERS.get(streams, streams)} stream" + "s" * (streams != "1")
    return group, size_words(size)


def others_of(row):
    """what report.py compared with stock beside the candidate"""
    return [name[:-len("_ratio")] for name in row
            if name.endswith("_ratio") and name != "aa_ratio"]


def pairs_chart(rows):
    """report.py: a candidate against stock"""
    candidate = "acrypto" if "acrypto" in rows[0] else "stock2"
    rows = [row for row in rows if row["ratio"]]
    others = others_of(rows[0])
    groups = {}
    control = False
    values = []
    for row in rows:
        group, label = cell_words(row["cell"])
        value, low, high = (float(row[name]) for name in ("ratio", "low", "high"))
        beside = None
        if row["aa_ratio"]:
            beside = tuple(float(row[name]) for name in ("aa_ratio", "aa_low", "aa_high"))
            control = True
        bars = [[(value, low, high, beside)]]
        for other in others:
            bars.append([tuple(float(row[f"{other}_{name}"])
                               for name in ("ratio", "low", "high")) + (None,)])
        groups.setdefault(group, []).append((label, bars))
        values += [number for bar in bars for number in bar[0][:3]]
    if len(groups) > 1 and "" in groups:
        groups["file system"] = groups.pop("")
    named = "acrypto" if candidate == "acrypto" else "stock once more"
    legend = [("only", f"{named}, median"), ("worse", f"{named}, slower than stock"),
              ("spread", "lowest to highest")]
    slower = [float(row["ratio"]) < 0.995 for row in rows]
    if all(slower):
        del legend[0]
    elif not any(slower):
        del legend[1]
    if others:
        legend = [(f"s{n}", f"{word}, median") for n, word in enumerate([named] + others)]
        legend.append(("spread", "lowest to highest"))
    if control:
        legend.append(("control", "stock against stock"))
    caption = f"{' and '.join([named] + others)}, times stock: right of 1 is faster"
    return {"legend": legend, "blocks": [
        {"columns": [axis(caption, values)], "groups": list(groups.items())}]}


# what a table's columns are called on the page
COLUMNS = {"cell": "", "low": "lowest", "high": "highest", "aa_ratio": "stock twice",
           "aa_low": "lowest", "aa_high": "highest", "stock2": "stock again"}


def in_words(column, value):
    """a table's value as the page has it"""
    if column != "cell":
        return value
    return ", ".join(words for words in cell_words(value) if words)


def varies(rows, name):
    return name in rows[0] and len({row[name] for row in rows}) > 1


def compare_chart(rows):
    """hifn.py: rows that differ in one column, the first of which is the reference"""
    compare = next(name for name in COMPARED if varies(rows, name))
    by = [name for name in ("operation", "data", "depth", "bytes") if varies(rows, name)]
    variants = list(dict.fromkeys(row[compare] for row in rows))
    columns = [name for name in BETTER if name in rows[0]]
    table = {}
    for row in rows:
        table.setdefault(tuple(row[name] for name in by), {})[row[compare]] = row
    groups, values = {}, {name: [] for name in columns}
    for key in sorted(table, key=lambda key: [
            int(part) if part.isdigit() else 0 for part in key]):
        words = dict(zip(by, key))
        group = []
        if "data" in words:
            group.append("in place" if words["data"] == "in-place" else "two buffers")
        if "depth" in words:
            group.append(f"{words['depth']} in work" if words["depth"] != "1"
                         else "one at a time")
        label = words.get("operation") or words["bytes"] + " bytes"
        bars = []
        for variant in variants[1:]:
            cells, row = None, table[key].get(variant)
            if row and variants[0] in table[key]:
                cells = []
                for name in columns:
                    a, b = float(row[name]), float(table[key][variants[0]][name])
                    value = a / b if BETTER[name][0] else b / a
                    values[name].append(value)
                    cells.append((value, None, None, None))
            bars.append(cells)
        while bars and bars[-1] is None:
            bars.pop()
        if bars:
            groups.setdefault(", ".join(group), []).append((label, bars))

    def word(variant):
        if compare == "boards":
            return f"{NUMBERS.get(variant, variant)} board" + "s" * (variant != "1")
        return VARIANTS.get(variant, variant)
    legend = [(f"s{n}", word(variant)) for n, variant in enumerate(variants[1:])]
    if len(legend) == 1:
        legend = [("only", legend[0][1])]
        if any(value < 0.995 for name in columns for value in values[name]):
            legend.append(("worse", f"worse than {word(variants[0])}"))
    captions = {True: "{}: times more", False: "{}: times fewer"}
    return {"legend": legend, "blocks": [{
        "columns": [axis(captions[BETTER[name][0]].format(BETTER[name][1]), values[name])
                    for name in columns],
        "groups": list(groups.items())}],
        "compared": f"Compared with {word(variants[0])}"}


def milliseconds(value):
    return f"{value:.2g} ms" if value < 10 else f"{value:.0f} ms"


def sim_chart(rows):
    """tests/accelerators: a share of several devices, and who waits how long"""
    share, wait, times = {}, {}, []
    for row in rows:
        value, name = float(row["value"]), row["what"].split()[0]
        if row["test"] == "share":
            number = row["case"].split()[0]
            bars = share.setdefault(number, [None, None])
            bars[name == "read"] = [(float(row["ratio"]), None, None, None)]
            times.append(float(row["ratio"]))
        else:
            label = {"p99": "99 % of them"}.get(name, name)
            wait.setdefault(row["case"], []).append(
                (label, [[(value / 1000, None, None, None)]]))
    words = {"priority 16": "bulk, priority 16", "priority 31": "urgent, priority 31"}
    return {"legend": [("s0", "write"), ("s1", "read")], "blocks": [
        {"heading": "One stream on several devices",
         "columns": [plot.Axis("times what one device does", ratio, base=0)],
         "groups": [("", [(f"{NUMBERS.get(number, number)} device" + "s" * (number != "1"),
                           bars) for number, bars in share.items()])]},
        {"heading": "A small session behind a queue of bulk: how long it waits",
         "columns": [plot.Axis("milliseconds, logarithmic", milliseconds, base=None,
                               log=True)],
         "groups": [(words.get(case, case), cells) for case, cells in wait.items()]}]}


def chart_of(notes, rows):
    """None for a table that is none of ours"""
    title, _, subtitle = notes[0].partition(", ") if notes else ("", "", "")
    words = " ".join(notes)
    if "cell" in rows[0]:
        chart = pairs_chart(rows)
        title = WORKLOADS.get(title, title)
        if title.startswith("ESP"):
            title += " on a HIFN 7956 (model)" if "devices: acrypto_hifn" in words else \
                " on two CPUs" if "two emulated CPUs" in words or "wall" in words else \
                " on one CPU"
    elif "test" in rows[0]:
        chart = sim_chart(rows)
        title, subtitle = "Simulated accelerators", "dm-crypt on Debian's Linux 6.1"
    elif not any(varies(rows, name) for name in COMPARED):
        return None
    else:
        chart = compare_chart(rows)
        subtitle = f"{subtitle.removesuffix(', boards')}. {chart['compared']}"
        if "boards" in rows[0]:
            title += ": two boards" if varies(rows, "boards") else ": the driver"
    chart["title"], chart["subtitle"] = title, subtitle
    return chart


def kind(name, notes):
    """what the figures were taken on"""
    words = " ".join(notes)
    if "accelerators" in name:
        return "simulated devices"
    if "model" in words or "devices: acrypto_hifn" in words:
        return "model of a chip"
    return "emulated CPU"


def note(notes, name):
    return next((n[len(name) + 2:] for n in notes if n.startswith(name + ": ")), "")


def note_words(words):
    return re.sub(r"\b(transport|tunnel)-(\d+|bulk)\b",
                  lambda match: f"{match[1]} {size_words(match[2])}", words)


PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>acrypto: what was measured</title>
<style>
:root { color-scheme: light dark; --ink: #222; --paper: #fff; --dim: #666; --rule: #ddd;
	--mark: #eef3f8 }
@media (prefers-color-scheme: dark) { :root { --ink: #ddd; --paper: #191919; --dim: #999;
	--rule: #3a3a3a; --mark: #26303a } }
body { font: 16px/1.5 sans-serif; color: var(--ink); background: var(--paper);
	max-width: 60rem; margin: 0 auto; padding: 1rem }
a { color: inherit }
h1, h2 { line-height: 1.25 }
h2 { margin-top: 3rem; border-top: 1px solid var(--rule); padding-top: 1.5rem }
.kind { background: var(--mark); border-radius: .3rem; padding: .1rem .5rem;
	font-size: .85rem; white-space: nowrap }
.notes { color: var(--dim); font-size: .85rem; list-style: none; padding: 0 }
.wide { overflow-x: auto }
.chart { width: 100%%; min-width: 34rem; max-width: 50rem; display: block }
table { border-collapse: collapse; font-size: .85rem }
th, td { padding: .15rem .7rem; border-bottom: 1px solid var(--rule); text-align: right;
	font-variant-numeric: tabular-nums; white-space: nowrap }
th { color: var(--dim); font-weight: normal }
td:first-child, th:first-child { text-align: left; padding-left: 0 }
.summary td:first-child { white-space: normal; min-width: 11rem }
small { color: var(--dim) }
summary { cursor: pointer; margin: .7rem 0 }
%s
</style>
</head>
<body>
<h1>acrypto: what was measured</h1>
<p>A ratio above 1 means that acrypto is the faster one, or does with less.  Nothing here
was measured on hardware: <span class="kind">emulated CPU</span> is QEMU, whose clock
counts instructions unless the notes say otherwise; <span class="kind">model of a
chip</span> is the same with a model of an accelerator; <span class="kind">simulated
devices</span> are accelerators made of software, with a speed of their own.</p>
%s
%s
</body>
</html>
"""


def html_table(header, rows, kind=""):
    out = [f'<div class="wide"><table{kind}><tr>']
    out += [f"<th>{html.escape(name)}</th>" for name in header]
    for row in rows:
        out.append("</tr>\n<tr>" + "".join(f"<td>{cell}</td>" for cell in row))
    return "".join(out) + "</tr></table></div>"


def extremes(rows):
    found = [float(row["ratio"]) for row in rows if row.get("ratio")]
    return [ratio(min(found)), ratio(max(found))] if found and "cell" in rows[0] \
        else ["", ""]


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    folder = sys.argv[1]
    results = []
    for path in sorted(glob.glob(os.path.join(folder, "*.csv"))):
        if path.endswith(".samples.csv"):
            continue
        notes, rows = read(path)
        chart = chart_of(notes, rows) if rows else None
        if chart:
            name = os.path.basename(path)[:-len(".csv")]
            results.append((name, notes, rows, chart))
    if not results:
        sys.exit(f"page.py: no results in {folder}")

    summary, sections = [], []
    for name, notes, rows, chart in results:
        with open(os.path.join(folder, name + ".svg"), "w", encoding="utf-8") as f:
            f.write(plot.svg(chart))
        title = html.escape(chart["title"])
        badge = f'<span class="kind">{kind(name, notes)}</span>'
        summary.append([f'<a href="#{name}">{title}</a><br><small>'
                        f'{html.escape(chart["subtitle"])}</small>', badge, *extremes(rows), html.escape(note(notes, "acrypto"))])
        header = [column for column in rows[0] if any(row[column] for row in rows)]
        heads = dict(COLUMNS)
        for other in others_of(rows[0]):
            heads.update({f"{other}_ratio": "ratio", f"{other}_low": "lowest",
                          f"{other}_high": "highest"})
        sections.append("\n".join([
            f'<h2 id="{name}">{title}</h2>',
            f'<p>{html.escape(chart["subtitle"])} {badge}</p>',
            '<ul class="notes">',
            *(f"<li>{html.escape(note_words(words))}</li>" for words in notes[1:]),
            "</ul>",
            '<div class="wide">' + plot.svg(chart, titled=False) + "</div>",
            f"<details{' open' if len(rows) <= 12 else ''}><summary>The figures</summary>",
            html_table([heads.get(column, column) for column in header],
                       [[html.escape(in_words(column, row[column])) for column in header]
                        for row in rows]), "</details>"]))
    with open(os.path.join(folder, "index.html"), "w", encoding="utf-8") as f:
        f.write(PAGE % (plot.STYLE, html_table(
            ["what", "measured on", "ratio from", "to", "revision"], summary,
            ' class="summary"'),
            "\n".join(sections)))
    print("tables and plots on one page:", os.path.join(folder, "index.html"))


main()
