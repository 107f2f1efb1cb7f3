"""Success by number of training scenes, drawn twice from the same marks: as SVG and as PNG."""

from __future__ import annotations

import io
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from .table import PAPER, Trained

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 860, 480, 64, 190, 40, 64
INK, SOFT, LINE, PAPER_COLOR, GROUND = "#1b1f26", "#5b6472", "#dfe3e9", "#b9c0cb", "#ffffff"
COLORS = {"train": "#2458d6", "heldout": "#d9480f", "handmade": "#14804a"}
NAMES = {"train": "the 100 training scenes", "heldout": "held-out scenes", "handmade": "hand-made scenes"}
SCALE = 2
"""Pixels of the PNG per unit of the drawing."""


@dataclass(frozen=True)
class Stroke:
    """One thing in the drawing: a line, a dot (of no length), or words."""

    x: float
    y: float
    color: str
    x2: float = 0.0
    y2: float = 0.0
    width: float = 2.0
    text: str = ""
    anchor: str = "start"
    size: int = 13
    dot: float = 0.0


def strokes(trained: Sequence[Trained]) -> list[Stroke]:
    """The drawing: success against the number of scenes on a logarithmic axis, imitation at its left end.

    Beyond its right end stands what was trained in the hand-made scenes. Lines join trainings of one length: of the one
    that most of them have; the longest of several such. Rings are of the longest, where that is another.
    """
    lengths = [each.decisions for each in trained if each.name.isdigit() and each.decisions > 0]
    length = max(lengths, key=lambda n: (lengths.count(n), n), default=0)
    longest = max(lengths, default=0)
    by_name = {each.name: each for each in trained if each.name == "imitation" or each.decisions == length}
    later = {each.name: each for each in trained if each.decisions == longest > length and each.name in by_name}
    numbers = sorted(int(name) for name in by_name if name.isdigit())
    columns = ["imitation", *map(str, numbers), *(["handmade"] if "handmade" in by_name else [])]
    places = {name: LEFT + 30 + _along(name, columns) * (WIDTH - LEFT - RIGHT - 60) for name in columns}
    drawn = [Stroke(LEFT, TOP - 18, INK, text="success, with 95 % intervals", size=14)]
    for percent in range(0, 101, 20):
        y = _height(percent / 100)
        drawn.append(Stroke(LEFT, y, LINE, WIDTH - RIGHT, y, 1.0))
        drawn.append(Stroke(LEFT - 8, y + 4, SOFT, text=f"{percent} %", anchor="end", size=12))
    for name, x in places.items():
        words = {"imitation": "none", "handmade": "3 hand-made"}.get(name, name)
        drawn.append(Stroke(x, HEIGHT - BOTTOM + 20, SOFT, text=words, anchor="middle", size=12))
    words = f"generated scenes of the fine-tuning, {length:,} decisions"
    middle = (LEFT + WIDTH - RIGHT) / 2
    drawn.append(Stroke(middle, HEIGHT - 18, INK, text=words, anchor="middle"))
    joined = [name for name in columns if name != "handmade"]
    theirs = [(places[name], _height(PAPER[name][0] / 100)) for name in joined if name in PAPER]
    if "handmade" in columns:
        drawn.append(Stroke(places["handmade"], _height(PAPER["handmade"][0] / 100), PAPER_COLOR, dot=4.5))
    drawn += [Stroke(a, b, PAPER_COLOR, c, d, 1.5) for (a, b), (c, d) in itertools.pairwise(theirs)]
    for index, (split, color) in enumerate(COLORS.items()):
        points = []
        for name in columns:
            found = by_name[name].rate(split) if name in by_name else None
            if found is None:
                continue
            x = places[name] + 5 * (index - 1)
            if name in joined:
                points.append((x, _height(found.success)))
            drawn.append(Stroke(x, _height(found.low), color, x, _height(found.high), 1.5))
            drawn.append(Stroke(x, _height(found.success), color, dot=4.5))
            if name in later and (then := later[name].rate(split)) is not None:
                drawn += _ring(x, _height(then.success), color)
        drawn += [Stroke(a, b, color, c, d) for (a, b), (c, d) in itertools.pairwise(points)]
        drawn.append(Stroke(WIDTH - RIGHT + 16, TOP + 20 + 22 * index, color, dot=4.5))
        drawn.append(Stroke(WIDTH - RIGHT + 28, TOP + 24 + 22 * index, INK, text=NAMES[split]))
    drawn.append(Stroke(WIDTH - RIGHT + 8, TOP + 86, PAPER_COLOR, WIDTH - RIGHT + 22, TOP + 86, 1.5))
    drawn.append(Stroke(WIDTH - RIGHT + 28, TOP + 90, INK, text="arXiv 2603.18532"))
    if later:
        drawn += _ring(WIDTH - RIGHT + 16, TOP + 108, SOFT)
        drawn.append(Stroke(WIDTH - RIGHT + 28, TOP + 112, INK, text=f"{longest:,} decisions"))
    return drawn


def _ring(x: float, y: float, color: str) -> list[Stroke]:
    return [Stroke(x, y, color, dot=5.5), Stroke(x, y, GROUND, dot=3.5)]


def _along(name: str, columns: Sequence[str]) -> float:
    numbers = [int(each) for each in columns if each.isdigit()]
    if name == "handmade":
        return 1.0
    if name == "imitation" or not numbers:
        return 0.0
    most = math.log10(max(numbers)) or 1.0
    return 0.2 + (0.6 if "handmade" in columns else 0.8) * math.log10(int(name)) / most


def _height(share: float) -> float:
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def svg(trained: Sequence[Trained]) -> str:
    """The drawing as SVG."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Success by '
        f'number of training scenes" font-family="system-ui, DejaVu Sans, sans-serif">'
        f'<rect width="100%" height="100%" fill="{GROUND}"/>'
    ]
    for s in strokes(trained):
        if s.text:
            parts.append(
                f'<text x="{s.x:g}" y="{s.y:g}" font-size="{s.size}" fill="{s.color}" text-anchor="{s.anchor}">'
                f"{escape(s.text)}</text>"
            )
        elif s.dot:
            parts.append(f'<circle cx="{s.x:g}" cy="{s.y:g}" r="{s.dot:g}" fill="{s.color}"/>')
        else:
            parts.append(
                f'<path d="M{s.x:g} {s.y:g}L{s.x2:g} {s.y2:g}" stroke="{s.color}" stroke-width="{s.width:g}"/>'
            )
    return "".join(parts) + "</svg>\n"


def png(trained: Sequence[Trained]) -> bytes:
    """The drawing as PNG."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (WIDTH * SCALE, HEIGHT * SCALE), GROUND)
    draw = ImageDraw.Draw(image)
    for s in strokes(trained):
        x, y = s.x * SCALE, s.y * SCALE
        if s.text:
            font = ImageFont.load_default(s.size * SCALE)
            draw.text(
                (x, y), s.text, fill=s.color, font=font, anchor={"start": "ls", "middle": "ms", "end": "rs"}[s.anchor]
            )
        elif s.dot:
            r = s.dot * SCALE
            draw.ellipse((x - r, y - r, x + r, y + r), fill=s.color)
        else:
            draw.line((x, y, s.x2 * SCALE, s.y2 * SCALE), fill=s.color, width=round(s.width * SCALE))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
