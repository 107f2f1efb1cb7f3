"""The HTML of the gallery. Text that comes from cards is escaped; scripts and styles are files of the site."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from gen3d_envs.build import BuiltScene
from gen3d_envs.cameras import FRONT
from gen3d_envs.export.glb import robot_poses
from gen3d_envs.gallery.bank import SPLITS, Entry
from gen3d_envs.gallery.words import Finding, findings, robot_words, verdict
from gen3d_envs.report import bound, quantity
from gen3d_envs.report_graph import plan, room_words, scene_graph
from gen3d_envs.robots import Robot, get_robot
from gen3d_envs.sim.view import CameraSpec
from gen3d_envs.spec import Certificate

TALL_M = 0.45
"""Robots that stand higher than this are looked at from further away."""

WHOLE = {"eye": [0.98, -0.76, 0.64], "target": [0.22, 0.02, 0.11], "fov": 38}
"""The first 3D view of a robot that is not tall."""

SPLIT_WORDS = {"train": "training", "heldout": "held out", "handmade": "made by hand"}


@dataclass(frozen=True)
class Link:
    """A neighbour of a scene: its page and its instruction."""

    href: str
    text: str


def index_html(title: str, entries: Sequence[Entry]) -> str:
    """The first page: all scenes, and the filters."""
    categories = Counter(c for entry in entries for c in sorted({item.category for item in entry.spec.objects}))
    assets = {item.asset_sha256 for entry in entries for item in entry.spec.objects}
    certified = sum(_passed(entry) is True for entry in entries)
    figures = [
        (len(entries), "scene" if len(entries) == 1 else "scenes"), (certified, "certified"),
        (len(assets), "different objects"), (len(categories), "kinds of things"),
    ]  # fmt: skip
    families = Counter(entry.spec.task.family for entry in entries)
    splits = Counter(entry.split for entry in entries if entry.split is not None)
    order = [s for s in SPLITS if s in splits] + sorted(set(splits) - set(SPLITS))
    options = "".join(
        f'<option value="{escape(name)}">{escape(name.replace("_", " "))} ({count})</option>'
        for name, count in sorted(categories.items())
    )
    filters = (
        '<form class="filters" role="search" aria-label="Filter the scenes">'
        '<input type="search" name="q" placeholder="Search: a word, a thing, a name" aria-label="Search" '
        'autocomplete="off" spellcheck="false" aria-keyshortcuts="/">'
        + _segments("family", "Task", [(name, name.replace("_", " ")) for name in sorted(families)])
        + _segments("split", "Split", [(s, SPLIT_WORDS.get(s, s)) for s in order])
        + f'<select name="category" aria-label="Kind of thing"><option value="">any thing</option>{options}</select>'
        "</form>"
    )
    cards = "\n".join(_card(entry) for entry in entries)
    body = (
        f'<p class="brand">Gen3D · gallery</p><h1>{escape(title)}</h1>'
        '<p class="lead">Tabletop scenes for robot arms, generated from sentences. Each was measured before it was '
        "kept, and each is one line of Python away.</p>"
        + '<ul class="figures">'
        + "".join(f"<li><strong>{count:,}</strong>{words}</li>" for count, words in figures)
        + "</ul>"
        + filters
        + f'<p class="counted"><span data-count aria-live="polite">{len(entries)} scenes</span>'
        '<button type="button" class="plain" data-clear>Show all</button></p>'
        f'<ul class="scenes">{cards}</ul>'
        '<p class="nothing" data-nothing hidden>No scene fits. <button type="button" class="plain" data-clear>Show '
        "all</button></p>"
    )
    return _document(title, body, "", ("gallery.js",))


def _segments(name: str, legend: str, choices: Sequence[tuple[str, str]]) -> str:
    """A row of radio buttons, the first of them "all"; nothing where there is nothing to choose."""
    if len(choices) < 2:
        return ""
    buttons = "".join(
        f'<label><input type="radio" name="{name}" value="{escape(value)}"{"" if value else " checked"}>'
        f"<span>{escape(words)}</span></label>"
        for value, words in (("", "all"), *choices)
    )
    return f'<fieldset class="segments"><legend>{legend}</legend>{buttons}</fieldset>'


def _passed(entry: Entry) -> bool | None:
    """Whether a scene's certificates pass; None where it has none."""
    certificates = entry.spec.certificates
    return all(certificate.passed for certificate in certificates) if certificates else None


def _tags(entry: Entry) -> str:
    passed = _passed(entry)
    tags = ['<li class="good">✓ certified</li>', '<li class="bad">✗ failed</li>', "<li>not measured</li>"]
    shown = [tags[2 if passed is None else 0 if passed else 1]]
    shown.append(f"<li>{escape(entry.spec.task.family.replace('_', ' '))}</li>")
    if entry.split is not None:
        shown.append(f"<li>{escape(SPLIT_WORDS.get(entry.split, entry.split))}</li>")
    return f'<ul class="tags">{"".join(shown)}</ul>'


