"""The whole quality gate of an asset: what geometry tells, what a fall shows, what words say; and the count of it.

:func:`gen3d_envs.assets.quality.check` measures the asset at rest. Here it is dropped, things are dropped into it, and
its description is read. :class:`GateReport` counts what was refused for which reason.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from gen3d_envs.assets import quality
from gen3d_envs.assets.articulated import joint_pose, opened
from gen3d_envs.assets.asset import IDENTITY, Asset, Cavity, Sphere
from gen3d_envs.assets.catalog import ARTICULATED
from gen3d_envs.design import vocabulary
from gen3d_envs.design.openings import category_of
from gen3d_envs.design.text import lookup, normalise
from gen3d_envs.geometry import Vector
from gen3d_envs.robots import get_robot
from gen3d_envs.sim.engines import DEFAULT, BodyState, RobotState, WorldSetup, make_world
from gen3d_envs.spec import CheckResult, ObjectSpec, replace

SETTLE_S = 2.0
"""How long an asset may take to come to rest."""

DROP_M = 0.005
"""From how high it falls: a robot lets go a few millimetres above the table."""

DRIFT_M = 0.005
"""How far it may have moved sideways by then."""

STAYS_SHARE = 0.01
"""Share of its range that a drawer, door or lid may move by itself."""

STILL_MPS = 0.01
"""Speed below which it rests."""

REMEMBERED = 512
"""Assets whose trial is kept: the same asset is tried once per process and engine."""

_PLACE: Vector = (0.30, 0.30, 0.0)
"""On the support, out of reach of the arm at home."""

_FRICTION = 0.6
_GRAVITY_MPS2 = 9.81
_SLOW_GRAVITY_MPS2 = 2.0
"""For what falls from a rim: into a vase of 22 cm it would otherwise get 17 mm further in every step of the engine and
so through a floor of 8 mm, which says something about the step and nothing about the vase."""

_TRIALS: OrderedDict[tuple[str, str], tuple[CheckResult, ...]] = OrderedDict()


def inspect(asset: Asset, spec: ObjectSpec, physics: str = DEFAULT) -> tuple[CheckResult, ...]:
    """Everything the gate checks of one asset, with value, limit, unit and reason; fit for use when all passed.

    What is measured at rest comes first; an asset that fails there is not dropped.

    Args:
        asset: what was made.
        spec: what was asked for.
        physics: the engine that it is dropped in.
    """
    results = (*quality.check(asset, spec), describes(spec))
    if all(result.passed for result in results):
        results += trial(asset, physics)
    return results


def trial(asset: Asset, physics: str = DEFAULT) -> tuple[CheckResult, ...]:
    """Drop the asset, and a ball into it where it is a container; remembered by the asset's hash."""
    key = (asset.sha256, physics)
    if key not in _TRIALS:
        _TRIALS[key] = (*_settles(asset, physics), *_contains(asset, physics), *_stays_open(asset, physics))
        while len(_TRIALS) > REMEMBERED:
            _TRIALS.popitem(last=False)
    return _TRIALS[key]


def describes(spec: ObjectSpec) -> CheckResult:
    """Whether the description agrees with what is made: it names the category, and no other colour than the spec's.

    A noun that the designer does not know, or only knows as stood in for by this category, does not contradict.
    """
    words = normalise(spec.description).split()
    colors = {vocabulary.COLORS[word] for word in words if word in vocabulary.COLORS and lookup(word) is None}
    named = (category_of(words) if spec.category in ARTICULATED else None) or _category(words)
    wrong = []
    own = spec.category.replace("_", " ") in " ".join(words)  # a lidded box is called one, and is no box
    if spec.category != "mesh" and named is not None and named != spec.category and not own:
        wrong.append(f"it names a {named}")
    if spec.color is not None and colors and spec.color not in colors:
        wrong.append(f"it says {', '.join(sorted(colors))} instead of {spec.color}")
    return CheckResult(
        name="description", passed=not wrong, value=float(len(wrong)), limit=0.0, unit="contradictions",
        detail="; ".join([spec.description[:200], *wrong]),
    )  # fmt: skip


def _category(words: Sequence[str]) -> str | None:
    """The category that the last words name exactly; None where they name none."""
    for length in range(min(4, len(words)), 0, -1):
        found = lookup(" ".join(words[-length:]))
        if found is not None:
            return found[1] if found[0] == "exact" else None
    return None


