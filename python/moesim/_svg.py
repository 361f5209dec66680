"""Figures as SVG text, for notebooks."""

from __future__ import annotations

from html import escape
from typing import List, Sequence, Tuple

FONT = "font-family='sans-serif' font-size='12'"
# Okabe and Ito (2008): told apart with any colour vision.
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#999999")
WIDTH, LABEL, ROW = 720, 190, 22


def page(height: int, title: str, body: Sequence[str]) -> str:
    head = (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{WIDTH}' height='{height}' viewBox='0 0 {WIDTH} {height}' role='img'>"
        f"<title>{escape(title)}</title><rect width='{WIDTH}' height='{height}' fill='#ffffff'/>"
        f"<text x='8' y='18' {FONT} font-weight='bold' fill='#000000'>{escape(title)}</text>"
    )
    return head + "".join(body) + "</svg>"


def text(x: float, y: float, words: str, anchor: str = "start") -> str:
    return f"<text x='{x:.1f}' y='{y:.1f}' {FONT} fill='#000000' text-anchor='{anchor}'>{escape(words)}</text>"


def bar(x: float, y: float, width: float, height: float, colour: str, tip: str) -> str:
    return (
        f"<rect x='{x:.2f}' y='{y:.1f}' width='{max(width, 0.2):.2f}' height='{height:.1f}' fill='{colour}'>"
        f"<title>{escape(tip)}</title></rect>"
    )


def bars(title: str, rows: Sequence[Tuple[str, float, float, str]]) -> str:
    """One bar per row: label, from, to (as shares of the widest), what stands behind it."""
    scale = (WIDTH - LABEL - 130) / max([row[2] for row in rows] + [1e-12])
    body: List[str] = []
    for i, (label, start, end, words) in enumerate(rows):
        y = 30 + i * ROW
        body.append(text(LABEL - 6, y + 14, label, "end"))
        body.append(bar(LABEL + start * scale, y + 2, (end - start) * scale, ROW - 6, COLOURS[i % len(COLOURS)], f"{label}: {words}"))
        body.append(text(LABEL + end * scale + 6, y + 14, words))
    return page(36 + len(rows) * ROW, title, body)


def waterfall(title: str, parts: Sequence[Tuple[str, float]]) -> str:
    """Parts of a whole, one behind the other, largest first, as seconds and share."""
    total = sum(value for _, value in parts)
    rows, at = [], 0.0
    for label, value in sorted(parts, key=lambda part: -part[1]):
        if value > 0.0005 * total:
            rows.append((label.replace("_", " "), at, at + value, f"{value:.3g} s, {100 * value / total:.1f} %"))
            at += value
    return bars(title, rows)


def lanes(title: str, end_s: float, names: Sequence[str], boxes: Sequence[Tuple[int, float, float, int, str]]) -> str:
    """Boxes on lanes over time: lane, start, end in seconds, colour, tip."""
    scale = (WIDTH - LABEL - 10) / max(end_s, 1e-12)
    body = [text(LABEL - 6, 44 + i * ROW, name, "end") for i, name in enumerate(names)]
    for lane, start, end, colour, tip in boxes:
        body.append(bar(LABEL + start * scale, 32 + lane * ROW, (end - start) * scale, ROW - 6, COLOURS[colour % len(COLOURS)], tip))
    body.append(text(WIDTH - 10, 46 + len(names) * ROW, f"{end_s:.4g} s", "end"))
    return page(54 + len(names) * ROW, title, body)
