"""From a request to a scene without poses: the designer reads the sentence, the plan says what surrounds the task."""

from __future__ import annotations

import hashlib
from pathlib import Path

from gen3d_envs.bank.plan import SceneRequest, noun
from gen3d_envs.design.designer import Designer
from gen3d_envs.errors import DesignError
from gen3d_envs.registration import registry_folder
from gen3d_envs.spec import BackgroundSpec, ObjectSpec, SceneSpec, SupportSpec, read_card, replace

GRIP_WIDTH_M = 0.042
"""Widest grasp that a target must offer: what both built-in robots hold."""


def handmade_folder() -> Path:
    """Where the cards made by hand are."""
    return registry_folder() / "handmade"


def compose(request: SceneRequest, seed: int, robot: str, designer: Designer) -> SceneSpec:
    """The scene that a request asks for, without poses (one made by hand has its own).

    Args:
        request: what is asked for.
        seed: draws what the request leaves open.
        robot: the robot that the scene is designed for.
        designer: reads the sentence.

    Raises:
        DesignError: the designer refuses the sentence.
        SceneError: a card made by hand cannot be read.
    """
    if request.card is not None:
        return read_card(handmade_folder() / f"{request.card}.json")
    scene = designer.design(request.sentence, seed, robot, GRIP_WIDTH_M)
    if request.around is None:
        return scene
    own = tuple(item for item in scene.objects if item.role != "distractor")
    around = tuple(
        ObjectSpec(
            name=category, role="distractor", category=category, description=noun(category),
            seed=_sub_seed(seed, category),
        )
        for category in request.around
    )  # fmt: skip
    repeated = sorted({item.category for item in own} & set(request.around))
    if repeated:
        raise DesignError(
            "around", repeated[0], "is what the designer made of the sentence too", "Use the rule-based designer"
        )
    return replace(
        scene,
        objects=(*own, *around),
        relations=(),
        support=SupportSpec(kind=request.support or scene.support.kind, seed=_sub_seed(seed, "support")),
        background=BackgroundSpec(style=request.style or scene.background.style, seed=_sub_seed(seed, "background")),
    )


def _sub_seed(seed: int, name: str) -> int:
    """A seed of its own for each part, independent of what else is in the scene."""
    return int(hashlib.sha256(f"{seed}\n{name}".encode()).hexdigest()[:13], 16)
