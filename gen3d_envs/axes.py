"""Test conditions by name: under which changes of the world a policy is tried.

An *axis* is a small pure description: what changes, as a randomization or as arguments of ``gym.make``. The same seed
under two axes gives episodes that differ in nothing but what the axes change, so results can be compared in pairs.

Sources: the vision, semantics and execution axes are those of RL4VLA (arXiv 2505.19789), the layout, camera, robot
start, language, light, background and sensor axes those of LIBERO-Plus (arXiv 2510.13626), here in three strengths.
What the axes measure is theirs; the numbers are ours, chosen for this robot, table and camera.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import gymnasium

from gen3d_envs.errors import FieldError
from gen3d_envs.wrappers import Randomize

STRENGTHS = ("weak", "medium", "strong")
_TURN = 3.141592653589793


@dataclass(frozen=True, eq=False)
class Axis:
    """One test condition.

    Attributes:
        name: key in :data:`AXES`; a released name never changes its meaning.
        group: what kind of condition it is, see :data:`GROUPS`.
        changes: what is different from training, in a few words.
        randomization: what varies at every reset, as ``gym.make(..., randomization=...)`` takes it.
        split: which scenes of the benchmark are drawn from.
        families: task families in which it changes anything; all where empty.
        solvable: False where the instruction does not tell the task: success then means that words were not needed.
    """

    name: str
    group: str
    changes: str
    randomization: Mapping[str, Any] = field(default_factory=dict)
    split: str = "train"
    families: tuple[str, ...] = ()
    solvable: bool = True

    @property
    def arguments(self) -> dict[str, Any]:
        """Keyword arguments of ``gym.make`` beside the environment's own; without any for the training condition."""
        found: dict[str, Any] = {}
        if self.randomization:
            found["randomization"] = {group: dict(fields) for group, fields in self.randomization.items()}
        if self.split != "train":
            found["split"] = self.split
        return found

    def concerns(self, family: str) -> bool:
        """Whether the axis changes anything in a task family."""
        return not self.families or family in self.families


def _pm(limit: float) -> dict[str, list[float]]:
    return {"uniform": [-limit, limit]}


def _about(factor: float) -> dict[str, list[float]]:
    return {"loguniform": [1.0 / factor, factor]}


def _rl4vla() -> list[Axis]:
    place = ("place",)
    axes = [Axis("unseen_table", "vision", "another table, in a texture that no scene has",
                 {"visual": {"table": True, "support_texture": True}})]  # fmt: skip
    for strength, mix in (("weak", 0.3), ("strong", 0.5)):
        texture = {"mix": mix}
        axes.append(Axis(f"texture_{strength}", "vision", f"textures on objects and robot, {mix:.0%}",
                         {"visual": {"object_texture": texture, "robot_texture": texture}}))  # fmt: skip
    for strength, noise in (("weak", 20.0), ("strong", 50.0)):
        axes.append(Axis(f"noise_{strength}", "vision", f"pixel noise of {noise:g} of 255",
                         {"sensing": {"noise": noise}}))  # fmt: skip
    other = {"split": "heldout"}
    return [
        *axes,
        Axis("unseen_objects", "semantics", "a target of another category, from a held-out scene",
             {"layout": {"target": other}}),
        Axis("unseen_receptacles", "semantics", "a receptacle of another category, from a held-out scene",
             {"layout": {"receptacle": other}}, families=place),
        Axis("unseen_instructions", "semantics", "the task in the words of the held-out templates",
             {"language": {"paraphrase": list(HELDOUT_TEMPLATES)}}),
        Axis("multi_object_seen", "semantics", "one more thing that is a target in training scenes",
             {"layout": {"distractors": {"count": 1, "split": "train", "role": "target"}}}),
        Axis("multi_object_unseen", "semantics", "another target, and one more that is a target in held-out scenes",
             {"layout": {"target": other, "distractors": {"count": 1, "split": "heldout", "role": "target"}}}),
        Axis("distractor_receptacle", "semantics", "one more receptacle, of training scenes",
             {"layout": {"distractors": {"count": 1, "split": "train", "role": "receptacle"}}}),
        Axis("multi_receptacle", "semantics", "two receptacles, both from held-out scenes",
             {"layout": {"receptacle": other,
                         "distractors": {"count": 1, "split": "heldout", "role": "receptacle"}}}, families=place),
        Axis("unseen_positions", "execution", "objects up to 15 cm from where they were, the target at least 6 cm",
             {"layout": {"placement": {"position_m": 0.15, "yaw_rad": _TURN, "beyond_m": 0.06}}}),
        Axis("unseen_robot_pose", "execution", "every joint of the arm up to 0.25 rad off at the start",
             {"layout": {"joints_rad": _pm(0.25)}}),
        Axis("object_moved", "execution", "the target is put 8 cm aside during the episode",
             {"layout": {"move": {"step": {"uniform": [1, 6]}, "distance_m": 0.08}}}),
    ]  # fmt: skip


HELDOUT_TEMPLATES = (
    "put_inside", "lay_to", "transfer_to", "deposit_at", "grab_drop", "get_move", "would_mind", "i_would_like", "goes",
    "should_be", "needs_to_go", "where_first_to", "task_is", "see_there", "pick", "grab_raise", "raise_air", "can_lift",
    "would_mind_picking", "i_would_like_pick", "should_be_lifted", "seize",
)  # fmt: skip
"""Ways of asking that the training split of the benchmark never uses."""


