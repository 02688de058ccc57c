"""The picture of ``docs/detection.md``: seconds to ``down`` at one message a second, as SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

RATE = "1/s"
LEFT, RIGHT, TOP, ROW, GROUP = 210, 700, 62, 20, 26
LEAST, MOST = 1.0, 600.0
COLOURS = ("#0b6e4f", "#8a8d91", "#c77d0a", "#a3333d")
MARKS = (1, 3, 10, 30, 100, 300)


def draw(rows: Sequence[Mapping[str, Any]]) -> str:
    """One group of lines an outage, one line a watcher: dot at the median, line to the worst of all trials."""
    mine = [row for row in rows if row["rate"] == RATE]
    traces = list(dict.fromkeys(row["trace"] for row in mine))
    watchers = list(dict.fromkeys(row["watcher"] for row in mine))
    bottom = TOP + len(traces) * (len(watchers) * ROW + GROUP)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 {bottom + 40}" font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="16" y="24" font-size="15" font-weight="bold">Seconds from the outage to "down", at {RATE}</text>',
        '<text x="16" y="42" fill="#555">dot: median of all trials; line: to the slowest; logarithmic</text>',
    ]
    for mark in MARKS:
        x = _x(mark)
        out.append(f'<line x1="{x}" x2="{x}" y1="{TOP}" y2="{bottom}" stroke="#ddd"/>')
        out.append(f'<text x="{x}" y="{bottom + 16}" text-anchor="middle" fill="#555">{mark} s</text>')
    y = TOP
    for trace in traces:
        out.append(f'<text x="16" y="{y + 14}" font-weight="bold">{trace}</text>')
        y += GROUP - 6
        for watcher, colour in zip(watchers, COLOURS, strict=True):
            row = next(one for one in mine if (one["trace"], one["watcher"]) == (trace, watcher))
            out += _line(row, y, colour)
            y += ROW
        y += 6
    return "\n".join([*out, "</svg>\n"])


def _line(row: Mapping[str, Any], y: int, colour: str) -> list[str]:
    middle = y + ROW / 2
    out = [f'<text x="{LEFT - 12}" y="{middle + 4}" text-anchor="end" fill="{colour}">{row["watcher"]}</text>']
    if row["median"] is None:
        said = "never" if not row["said"] else f"{row['said']} of {row['trials']}"
        return [*out, f'<text x="{LEFT + 6}" y="{middle + 4}" fill="{colour}">{said}</text>']
    x, end = _x(row["median"]), _x(row["worst"] or MOST)
    return [
        *out,
        f'<line x1="{x}" x2="{end}" y1="{middle}" y2="{middle}" stroke="{colour}" stroke-width="3" opacity="0.45"/>',
        f'<circle cx="{x}" cy="{middle}" r="5" fill="{colour}"/>',
        f'<text x="{end + 8}" y="{middle + 4}" fill="{colour}">{row["median"]:g} s</text>',
    ]


def _x(seconds: float) -> float:
    share = math.log(min(max(seconds, LEAST), MOST) / LEAST) / math.log(MOST / LEAST)
    return round(LEFT + share * (RIGHT - LEFT), 1)
