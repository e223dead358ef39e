# SPDX-License-Identifier: GPL-2.0
"""Draws charts of horizontal bars as SVG; page.py says what is on them.

A chart is a list of blocks, one below the other.  A block has columns, each with
an axis of its own, and groups of rows; in every column a row has a bar for each
series; one that is the only one has another colour where it is worse than 1.
Colours follow the reader's light or dark scheme.

Not gnuplot: its bars stand upright, which leaves the words below them no room, and
its colours can't follow the reader's scheme.
"""
import html
import math

WIDTH = 680		# of every picture; it scales
CHAR = 6.2		# width of a character, about
BAR = 11		# height of a bar

STYLE = """
.chart { font: 12px sans-serif; fill: #222 }
.chart .paper { fill: #fff }
.chart .title { font-size: 15px; font-weight: bold }
.chart .dim { fill: #666 }
.chart .head { font-weight: bold }
.chart .number { font-size: 11px }
.chart .grid { stroke: #ddd }
.chart .base { stroke: #555 }
.chart .spread { stroke: #222; fill: none }
.chart .control { stroke: #888; fill: none; stroke-width: 1.5 }
.chart .only, .chart .s0 { fill: #3b82c4 }
.chart .s1 { fill: #1b9e77 }
.chart .s2 { fill: #d99a1c }
.chart .worse { fill: #cc5a3a }
@media (prefers-color-scheme: dark) {
.chart { fill: #ddd }
.chart .paper { fill: #191919 }
.chart .dim { fill: #999 }
.chart .grid { stroke: #3a3a3a }
.chart .base { stroke: #aaa }
.chart .spread { stroke: #eee }
.chart .control { stroke: #999 }
.chart .only, .chart .s0 { fill: #5b9bd8 }
.chart .s1 { fill: #35b88f }
.chart .worse { fill: #e07a5c }
}
"""


class Axis:
    """The scale of a column.

    base	where bars begin; None: at the axis' left end
    log		whether the scale is logarithmic
    caption	what is shown, below the axis
    show	makes the text at a bar's end of its value
    """

    def __init__(self, caption, show, base=1.0, log=False):
        self.caption, self.show, self.base, self.log = caption, show, base, log
        self.low = self.high = self.left = self.right = None
        self.ticks = []

    def fit(self, values, left, right):
        """make room for all of the values between two places on the page"""
        low, high = min(values), max(values)
        # a number stands at the end of each bar
        room = max(len(self.show(value)) for value in values) * CHAR + 8
        self.right, self.left = right - room, left + 2
        if self.base is not None:
            low, high = min(low, self.base), max(high, self.base)
            if low < self.base:
                self.left = left + room
        if self.log:
            power = 2 if self.base is not None else 10
            first, last = (math.floor(math.log(v, power) + 1e-9) for v in (low, high))
            if self.base is None:
                low = power ** first
            self.ticks = [power ** n for n in range(first, last + 1)]
            while 1 in self.ticks and len(self.ticks) * 32 > self.right - self.left:
                self.ticks = self.ticks[self.ticks.index(1) % 2::2]
            self.low, self.high = low, max(high, 1.5 * low)
        else:
            # what is nothing beside the base is not to look like much
            self.low, self.high = low, max(high, low + 0.1)
            step = self.step(low, self.high)
            self.ticks = [n * step for n in range(math.ceil(low / step - 1e-9),
                                                  math.floor(self.high / step + 1e-9) + 1)]

    def step(self, low, high):
        most = max(2, int((self.right - self.left) / 44))
        for power in range(-3, 9):
            for digit in (1, 2, 5):
                step = digit * 10.0 ** power
                if (high - low) / step <= most:
                    return step
        return high - low

    def place(self, value):
        low, high = self.low, self.high
        if self.log:
            value, low, high = (math.log(v) for v in (max(value, low), low, high))
        return self.left + (self.right - self.left) * (value - low) / (high - low)


def text(x, y, words, kind="", anchor="start"):
    kind = f' class="{kind}"' if kind else ""
    anchor = f' text-anchor="{anchor}"' if anchor != "start" else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{kind}{anchor}>{html.escape(words)}</text>'


def line(x1, y1, x2, y2, kind):
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
            f'class="{kind}"/>')


def whisker(axis, y, low, high, kind):
    a, b = axis.place(low), axis.place(high)
    if b - a < 1.5:
        return ""
    return (line(a, y, b, y, kind) + line(a, y - 3, a, y + 3, kind) +
            line(b, y - 3, b, y + 3, kind))