def _card(entry: Entry) -> str:
    spec = entry.spec
    name = escape(spec.name)
    things = ", ".join(item.description for item in spec.objects)
    categories = " ".join(sorted({item.category for item in spec.objects}))
    room = f"{room_words(spec.background.style)} {spec.support.kind.replace('_', ' ')}"
    text = f"{spec.instruction} {things} {categories.replace('_', ' ')} {spec.name} {room} {spec.robot}".lower()
    return (
        f'<li class="scene" data-family="{escape(spec.task.family)}" data-split="{escape(entry.split or "")}" '
        f'data-categories="{escape(categories)}" data-text="{escape(text)}"><div class="shots">'
        f'<img src="pictures/{name}-overview.webp" width="640" height="480" loading="lazy" alt="">'
        f'<img src="pictures/{name}-front.webp" width="640" height="480" loading="lazy" alt=""></div>'
        f'<div class="text">{_tags(entry)}'
        f'<h2><a href="scenes/{name}.html">{escape(_capital(spec.instruction))}</a></h2>'
        f"<p>{escape(things)}</p></div>"
        f'<footer><code title="{escape(entry.env_id)}">{escape(entry.env_id)}</code>'
        f'<button type="button" class="copy" data-copy="{escape("env = " + entry.make)}" '
        f'aria-label="Copy the line that makes {name}"><span>Copy</span></button></footer></li>'
    )


def scene_html(
    entry: Entry, scene: BuiltScene, title: str, before: Link | None = None, after: Link | None = None
) -> str:
    """The page of one scene, to stand in ``scenes/``."""
    spec, name = entry.spec, escape(entry.spec.name)
    around = "".join(
        f'<a href="{escape(link.href)}" rel="{rel}" title="{escape(link.text)}">{words}</a>'
        for link, rel, words in ((before, "prev", "← Previous"), (after, "next", "Next →"))
        if link is not None
    )
    code = f"import gymnasium as gym, gen3d_envs\n\nenv = {entry.make}\nobservation, info = env.reset(seed=0)"
    body = (
        f'<nav class="trail"><a href="../index.html">← {escape(title)}</a><span>{around}</span></nav>'
        f"<h1>“{escape(_capital(spec.instruction))}”</h1>{_tags(entry)}"
        f'<div class="stage">{_viewer(scene)}<div class="side">'
        + "".join(
            f'<figure><img src="../pictures/{name}-{camera}.webp" width="640" height="480" alt="{alt}">'
            f"<figcaption>{caption}</figcaption></figure>"
            for camera, caption, alt in (
                ("overview", "From the side", "The scene with the whole arm"),
                ("front", "What a policy sees", "The scene from the front camera"),
            )
        )
        + "</div></div>"
        '<p class="hint">Drag to turn, shift and drag to move, scroll after a click to zoom. With the keyboard: '
        "<kbd>Tab</kbd> to the view, then the arrow keys, <kbd>+</kbd>, <kbd>−</kbd> and <kbd>Home</kbd>.</p>"
        f'<h2>Use it</h2><div class="use"><pre>{escape(code)}</pre><button type="button" class="copy" '
        f'data-copy="{escape(code)}"><span>Copy</span></button></div>'
        + _warnings(spec.warnings)
        + _certificates(spec.certificates)
        + f'<h2>What is in it</h2><div class="objects">{_objects(scene)}</div>'
        + f'<h2>What is to be done</h2><div class="pair{" wide" if len(spec.objects) > 4 else ""}">'
        f'<div class="card pad scroll">{scene_graph(spec)}</div>'
        f'<div class="card plan">{plan(scene, get_robot(spec.robot))}</div></div>' + _facts(entry)
    )
    scripts = ("../three.js", f"{spec.name}.js", "../viewer.js", "../gallery.js")
    return _document(f"{_capital(spec.instruction)} · {title}", body, "../", scripts)


def _viewer(scene: BuiltScene) -> str:
    views = _views(scene)
    setup = {"views": views, "sky": list(scene.room.sky), "light": list(scene.room.light.direction)}
    buttons = "".join(
        f'<button type="button" class="button" data-view="{index}">{view["name"]}</button>'
        for index, view in enumerate(views)
    )
    return (
        f'<div class="viewer" data-viewer="{escape(json.dumps(setup))}" data-state="loading">'
        '<canvas tabindex="0" role="img" aria-label="The scene in 3D. Arrow keys turn it, plus and minus zoom, Home '
        'goes back."></canvas><p class="note" role="status">Loading the 3D view …</p>'
        f'<div class="views">{buttons}</div></div>'
    )


def _views(scene: BuiltScene) -> list[dict[str, Any]]:
    """Where the 3D view can be looked at from; fov is the vertical opening angle in degrees, the rest m."""
    poses = [item.pose for item in scene.spec.objects if item.pose is not None]
    x = sum(pose.x_m for pose in poses) / max(1, len(poses)) if poses else 0.3
    y = sum(pose.y_m for pose in poses) / max(1, len(poses)) if poses else 0.0
    tall = robot_height_m(get_robot(scene.spec.robot)) > TALL_M
    whole = {"eye": [1.3, -1.04, 0.86], "target": [0.16, 0.04, 0.26], "fov": 38} if tall else WHOLE
    return [
        {"name": "Whole", **whole},
        {"name": "Front", **_view_of(FRONT)},
        {"name": "Close", "eye": [x + 0.34, y - 0.22, 0.26], "target": [x, y, 0.03], "fov": 40},
        {"name": "Above", "eye": [x - 0.02, y, 1.0], "target": [x, y, 0.0], "fov": 40},
    ]


