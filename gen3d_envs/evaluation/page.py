"""The page about one or several results: one HTML file that holds everything it shows and fetches nothing.

All text that comes from a result is escaped; there is no script.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from gen3d_envs.evaluation import plot
from gen3d_envs.evaluation.compare import Comparison
from gen3d_envs.evaluation.film import Film, caption
from gen3d_envs.evaluation.plan import condition
from gen3d_envs.evaluation.result import Result, where
from gen3d_envs.evaluation.statistics import Difference, Estimate, Rate, Summary, controls
from gen3d_envs.report_style import document
from gen3d_envs.tasks.base import OUTCOMES

EXTRA = """
.films{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(420px,100%),1fr));gap:16px}
details{margin:10px 0}summary{cursor:pointer;color:var(--soft)}
.verdict{font-size:19px;font-weight:600;margin:6px 0}
td small{display:block}
.sure{font-weight:600}
"""


@dataclass(frozen=True, eq=False)
class Entry:
    """One run on the page.

    Attributes:
        result: its record.
        summary: of it.
        films: of some episodes.
        no_films: why there are none, where that needs a reason.
    """

    result: Result
    summary: Summary
    films: tuple[Film, ...] = ()
    no_films: str = ""


def render(entries: Sequence[Entry], comparisons: Sequence[Comparison] = (), incomparable: str = "") -> str:
    """The page.

    Args:
        entries: at least one run.
        comparisons: of pairs of them.
        incomparable: why runs are not compared, where they are not.
    """
    names = [entry.result.name for entry in entries]
    engines = sorted({entry.result.engine for entry in entries})
    title = " and ".join(names) if len(names) < 4 else f"{len(names)} policies"
    sections = [
        f'<p class="brand">Gen3D · evaluation</p><h1>{escape(title)}</h1>',
        _chips(entries),
        _overall(entries) if len(engines) == 1 else "".join(
            f"<h2>{escape(engine)}</h2>" + _overall([e for e in entries if e.result.engine == engine])
            for engine in engines
        ),
        _comparisons(comparisons, incomparable),
        *(_axes([e for e in entries if e.result.engine == engine], engine if len(engines) > 1 else "")
          for engine in engines),
        *(_run(entry, len(entries) > 1) for entry in entries),
    ]  # fmt: skip
    return document(title, sections, plot.STYLE + EXTRA)


def _chips(entries: Sequence[Entry]) -> str:
    seen = dict.fromkeys(where(entry.result) for entry in entries)
    items = "".join(f"<li>{escape(text)}</li>" for text in seen)
    return f'<ul class="chips">{items}</ul>'


def _overall(entries: Sequence[Entry]) -> str:
    bars = "".join(_bar(entry) for entry in entries)
    return (
        "<h2>Success</h2><p class=soft>Mean over scenes and conditions. The bracket is the 95 % interval of the "
        f'stratified bootstrap: what other episodes in the same scenes would give.</p><div class="card">{bars}</div>'
    )


def _bar(entry: Entry) -> str:
    overall, found = entry.summary.overall, entry.summary.stratified
    partial = f"At least half as far in {100 * overall.partial:.1f} %"
    half = f"{partial} ({_interval(overall.partial_low, overall.partial_high)})."
    other = ""
    if entry.summary.scenes_interval is not None:
        scenes = entry.summary.scenes_interval
        other = f" In other scenes of this kind: {_interval(scenes.low, scenes.high)}."
    return (
        f'<div class="rate"><h3>{escape(entry.result.name)}</h3><div class="bar">'
        f'<i style="width:{100 * found.mean:.1f}%"></i>'
        f'<b style="left:{100 * found.low:.1f}%;width:{100 * (found.high - found.low):.1f}%"></b></div>'
        f"<strong>{100 * found.mean:.1f} %</strong>"
        f"<p>{overall.successes} of {overall.episodes} episodes; bootstrap {_interval(found.low, found.high)}, "
        f"Wilson {_interval(overall.low, overall.high)}. {half} {_time(overall)}{other}</p></div>"
    )


def _interval(low: float, high: float) -> str:
    return f"{100 * low:.1f} to {100 * high:.1f} %"


def _time(rate: Rate) -> str:
    if rate.time_s is None:
        return ""
    text = f"Success takes {rate.time_s:.1f} s of simulated time"
    if rate.time_low_s is not None and rate.time_high_s is not None:
        text += f" ({rate.time_low_s:.1f} to {rate.time_high_s:.1f})"
    return text + "."


def _comparisons(comparisons: Sequence[Comparison], incomparable: str) -> str:
    if not comparisons and not incomparable:
        return ""
    text = '<h2>In pairs</h2><p class=soft>Every episode began from the same state for both.</p><div class="card pad">'
    for each in comparisons:
        text += f'<p class="verdict">{escape(each.verdict)}.</p>'
        if each.scenes_interval is not None:
            text += f"<p class=soft>In other scenes of this kind: {_points(each.scenes_interval)}.</p>"
    if incomparable:
        text += f"<p class=soft>Not compared: {escape(incomparable)}</p>"
    return text + "</div>"


def _points(found: Estimate) -> str:
    return f"{100 * found.low:+.1f} to {100 * found.high:+.1f} points"


def _axes(entries: Sequence[Entry], engine: str) -> str:
    series = [plot.Series(entry.result.name, entry.summary.axes) for entry in entries]
    names = plot.legend([each.name for each in series]) if len(series) > 1 else ""
    where_ = f" on {escape(engine)}" if engine else ""
    return (
        f"<h2>Success by test condition{where_}</h2><p class=soft>Dots with 95 % Wilson intervals.</p>{names}"
        f'<div class="card pad scroll">{plot.success_plot(series)}</div>'
    )


def _run(entry: Entry, named: bool) -> str:
    result, found = entry.result, entry.summary
    head = f'<h1 style="font-size:28px;margin-top:56px">{escape(result.name)}</h1>' if named else ""
    return "".join(
        (head, _films(entry), _axis_table(found), _controls(found), _kinds(found), _rates("family", found.families),
         _scenes(found), _excluded(result), _facts(result))
    )  # fmt: skip


def _films(entry: Entry) -> str:
    if not entry.films:
        return f"<h2>Films</h2><p class=soft>None: {escape(entry.no_films)}</p>" if entry.no_films else ""
    figures = "".join(
        '<figure><video controls muted loop playsinline preload="metadata" '
        f'src="data:video/mp4;base64,{base64.b64encode(film.mp4).decode()}"></video>'
        f"<figcaption>{escape(caption(film))}</figcaption></figure>"
        for film in entry.films
    )
    return (
        "<h2>A success and each kind of failure</h2><p class=soft>Run again from the recorded seeds. Front and wrist "
        f'camera, real time.</p><div class="films">{figures}</div>'
    )


def _cells(rate: Rate) -> str:
    seconds = "" if rate.time_s is None else f"{rate.time_s:.1f} s"
    return (
        f'<td class="num">{rate.episodes}</td><td class="num">{100 * rate.success:.1f} %</td>'
        f'<td class="num">{_interval(rate.low, rate.high)}</td><td class="num">{100 * rate.partial:.1f} %</td>'
        f'<td class="num">{seconds}</td>'
    )


HEADS = (
    '<th class="num">episodes</th><th class="num">success</th><th class="num">95 %</th><th class="num">partial</th>'
    '<th class="num">time</th>'
)


def _axis_table(found: Summary) -> str:
    against = {each.name: each for each in found.differences}
    rows = []
    for name, rate in found.axes.items():
        text = condition(name).changes
        cells = f"<td>{escape(name.replace('_', ' '))}<small class=soft>{escape(text)}</small></td>{_cells(rate)}"
        rows.append(f"<tr>{cells}{_against(against.get(name)) if against else ''}</tr>")
    head = f"<th>condition</th>{HEADS}"
    note = ""
    if against:
        head += f'<th class="num">against {escape(str(found.nominal))}</th>'
        note = "<p class=soft>Differences are of pairs: the same scene and seed, with and without the change.</p>"
    return f"<h2>Conditions</h2>{note}{_table(head, rows)}"


def _against(found: Difference | None) -> str:
    if found is None:
        return '<td class="num"></td>'
    sure = ' class="sure"' if found.certain else ""
    return f'<td class="num"><span{sure}>{100 * found.mean:+.1f}</span><small class=soft>{_points(found)}</small></td>'


def _controls(found: Summary) -> str:
    rows = []
    for each in controls(found):
        solvable = condition(each.name).solvable
        if each.first_only == each.second_only == 0 and found.axes[str(found.nominal)].successes == 0:
            says = "nothing: there is no success to lose"
        elif each.certain and each.mean < 0:
            says = "the words matter" if not solvable else "other words in the sentence mislead"
        else:
            says = "no sign that the words are used" if not solvable else "not misled"
        rows.append(f"<tr><td>{escape(each.name.replace('_', ' '))}</td>{_against(each)}<td>{escape(says)}</td></tr>")
    if not rows:
        return ""
    return (
        "<h2>Are the words used?</h2><p class=soft>Success without an instruction, or when asked for another object, "
        "against success with the right one.</p>"
        + _table('<th>control</th><th class="num">points</th><th>says</th>', rows)
    )  # fmt: skip


def _kinds(found: Summary) -> str:
    from gen3d_envs.statistics import wilson_interval

    total = sum(found.outcomes.values())
    rows = []
    for name, count in found.outcomes.items():
        low, high = wilson_interval(count, total)
        rows.append(
            f"<tr><td>{escape(name.replace('_', ' '))}<small class=soft>{escape(OUTCOMES.get(name, ''))}</small></td>"
            f'<td class="num">{count}</td><td class="num">{100 * count / total:.1f} %</td>'
            f'<td class="num">{_interval(low, high)}</td></tr>'
        )
    head = '<th>outcome</th><th class="num">episodes</th><th class="num">share</th><th class="num">95 %</th>'
    return f"<h2>How episodes ended</h2>{_table(head, rows)}"


def _rates(kind: str, rates: dict[str, Rate]) -> str:
    rows = [f"<tr><td>{escape(name)}</td>{_cells(rate)}</tr>" for name, rate in rates.items()]
    return f"<h2>By {kind}</h2>{_table(f'<th>{kind}</th>{HEADS}', rows)}"


def _scenes(found: Summary) -> str:
    worst = sorted(found.scenes.items(), key=lambda item: item[1].success)
    rows = [f"<tr><td><code>{escape(name)}</code></td>{_cells(rate)}</tr>" for name, rate in worst]
    table = _table(f"<th>scene</th>{HEADS}", rows)
    return f"<details><summary>{len(rows)} scenes, the hardest first</summary>{table}</details>"


def _excluded(result: Result) -> str:
    if not result.excluded:
        return ""
    rows = [
        f"<tr><td><code>{escape(e.scene)}</code></td><td>{escape(e.axis)}</td><td>{escape(e.reason)}</td></tr>"
        for e in result.excluded[:200]
    ]
    table = _table("<th>scene</th><th>condition</th><th>why</th>", rows)
    return (
        f"<details><summary>{len(result.excluded)} episodes are left out, for every policy</summary>{table}</details>"
    )


def _table(head: str, rows: Sequence[str]) -> str:
    return f'<div class="card scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def _facts(result: Result) -> str:
    origin, timing, s = result.provenance, result.timing, result.settings
    commit = "installed package" if origin.git_commit is None else origin.git_commit
    rows = {
        "policy": f"<code>{escape(s.policy)}</code>",
        "made by": f"<code>{escape(origin.command)}</code>",
        "when": escape(origin.started),
        "benchmark": escape(f"{s.target} {s.split or ''}") + f"<br><code>{result.benchmark}</code>",
        "plan": f"<code>{result.plan}</code>",
        "episodes": f"<code>{result.episodes_sha256}</code>",
        "seed": str(s.seed),
        "physics": escape(result.engine),
        "renderer": escape(result.renderer),
        "constants": escape(", ".join(f"{name} {value:g}" for name, value in result.constants.items())),
        "sees": escape(
            s.obs_type if s.obs_type == "state" else f"{s.obs_type}, {s.width}x{s.height}, {', '.join(s.cameras)}"
        ),
        "acts": escape(f"{s.control}, {s.control_hz} Hz"),
        "speed": f"{timing.steps_per_s:.0f} steps/s per process, {timing.jobs} processes, {timing.wall_s:.0f} s; "
        f"{timing.cpu_s:.0f} s of processor time",
        "machine": escape(f"{origin.machine.processor}, {origin.machine.cores} cores, {origin.machine.system}"),
        "code": escape(commit + (" with changes" if origin.git_changed else "")),
        "versions": escape(", ".join(f"{name} {version}" for name, version in origin.versions.items())),
    }
    body = "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in rows.items())
    return f'<h2>Where it comes from</h2><div class="card"><table class="facts"><tbody>{body}</tbody></table></div>'
