"""Two drawings of a scene as inline SVG: its graph, and its plan from above."""

from __future__ import annotations

import textwrap
from html import escape

from gen3d_envs.build import BuiltScene
from gen3d_envs.design.templates import opened_words
from gen3d_envs.robots import Robot
from gen3d_envs.spec import BACK_M, SceneSpec

WORDS = {
    "on": "on", "in": "in", "next_to": "next to", "left_of": "left of", "right_of": "right of",
    "in_front_of": "in front of", "behind": "behind", "at": "in the place of",
}  # fmt: skip
"""Predicates as a person says them."""

BOX_W, BOX_H, GAP = 122, 70, 18


def scene_graph(scene: SceneSpec) -> str:
    """The graph: the support below, objects with their roles on it, initial relations, and the goal as an arrow."""
    count = len(scene.objects)
    width = max(360, count * (BOX_W + GAP) + GAP)
    left = (width - count * BOX_W - (count - 1) * GAP) / 2
    top, ground = 96, 216
    center = {item.name: left + i * (BOX_W + GAP) + BOX_W / 2 for i, item in enumerate(scene.objects)}
    related = [r for r in scene.relations if r.object != "support"]
    low = 44 + 22 * len(related)
    parts = [
        f'<svg viewBox="0 0 {width:g} {ground + 64 + (low if related else 0)}" role="img" '
        f'style="max-width:{width * 1.25:.0f}px;min-width:{0.78 * width:.0f}px;margin:0 auto" '
        f'aria-label="Scene graph"><defs>{_arrow("goal", "--target")}{_arrow("rel", "--soft")}</defs>'
    ]
    for item in scene.objects:
        x, color = center[item.name], f"var(--{item.role})"
        parts.append(
            f'<line x1="{x:g}" y1="{top + BOX_H}" x2="{x:g}" y2="{ground - 4}" stroke="var(--soft)" stroke-width="1.5" '
            f'marker-end="url(#rel)"/><text class="dim" x="{x + 7:g}" y="{(top + BOX_H + ground) / 2 + 4:g}" '
            f'font-size="12">on</text>'
            f'<rect x="{x - BOX_W / 2:g}" y="{top}" width="{BOX_W}" height="{BOX_H}" rx="10" fill="var(--card)" '
            f'stroke="{color}" stroke-width="2"/>'
            + _label(item.description, x, top)
            + f'<text x="{x:g}" y="{top + 59}" text-anchor="middle" font-size="12" style="fill:{color}">'
            f"{item.role}</text>"
        )
    parts.append(_goal(scene, center, top))
    parts.append(
        f'<rect x="10" y="{ground}" width="{width - 20:g}" height="44" rx="10" fill="var(--code)" '
        f'stroke="var(--line)"/><text x="{width / 2:g}" y="{ground + 27}" text-anchor="middle" font-size="14">'
        f"{escape(scene.support.kind.replace('_', ' '))} "
        f'<tspan class="dim" font-size="12">support, in {escape(room_words(scene.background.style))}, robot '
        f"{escape(scene.robot)}</tspan></text>"
    )
    for row, relation in enumerate(related):
        a, b, y = center[relation.subject], center[relation.object], ground + 70 + 22 * row
        parts.append(
            f'<text class="dim" x="{width / 2:g}" y="{y}" text-anchor="middle" font-size="13">'
            f"at the start: {escape(scene.object(relation.subject).description)} "
            f"{WORDS[relation.predicate]} {escape(scene.object(relation.object).description)}</text>"
            if a != b
            else ""
        )
    return "".join(parts) + "</svg>"


def _goal(scene: SceneSpec, center: dict[str, float], top: int) -> str:
    x = center[scene.task.target]
    style = 'fill="none" stroke="var(--target)" stroke-width="2.5" stroke-dasharray="7 5" marker-end="url(#goal)"'
    goal = scene.task.all_goals[0] if scene.task.all_goals else None
    more = f" (and {len(scene.task.all_goals) - 1} more)" if len(scene.task.all_goals) > 1 else ""
    said = "" if goal is None else f"{WORDS[goal.predicate]} the {escape(scene.words(goal.receptacle))}{more}"
    if scene.task.receptacle is None and goal is not None:
        path, label, at = f"M{x:g} {top - 6} L{x:g} {top - 60}", f"goal: {said}", x
        anchor, at, y = ("start", at + 12, top - 34)
    elif scene.task.receptacle is None:
        opens = scene.task.family in ("open", "close")
        what = f"{scene.task.family} the {escape(opened_words(scene))}" if opens else "lift 10 cm and hold"
        path, label, at = f"M{x:g} {top - 6} L{x:g} {top - 60}", f"goal: {what}", x
        # Keep the label inside the drawing, whichever box it belongs to.
        anchor, at, y = ("start", at + 12, top - 34)
        if at > max(center.values()) - 40 and len(center) > 1:
            anchor, at = "end", x - 12
    else:
        to = center[scene.task.receptacle]
        path = f"M{x:g} {top - 6} C{x:g} {top - 76} {to:g} {top - 76} {to:g} {top - 8}"
        label, at, y, anchor = (
            f"goal: {WORDS[goal.predicate if goal else 'on']}{more}",
            (x + to) / 2,
            top - 70,
            "middle",
        )
    return (
        f'<path d="{path}" {style}/><text x="{at:g}" y="{y}" text-anchor="{anchor}" font-size="14" font-weight="600" '
        f'style="fill:var(--target)">{label}</text>'
    )


