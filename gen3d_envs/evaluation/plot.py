"""Success by axis as an inline SVG: a dot with its interval for every condition and run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from gen3d_envs.evaluation.plan import condition
from gen3d_envs.evaluation.statistics import Rate

LABEL, WIDTH, ROW, GAP, TOP = 190, 700, 22, 16, 26
SERIES = 6
"""Colours there are; more series use them again."""

STYLE = """
:root{--s0:#2458d6;--s1:#d9480f;--s2:#14804a;--s3:#8b3fbf;--s4:#9a6700;--s5:#5b6472}
@media(prefers-color-scheme:dark){:root{--s0:#7ea6ff;--s1:#ff9a66;--s2:#5fd39a;--s3:#c99bf0;--s4:#f0c560;--s5:#9aa4b2}}
"""


@dataclass(frozen=True)
class Series:
    """One run in the plot: its name, and the success under each axis."""

    name: str
    rates: dict[str, Rate]


def success_plot(series: Sequence[Series]) -> str:
    """The plot, with the axes in groups and a legend where there is more than one run."""
    names = list(dict.fromkeys(name for each in series for name in each.rates))
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(condition(name).group, []).append(name)
    step = ROW + 6 * (len(series) - 1)
    height = TOP + sum(len(members) * step + GAP for members in groups.values()) + 12
    parts = [
        f'<svg viewBox="0 0 {LABEL + WIDTH + 30} {height}" role="img" aria-label="Success by axis" '
        f'style="max-width:{LABEL + WIDTH + 30}px;min-width:560px">'
    ]
    for percent in (0, 25, 50, 75, 100):
        x = LABEL + WIDTH * percent / 100
        parts.append(
            f'<path d="M{x:g} {TOP - 6}V{height - 12}" stroke="var(--line)"/>'
            f'<text class="dim" x="{x:g}" y="{TOP - 12}" font-size="12" text-anchor="middle">{percent} %</text>'
        )
    y = float(TOP)
    for members in groups.values():
        for name in members:
            parts.append(
                f'<text x="{LABEL - 12}" y="{y + step / 2 + 4:g}" font-size="13" text-anchor="end">'
                f"{escape(name.replace('_', ' '))}</text>"
            )
            for index, each in enumerate(series):
                if name in each.rates:
                    parts.append(_dot(each, each.rates[name], index, y + step * (index + 1) / (len(series) + 1)))
            y += step
        y += GAP
        parts.append(f'<path d="M0 {y - GAP / 2:g}H{LABEL + WIDTH}" stroke="var(--line)" stroke-dasharray="2 4"/>')
    return "".join(parts) + "</svg>"


def legend(names: Sequence[str]) -> str:
    """Names with the colours of their dots."""
    items = "".join(
        f'<li><span style="color:var(--s{index % SERIES})">●</span> {escape(name)}</li>'
        for index, name in enumerate(names)
    )
    return f'<ul class="chips">{items}</ul>'


def _dot(series: Series, rate: Rate, index: int, y: float) -> str:
    low, mean, high = (LABEL + WIDTH * value for value in (rate.low, rate.success, rate.high))
    color = f"var(--s{index % SERIES})"
    return (
        f"<g><title>{escape(series.name)}: {rate.successes} of {rate.episodes}, {100 * rate.success:.1f} %, "
        f"95 % interval {100 * rate.low:.1f} to {100 * rate.high:.1f}</title>"
        f'<path d="M{low:.1f} {y:g}H{high:.1f}" stroke="{color}" stroke-width="2"/>'
        f'<circle cx="{mean:.1f}" cy="{y:g}" r="4.5" fill="{color}"/></g>'
    )