def robot_height_m(robot: Robot) -> float:
    """How high the joints of a robot at home are above the support, m."""
    return max(position[2] for position, _ in robot_poses(robot))


def _view_of(camera: CameraSpec) -> dict[str, Any]:
    """A camera as eye and target: the target is where its axis meets the plane 5 cm above the support."""
    reach = (camera.position_m[2] - 0.05) / -camera.forward[2]
    target = [p + reach * f for p, f in zip(camera.position_m, camera.forward, strict=True)]
    return {"eye": list(camera.position_m), "target": target, "fov": round(camera.fov_y_rad * 57.29578, 2)}


def _warnings(warnings: tuple[str, ...]) -> str:
    if not warnings:
        return ""
    lines = "".join(f"<li>{escape(line)}</li>" for line in warnings)
    return f'<h2>What the designer was not sure about</h2><ul class="warn">{lines}</ul>'


def _certificates(certificates: tuple[Certificate, ...]) -> str:
    words = verdict(certificates)
    kind = "" if not certificates else " good" if all(c.passed for c in certificates) else " bad"
    parts = [f'<h2>Does it work?</h2><p class="verdict{kind}">{escape(words)}</p>']
    if certificates:
        parts.append(_measures(certificates))
    return "".join(parts)


def _measures(certificates: tuple[Certificate, ...]) -> str:
    """One table for all robots: each check in plain words, its limit, and what was measured with each robot."""
    by_robot = [{finding.check.name: finding for finding in findings(certificate)} for certificate in certificates]
    names = list(dict.fromkeys(name for found in by_robot for name in found))
    head = "".join(f'<th class="num">{escape(robot_words(c.robot))}</th>' for c in certificates)
    rows = []
    for name in names:
        found = [row.get(name) for row in by_robot]
        # Where robots differ, the line says what went wrong.
        told = min((f for f in found if f is not None), key=lambda f: f.passed)
        cells = "".join("<td></td>" if f is None else _measured(f) for f in found)
        rows.append(f'<tr><th>{escape(told.sentence)}</th><td class="num">{bound(told.check)}</td>{cells}</tr>')
    engines = "; ".join(sorted({f"{c.engine}, {c.renderer}" for c in certificates}))
    return (
        f'<div class="card scroll"><table class="measures"><thead><tr><th></th><th class="num">limit</th>{head}</tr>'
        f'</thead><tbody>{"".join(rows)}</tbody></table></div><p class="hint">Measured in {escape(engines)}.</p>'
    )


def _measured(finding: Finding) -> str:
    mark = '<b class="pass" title="passed">✓</b>' if finding.passed else '<b class="fail" title="failed">✗</b>'
    return f'<td class="num">{quantity(finding.check.value, finding.check.unit)} {mark}</td>'


def _objects(scene: BuiltScene) -> str:
    parts = []
    for item, asset in zip(scene.spec.objects, scene.assets, strict=True):
        x, y, z = (100 * side for side in asset.size_m)
        kind = item.category.replace("_", " ") if item.mesh is None else "mesh file"
        parts.append(
            f'<div class="card object" data-node="object/{escape(item.name)}">'
            f'<img src="../objects/{asset.sha256[:16]}.webp" width="240" height="180" loading="lazy" alt="">'
            f'<div class="text"><header><h3>{escape(item.description)}</h3>'
            f'<span class="role {item.role}">{item.role}</span></header>'
            f"<p>{escape(kind)} · {x:.1f}×{y:.1f}×{z:.1f}\u00a0cm · {1000 * asset.mass_kg:.0f}\u00a0g</p></div></div>"
        )
    return "".join(parts)


def _facts(entry: Entry) -> str:
    spec = entry.spec
    room = f"{spec.support.kind.replace('_', ' ')} in {room_words(spec.background.style)}"
    rows = {
        "ID": f"<code>{escape(entry.env_id)}</code>", "place": escape(room),
        "robot": escape(robot_words(spec.robot)), "designer": escape(f"{spec.designer}, seed {spec.seed}"),
        "scene hash": f"<code>{spec.hash}</code>",
    }  # fmt: skip
    body = "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in rows.items())
    return f'<h2>Where it comes from</h2><div class="card"><table class="facts"><tbody>{body}</tbody></table></div>'


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _document(title: str, body: str, root: str, scripts: Sequence[str]) -> str:
    tags = "".join(f'<script defer src="{escape(path)}"></script>' for path in scripts)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><link rel="icon" href="data:,">'
        f'<title>{escape(title)}</title><link rel="stylesheet" href="{root}gallery.css">{tags}</head><body><main>\n'
        f'{body}\n<footer class="end">Made by gen3d-envs. No server, no tracking, nothing from elsewhere; the 3D view '
        "is drawn by three.js (MIT).</footer></main></body></html>\n"
    )
