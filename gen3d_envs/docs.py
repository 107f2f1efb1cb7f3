"""Tables of the documentation, generated from the code that they describe.

A Markdown file holds them between ``<!-- generated:NAME -->`` and ``<!-- /generated -->``; :func:`update` rewrites what
stands there.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable
from pathlib import Path

from gen3d_envs.axes import AXES, GROUPS
from gen3d_envs.env import Gen3DEnv
from gen3d_envs.errors import FieldError
from gen3d_envs.evaluation.leaderboard import read_rows, results_folder, tables
from gen3d_envs.observations import AGENT_POS, BRIDGE_PI0, OBS_TYPES, TermGroup, state_terms
from gen3d_envs.registration import COLLECTIONS, SPLITS, scene_names
from gen3d_envs.robots import get_robot
from gen3d_envs.robots.controllers import CONTROLLERS
from gen3d_envs.tasks import OUTCOMES, TASKS
from gen3d_envs.variations.table import FIELDS

_BLOCK = re.compile(r"<!-- generated:([a-z_]+) -->\n.*?<!-- /generated -->", re.DOTALL)


_INTEGRATIONS = Path(__file__).resolve().parent.parent / "tests" / "integrations" / "results.json"
"""What ``make integrations`` recorded; there in a checkout only."""


def update(text: str) -> str:
    """The text with every generated block brought up to date.

    Raises:
        FieldError: a block with a name that is not in :data:`TABLES`.
    """

    def block(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in TABLES:
            raise FieldError("generated", name, "no such table", f"Use one of {', '.join(TABLES)}")
        return f"<!-- generated:{name} -->\n{TABLES[name]()}\n<!-- /generated -->"

    return _BLOCK.sub(block, text)


def arguments() -> str:
    """Keyword arguments of ``gym.make``, from the signature and docstring of the environment."""
    texts = _argument_texts(inspect.getdoc(Gen3DEnv) or "")
    rows = ["| argument | default | meaning |", "|---|---|---|"]
    for name, parameter in inspect.signature(Gen3DEnv).parameters.items():
        default = _python(parameter.default)
        rows.append(f"| `{name}` | `{default}` | {texts[name]} |")
    return "\n".join(rows)


def _argument_texts(doc: str) -> dict[str, str]:
    """Argument name -> text, from the ``Args:`` section of a Google docstring."""
    section = re.search(r"\nArgs:\n(.*?)(?:\n\n|\Z)", doc, re.DOTALL)
    assert section is not None  # every public class documents its arguments
    texts: dict[str, str] = {}
    for line in re.sub(r"\n {8}\s*", " ", section.group(1)).splitlines():
        names, _, text = line.strip().partition(": ")
        for name in names.split(", "):
            text = re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text.replace("``", "`")).rstrip(".")
            if text == "see above":
                text = f"one of {', '.join(f'`{_python(kind)}`' for kind in OBS_TYPES)}; see below"
            texts[name] = text[:1].upper() + text[1:]
    return texts


def _python(value: object) -> str:
    text = repr(value)
    return text.replace("'", '"')


def agent_pos() -> str:
    """The seven numbers of ``agent_pos``."""
    return TermGroup(AGENT_POS).table()


def state() -> str:
    """The flat ``state`` observation of the default robot."""
    return TermGroup(state_terms(tuple(joint.name for joint in get_robot("widowx").model.joints))).table()


def bridge() -> str:
    """The preset of the public BridgeV2 pi0 checkpoint."""
    rows = ["| argument | value |", "|---|---|"]
    return "\n".join([*rows, *(f"| `{name}` | `{_python(value)}` |" for name, value in BRIDGE_PI0.items())])


def actions() -> str:
    """The numbers of each kind of action, at the default rate."""
    rows = ["| index | " + " | ".join(f'`control="{name}"`' for name in CONTROLLERS) + " |"]
    rows.append("|---" * (len(CONTROLLERS) + 1) + "|")
    columns = [make(get_robot("widowx"), 5).names for make in CONTROLLERS.values()]
    for index in range(max(len(column) for column in columns)):
        cells = [column[index] if index < len(column) else "" for column in columns]
        rows.append(f"| {index} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def outcomes() -> str:
    """Values of ``info["outcome"]``."""
    return "\n".join(["| outcome | meaning |", "|---|---|", *(f"| `{k}` | {v} |" for k, v in OUTCOMES.items())])


def rewards() -> str:
    """Weights of the shaped reward."""
    names = list(dict.fromkeys(name for family in TASKS.values() for name in family.weights))
    rows = [f"| term | {' | '.join(name.capitalize() for name in TASKS)} |", "|---" * (len(TASKS) + 1) + "|"]
    for name in names:
        cells = [f"{family.weights[name]:g}" if name in family.weights else "" for family in TASKS.values()]
        rows.append(f"| `{name}` | {' | '.join(cells)} |")
    return "\n".join(rows)


def tasks() -> str:
    """The families of tasks and what they ask for."""
    rows = ["| family | what is to be done |", "|---|---|"]
    return "\n".join([*rows, *(f"| `{name}` | {family.meaning} |" for name, family in TASKS.items())])


def ids() -> str:
    """The IDs that draw scenes, and how many they have in each split."""
    rows = ['| ID | `split="train"`, the default | `"heldout"` | `"handmade"` |', "|---|---|---|---|"]
    for env_id, collection in COLLECTIONS.items():
        counts = (len(scene_names(collection.get("family"), split)) for split in SPLITS)
        rows.append(f"| `{env_id}` | {' | '.join(f'{count} scenes' for count in counts)} |")
    return "\n".join(rows)


def axes() -> str:
    """The test conditions; those of three strengths in one row each."""
    rows = ["| group | axis | what changes |", "|---|---|---|"]
    for group in GROUPS:
        members = [axis for axis in AXES.values() if axis.group == group]
        if all(axis.name.startswith(f"{group}_") for axis in members):
            names = ", ".join(f"`{axis.name}`" for axis in members)
            rows.append(f"| {group} | {names} | {members[0].changes.rpartition(':')[0]} |")
        else:
            rows += [f"| {group} | `{axis.name}` | {axis.changes} |" for axis in members]
    return "\n".join(rows)


def randomization() -> str:
    """Every field that may vary, with the keys of its mapping."""
    rows = ["| group | field | meaning |", "|---|---|---|"]
    for field in FIELDS.values():
        group, _, name = field.name.partition(".")
        rows.append(f"| `{group}` | `{name}` | {field.text} |")
    return "\n".join(rows)


def _record(block: str, path: Path) -> str:
    if not path.is_file():
        raise FieldError("generated", block, "has no record here", "Run it in a checkout of the repository")
    return path.read_text(encoding="utf-8")


def integrations() -> str:
    """Other codebases that were run on these environments, when, and with which versions.

    Raises:
        FieldError: there is no record: this is an installed package, not a checkout.
    """
    rows = ["| codebase | version | Gymnasium | Python | outcome | date |", "|---|---|---|---|---|---|"]
    for row in json.loads(_record("integrations", _INTEGRATIONS)):
        outcome = f"{row['outcome']}: {row['detail']}".replace("|", "\\|")
        rows.append(
            f"| {row['name']} | {row['version']} | {row['gymnasium']} | {row['python']} | {outcome} | {row['date']} |"
        )
    return "\n".join(rows)


def results() -> str:
    """The results that are kept: a table for each benchmark, split, robot and engine."""
    parts = []
    for table in tables(read_rows(results_folder())):
        families = list(dict.fromkeys(name for standing in table.standings for name in standing.row.families))
        lines = [f"**{table.title}**", ""]
        lines.append(f"| | policy | success | 95 % | {' | '.join(families)} | partial | time to success | episodes |")
        lines.append("|---" * (7 + len(families)) + "|")
        for standing in table.standings:
            row = standing.row
            tallies = [row.families.get(name) for name in families]
            shares = ["" if each is None else f"{100 * each.successes / each.episodes:.1f} %" for each in tallies]
            seconds = "" if row.all.time_s is None else f"{row.all.time_s:.1f} s"
            cells = [
                "old" if standing.rank is None else str(standing.rank), row.name, f"{100 * row.mean:.1f} %",
                f"{100 * row.low:.1f} to {100 * row.high:.1f}", *shares, f"{100 * row.all.partial:.1f} %", seconds,
                str(row.all.episodes),
            ]  # fmt: skip
            lines.append(f"| {' | '.join(cells)} |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def study() -> str:
    """What the learning study found, as it wrote it down.

    Raises:
        FieldError: as :func:`integrations`.
    """
    return _record("study", results_folder() / "study" / "table.md").strip()


RECIPES = {
    "study-steady": "the expert of the demonstrations errs at times",
    "study-clumsy": "mirrored, 12 demonstrations for 50, what is held is where the tool is, scenes in rounds, smaller "
    "steps late",
    "study-straight": "sizes beside places, transport over the rim",
    "study-regressed": "places from peaks and the camera",
    "study": "",
}
"""Folders of the study's recipes, and what was new in the next one."""


def recipes() -> str:
    """What every recipe of the learning study reached: its imitation, and its longest training in most scenes.

    Raises:
        FieldError: as :func:`integrations`.
    """
    lines = [
        "| recipe | imitation | decisions | training | held-out | hand-made | new in the next |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, change in RECIPES.items():
        table = _record("recipes", results_folder() / name / "table.md").splitlines()
        rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table if line.startswith("|")]
        first = next(row for row in rows if row[0] == "imitation only")
        last = [row for row in rows if row[0] == "100 generated"][-1]
        shares = [cell.partition(" (")[0] for cell in (first[3], last[1], *last[3:6])]
        lines.append(f"| `{name}` | {' | '.join(shares)} | {change} |")
    return "\n".join(lines)


TABLES: dict[str, Callable[[], str]] = {
    "arguments": arguments, "agent_pos": agent_pos, "state": state, "bridge": bridge, "actions": actions,
    "outcomes": outcomes, "rewards": rewards, "tasks": tasks, "ids": ids, "integrations": integrations,
    "axes": axes, "randomization": randomization, "results": results,
    "study": study, "recipes": recipes,
}  # fmt: skip
"""Every generated block by name."""