def room_words(style: str) -> str:
    """A style of room with its article, e.g. ``"an office"``."""
    words = style.replace("_", " ")
    name = f"{words} room" if style == "dining" else words
    return f"{'an' if name[:1] in 'aeiou' else 'a'} {name}"


def _label(text: str, x: float, top: int) -> str:
    """A description in a box, on up to two lines."""
    lines = textwrap.wrap(text, 14, max_lines=2, placeholder="…") or [text]
    rows = [31] if len(lines) == 1 else [23, 41]
    return "".join(
        f'<text x="{x:g}" y="{top + row}" text-anchor="middle" font-size="13.5" font-weight="600">'
        f"{escape(_short(line, 15))}</text>"
        for row, line in zip(rows, lines, strict=True)
    )


def _arrow(name: str, color: str) -> str:
    return (
        f'<marker id="{name}" viewBox="0 0 10 10" refX="8" refY="5" markerWidth="8" markerHeight="8" '
        f'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0 L10 5 L0 10 z" style="fill:var({color})"/></marker>'
    )


def _short(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def plan(scene: BuiltScene, robot: Robot) -> str:
    """The table from above, robot at the bottom and facing up, true to scale; a grid line every 10 cm."""
    spec = scene.spec
    scale = 640.0  # px per m
    far, half = min(spec.support.depth_m - BACK_M, 0.62), min(spec.support.width_m / 2, 0.40)
    back = 0.10
    width, height = 2 * half * scale, (far + back) * scale

    def at(x: float, y: float) -> tuple[float, float]:
        return (half - y) * scale, (far - x) * scale

    parts = [
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="Plan from above">'
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="var(--code)"/>'
    ]
    for step in range(-10, 11):
        x, y = at(step / 10, step / 10)
        parts.append(f'<path d="M0 {y:.0f}H{width:.0f}M{x:.0f} 0V{height:.0f}" stroke="var(--line)" fill="none"/>')
    bx, by = at(robot.base_position_m[0], robot.base_position_m[1])
    parts.append(
        f'<circle cx="{bx:.1f}" cy="{by:.1f}" r="34" fill="var(--soft)" opacity=".35"/>'
        f'<text x="{bx:.1f}" y="{by + 5:.1f}" text-anchor="middle" font-size="17">robot</text>'
    )
    labels: list[str] = []
    taken: list[tuple[float, float, float]] = []
    for item, footprint, (x, y, yaw) in zip(spec.objects, scene.footprints, scene.placements, strict=True):
        corners = " ".join(
            "{:.1f},{:.1f}".format(*at(float(px), float(py))) for px, py in footprint.placed(x, y, yaw)[0]
        )
        color = f"var(--{item.role})"
        parts.append(
            f'<polygon points="{corners}" fill="{color}" fill-opacity=".22" stroke="{color}" stroke-width="2.5" '
            'stroke-linejoin="round"/>'
        )
        text = _short(item.description, 18)
        cx, cy = at(x, y)
        half_width, reach = 5.2 * len(text), footprint.radius_m * scale
        cx = min(max(cx, half_width), width - half_width)
        # Below, above, or in the middle: wherever no earlier label stands.
        rows = [cy + reach + 18, cy - reach - 8, cy + 6, cy + reach + 38, cy - reach - 28]
        if reach > half_width:
            rows.insert(0, cy + 6)
        free = [
            row
            for row in rows
            if 16 < row < height - 6
            and all(abs(row - other) > 20 or abs(cx - ox) > half_width + ow for ox, other, ow in taken)
        ]
        row = (free or rows)[0]
        taken.append((cx, row, half_width))
        labels.append(
            f'<text x="{cx:.1f}" y="{row:.1f}" text-anchor="middle" font-size="18" font-weight="600" '
            f'stroke="var(--code)" stroke-width="4" paint-order="stroke">{escape(text)}</text>'
        )
    return "".join(parts + labels) + "</svg>"
