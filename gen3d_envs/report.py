"""The report of a demo: one HTML file that holds everything it shows, readable anywhere and for ever.

All text that comes from a sentence or a card is escaped; there is no script and nothing is fetched.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from gen3d_envs.assets.asset import Asset
from gen3d_envs.build import BuiltScene
from gen3d_envs.report_graph import plan, scene_graph
from gen3d_envs.report_style import document
from gen3d_envs.robots import get_robot
from gen3d_envs.rollout import Episode
from gen3d_envs.spec import Certificate, CheckResult, ObjectSpec
from gen3d_envs.statistics import wilson_interval
from gen3d_envs.tasks.base import OUTCOMES

CHECKS = {
    "drift": "How far anything moves in one second of rest",
    "speed": "How fast anything still moves after it",
    "penetration": "How deep anything sinks into anything else",
    "reach": "By how much the arm misses the objects it must reach",
    "visible": "How much the front camera sees of what matters",
    "unsolved_at_start": "Solved before anyone acts",
    "random_policy": "Solved by random actions",
    "expert": "Solved by the scripted expert",
}
"""Plain words for the checks of a certificate; others are shown by name."""


@dataclass(frozen=True)
class PolicyResult:
    """What a policy did.

    Attributes:
        name: shown as heading.
        description: one sentence on what it is.
        episodes: at least one.
    """

    name: str
    description: str
    episodes: tuple[Episode, ...]

    @property
    def successes(self) -> int:
        """Number of successful episodes."""
        return sum(episode.success for episode in self.episodes)

    @property
    def interval(self) -> tuple[float, float]:
        """95 % Wilson interval of the success rate."""
        return wilson_interval(self.successes, len(self.episodes))

    @property
    def outcomes(self) -> dict[str, int]:
        """How often each outcome came, in the order of :data:`OUTCOMES`."""
        found = [episode.outcome for episode in self.episodes]
        return {name: found.count(name) for name in (*OUTCOMES, *sorted(set(found) - set(OUTCOMES))) if name in found}


@dataclass(frozen=True)
class Shot:
    """A picture with its caption; ``png`` are the bytes of the file."""

    caption: str
    png: bytes


@dataclass(frozen=True, eq=False)
class Report:
    """Everything a report shows.

    Attributes:
        sentence: as the user wrote it.
        scene: built and certified.
        env_id: Gymnasium ID.
        code: the lines of Python that use it.
        command: the shell command that made all this.
        video, video_caption: MP4 bytes and what they show.
        shots: pictures of before and after.
        asset_shots: PNG bytes, one per object.
        results: one per policy.
        rejected: why earlier arrangements did not pass.
        versions: name -> version of what it was made with.
    """

    sentence: str
    scene: BuiltScene
    env_id: str
    code: str
    command: str
    video: bytes
    video_caption: str
    shots: tuple[Shot, ...]
    asset_shots: tuple[bytes, ...]
    results: tuple[PolicyResult, ...]
    rejected: tuple[str, ...]
    versions: Mapping[str, str]


def render_html(report: Report) -> str:
    """The report as one HTML document."""
    spec = report.scene.spec
    sections = (
        _head(report),
        f'<figure><video controls autoplay muted loop playsinline src="{_data("video/mp4", report.video)}"></video>'
        f"<figcaption>{escape(report.video_caption)}</figcaption></figure>",
        "<h2>Use it</h2><p class=soft>The scene is registered on this computer: any code that speaks Gymnasium can "
        f"make it.</p><pre>{escape(report.code)}</pre>",
        _warnings(spec.warnings),
        '<h2>Before and after</h2><div class="four">' + "".join(_figure(shot) for shot in report.shots) + "</div>",
        "<h2>The scene</h2><p class=soft>What the sentence became; and the table from above, with a line every 10 cm."
        f'</p><div class="pair{" wide" if len(spec.objects) > 4 else ""}">'
        f'<div class="card pad scroll">{scene_graph(spec)}</div>'
        f'<div class="card plan">{plan(report.scene, get_robot(spec.robot))}</div></div>',
        "<h2>The objects</h2><p class=soft>Generated from the description alone; no two seeds give the same object.</p>"
        '<div class="assets">'
        + "".join(
            _asset(item, asset, shot)
            for item, asset, shot in zip(spec.objects, report.scene.assets, report.asset_shots, strict=True)
        )
        + "</div>",
        "<h2>How often it succeeds</h2><p class=soft>New positions in every episode; the bracket is the 95 % Wilson "
        'interval.</p><div class="card">' + "".join(_rate(result) for result in report.results) + "</div>",
        _outcomes(report.results),
        "".join(_certificate(certificate) for certificate in spec.certificates),
        _facts(report),
    )
    return document(report.sentence, sections)


def _data(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _figure(shot: Shot) -> str:
    text = escape(shot.caption)
    return f'<figure><img alt="{text}" src="{_data("image/png", shot.png)}"><figcaption>{text}</figcaption></figure>'


def _head(report: Report) -> str:
    certificates = report.scene.spec.certificates
    passed = bool(certificates) and all(certificate.passed for certificate in certificates)
    chips = [f'<li class="{"good" if passed else "bad"}">{"✓ Certified" if passed else "✗ Not certified"}</li>']
    chips += [
        f"<li>{escape(result.name)}: {result.successes} of {len(result.episodes)}</li>" for result in report.results
    ]
    chips.append(f"<li><code>{escape(report.env_id)}</code></li>")
    return (
        f'<p class="brand">Gen3D · from a sentence to an environment</p><h1>“{escape(report.sentence)}”</h1>'
        f'<ul class="chips">{"".join(chips)}</ul>'
    )


def _warnings(warnings: tuple[str, ...]) -> str:
    if not warnings:
        return ""
    lines = "".join(f"<li>{escape(line)}</li>" for line in warnings)
    return f'<h2>What the designer was not sure about</h2><ul class="warn">{lines}</ul>'


def _asset(item: ObjectSpec, asset: Asset, shot: bytes) -> str:
    x, y, z = (100 * side for side in asset.size_m)
    kind = item.category.replace("_", " ")
    rows = {
        "category": kind if item.mesh is None else f"mesh file {item.mesh.file}",
        "size": f"{x:.1f}×{y:.1f}×{z:.1f}\u00a0cm",
        "mass": f"{1000 * asset.mass_kg:.0f} g" if asset.mass_kg >= 0.01 else f"{1000 * asset.mass_kg:.1f} g",
        "friction": f"{asset.friction:.2f}",
        "picture": f"{len(asset.faces):,} faces",
        "collision": f"{len(asset.collision)} convex part{'s' if len(asset.collision) != 1 else ''}",
    }
    facts = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in rows.items())
    notes = f"<p>{escape('. '.join(asset.notes))}</p>" if asset.notes else ""
    return (
        f'<div class="card asset"><img alt="{escape(item.description)}" src="{_data("image/png", shot)}">'
        f'<header><h3>{escape(item.description)}</h3><span class="role {item.role}">{item.role}</span></header>'
        f"<dl>{facts}</dl>{notes}</div>"
    )


def _rate(result: PolicyResult) -> str:
    low, high = result.interval
    rate = result.successes / len(result.episodes)
    return (
        f'<div class="rate"><h3>{escape(result.name)}</h3><div class="bar"><i style="width:{100 * rate:.1f}%"></i>'
        f'<b style="left:{100 * low:.1f}%;width:{100 * (high - low):.1f}%"></b></div>'
        f"<strong>{result.successes} of {len(result.episodes)}</strong>"
        f"<p>{escape(result.description)} Success rate {100 * rate:.0f} %, 95 % interval {100 * low:.0f} to "
        f"{100 * high:.0f} %.</p></div>"
    )


def _outcomes(results: tuple[PolicyResult, ...]) -> str:
    names = [name for name in OUTCOMES if any(name in result.outcomes for result in results)]
    names += sorted({name for result in results for name in result.outcomes} - set(OUTCOMES))
    head = "".join(f'<th class="num">{escape(result.name)}</th>' for result in results)
    rows = "".join(
        f"<tr><td>{escape(name.replace('_', ' '))}<br><small class=soft>{escape(OUTCOMES.get(name, ''))}</small></td>"
        + "".join(f'<td class="num">{result.outcomes.get(name, 0)}</td>' for result in results)
        + "</tr>"
        for name in names
    )
    return (
        '<h2>How episodes ended</h2><div class="card scroll"><table><thead><tr><th>outcome</th>'
        f"{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _certificate(certificate: Certificate) -> str:
    rows = "".join(_check(check) for check in certificate.checks)
    return (
        f"<h2>Certificate, {escape(certificate.robot)}</h2><p class=soft>Measured in the physics that the ID uses, "
        'before the scene was saved.</p><div class="card scroll"><table class="checks"><thead><tr><th>check</th>'
        '<th class="num">measured</th>'
        f'<th class="num">limit</th><th></th></tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _check(check: CheckResult) -> str:
    name = CHECKS.get(check.name, check.name.replace("_", " "))
    detail = f"<br><small class=soft>{escape(check.detail)}</small>" if check.detail else ""
    verdict = '<td class="pass">✓ passed</td>' if check.passed else '<td class="fail">✗ failed</td>'
    return (
        f'<tr><td>{escape(name)}{detail}</td><td class="num">{quantity(check.value, check.unit)}</td>'
        f'<td class="num">{bound(check)}</td>{verdict}</tr>'
    )


def bound(check: CheckResult) -> str:
    """The limit of a check with the side on which it lies, escaped."""
    # The card does not say which way a limit points; the verdict does, except on the limit itself.
    above = check.value > check.limit if check.passed else check.value < check.limit
    sign = "≥" if above or check.name in ("visible", "expert") else "≤"
    return f"{sign} {quantity(check.limit, check.unit)}"


def quantity(value: float, unit: str) -> str:
    """A number with its unit, lengths and speeds below a decimetre in mm, without digits that say nothing."""
    if unit in ("m", "m/s") and abs(value) < 0.1:
        value, unit = 1000 * value, "m" + unit
        if 0 < abs(value) < 0.01:
            return f"&lt; 0.01 {escape(unit)}"
        return f"{value:.2g} {escape(unit)}"
    return f"{value:g} {escape(unit)}"


def _facts(report: Report) -> str:
    spec = report.scene.spec
    engines = sorted({c.engine for c in spec.certificates}) or ["not certified"]
    renderers = sorted({c.renderer for c in spec.certificates}) or ["not certified"]
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    rows = {
        "ID": f"<code>{escape(report.env_id)}</code>",
        "scene hash": f"<code>{report.scene.hash}</code>",
        "made by": f"<code>{escape(report.command)}</code>",
        "designer": escape(f"{spec.designer}, seed {spec.seed}"),
        "physics": escape("; ".join(engines)),
        "renderer": escape("; ".join(renderers)),
        "versions": escape(versions),
        "arrangements tried": str(len(report.rejected) + 1)
        + "".join(f"<br><small class=soft>rejected: {escape(reason)}</small>" for reason in report.rejected),
    }
    body = "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in rows.items())
    return f'<h2>Where it comes from</h2><div class="card"><table class="facts"><tbody>{body}</tbody></table></div>'
