"""PyBullet behind the world protocol: the only file that imports pybullet.

Physics settings were chosen by measured grasp success against cost and are frozen with the released IDs: a change here
changes what an ID means and needs a new version.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gen3d_envs.assets.articulated import part_pose
from gen3d_envs.assets.asset import Asset, Box, Hull, Part, Quaternion, Sphere, Vector
from gen3d_envs.assets.store import cache_folder, write_atomically
from gen3d_envs.errors import EngineUnavailable, Gen3DError
from gen3d_envs.geometry import rotate
from gen3d_envs.sim.articulation import of_asset
from gen3d_envs.sim.urdf import to_urdf
from gen3d_envs.sim.world import ROBOT, SUPPORT, BodyState, Dynamics, RobotState, WorldSetup

PHYSICS_HZ = 120
SOLVER_ITERATIONS = 30
CONTACT_ERP = 0.8
FRICTION_ERP = 0.8
POSITION_GAIN = 0.15
"""Share of the joint error that an arm drive removes per physics step: the arm follows with 55 ms, without jerks."""

FINGER_GAIN = 0.2
FINGER_LEAD_M = 0.004
FINGER_EVERY = 3
"""Fingers are sent at most this far ahead of where they are, i.e. close at 0.1 m/s, every few physics steps.

Bullet starts the contacts of articulated bodies from zero at every step, so in few iterations a light object can stop
a finger only if the finger is slow. Measured: an unlimited drive presses a 9 g cube 1 cm into the fingers and lifts it
in 1 of 20 trials. Friction anchors on the fingers correct the creep that remains: 0.1 mm instead of 5 mm while a cube
is carried about. With both, 30 iterations solved 320 of 320 Pick and Place episodes of the WidowX with targets of 15 to
30 g and 95 of 96 with 200 and 300 g; 5 mm ahead 312 of 320 with light ones; 20 iterations 126 of 144 over all weights.
For the Panda and a smooth 20 g cube, the hardest case, a friction ERP of 0.2 gives 14 of 20, 0.8 gives 20. A limit on
joint speeds (``maxJointVelocity``, one for the whole body) acts after the contacts are solved and tears held objects
loose.
"""

CONTACT_DISTANCE_M = 1e-3
"""Bodies closer than this count as touching; Bullet keeps convex hulls apart by a margin of this size."""

GROUND_Z_M = -0.75


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Send C-level stderr to nowhere: PyBullet prints its build time there on import."""
    sys.stderr.flush()
    try:
        saved, sink = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    except OSError:
        yield
        return
    os.dup2(sink, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(sink)


try:
    with _quiet():
        import pybullet
except ImportError as error:
    raise EngineUnavailable(
        "PyBullet is not installed (its wheels exist for Linux x86-64 and Python up to 3.11 only): use "
        "physics='mujoco', or such an interpreter."
    ) from error


def _mesh_file(kind: str, parts: Sequence[Hull]) -> str:
    """Path of an OBJ file with one object per hull, which Bullet loads as one convex hull each."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(np.ascontiguousarray(part.vertices, dtype="<f4").tobytes() + b"|")
    name = f"{kind}-{digest.hexdigest()[:32]}.obj"
    known = _MESH_FILES.get(name)
    if known is not None:
        return known
    lines: list[str] = []
    first = 1
    for index, part in enumerate(parts):
        lines.append(f"o part{index}")
        lines += [f"v {x:.9g} {y:.9g} {z:.9g}" for x, y, z in part.vertices.tolist()]
        count = len(part.vertices)
        # Bullet takes the hull of all vertices that some face names, so the faces only have to name them all.
        lines += [f"f {first + i} {first + (i + 1) % count} {first + (i + 2) % count}" for i in range(count)]
        first += count
    path = _write("hulls", name, "\n".join(lines) + "\n")
    _MESH_FILES[name] = path
    return path


def _write(folder: str, name: str, text: str) -> str:
    """Write a file that PyBullet must read from disk; falls back to a private temporary folder."""
    data = text.encode()
    for base in (cache_folder(), Path(tempfile.gettempdir()) / f"gen3d-{os.getuid()}"):
        path = base / folder / name
        try:
            if not (path.is_file() and path.read_bytes() == data):
                write_atomically(path, data)
            return str(path)
        except OSError:
            continue
    raise Gen3DError(
        f"PyBullet needs a small file {name!r} and neither the cache folder {cache_folder()} nor the temporary folder "
        "can be written: set GEN3D_CACHE to a writable folder."
    )


_MESH_FILES: dict[str, str] = {}
_URDF_FILES: dict[int, tuple[Any, str]] = {}
_ASSET_FILES: dict[str, str] = {}


class BulletWorld:
    """One PyBullet DIRECT client. See :class:`gen3d_envs.sim.world.World` for the contract.

    Equal seeds give equal bits because every load empties the world and reloads everything in the order of the setup;
    Bullet's own saved states do not restore contact caches and differ in the last bits.
    """

    physics_hz = PHYSICS_HZ

    def __init__(self) -> None:
        self.engine = f"pybullet {_version()}, {PHYSICS_HZ} Hz, {SOLVER_ITERATIONS} iterations"
        self._client: int = pybullet.connect(pybullet.DIRECT)
        if self._client < 0:
            raise EngineUnavailable("PyBullet has no client left: close other environments of this process first.")
        # A world dropped without close() gives its client back; a forked child leaves its parent's alone.
        self._finalizer = weakref.finalize(self, _disconnect, self._client, os.getpid())
        self._finalizer.atexit = False
        self._bodies: list[int] = []
        self._pushed: list[tuple[int, Vector, Vector]] = []
        self._com: list[Vector] = []
        self._assets: list[Asset] = []
        self._names: dict[int, str] = {}

    def load(self, setup: WorldSetup) -> None:
        """See :meth:`World.load`."""
        client = self._client
        pybullet.resetSimulation(physicsClientId=client)
        pybullet.setPhysicsEngineParameter(
            fixedTimeStep=1.0 / PHYSICS_HZ,
            numSolverIterations=SOLVER_ITERATIONS,
            contactERP=CONTACT_ERP,
            frictionERP=FRICTION_ERP,
            deterministicOverlappingPairs=1,
            physicsClientId=client,
        )
        pybullet.setGravity(0.0, 0.0, -setup.gravity_mps2, physicsClientId=client)
        self._names = {}
        ground = self._fixed_box((4.0, 4.0, 0.05), (0.0, 0.0, GROUND_Z_M - 0.05), 0.8)
        self._names[ground] = "ground"
        dynamics = setup.dynamics
        friction = setup.support_friction * dynamics.support_friction
        support = self._fixed_box(setup.support_half_extents_m, setup.support_center_m, friction)
        self._names[support] = SUPPORT
        self._load_robot(setup.robot, dynamics)
        pybullet.setCollisionFilterPair(self._robot, support, -1, -1, 0, physicsClientId=client)
        self._bodies, self._com, self._pushed, self._assets = [], [], [], []
        # Bullet's split impulse leaves a joint that was slammed up to 0.04 rad beyond its limit.
        self._limits: list[tuple[int, int, float, float]] = []
        for index, body in enumerate(setup.bodies):
            load = self._load_parts if body.asset.parts or body.asset.anchored else self._load_body
            load(body, dynamics.mass(index), dynamics.friction(index))
            self._assets.append(body.asset)

    def _fixed_box(self, half_extents_m: Vector, center_m: Vector, friction: float) -> int:
        shape = pybullet.createCollisionShape(
            pybullet.GEOM_BOX, halfExtents=half_extents_m, physicsClientId=self._client
        )
        body: int = pybullet.createMultiBody(0.0, shape, basePosition=center_m, physicsClientId=self._client)
        pybullet.changeDynamics(body, -1, lateralFriction=friction, physicsClientId=self._client)
        return body

    def _load_robot(self, robot: RobotState, dynamics: Dynamics) -> None:
        # This drive sets velocities: stiffness over damping is its gain, and dry friction only weakens it.
        strength = dynamics.effort * max(0.0, 1.0 - dynamics.joint_friction)
        gain = POSITION_GAIN * dynamics.stiffness / dynamics.damping
        client, model = self._client, robot.model
        cached = _URDF_FILES.get(id(model))
        if cached is None:
            text = to_urdf(model, lambda hull: _mesh_file("link", [hull]))
            name = f"{model.name}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.urdf"
            cached = _URDF_FILES[id(model)] = (model, _write("robots", name, text))
        flags = pybullet.URDF_USE_INERTIA_FROM_FILE | pybullet.URDF_MAINTAIN_LINK_ORDER
        self._robot: int = pybullet.loadURDF(
            cached[1], basePosition=robot.base_position_m, useFixedBase=True, flags=flags, physicsClientId=client
        )
        self._names[self._robot] = ROBOT
        self._joints = list(range(len(model.joints)))
        self._turning = [i for i, joint in enumerate(model.joints) if joint.kind == "revolute"]
        self._efforts = [robot.drive_effort[i] * strength for i in self._turning]
        self._gains = [gain] * len(self._turning)
        self._row = list(robot.joints)
        self._fingers = [
            (i, joint.mimic, robot.drive_effort[i] * dynamics.grip)
            for i, joint in enumerate(model.joints)
            if joint.mimic is not None
        ]
        self._base_pose = (robot.base_position_m, (0.0, 0.0, 0.0, 1.0))
        for index, (joint, position) in enumerate(zip(model.joints, robot.joints, strict=True)):
            pybullet.resetJointState(self._robot, index, position, physicsClientId=client)
            friction = model.links[index + 1].friction
            if joint.kind == "prismatic":
                friction *= dynamics.pad_friction
                pybullet.changeDynamics(self._robot, index, frictionAnchor=1, physicsClientId=client)
            pybullet.changeDynamics(
                self._robot, index, jointDamping=0.0, linearDamping=0.0, angularDamping=0.0,
                lateralFriction=friction, physicsClientId=client,
            )  # fmt: skip

    def _load_body(self, body: BodyState, heavier: float, rougher: float) -> None:
        client, asset = self._client, body.asset
        shape = self._shape(asset)
        index: int = pybullet.createMultiBody(
            asset.mass_kg * heavier,
            shape,
            basePosition=body.position_m,
            baseOrientation=body.orientation_xyzw,
            baseInertialFramePosition=asset.com_m,
            physicsClientId=client,
        )
        pybullet.changeDynamics(
            index, -1, lateralFriction=asset.friction * rougher, rollingFriction=asset.rolling_friction_m,
            spinningFriction=asset.rolling_friction_m, linearDamping=0.0, angularDamping=0.0,
            localInertiaDiagonal=[moment * heavier for moment in asset.inertia_kgm2],
            activationState=pybullet.ACTIVATION_STATE_ENABLE_SLEEPING, physicsClientId=client,
        )  # fmt: skip
        self._bodies.append(index)
        self._com.append(asset.com_m)
        self._names[index] = body.name

    def _load_parts(self, body: BodyState, heavier: float, rougher: float) -> None:
        """Load what is anchored or has parts: an articulated body, as Bullet knows it from a URDF."""
        client, asset = self._client, body.asset
        path = _ASSET_FILES.get(asset.sha256)
        if path is None:
            text = to_urdf(of_asset("asset", asset), lambda hull: _mesh_file("link", [hull]))
            path = _ASSET_FILES[asset.sha256] = _write("objects", f"{asset.category}-{asset.sha256[:16]}.urdf", text)
        flags = pybullet.URDF_USE_INERTIA_FROM_FILE | pybullet.URDF_MAINTAIN_LINK_ORDER
        index: int = pybullet.loadURDF(path, useFixedBase=asset.anchored, flags=flags, physicsClientId=client)
        self._bodies.append(index)
        self._com.append(asset.com_m)
        self._names[index] = body.name
        dx, dy, dz = rotate(body.orientation_xyzw, asset.com_m)
        x, y, z = body.position_m
        center = (x + dx, y + dy, z + dz)
        pybullet.resetBasePositionAndOrientation(index, center, body.orientation_xyzw, client)
        self._set_link(index, -1, asset, None if asset.anchored else asset, heavier, rougher)
        openings = body.openings or (0.0,) * len(asset.parts)
        for link, (part, value) in enumerate(zip(asset.parts, openings, strict=True)):
            self._set_link(index, link, asset, part, heavier, rougher)
            pybullet.resetJointState(index, link, value, physicsClientId=client)
            pybullet.changeDynamics(index, link, jointDamping=part.joint.damping, physicsClientId=client)
            self._limits.append((index, link, part.joint.lower, part.joint.upper))
            # A motor that wants to stand still and is no stronger than the friction: dry friction. It grows with the
            # mass, since a hinge that holds its lid is made for it.
            pybullet.setJointMotorControl2(
                index, link, pybullet.VELOCITY_CONTROL, targetVelocity=0.0, force=part.joint.friction * heavier,
                physicsClientId=client,
            )  # fmt: skip
        sleeping = pybullet.ACTIVATION_STATE_ENABLE_SLEEPING
        pybullet.changeDynamics(index, -1, activationState=sleeping, physicsClientId=client)

    def _set_link(
        self, index: int, link: int, asset: Asset, heavy: Asset | Part | None, heavier: float, rougher: float
    ) -> None:
        pybullet.changeDynamics(
            index, link, lateralFriction=asset.friction * rougher, linearDamping=0.0, angularDamping=0.0,
            physicsClientId=self._client,
        )  # fmt: skip
        # Any mass given to a fixed base, even 0, sets it free; so masses are told only where they change.
        if heavy is not None and heavier != 1.0:
            moments = [moment * heavier for moment in heavy.inertia_kgm2]
            pybullet.changeDynamics(
                index, link, mass=heavy.mass_kg * heavier, localInertiaDiagonal=moments, physicsClientId=self._client
            )

    def _shape(self, asset: Asset) -> int:
        hulls = [part for part in asset.collision if isinstance(part, Hull)]
        kinds: list[int] = []
        files: list[str] = []
        half_extents: list[Vector] = []
        radii: list[float] = []
        positions: list[Vector] = []
        orientations: list[Quaternion] = []
        rows: list[tuple[int, str, Vector, float, Vector, Quaternion]] = []
        none: Vector = (0.0, 0.0, 0.0)
        upright: Quaternion = (0.0, 0.0, 0.0, 1.0)
        if hulls:
            rows.append((pybullet.GEOM_MESH, _mesh_file("body", hulls), none, 0.0, none, upright))
        for part in asset.collision:
            if isinstance(part, Box):
                rows.append((pybullet.GEOM_BOX, "", part.half_extents_m, 0.0, part.position_m, part.orientation_xyzw))
            elif isinstance(part, Sphere):
                rows.append((pybullet.GEOM_SPHERE, "", none, part.radius_m, part.position_m, upright))
        for kind, file, extents, radius, position, orientation in rows:
            kinds.append(kind)
            files.append(file)
            half_extents.append(extents)
            radii.append(radius)
            positions.append(position)
            orientations.append(orientation)
        shape: int = pybullet.createCollisionShapeArray(
            shapeTypes=kinds,
            radii=radii,
            halfExtents=half_extents,
            fileNames=files,
            meshScales=[(1.0, 1.0, 1.0)] * len(kinds),
            collisionFramePositions=positions,
            collisionFrameOrientations=orientations,
            physicsClientId=self._client,
        )
        if shape < 0:
            raise Gen3DError(f"PyBullet could not load the collision shape of a {asset.category}.")
        return shape

    def drive(self, targets: Sequence[float], steps: int) -> None:
        """See :meth:`World.drive`."""
        client, step, robot, turning = self._client, pybullet.stepSimulation, self._robot, self._turning
        start = self._row
        ramps = [(start[i], (targets[i] - start[i]) / steps) for i in turning]
        for count in range(1, steps + 1):
            pybullet.setJointMotorControlArray(
                robot, turning, pybullet.POSITION_CONTROL, targetPositions=[at + count * by for at, by in ramps],
                forces=self._efforts, positionGains=self._gains, physicsClientId=client,
            )  # fmt: skip
            if count % FINGER_EVERY == 1:
                self._drive_fingers(targets)
            step(client)
            if self._pushed:  # Bullet clears the velocity of a body in the step that wakes it
                for body, linear, angular in self._pushed:
                    pybullet.resetBaseVelocity(body, linear, angular, client)
                self._pushed.clear()
        self._row = list(targets)
        for body, link, lower, upper in self._limits:
            position = pybullet.getJointState(body, link, client)[0]
            if not lower <= position <= upper:
                pybullet.resetJointState(body, link, min(max(position, lower), upper), physicsClientId=client)

    def _drive_fingers(self, targets: Sequence[float]) -> None:
        """Send each pair of fingers towards its target, symmetric about the hand as one motor would."""
        client, robot, lead = self._client, self._robot, FINGER_LEAD_M
        for index, ratio, force in self._fingers:
            (first, *_), (second, *_) = pybullet.getJointStates(robot, (index - 1, index), client)
            middle = (first + second / ratio) / 2
            goal = min(max(targets[index - 1], middle - lead), middle + lead)
            for joint, target in ((index - 1, goal), (index, goal * ratio)):
                pybullet.setJointMotorControl2(
                    robot, joint, pybullet.POSITION_CONTROL, targetPosition=target, force=force,
                    positionGain=FINGER_GAIN, physicsClientId=client,
                )  # fmt: skip

    def joint_states(self) -> tuple[list[float], list[float]]:
        """See :meth:`World.joint_states`."""
        states = pybullet.getJointStates(self._robot, self._joints, self._client)
        return [s[0] for s in states], [s[1] for s in states]

    def link_poses(self) -> list[tuple[Vector, Quaternion]]:
        """See :meth:`World.link_poses`."""
        states = pybullet.getLinkStates(self._robot, self._joints, 0, 1, self._client)
        return [self._base_pose, *((s[4], s[5]) for s in states)]

    def body_pose(self, index: int) -> tuple[Vector, Quaternion]:
        """See :meth:`World.body_pose`."""
        position, orientation = pybullet.getBasePositionAndOrientation(self._bodies[index], self._client)
        dx, dy, dz = rotate(orientation, self._com[index])
        return (position[0] - dx, position[1] - dy, position[2] - dz), orientation

    def body_velocity(self, index: int) -> tuple[Vector, Vector]:
        """See :meth:`World.body_velocity`."""
        linear, angular = pybullet.getBaseVelocity(self._bodies[index], self._client)
        return linear, angular

    def set_body_pose(self, index: int, position_m: Vector, orientation_xyzw: Quaternion) -> None:
        """See :meth:`World.set_body_pose`."""
        offset = rotate(orientation_xyzw, self._com[index])
        center = tuple(p + o for p, o in zip(position_m, offset, strict=True))
        body = self._bodies[index]
        pybullet.resetBasePositionAndOrientation(body, center, orientation_xyzw, self._client)
        # All of them: what stood on the body, or leaned on it, sleeps too and would hang in the air.
        for each in self._bodies:
            self._wake(each)

    def set_body_velocity(self, index: int, linear: Vector, angular: Vector) -> None:
        """See :meth:`World.set_body_velocity`."""
        if self._assets[index].anchored:
            return
        body = self._bodies[index]
        pybullet.resetBaseVelocity(body, linear, angular, self._client)
        self._wake(body)
        self._pushed.append((body, linear, angular))

    def _wake(self, body: int) -> None:
        pybullet.changeDynamics(
            body, -1, activationState=pybullet.ACTIVATION_STATE_WAKE_UP, physicsClientId=self._client
        )

    def part_poses(self, index: int) -> list[tuple[Vector, Quaternion]]:
        """See :meth:`World.part_poses`."""
        pose, parts = self.body_pose(index), self._assets[index].parts
        values = self.part_positions(index)
        return [part_pose(part.joint, value, *pose) for part, value in zip(parts, values, strict=True)]

    def part_positions(self, index: int) -> list[float]:
        """See :meth:`World.part_positions`."""
        return [state[0] for state in self._part_states(index)]

    def part_velocities(self, index: int) -> list[float]:
        """See :meth:`World.part_velocities`."""
        return [state[1] for state in self._part_states(index)]

    def _part_states(self, index: int) -> Sequence[tuple[Any, ...]]:
        count = len(self._assets[index].parts)
        states: Sequence[tuple[Any, ...]] = ()
        if count:
            states = pybullet.getJointStates(self._bodies[index], list(range(count)), self._client)
        return states

    def set_part_positions(self, index: int, positions: Sequence[float]) -> None:
        """See :meth:`World.set_part_positions`."""
        for link, (_, value) in enumerate(zip(self._assets[index].parts, positions, strict=True)):
            pybullet.resetJointState(self._bodies[index], link, value, physicsClientId=self._client)
        for each in self._bodies:
            self._wake(each)

    def contacts(self, index: int) -> set[str]:
        """See :meth:`World.contacts`."""
        names, points = self._names, pybullet.getContactPoints(self._bodies[index], physicsClientId=self._client)
        return {names[point[2]] for point in points if point[8] <= CONTACT_DISTANCE_M}

    def penetration_m(self, index: int) -> float:
        """See :meth:`World.penetration_m`."""
        points = pybullet.getContactPoints(self._bodies[index], physicsClientId=self._client)
        return max((-point[8] for point in points), default=0.0) if points else 0.0

    def close(self) -> None:
        """See :meth:`World.close`."""
        self._finalizer()
        self._client = -1


def _disconnect(client: int, process: int) -> None:
    if os.getpid() == process:
        with contextlib.suppress(pybullet.error):
            pybullet.disconnect(client)


def _version() -> str:
    from importlib.metadata import version

    return version("pybullet")
