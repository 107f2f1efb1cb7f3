"""Links and joints: the engine-independent description of a robot (or of any articulated thing)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gen3d_envs.assets.asset import IDENTITY, CollisionPart, Quaternion, Vector
from gen3d_envs.sim.view import VisualMesh


@dataclass(frozen=True)
class Inertia:
    """Mass properties of a link.

    Attributes:
        mass_kg: mass.
        com_m: centre of mass, link frame.
        orientation_xyzw: axes that the moments are given in, relative to the link frame.
        moments_kgm2: (ixx, iyy, izz, ixy, ixz, iyz) about the centre of mass.
    """

    mass_kg: float
    com_m: Vector = (0.0, 0.0, 0.0)
    orientation_xyzw: Quaternion = IDENTITY
    moments_kgm2: tuple[float, float, float, float, float, float] = (1e-4, 1e-4, 1e-4, 0.0, 0.0, 0.0)


@dataclass(frozen=True, eq=False)
class Link:
    """A rigid link: its inertia, what it touches with and what it looks like, all in the link frame."""

    name: str
    inertia: Inertia
    collision: tuple[CollisionPart, ...] = ()
    visual: VisualMesh | None = None
    friction: float = 0.8


@dataclass(frozen=True)
class Joint:
    """A joint that carries ``child``; the child's frame is the joint's frame.

    Attributes:
        kind: ``"revolute"`` (rad) or ``"prismatic"`` (m). Fixed joints are merged by whoever writes the model.
        position_m, orientation_xyzw: joint frame in the parent link's frame at joint position 0.
        axis: unit vector in the joint frame.
        lower, upper: limits in rad or m.
        effort: largest force (N) or torque (Nm) of the drive.
        velocity: largest speed in rad/s or m/s.
        mimic: ratio to the position of the joint before this one, where one motor moves both (a parallel gripper).
    """

    name: str
    kind: Literal["revolute", "prismatic"]
    parent: str
    child: str
    position_m: Vector
    orientation_xyzw: Quaternion
    axis: Vector
    lower: float
    upper: float
    effort: float
    velocity: float
    mimic: float | None = None


@dataclass(frozen=True, eq=False)
class Articulation:
    """A tree of links. ``links[0]`` is the base, fixed to the world; ``joints[i]`` carries ``links[i + 1]``."""

    name: str
    links: tuple[Link, ...]
    joints: tuple[Joint, ...]

    def __post_init__(self) -> None:
        seen = {self.links[0].name}
        for joint, link in zip(self.joints, self.links[1:], strict=True):
            if joint.child != link.name or joint.parent not in seen:
                raise ValueError(f"joint {joint.name!r} does not carry link {link.name!r} from an earlier link")
            seen.add(link.name)
