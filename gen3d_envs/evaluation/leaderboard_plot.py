"""The leaderboard as a picture, SVG or PNG: a bar with its interval for every policy."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from gen3d_envs.evaluation.leaderboard import Standing, Table

WIDTH, MARGIN, LABEL, ROW, HEAD = 900, 24, 230, 34, 52
INK, SOFT, LINE, BAR, PAPER = "#1b1f26", "#5b6472", "#dfe3e9", "#2458d6", "#ffffff"
SCALE = 2
"""Pixels of the PNG per unit of the drawing."""


@dataclass(frozen=True)
class Mark:
    """One thing in the drawing: a box of a colour, or words that start, end or are centred at a point."""

    x: float
    y: float
    color: str
    width: float = 0.0
    height: float = 0.0
    text: str = ""
    size: int = 14
    anchor: str = "start"


def marks(tables: Sequence[Table]) -> tuple[list[Mark], float]:
    """The drawing and its height."""
    found: list[Mark] = []
    y = float(MARGIN)
    bar = WIDTH - 2 * MARGIN - LABEL - 130
    for table in tables:
        found.append(Mark(MARGIN, y + 18, INK, text=table.title, size=16))
        y += HEAD
        for percent in (0, 25, 50, 75, 100):
            x = MARGIN + LABEL + bar * percent / 100
            found.append(Mark(x - 0.5, y - 12, LINE, 1, ROW * len(table.standings) + 12))
            found.append(Mark(x, y - 16, SOFT, text=f"{percent} %", size=11, anchor="middle"))
        for standing in table.standings:
            found += _bar(standing, y, bar)
            y += ROW
        y += MARGIN
    return found, y


def _bar(standing: Standing, y: float, width: float) -> list[Mark]:
    row, left = standing.row, MARGIN + LABEL
    rank = "old" if standing.rank is None else f"{standing.rank}"
    color = BAR if standing.rank is not None else SOFT
    name = row.name if len(row.name) <= 26 else row.name[:25] + "…"
    low, mean, high = (width * value for value in (row.low, row.mean, row.high))
    return [
        Mark(MARGIN, y + 20, SOFT, text=rank, size=13),
        Mark(MARGIN + 34, y + 20, INK, text=name),
        Mark(left, y + 6, color, mean, 18),
        Mark(left + low, y + 14, INK, max(high - low, 1.0), 2),
        Mark(left + low - 1, y + 9, INK, 2, 12),
        Mark(left + high - 1, y + 9, INK, 2, 12),
        Mark(WIDTH - MARGIN, y + 20, INK, text=f"{100 * row.mean:.1f} % of {row.all.episodes}", anchor="end"),
    ]


def svg(tables: Sequence[Table]) -> str:
    """The drawing as SVG."""
    found, height = marks(tables)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" width="{WIDTH}" '
        f'height="{height:g}" font-family="system-ui, DejaVu Sans, sans-serif"><rect width="100%" height="100%" '
        f'fill="{PAPER}"/>'
    ]
    for mark in found:
        if mark.text:
            parts.append(
                f'<text x="{mark.x:g}" y="{mark.y:g}" font-size="{mark.size}" fill="{mark.color}" '
                f'text-anchor="{mark.anchor}">{escape(mark.text)}</text>'
            )
        else:
            parts.append(
                f'<rect x="{mark.x:g}" y="{mark.y:g}" width="{mark.width:g}" height="{mark.height:g}" '
                f'fill="{mark.color}"/>'
            )
    return "".join(parts) + "</svg>\n"


def png(tables: Sequence[Table]) -> bytes:
    """The drawing as PNG."""
    from PIL import Image, ImageDraw, ImageFont

    found, height = marks(tables)
    image = Image.new("RGB", (WIDTH * SCALE, round(height * SCALE)), PAPER)
    draw = ImageDraw.Draw(image)
    for mark in found:
        x, y = mark.x * SCALE, mark.y * SCALE
        if mark.text:
            font = ImageFont.load_default(mark.size * SCALE)
            anchor = {"start": "ls", "middle": "ms", "end": "rs"}[mark.anchor]
            draw.text((x, y), mark.text, fill=mark.color, font=font, anchor=anchor)
        elif mark.width > 0:
            draw.rectangle((x, y, x + mark.width * SCALE - 1, y + mark.height * SCALE - 1), fill=mark.color)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
