"""The study as one HTML file that fetches nothing: the curve, the table, how each training went, and its settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import msgspec

from gen3d_envs.report_style import document

from .plot import GROUND, INK, LINE, SOFT, svg
from .settings import MAY_DIFFER, StudySettings
from .table import GAINS, HEAD, Trained, gain_rows, rows

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 860, 330, 64, 190, 24, 48
HUES = ("#2458d6", "#d9480f", "#14804a", "#8a3ffc", "#b8860b", "#c2185b", "#00798c", "#5b6472")
EXTRA = ".drawing{background:#fff}.drawing svg{display:block;width:100%;height:auto}"

Way = Sequence[tuple[float, float]]
"""A training: decisions made, and the share of its latest episodes that succeeded, with noise."""


def html(trained: Sequence[Trained], ways: Mapping[str, Way], settings: StudySettings) -> str:
    """The page.

    Args:
        trained: what was measured.
        ways: how each training went, by its name.
        settings: of the study.
    """
    gained = gain_rows(trained)
    facts = "".join(
        f"<tr><td>{escape(name)}</td><td><code>{escape(str(value))}</code></td></tr>"
        for name, value in msgspec.to_builtins(settings).items()
        if name not in MAY_DIFFER  # what was done of them stands in the table
    )
    sections = [
        '<p class="brand">Gen3D · study</p><h1>Success by number of training scenes</h1>',
        f'<div class="card drawing">{svg(trained)}</div>',
        "<h2>What was measured</h2><p class=soft>Without noise, the same episodes for every policy; Wilson's 95 % "
        "intervals and the number of episodes in brackets.</p>"
        + _table(HEAD, rows(trained)),
        "<h2>Differences</h2><p class=soft>In points, between trainings of one length on the same episodes, with 95 % "
        "intervals over other seeds and other episodes.</p>"
        + _table(GAINS, gained) if gained else "",
        "<h2>How the trainings went</h2><p class=soft>Success in the scenes of the training, with the noise that "
        f'explores.</p><div class="card drawing">{_drawn(ways)}</div>' if ways else "",
        f'<h2>Settings</h2><div class="card scroll"><table><tbody>{facts}</tbody></table></div>',
    ]  # fmt: skip
    return document("Study", sections, EXTRA)


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table; a number and its sign stay on one line."""
    titles = "".join(f"<th>{escape(name)}</th>" for name in head)
    cells = [[escape(cell).replace(" %", "&nbsp;%") for cell in line] for line in lines]
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in line)}</tr>" for line in cells)
    return f'<div class="card scroll"><table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table></div>'


def _drawn(ways: Mapping[str, Way]) -> str:
    """Success by decisions, a line for each training; seeds of one number of scenes have one colour and one name."""
    most = max((way[-1][0] for way in ways.values() if way), default=1.0)
    across, up = (WIDTH - LEFT - RIGHT) / most, HEIGHT - TOP - BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Success in '
        f'training by decisions" font-family="system-ui, DejaVu Sans, sans-serif" font-size="12">'
        f'<rect width="100%" height="100%" fill="{GROUND}"/>'
    ]
    for percent in range(0, 101, 20):
        y = HEIGHT - BOTTOM - up * percent / 100
        parts.append(f'<path d="M{LEFT} {y:g}H{WIDTH - RIGHT}" stroke="{LINE}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:g}" fill="{SOFT}" text-anchor="end">{percent} %</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle:g}" y="{HEIGHT - 12}" fill="{INK}" text-anchor="middle">decisions</text>')
    for x, anchor, decisions in ((LEFT, "start", 0.0), (WIDTH - RIGHT, "end", most)):
        y = HEIGHT - BOTTOM + 18
        parts.append(f'<text x="{x}" y="{y}" fill="{SOFT}" text-anchor="{anchor}">{decisions:,.0f}</text>')
    kinds: dict[str, list[str]] = {}
    for name in ways:
        kinds.setdefault(name.rpartition("-s")[0], []).append(name)
    for index, (kind, names) in enumerate(kinds.items()):
        color, y = HUES[index % len(HUES)], TOP + 16 + 20 * index
        for name in names:
            points = " ".join(f"{LEFT + across * x:.1f},{HEIGHT - BOTTOM - up * share:.1f}" for x, share in ways[name])
            parts.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"/>')
        label = names[0] if len(names) == 1 else f"{kind}, {len(names)} seeds"
        parts.append(f'<path d="M{WIDTH - RIGHT + 12} {y - 4}h18" stroke="{color}" stroke-width="2"/>')
        parts.append(f'<text x="{WIDTH - RIGHT + 36}" y="{y}" fill="{INK}">{escape(label)}</text>')
    return "".join(parts) + "</svg>"