def _settles(asset: Asset, physics: str) -> list[CheckResult]:
    x, y, _ = _PLACE
    height = 0.0 if asset.anchored else DROP_M
    end, speed, touched, _ = _run([BodyState("thing", asset, (x, y, height), IDENTITY)], physics)[0]
    drift = math.hypot(end[0] - x, end[1] - y)
    detail = f"after falling {1000 * height:g} mm and {SETTLE_S:g} s"
    if touched != {"support"} and not asset.anchored:
        detail += f"; it touches {', '.join(sorted(touched)) or 'nothing'}"
    return [
        _at_most("drift", drift, DRIFT_M, "m", f"sideways, {detail}"),
        _at_most("still", speed, STILL_MPS, "m/s", detail),
    ]


def _contains(asset: Asset, physics: str) -> list[CheckResult]:
    """Whether a ball that is dropped into the cavity stays there."""
    found = []
    if asset.cavity is not None:
        narrow = min(asset.cavity.half_x_m, asset.cavity.half_y_m)
        radius, x, y = float(np.clip(0.4 * narrow, 0.004, 0.02)), *asset.cavity.center_m
        all_open = opened(asset, [1.0] * len(asset.parts))
        start = (x, y, asset.cavity.rim_z_m + radius + DROP_M)
        found.append(_holds("contains", asset.cavity, asset, all_open, (0.0, 0.0, 0.0), radius, start, physics))
    for index, part in enumerate(asset.parts):
        if part.cavity is not None:
            # Not from above: another drawer's handle may be in the way.
            only = opened(asset, [float(index == other) for other in range(len(asset.parts))])
            shift, _ = joint_pose(part.joint, part.joint.upper)
            radius = 0.3 * (part.cavity.rim_z_m - part.cavity.floor_z_m)
            start = (*part.cavity.center_m, part.cavity.floor_z_m + DROP_M)
            result = _holds("part_contains", part.cavity, asset, only, shift, radius, start, physics)
            found.append(replace(result, detail=f"{result.detail}, {part.name}"))
    return found


def _holds(
    name: str, cavity: Cavity, asset: Asset, openings: tuple[float, ...], shift_m: Vector, radius_m: float,
    start_m: Vector, physics: str,
) -> CheckResult:  # fmt: skip
    """Drop a ball from ``start_m`` into a cavity; both are ``shift_m`` away from where they are with all closed."""
    x, y, _ = _PLACE
    at = (x + cavity.center_m[0] + shift_m[0], y + cavity.center_m[1] + shift_m[1])
    start = (x + start_m[0] + shift_m[0], y + start_m[1] + shift_m[1], start_m[2])
    thing = BodyState("thing", asset, (x, y, 0.0 if asset.anchored else 0.0005), IDENTITY, openings)
    ball = BodyState("ball", _ball(radius_m), start, IDENTITY)
    (ball_x, ball_y, bottom), _, touched, _ = _run([thing, ball], physics, _SLOW_GRAVITY_MPS2)[1]
    outside = max(
        bottom - cavity.rim_z_m, abs(ball_x - at[0]) - cavity.half_x_m - DRIFT_M,
        abs(ball_y - at[1]) - cavity.half_y_m - DRIFT_M,
    )  # fmt: skip
    if "support" in touched or "ground" in touched:
        outside = max(outside, radius_m)
    detail = f"how far a ball of {2000 * radius_m:.0f} mm ends outside the cavity"
    return _at_most(name, outside, 0.0, "m", detail)


def _stays_open(asset: Asset, physics: str) -> list[CheckResult]:
    """Whether parts stay where they are left: closed, ajar and half open."""
    if not asset.parts:
        return []
    x, y, _ = _PLACE
    worst, where = 0.0, ""
    for share in (0.0, 0.25, 0.5):
        start = opened(asset, [share] * len(asset.parts))
        end = _run([BodyState("thing", asset, (x, y, 0.0005), IDENTITY, start)], physics)[0][3]
        for part, before, after in zip(asset.parts, start, end, strict=True):
            moved = abs(after - before) / part.joint.upper
            if moved >= worst:
                worst, where = moved, f"{part.name}, {100 * share:.0f} % open"
    return [_at_most("part_stays", worst, STAYS_SHARE, "of range", f"{where}, in {SETTLE_S:g} s")]


