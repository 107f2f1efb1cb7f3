"""A comparison of two engines as one SVG: a panel per measure, one engine against the other."""

from __future__ import annotations

from html import escape

import numpy as np

from gen3d_envs.compare import Comparison, Measure
from gen3d_envs.statistics import wilson_interval

PANEL, MARGIN, COLUMNS = 210, 58, 3
INK, SOFT, DOT, THEORY = "#1b1f26", "#5b6472", "#2458d6", "#d9480f"


def svg(comparison: Comparison) -> str:
    """The drawing: points are subjects, the line is where both engines agree, crosses are what theory gives."""
    panels = [m for m in comparison.measures if m.unit != "success"]
    rates = [m for m in comparison.measures if m.unit == "success"]
    count = len(panels) + bool(rates)
    rows = -(-count // COLUMNS)
    width, height = COLUMNS * (PANEL + MARGIN) + 24, rows * (PANEL + MARGIN + 26) + 64
    first, second = comparison.engines
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="system-ui,sans-serif">'
        f'<rect width="{width}" height="{height}" fill="#fff"/>'
        f'<text x="20" y="26" font-size="16" font-weight="600" fill="{INK}">{escape(comparison.env_id)}, '
        f"{escape(comparison.robot)}</text>"
        f'<text x="20" y="46" font-size="12" fill="{SOFT}">across: {escape(first)} &#183; up: {escape(second)} &#183; '
        "line: equal &#183; cross: theory</text>"
    ]
    for index in range(count):
        x = MARGIN - 6 + (index % COLUMNS) * (PANEL + MARGIN)
        y = 84 + (index // COLUMNS) * (PANEL + MARGIN + 26)
        parts.append(f'<g transform="translate({x} {y})">')
        parts.append(_scatter(panels[index]) if index < len(panels) else _rates(rates, comparison.engines))
        parts.append("</g>")
    return "".join(parts) + "</svg>\n"


def _frame(title: str) -> str:
    return (
        f'<text x="0" y="-10" font-size="13" font-weight="600" fill="{INK}">{escape(title)}</text>'
        f'<rect width="{PANEL}" height="{PANEL}" fill="none" stroke="#dfe3e9"/>'
    )


def _scatter(measure: Measure) -> str:
    values = np.array([*measure.first, *measure.second, *measure.expected])
    low, high = float(values.min()), float(values.max())
    room = 0.08 * (high - low) or max(0.05 * abs(high), 0.05)
    low, high = low - room, high + room
    scale = PANEL / (high - low)
    parts = [_frame(f"{measure.name}, {measure.unit}")]
    parts.append(f'<path d="M0 {PANEL}L{PANEL} 0" stroke="#c4cad3" fill="none"/>')
    for share in (0.0, 0.5, 1.0):
        label = f"{low + share * (high - low):.3g}"
        parts.append(
            f'<text x="{share * PANEL:.1f}" y="{PANEL + 16}" font-size="11" text-anchor="middle" fill="{SOFT}">{label}'
            f'</text><text x="-6" y="{PANEL * (1 - share) + 4:.1f}" font-size="11" text-anchor="end" fill="{SOFT}">'
            f"{label}</text>"
        )
    for x, y in sorted({(e, e) for e in measure.expected}):
        px, py = (x - low) * scale, PANEL - (y - low) * scale
        parts.append(f'<path d="M{px - 5:.1f} {py:.1f}h10M{px:.1f} {py - 5:.1f}v10" stroke="{THEORY}" fill="none"/>')
    for name, a, b in zip(measure.subjects, measure.first, measure.second, strict=True):
        px, py = (a - low) * scale, PANEL - (b - low) * scale
        parts.append(
            f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3.5" fill="{DOT}" fill-opacity=".6"><title>{escape(name)}: '
            f"{a:.4g}, {b:.4g}</title></circle>"
        )
    return "".join(parts)


def _rates(measures: list[Measure], engines: tuple[str, str]) -> str:
    """Success as bars with 95 % Wilson intervals."""
    parts = [_frame("success, %")]
    width = PANEL / (len(measures) * 3)
    for group, measure in enumerate(measures):
        for side, (values, color) in enumerate(((measure.first, "#8fb2ff"), (measure.second, DOT))):
            done = round(sum(values))
            low, high = wilson_interval(done, len(values))
            x = (3 * group + 0.5 + side) * width
            top = PANEL * (1 - done / len(values))
            parts.append(
                f'<rect x="{x:.1f}" y="{top:.1f}" width="{width:.1f}" height="{PANEL - top:.1f}" fill="{color}">'
                f"<title>{escape(engines[side])}: {done} of {len(values)}</title></rect>"
                f'<path d="M{x + width / 2:.1f} {PANEL * (1 - low):.1f}V{PANEL * (1 - high):.1f}" stroke="{INK}"/>'
            )
        parts.append(
            f'<text x="{(3 * group + 1.5) * width:.1f}" y="{PANEL + 16}" font-size="11" text-anchor="middle" '
            f'fill="{SOFT}">{escape(measure.name)}</text>'
        )
    return "".join(parts)
