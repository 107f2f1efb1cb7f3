"""The narrow protocol between the environment and a physics engine.

A world holds one robot, one support and some bodies, rigid or with parts that move (drawers, doors, lids). It knows
nothing of tasks, observations or cameras. Each engine is one file that implements :class:`World`; nothing outside
``gen3d_envs/sim`` knows which one runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gen3d_envs.assets.asset import Asset, Quaternion, Vector
from gen3d_envs.sim.articulation import Articulation

SUPPORT = "support"
ROBOT = "robot"


@dataclass(frozen=True, eq=False)
class BodyState:
    """A body in a world: its asset and where it starts (asset frame in the scene frame).

    Attributes:
        name: unique in the world.
        asset: a rigid body, or one with parts; fixed where it stands if it is anchored.
        position_m, orientation_xyzw: where the asset frame starts.
        openings: start position of each part's joint, rad or m; empty where all are closed.
    """

    name: str
    asset: Asset
    position_m: Vector
    orientation_xyzw: Quaternion
    openings: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class RobotState:
    """The robot in a world: its model, where it stands and how it starts and drives.

    Attributes:
        model: links and joints.
        base_position_m: base link frame in the scene frame (upright).
        joints: start position of every joint, in the model's order.
        drive_effort: largest force or torque of each joint's position drive.
    """

    model: Articulation
    base_position_m: Vector
    joints: tuple[float, ...]
    drive_effort: tuple[float, ...]


@dataclass(frozen=True)
class Dynamics:
    """How a world's physics differs from what the scene says; factors of 1 change nothing.

    Attributes:
        masses: factor per body, on mass and inertia; empty for none.
        frictions: factor per body; empty for none.
        support_friction, pad_friction: factors on the support's and the finger pads' friction.
        stiffness: factor on the stiffness of the arm's drives: a smaller one follows more slowly.
        damping: factor on their damping.
        effort: factor on the largest torque of the arm's drives.
        grip: factor on the gripper's largest force.
        joint_friction: dry friction of each arm joint, as a share of its drive's largest torque.
    """

    masses: tuple[float, ...] = ()
    frictions: tuple[float, ...] = ()
    support_friction: float = 1.0
    pad_friction: float = 1.0
    stiffness: float = 1.0
    damping: float = 1.0
    effort: float = 1.0
    grip: float = 1.0
    joint_friction: float = 0.0

    def mass(self, index: int) -> float:
        """Factor on the mass of a body."""
        return self.masses[index] if self.masses else 1.0

    def friction(self, index: int) -> float:
        """Factor on the friction of a body."""
        return self.frictions[index] if self.frictions else 1.0


NOMINAL = Dynamics()


@dataclass(frozen=True, eq=False)
class WorldSetup:
    """Everything a world is loaded from, in load order."""

    robot: RobotState
    bodies: tuple[BodyState, ...]
    support_half_extents_m: Vector
    support_center_m: Vector
    support_friction: float
    gravity_mps2: float = 9.81
    dynamics: Dynamics = NOMINAL


class World(Protocol):
    """A physics world. Equal calls give bit-equal answers, whatever ran before in this process."""

    engine: str
    """Name and version of the engine with its settings, e.g. ``"engine 1.2.3, 120 Hz, 20 iterations"``."""

    physics_hz: int
    """Steps of the engine per simulated second."""

    def load(self, setup: WorldSetup) -> None:
        """Empty the world and load ``setup``, everything at rest."""

    def drive(self, targets: Sequence[float], steps: int) -> None:
        """Advance ``steps`` engine steps while every joint's position target moves evenly to ``targets``.

        The targets start where the last call left them (after a load, at the start positions). A target that jumps
        jerks what the gripper holds; one that moves evenly lets go of nothing.
        """

    def joint_states(self) -> tuple[list[float], list[float]]:
        """Position (rad or m) and velocity (rad/s or m/s) of every joint in the model's order."""

    def link_poses(self) -> list[tuple[Vector, Quaternion]]:
        """Frame of each link in the scene frame: position in m, orientation xyzw."""

    def body_pose(self, index: int) -> tuple[Vector, Quaternion]:
        """Asset frame of a body in the scene frame: position in m, orientation xyzw."""

    def body_velocity(self, index: int) -> tuple[Vector, Vector]:
        """Linear (m/s, of the centre of mass) and angular (rad/s) velocity of a body, scene frame."""

    def set_body_pose(self, index: int, position_m: Vector, orientation_xyzw: Quaternion) -> None:
        """Put a body somewhere, at rest. For tests and perturbations; policies cannot reach it."""

    def set_body_velocity(self, index: int, linear: Vector, angular: Vector) -> None:
        """Give a body a velocity (m/s, rad/s, scene frame); what is anchored stays. For tests and perturbations."""

    def part_poses(self, index: int) -> list[tuple[Vector, Quaternion]]:
        """Frame of each part of a body in the scene frame; with its joint at 0 it is the body's own."""

    def part_positions(self, index: int) -> list[float]:
        """Joint position of each part of a body, rad or m; empty for a rigid one."""

    def part_velocities(self, index: int) -> list[float]:
        """Joint velocity of each part of a body, rad/s or m/s."""

    def set_part_positions(self, index: int, positions: Sequence[float]) -> None:
        """Open or close the parts of a body, at rest. For tests and perturbations."""

    def contacts(self, index: int) -> set[str]:
        """What the body or its parts touch: names of bodies, ``"support"``, ``"robot"``, ``"ground"``."""

    def penetration_m(self, index: int) -> float:
        """Deepest overlap of the body or its parts with anything they touch now, m, >= 0.

        Parts may overlap their own body, as drawers do their runners, and nothing is touched by what carries it.
        """

    def close(self) -> None:
        """Give everything back. A second call does nothing."""
