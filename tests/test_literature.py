"""150 instructions in the style of the manipulation literature, labelled by hand before any of them was designed.

Each has its own words; what it shares with BridgeData V2, RT-1, LIBERO, CALVIN, SIMPLER, VIMA-Bench, Language-Table,
RoboCasa, Meta-World and Open X-Embodiment is the kind of thing, verb and relation. A label is the task an honest reader
expects, or ``refused`` with the kind of reason where picking and placing cannot express it, and ``later`` with the
family of tasks that will.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gen3d_envs.assets.generate import articulated, available
from gen3d_envs.assets.materials import COLORS, MATERIALS
from gen3d_envs.design.rules import design
from gen3d_envs.errors import DesignError
from gen3d_envs.spec import SceneSpec
from gen3d_envs.tasks import TASKS

SENTENCES = json.loads((Path(__file__).parent / "data" / "literature.json").read_text(encoding="utf-8"))
DESIGNABLE = [label for label in SENTENCES if "refused" not in label]
REFUSED = [label for label in SENTENCES if "refused" in label]
REASONS = {
    "articulated", "cloth", "fixture", "goals", "liquid", "motion", "orientation", "part", "person", "receptacle",
    "relation",
}  # fmt: skip
"""Kinds of reasons for a refusal, for people: the words of the error are the designer's own."""


def thing(scene: SceneSpec, name: str | None) -> dict[str, str] | None:
    """What the scene says of an object, in the words of a label."""
    if name is None:
        return None
    item = scene.object(name)
    # A size is drawn to fit where the sentence leaves it open: only one that was said belongs to the meaning.
    said = {"color": item.color, "material": item.material, "size": item.size}
    return {"category": item.category, **{key: value for key, value in said.items() if value is not None}}


def outcome(label: dict[str, Any]) -> tuple[str, Any]:
    """What became of a sentence: ``right``, ``refused``, ``doubted`` (wrong, warned) or ``silent`` (wrong), and how."""
    try:
        scene = design(label["sentence"])
    except DesignError as error:
        return ("right" if "refused" in label else "refused"), str(error)
    got = {
        "family": scene.task.family,
        "target": thing(scene, scene.task.target),
        "relation": scene.task.all_goals[0].predicate if scene.task.all_goals else None,
        "receptacle": thing(scene, scene.task.receptacle),
        "more": [
            {"target": thing(scene, g.target), "relation": g.predicate, "receptacle": thing(scene, g.receptacle)}
            for g in scene.task.all_goals[1:]
        ]
        or None,
        "part": None if scene.task.part is msgspec.UNSET else scene.task.part,
    }
    wanted = {key: label.get(key) for key in got}
    for key in ("target", "receptacle"):
        if got[key] is not None and wanted[key] is not None and "size" not in wanted[key]:
            got[key].pop("size", None)
        # Two things of one category are told apart by colours that are drawn.
        same = scene.task.receptacle and scene.target.category == scene.object(scene.task.receptacle).category
        if same and got[key] is not None and wanted[key] is not None and "color" not in wanted[key]:
            got[key].pop("color", None)
    if "refused" not in label and got == wanted:
        return "right", got
    return ("doubted" if scene.warnings else "silent"), got


def test_the_literature_is_understood():
    results = [(label, *outcome(label)) for label in SENTENCES]
    confusion = Counter(("designable" if "refused" not in label else "refusal", kind) for label, kind, _ in results)
    wrong = "\n".join(f"{kind}: {label} -> {got}" for label, kind, got in results if kind != "right")
    message = f"{dict(confusion)}\n{wrong}"
    assert not [label for label, kind, _ in results if kind == "silent"], message
    assert confusion["designable", "right"] >= 0.95 * len(DESIGNABLE), message
    assert confusion["refusal", "right"] == len(REFUSED), message


def test_the_labels_are_about_what_exists():
    assert len({label["sentence"] for label in SENTENCES}) == len(SENTENCES) == 150
    assert len(DESIGNABLE) >= 110
    assert len({label["suite"] for label in SENTENCES}) >= 10
    for label in DESIGNABLE:
        assert label["family"] in TASKS
        assert ("receptacle" in label) == ("relation" in label) == (label["family"] not in ("pick", "open", "close"))
        for role in ("target", "receptacle"):
            item = label.get(role, {"category": "bowl"})
            assert item["category"] in (*available(), *articulated())
            assert item.get("color", "red") in COLORS and item.get("material", "wood") in MATERIALS
            assert item.get("size", "small") in ("small", "medium", "large")
    assert {label["refused"] for label in REFUSED} <= REASONS


@pytest.mark.parametrize("label", REFUSED, ids=[label["sentence"] for label in REFUSED])
def test_every_refusal_says_why_and_offers_a_way_out(label):
    with pytest.raises(DesignError) as caught:
        design(label["sentence"])
    assert len(caught.value.problem) > 10 and len(caught.value.remedy) > 15
