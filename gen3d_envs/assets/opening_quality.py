"""What the quality gate checks of assets with parts: that they can be opened, and do not cut through each other."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gen3d_envs.assets.articulated import joint_pose
from gen3d_envs.assets.asset import Asset, Box, Part
from gen3d_envs.assets.build import MIN_GRIP_M
from gen3d_envs.geometry import matrix_of
from gen3d_envs.spec import CheckResult

WIDEST_HANDLE_M = 0.042
"""Thickest handle that both grippers close on."""

CLEARANCE_M = 0.002
"""How deep a part may run into its own body's boxes anywhere on its way: less than is seen."""

LONGEST_STEP_S = 1 / 120
DAMPED_SHARE = 0.6
"""Engines that take damping explicitly overshoot at 1 and diverge at 2."""

LONGEST_TURN_RAD, LONGEST_SLIDE_M = 3.2, 0.6
_POSITIONS = 9


def check(asset: Asset) -> Iterator[CheckResult]:
    """Measure the parts of an asset."""
    joints = [part for part in asset.parts if not _joint_is_sound(part)]
    yield _count(
        "part_joints", len(joints), "unit axis, closed at 0 within the limits, friction and damping not negative"
    )
    masses = [part for part in asset.parts if not _mass_is_sound(part)]
    yield _count("part_masses", len(masses), "positive, moments physically possible")
    stiff = [part for part in asset.parts if not _inertia(part) > 0.0 or _damped(part) > DAMPED_SHARE]
    yield _count("part_damping", len(stiff), "so strongly damped that an engine's step would reverse them")
    held = [part.handle for part in asset.parts if part.handle is not None]
    yield _count("part_handles", len([h for h in held if not MIN_GRIP_M <= h.width_m <= WIDEST_HANDLE_M]),
                 f"thinner than {MIN_GRIP_M} or thicker than {WIDEST_HANDLE_M} m")  # fmt: skip
    away = [part for part in asset.parts if part.handle is not None and not _on_part(part)]
    yield _count("handle_on_part", len(away), "handles outside the bounds of their part")
    deepest, name = max((_cut_m(asset, part), part.name) for part in asset.parts)
    yield CheckResult(
        name="part_clearance", passed=deepest <= CLEARANCE_M, value=deepest, limit=CLEARANCE_M, unit="m",
        detail=f"deepest cut into its own body on the way, {name}",
    )  # fmt: skip


def _count(name: str, value: int, detail: str) -> CheckResult:
    return CheckResult(name=name, passed=value == 0, value=float(value), limit=0.0, unit="parts", detail=detail)


def _joint_is_sound(part: Part) -> bool:
    joint = part.joint
    longest = LONGEST_TURN_RAD if joint.kind == "revolute" else LONGEST_SLIDE_M
    numbers = (*joint.position_m, *joint.axis, joint.lower, joint.upper, joint.damping, joint.friction)
    return bool(
        np.isfinite(numbers).all()
        and abs(float(np.linalg.norm(joint.axis)) - 1.0) < 1e-6
        and joint.lower <= 0.0 < joint.upper <= longest
        and joint.damping >= 0.0
        and joint.friction >= 0.0
    )


def _mass_is_sound(part: Part) -> bool:
    low, middle, high = sorted(part.inertia_kgm2)
    return part.mass_kg > 0.0 and low > 0.0 and low + middle >= high * 0.999


def _inertia(part: Part) -> float:
    """What a push has to accelerate: kg, or kg m2 about the axis."""
    joint = part.joint
    if joint.kind == "prismatic":
        return part.mass_kg
    axis, arm = np.array(joint.axis), np.array(part.com_m) - joint.position_m
    across = np.cross(axis, arm)
    return float((axis**2 * np.array(part.inertia_kgm2)).sum() + part.mass_kg * (across @ across))


def _damped(part: Part) -> float:
    """Share of its speed that damping takes from a part in one step of the slowest engine."""
    return part.joint.damping * LONGEST_STEP_S / _inertia(part)


def _on_part(part: Part) -> bool:
    assert part.handle is not None
    low, high = part.vertices.min(axis=0) - 1e-4, part.vertices.max(axis=0) + 1e-4
    point = np.array(part.handle.position_m)
    return bool((low <= point).all() and (point <= high).all())


def _cut_m(asset: Asset, part: Part) -> float:
    """How deep corners of a part's boxes get into boxes of the body between its limits, m."""
    corners = np.concatenate([_corners(shape) for shape in part.collision if isinstance(shape, Box)])
    deepest = 0.0
    for value in np.linspace(part.joint.lower, part.joint.upper, _POSITIONS):
        offset, turn = joint_pose(part.joint, float(value))
        points = corners @ np.array(matrix_of(turn)).T + offset
        for shape in asset.collision:
            if isinstance(shape, Box):
                local = (points - shape.position_m) @ np.array(matrix_of(shape.orientation_xyzw))
                deepest = max(deepest, float((np.array(shape.half_extents_m) - np.abs(local)).min(axis=1).max()))
    return deepest


def _corners(box: Box) -> np.ndarray:
    """The corners of a box and the middles between them, (27, 3)."""
    steps = np.array([[x, y, z] for x in (-1, 0, 1) for y in (-1, 0, 1) for z in (-1, 0, 1)], dtype=np.float64)
    rows = np.array(matrix_of(box.orientation_xyzw))
    return (steps * np.array(box.half_extents_m)) @ rows.T + box.position_m
