"""A slider for each joint of the robot and of the things; they move the picture, not the scene."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from gen3d_envs.assets.asset import Part
from gen3d_envs.export.glb import link_poses
from gen3d_envs.robots import Robot, get_robot
from gen3d_envs.spec import ObjectSpec
from gen3d_envs.studio.session import Session
from gen3d_envs.studio.stage import Stage

RADIANS, METRES = 180 / math.pi, 1000.0
"""Sliders show degrees and millimetres."""


class JointSliders:
    """The sliders of one folder.

    Args:
        gui: viser's ``server.gui``.
        folder: where they stand.
        stage: what they move.
    """

    def __init__(self, gui: Any, folder: Any, stage: Stage) -> None:
        self._gui, self._folder, self._stage = gui, folder, stage
        self._robot: Robot | None = None
        self._of: tuple[str, ...] = ()
        self._links: list[Any] = []
        self._parts: list[Any] = []
        self._starts: list[tuple[Any, float, Callable[[], None]]] = []

    def show(self, session: Session) -> None:
        """Sliders for what is there now; those that are there already stay."""
        parts = _parts(session)
        of = (session.robot, *(f"{item.name}/{part.name}/{item.asset_sha256}" for item, part, _ in parts))
        if of == self._of:
            return
        self._of = of
        for slider in (*self._links, *self._parts):
            slider.remove()
        robot = self._robot = get_robot(session.robot)
        self._starts = []
        self._links = [
            self._slider(joint.name, joint.kind, joint.lower, joint.upper, value, self._pose_robot)
            for joint, value in zip(robot.model.joints, (*robot.home, *robot.finger_open), strict=True)
        ]
        self._parts = []
        for number, (item, part, index) in enumerate(parts):
            act = partial(self._turn_part, number, item.name, part, index)
            joint, label = part.joint, f"{item.description}: {part.name}"
            self._parts.append(self._slider(label, joint.kind, joint.lower, joint.upper, 0.0, act))

    def reset(self) -> None:
        """Back to where the joints are at the start of an episode."""
        for slider, first, act in self._starts:
            slider.value = first
            act()

    def _slider(self, name: str, kind: str, lower: float, upper: float, value: float, act: Callable[[], None]) -> Any:
        unit, factor, step = ("°", RADIANS, 0.5) if kind == "revolute" else ("mm", METRES, 0.1)
        low, high = float(math.floor(factor * lower)), float(math.ceil(factor * upper))
        first = min(max(round(factor * value, 1), low), high)
        with self._folder:
            slider = self._gui.add_slider(f"{name.replace('_', ' ')}, {unit}", low, high, step, first)
        slider.on_update(lambda event: act() if event.client is not None else None)
        self._starts.append((slider, first, act))
        return slider

    def _pose_robot(self) -> None:
        assert self._robot is not None
        model = self._robot.model
        values = [_value(slider, joint.kind) for slider, joint in zip(self._links, model.joints, strict=True)]
        self._stage.pose(link_poses(model, values, self._robot.base_position_m), None)

    def _turn_part(self, number: int, name: str, part: Part, index: int) -> None:
        self._stage.turn_part(name, index, _value(self._parts[number], part.joint.kind))


def _parts(session: Session) -> list[tuple[ObjectSpec, Part, int]]:
    """The parts of things that move, with their things and their numbers there."""
    if not session.has_scene:
        return []
    scene = session.scene
    pairs = zip(scene.spec.objects, scene.assets, strict=True)
    return [(item, part, index) for item, asset in pairs for index, part in enumerate(asset.parts)]


def _value(slider: Any, kind: str) -> float:
    """What a slider says, rad or m."""
    return float(slider.value) / (RADIANS if kind == "revolute" else METRES)