def draw_bar(axis, y, kind, cell):
    """CELL is value, lowest, highest and control: (value, lowest, highest) or None"""
    value, low, high, control = cell
    begin = axis.left if axis.base is None else axis.place(axis.base)
    end, middle = axis.place(value), y + BAR / 2
    worse = axis.base == 1 and value < 0.995
    out = [f'<rect x="{min(begin, end):.1f}" y="{y:.1f}" width="{abs(end - begin):.1f}" '
           f'height="{BAR}" class="{"worse" if worse and kind == "only" else kind}"/>']
    ends = [begin, end]
    if low is not None:
        out.append(whisker(axis, middle, low, high, "spread"))
        ends += [axis.place(low), axis.place(high)]
    if control:
        at = axis.place(control[0])
        out.append(whisker(axis, middle + 5, control[1], control[2], "control"))
        out.append(f'<circle cx="{at:.1f}" cy="{middle + 5:.1f}" r="3" class="control"/>')
        ends += [at + 3, axis.place(control[1]), axis.place(control[2])]
    if worse:
        out.append(text(min(ends) - 4, middle + 4, axis.show(value), "number", "end"))
    else:
        out.append(text(max(ends) + 4, middle + 4, axis.show(value), "number"))
    return "".join(out)


def wrapped(words, width):
    lines = [""]
    for word in words.split():
        if len(lines[-1]) + len(word) >= width and lines[-1]:
            lines.append("")
        lines[-1] = (lines[-1] + " " + word).strip()
    return lines


def draw_block(block, y, out):
    words = [heading for heading, _ in block["groups"]]
    words += [label for _, rows in block["groups"] for label, _ in rows]
    first = max(len(word) for word in words) * (CHAR + 0.6) + 18
    kinds = ["only"] if max(len(bars) for _, rows in block["groups"]
                            for _, bars in rows) == 1 else ["s0", "s1", "s2"]
    width = (WIDTH - first) / len(block["columns"])
    if block.get("heading"):
        out.append(text(0, y + 12, block["heading"], "head"))
        y += 22
    for n, axis in enumerate(block["columns"]):
        values = []
        for _, rows in block["groups"]:
            for _, bars in rows:
                for cells in bars:
                    if cells is None or cells[n] is None:
                        continue
                    value, low, high, control = cells[n]
                    values += [v for v in (value, low, high) if v is not None]
                    values += control or ()
        axis.fit(values, first + n * width + (8 if n else 0), first + (n + 1) * width)
    top, body = y, []
    for heading, rows in block["groups"]:
        if heading:
            body.append(text(0, y + 11, heading, "head"))
            y += 17
        for label, bars in rows:
            body.append(text(first - 8, y + len(bars) * BAR / 2 + 4, label, "", "end"))
            spread = BAR
            for series, cells in enumerate(bars):
                for axis, cell in zip(block["columns"], cells or ()):
                    if cell:
                        body.append(draw_bar(axis, y, kinds[series], cell))
                        spread = BAR + 6 if cell[3] else spread
                y += spread if series == len(bars) - 1 else BAR + 1
            y += 5
        y += 5
    for axis in block["columns"]:
        for tick in axis.ticks:
            at = axis.place(tick)
            if axis.left - 1 <= at <= axis.right + 1:
                out.append(line(at, top, at, y, "grid"))
                out.append(text(at, y + 13, f"{tick:.6g}", "dim", "middle"))
        at = axis.left if axis.base is None else axis.place(axis.base)
        out.append(line(at, top, at, y, "base"))
        lines = wrapped(axis.caption, int((WIDTH - first) / len(block["columns"]) / CHAR))
        for n, words in enumerate(lines):
            out.append(text((axis.left + axis.right) / 2, y + 29 + 14 * n, words,
                            "dim", "middle"))
    out += body
    most = max(len(wrapped(axis.caption, int(width / CHAR))) for axis in block["columns"])
    return y + 26 + 14 * most


def svg(chart, titled=True):
    """CHART has title, subtitle, legend: (class, words)..., and blocks"""
    out, y = [], 4
    if titled:
        for n, words in enumerate(wrapped(chart["title"], 84)):
            out.append(text(0, y + 14, words, "title"))
            y += 20
        for words in wrapped(chart["subtitle"], 108):
            out.append(text(0, y + 12, words, "dim"))
            y += 16
        y += 6
    x = 0
    for kind, words in chart["legend"]:
        needed = 18 + len(words) * (CHAR + 0.6) + 16
        if x and x + needed > WIDTH:
            x, y = 0, y + 18
        if kind == "control":
            out.append(f'<circle cx="{x + 5}" cy="{y + 8}" r="3" class="control"/>')
        elif kind == "spread":
            out.append(line(x, y + 8, x + 11, y + 8, kind) +
                       line(x, y + 5, x, y + 11, kind) +
                       line(x + 11, y + 5, x + 11, y + 11, kind))
        else:
            out.append(f'<rect x="{x}" y="{y + 3}" width="11" height="{BAR}" '
                       f'class="{kind}"/>')
        out.append(text(x + 17, y + 12, words))
        x += needed
    if chart["legend"]:
        y += 28
    for n, block in enumerate(chart["blocks"]):
        y = draw_block(block, y + (14 if n else 0), out)
    size = f"{WIDTH + 12} {y:.0f}"
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-6 0 {size}" '
            f'class="chart" role="img" aria-label="{html.escape(chart["title"])}">')
    if titled:
        head += (f'<style>{STYLE}</style><rect x="-6" width="{WIDTH + 12}" '
                 f'height="{y:.0f}" class="paper"/>')
    return head + "\n".join(out) + "</svg>\n"