def _libero_plus() -> list[Axis]:
    axes: list[Axis] = []
    texts = {"weak": "a little", "medium": "clearly", "strong": "far"}
    rows: tuple[tuple[str, str, tuple[Mapping[str, Any], ...]], ...] = (
        ("layout", "more things around, and all stand elsewhere", tuple(
            {"layout": {"distractors": count, "placement": {"position_m": far, "yaw_rad": _TURN}}}
            for count, far in ((1, 0.05), (2, 0.1), (3, 0.15)))),
        ("camera", "the camera stands, looks and zooms otherwise", tuple(
            {"camera": {"position_m": _pm(far), "rotation_rad": _pm(turn), "fov": _about(zoom)}}
            for far, turn, zoom in ((0.02, 0.02, 1.03), (0.04, 0.05, 1.07), (0.06, 0.08, 1.12)))),
        ("robot_start", "the arm starts elsewhere", tuple(
            {"layout": {"joints_rad": _pm(limit)}} for limit in (0.1, 0.2, 0.3))),
        ("language", "other words, another order, slips of the finger", (
            {"language": {"paraphrase": True}},
            {"language": {"paraphrase": True, "word_order": 1.0, "typos": 1}},
            {"language": {"paraphrase": True, "word_order": 1.0, "typos": 4}})),
        ("light", "other light, from elsewhere", tuple(
            {"visual": {"brightness": _about(factor), "direction": {"azimuth_rad": _pm(_TURN), "slant": slant},
                        "ambient": tint}}
            for factor, slant, tint in (
                (1.1, 0.5, {"uniform": [0.5, 0.7]}), (1.4, 0.9, {"uniform": [0.35, 0.7]}),
                (2.0, 1.5, {"uniform": [0.1, 0.6]})))),
        ("background", "another room, another table", (
            {"visual": {"wall_texture": True, "floor_texture": True, "support_texture": {"mix": 0.25}}},
            {"visual": {"room": True, "support_texture": {"mix": 0.5}}},
            {"visual": {"room": True, "table": True, "support_texture": True}})),
        ("sensor", "noise, blur and other colours", tuple(
            {"sensing": {"noise": noise, "blur": blur, "jitter": {
                "brightness": _about(factor), "contrast": _about(factor), "saturation": _about(factor),
                "hue": _pm(hue)}}}
            for noise, blur, factor, hue in ((5.0, 0.3, 1.1, 0.01), (12.0, 0.8, 1.25, 0.03), (25.0, 1.5, 1.5, 0.06)))),
    )  # fmt: skip
    for name, changes, settings in rows:
        for strength, randomization in zip(STRENGTHS, settings, strict=True):
            axes.append(Axis(f"{name}_{strength}", name, f"{changes}: {texts[strength]}", randomization))
    return axes


_LANGUAGE = (
    Axis("paraphrase", "words", "the task in the words of any template", {"language": {"paraphrase": True}}),
    Axis("blank_instruction", "control", "no word at all", {"language": {"control": "blank"}}, solvable=False),
    Axis("other_object", "control", "asks for another object of the scene; the task stays",
         {"language": {"control": "other_object"}}, solvable=False),
    Axis("distractor_named", "control", "the task, and a distractor that is to stay",
         {"language": {"control": "distractor_named"}}),
)  # fmt: skip

AXES: dict[str, Axis] = {
    axis.name: axis
    for axis in (
        Axis("train", "scenes", "nothing: the training split as it is"),
        Axis("heldout", "scenes", "scenes, objects, rooms and words that training never shows", split="heldout"),
        *_rl4vla(),
        *_libero_plus(),
        *_LANGUAGE,
    )
}
"""Every test condition by name, in a fixed order."""

GROUPS: tuple[str, ...] = tuple(dict.fromkeys(axis.group for axis in AXES.values()))
"""Groups of test conditions, in a fixed order."""


def choose(names: str | Sequence[str]) -> tuple[Axis, ...]:
    """The axes of a list of names.

    Args:
        names: names of axes or of groups, one or several; ``"all"`` for every one.

    Raises:
        FieldError: an unknown name.
    """
    wanted = [names] if isinstance(names, str) else list(names)
    found: dict[str, Axis] = {}
    for name in wanted:
        fitting = [axis for axis in AXES.values() if name in ("all", axis.name, axis.group)]
        if not fitting:
            import difflib

            near = difflib.get_close_matches(str(name), [*AXES, *GROUPS], n=3, cutoff=0.4)
            remedy = f"Did you mean {', '.join(near)}?" if near else f"Use 'all' or some of {', '.join(GROUPS)}"
            raise FieldError("axes", name, "no axis and no group has this name", remedy)
        found |= {axis.name: axis for axis in fitting}
    return tuple(axis for axis in AXES.values() if axis.name in found)


def apply(axis: Axis | str, env: gymnasium.Env[Any, Any]) -> gymnasium.Env[Any, Any]:
    """An environment under a test condition.

    Args:
        axis: the axis or its name.
        env: an environment of this package; its own scenes are kept.

    Raises:
        FieldError: an unknown name, an axis of other scenes (give its ``arguments`` to ``gym.make`` instead), or
            something varies already that the axis varies.
    """
    if isinstance(axis, str):
        if axis not in AXES:
            raise FieldError("axis", axis, "no axis has this name", "`gen3d axes` lists them")
        axis = AXES[axis]
    if axis.split != "train":
        raise FieldError(
            "axis", axis.name, "draws other scenes, which no wrapper can", "Use gym.make(ID, **axis.arguments)"
        )
    return Randomize(env, axis.randomization) if axis.randomization else env


def episode_seed(seed: int, scene: str, episode: int) -> int:
    """The seed of one episode's reset: the same for every policy and under every axis.

    Args:
        seed: of the whole evaluation.
        scene: name of the scene.
        episode: which of the scene's episodes, from 0.
    """
    digest = hashlib.sha256(f"{seed}/{scene}/{episode}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1