def _run(
    bodies: Sequence[BodyState], physics: str, gravity_mps2: float = _GRAVITY_MPS2
) -> list[tuple[Vector, float, set[str], list[float]]]:
    """Let bodies fall for :data:`SETTLE_S`.

    Where each ends, how fast it still is (m/s), what it touches, and where its joints are (rad or m).
    """
    arm = get_robot("widowx")
    home = (*arm.home, *arm.finger_open)
    world = make_world(physics)
    try:
        world.load(
            WorldSetup(
                robot=RobotState(arm.model, arm.base_position_m, home, arm.drive_effort),
                bodies=tuple(bodies),
                support_half_extents_m=(0.45, 0.6, 0.02),
                support_center_m=(0.10, 0.0, -0.02),
                support_friction=_FRICTION,
                gravity_mps2=gravity_mps2,
            )
        )
        world.drive(home, round(SETTLE_S * world.physics_hz))
        found = []
        for index in range(len(bodies)):
            linear, _ = world.body_velocity(index)
            touched = set(world.contacts(index))
            found.append((world.body_pose(index)[0], math.hypot(*linear), touched, world.part_positions(index)))
        return found
    finally:
        world.close()


def _ball(radius_m: float) -> Asset:
    """A rubber ball that rests on z = 0 of its own frame; nobody sees it."""
    mass = max(1100.0 * 4.0 / 3.0 * math.pi * radius_m**3, 0.002)
    moment = 0.4 * mass * radius_m**2
    return Asset(
        category="ball", vertices=np.zeros((3, 3), np.float32), faces=np.array([[0, 1, 2]], np.int32),
        colors=np.zeros((3, 3), np.uint8), collision=(Sphere(radius_m, (0.0, 0.0, radius_m)),), mass_kg=mass,
        com_m=(0.0, 0.0, radius_m), inertia_kgm2=(moment, moment, moment), friction=0.8, rolling_friction_m=0.0005,
    )  # fmt: skip


def _at_most(name: str, value: float, limit: float, unit: str, detail: str) -> CheckResult:
    return CheckResult(
        name=name, passed=bool(value <= limit), value=float(f"{value:.4g}"), limit=limit, unit=unit, detail=detail
    )


@dataclass
class GateReport:
    """Counts what the gate let through and what it refused, by check.

    Reports of several processes are added with :meth:`merge`; the order does not matter.

    Attributes:
        assets: how many were inspected.
        accepted: how many passed every check.
        measured: how often each check was made, by name.
        rejected: how often each check failed, by name; an asset that fails two counts in both.
        broken: how many were not even made: the generator or the import refused, by reason.
    """

    assets: int = 0
    accepted: int = 0
    measured: dict[str, int] = field(default_factory=dict)
    rejected: dict[str, int] = field(default_factory=dict)
    broken: dict[str, int] = field(default_factory=dict)

    def add(self, results: Iterable[CheckResult]) -> bool:
        """Count one asset; true where it passed."""
        passed = True
        for result in results:
            self.measured[result.name] = self.measured.get(result.name, 0) + 1
            if not result.passed:
                passed = False
                self.rejected[result.name] = self.rejected.get(result.name, 0) + 1
        self.assets += 1
        self.accepted += passed
        return passed

    def add_broken(self, reason: str) -> None:
        """Count one that was never made."""
        self.assets += 1
        self.broken[reason] = self.broken.get(reason, 0) + 1

    def merge(self, other: GateReport) -> None:
        """Add the counts of another report."""
        self.assets += other.assets
        self.accepted += other.accepted
        for mine, theirs in (
            (self.measured, other.measured), (self.rejected, other.rejected), (self.broken, other.broken),
        ):  # fmt: skip
            for name, count in theirs.items():
                mine[name] = mine.get(name, 0) + count

    @property
    def rate(self) -> float:
        """Share accepted, 0 to 1; 1 where nothing was inspected."""
        return self.accepted / self.assets if self.assets else 1.0

    def table(self) -> str:
        """The acceptance rates as a table in Markdown: a line per check, and overall."""
        lines = ["| check | assets | accepted | rejected |", "|---|---|---|---|"]
        for reason, count in sorted(self.broken.items()):
            lines.append(f"| made: {reason} | {self.assets} | {_percent(self.assets - count, self.assets)} | {count} |")
        for name, count in self.measured.items():
            bad = self.rejected.get(name, 0)
            lines.append(f"| {name} | {count} | {_percent(count - bad, count)} | {bad} |")
        refused = self.assets - self.accepted
        lines.append(f"| **overall** | {self.assets} | **{_percent(self.accepted, self.assets)}** | {refused} |")
        return "\n".join(lines)


def _percent(part: int, whole: int) -> str:
    return f"{100.0 * part / whole:.1f} %" if whole else "-"
