"""From what a world is loaded from to a compiled MuJoCo model, by MjSpec alone.

Two engines must mean the same by a scene, so everything here comes from the same :class:`WorldSetup`: hulls, masses,
inertias, joints, limits, efforts. What differs is stated where it differs.
"""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from gen3d_envs.assets.asset import IDENTITY, Box, CollisionPart, Hull, Quaternion, Sphere
from gen3d_envs.errors import EngineUnavailable
from gen3d_envs.sim.articulation import Articulation, of_asset
from gen3d_envs.sim.world import ROBOT, SUPPORT, BodyState, Dynamics, WorldSetup

try:
    import mujoco
except ImportError as error:
    raise EngineUnavailable(
        "MuJoCo is not installed: pip install 'mujoco>=4,<5', or use physics='pybullet'."
    ) from error

__all__ = ["CONTACT_GAP_M", "PHYSICS_HZ", "Compiled", "compiled", "make_spec", "mujoco", "perturbed"]

PHYSICS_HZ = 240
SOLVER_ITERATIONS = 20
IMPRATIO = 10.0

ARM_LAG_S = 0.055
"""How far the arm follows behind its targets: damping over stiffness of each drive."""

ARM_RATE = 60.0
ARMATURE_KGM2 = 0.02
FINGER_STIFFNESS = 4000.0
FINGER_LAG_S = 0.02
FINGER_MASS_KG = 0.05

CONTACT_GAP_M = 1e-3
"""Pairs closer than this are listed as contacts; forces begin at zero distance."""

SOLREF = (0.01, 1.0)
SOLIMP = (0.95, 0.99, 0.001, 0.5, 2.0)
TORSION_M = 0.003
"""Radius of the patch that a finger pad presses on: lever of its torsional friction."""

SLEEP_MPS = 3e-4
"""What is slower than this for ten steps falls asleep."""

GROUND_Z_M = -0.75
LINK_FRICTION = 0.6
WITH_SUPPORT, WITH_FINGER = -1, -2

STAY_SOLREF, STAY_SOLIMP = (0.01, 1.0), (0.9998, 0.9999, 0.001, 0.5, 2.0)
"""Dry friction of passive joints: nearly hard, so that a lid held at an angle creeps too slowly to be seen."""

_KINDS = {"revolute": mujoco.mjtJoint.mjJNT_HINGE, "prismatic": mujoco.mjtJoint.mjJNT_SLIDE}
_KEPT = 160


@dataclass(frozen=True)
class Place:
    """Where MuJoCo keeps an object.

    Attributes:
        body: its body number.
        qpos, qvel: first entry of its free joint; -1 where it is anchored.
        mocap: its row among the bodies that stand where they are put; -1 where it is free.
        parts: body numbers of its parts.
        part_qpos, part_qvel: entries of their joints.
    """

    body: int
    qpos: int
    qvel: int
    mocap: int
    parts: tuple[int, ...]
    part_qpos: tuple[int, ...]
    part_qvel: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Compiled:
    """A compiled scene with the addresses that a world needs.

    Attributes:
        model: shared by all worlds of this process that run the scene: never written to.
        bodies: where each object is kept.
        links: MuJoCo's body number of each link of the robot.
        owner: per geom, the name of the thing that it belongs to.
        joints: number of joints of the robot: the first so many entries of qpos, qvel.
        drives: for each actuator the joints that it moves.
        pairs: per contact pair, the object and what it meets: another object, ``WITH_SUPPORT`` or ``WITH_FINGER``.
    """

    model: mujoco.MjModel
    bodies: tuple[Place, ...]
    links: tuple[int, ...]
    owner: tuple[str, ...]
    joints: int
    drives: tuple[tuple[int, ...], ...]
    pairs: tuple[tuple[int, int], ...]


_MODELS: OrderedDict[tuple[object, ...], tuple[Articulation, Compiled]] = OrderedDict()


def compiled(setup: WorldSetup) -> Compiled:
    """The model of a setup: from this process's cache where it was compiled before, wherever its bodies stand."""
    robot = setup.robot
    key = (
        id(robot.model), robot.base_position_m, robot.drive_effort,
        tuple((body.name, body.asset.sha256) for body in setup.bodies),
        setup.support_half_extents_m, setup.support_center_m, setup.support_friction, setup.gravity_mps2,
    )  # fmt: skip
    known = _MODELS.get(key)
    if known is None:
        known = _MODELS[key] = (robot.model, _compile(setup))  # holds the robot, so that its id stays its own
        if len(_MODELS) > _KEPT:
            _MODELS.popitem(last=False)
    else:
        _MODELS.move_to_end(key)
    return known[1]


def make_spec(setup: WorldSetup) -> mujoco.MjSpec:
    """The scene as an editable MuJoCo spec, bodies where the setup puts them; drives have no gains yet."""
    return _Builder(setup).spec


def _empty_spec(setup: WorldSetup) -> mujoco.MjSpec:
    spec = mujoco.MjSpec()
    spec.modelname = setup.robot.model.name
    spec.compiler.degree = False
    option = spec.option
    option.timestep = 1.0 / PHYSICS_HZ
    option.gravity = (0.0, 0.0, -setup.gravity_mps2)
    option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    option.solver = mujoco.mjtSolver.mjSOL_NEWTON
    # MuJoCo 4.0.0 factorizes sparse Jacobians wrongly (its issue 3767); scenes are small enough for dense ones.
    option.jacobian = mujoco.mjtJacobian.mjJAC_DENSE
    option.iterations = SOLVER_ITERATIONS
    option.impratio = IMPRATIO
    # What lies still is not computed until something touches it: a step costs a fifth.
    option.enableflags = int(mujoco.mjtEnableBit.mjENBL_SLEEP)
    option.sleep_tolerance = SLEEP_MPS
    return spec


def _compile(setup: WorldSetup) -> Compiled:
    # At one place whatever the episode: constants of the model depend on it in their last bits.
    bodies = tuple(
        replace(body, position_m=(0.0, 0.0, 0.0), orientation_xyzw=IDENTITY, openings=()) for body in setup.bodies
    )
    builder = _Builder(replace(setup, bodies=bodies))
    model = builder.spec.compile()
    geom_names = [model.geom(i).name for i in range(model.ngeom)]
    articulation = setup.robot.model
    links = tuple(model.body(f"{ROBOT}/{link.name}").id for link in articulation.links)
    _set_gains(model, setup)
    return Compiled(
        model,
        tuple(_place(model, body) for body in setup.bodies),
        links,
        tuple(name.split("/")[0] for name in geom_names),
        len(articulation.joints),
        _drives(articulation),
        _pairs(model, builder),
    )


def _place(model: mujoco.MjModel, body: BodyState) -> Place:
    number = model.body(body.name).id
    first = model.body_jntadr[number]
    free = not body.asset.anchored
    parts = [model.body(f"{body.name}/{part.name}").id for part in body.asset.parts]
    joints = [model.body_jntadr[part] for part in parts]
    return Place(
        number, int(model.jnt_qposadr[first]) if free else -1, int(model.jnt_dofadr[first]) if free else -1,
        int(model.body_mocapid[number]), tuple(parts), tuple(int(model.jnt_qposadr[j]) for j in joints),
        tuple(int(model.jnt_dofadr[j]) for j in joints),
    )  # fmt: skip


def _pairs(model: mujoco.MjModel, builder: _Builder) -> tuple[tuple[int, int], ...]:
    """What each contact pair of the model is; the compiler sorts them."""
    kinds: list[tuple[int, int]] = [(0, 0)] * model.npair
    for index, kind in enumerate(builder.pairs):
        kinds[model.pair(f"pair{index}").id] = kind
    return tuple(kinds)


def perturbed(scene: Compiled, dynamics: Dynamics) -> mujoco.MjModel:
    """A copy of a scene's model with other physics."""
    model = copy.copy(scene.model)
    bodies = range(len(scene.bodies))
    for index, place in enumerate(scene.bodies):
        for body in (place.body, *place.parts):
            model.body_mass[body] *= dynamics.mass(index)
            model.body_inertia[body] *= dynamics.mass(index)
            geoms = slice(model.body_geomadr[body], model.body_geomadr[body] + model.body_geomnum[body])
            model.geom_friction[geoms, 0] *= dynamics.friction(index)
        for dof in place.part_qvel:  # a hinge that holds its lid is made for it
            model.dof_frictionloss[dof] *= dynamics.mass(index)
    factors = {WITH_SUPPORT: dynamics.support_friction, WITH_FINGER: dynamics.pad_friction}
    factors |= {index: dynamics.friction(index) for index in bodies}
    for row, (first, second) in enumerate(scene.pairs):
        model.pair_friction[row] *= dynamics.friction(first) * factors[second]
    for row, drive in enumerate(scene.drives):
        arm = len(drive) == 1
        strength = dynamics.effort if arm else dynamics.grip
        if arm:
            model.actuator_gainprm[row, 0] *= dynamics.stiffness
            model.actuator_biasprm[row, 1] *= dynamics.stiffness
            model.actuator_biasprm[row, 2] *= dynamics.damping
            model.dof_frictionloss[drive[0]] = dynamics.joint_friction * model.actuator_forcerange[row, 1]
        model.actuator_forcerange[row] *= strength
    mujoco.mj_setConst(model, mujoco.MjData(model))
    return model


def _drives(model: Articulation) -> tuple[tuple[int, ...], ...]:
    """Joints of each drive: one each, or two where one motor moves both."""
    rows: list[tuple[int, ...]] = []
    for index, joint in enumerate(model.joints):
        if joint.mimic is None:
            rows.append((index,))
        else:
            rows[-1] = (index - 1, index)
    return tuple(rows)


def _wxyz(orientation: Quaternion) -> tuple[float, float, float, float]:
    x, y, z, w = orientation
    return w, x, y, z


class _Builder:
    """Adds one thing after the other to a spec."""

    def __init__(self, setup: WorldSetup) -> None:
        self.spec, self.setup = _empty_spec(setup), setup
        self.pairs: list[tuple[int, int]] = []
        setup, world = self.setup, self.spec.worldbody
        ground = world.add_geom(
            name="ground/0", type=mujoco.mjtGeom.mjGEOM_BOX, size=(4.0, 4.0, 0.05), pos=(0.0, 0.0, GROUND_Z_M - 0.05),
            contype=0, conaffinity=3, friction=(0.8, 0.005, 0.0001),
        )  # fmt: skip
        ground.gap = CONTACT_GAP_M
        world.add_geom(
            name=f"{SUPPORT}/0", type=mujoco.mjtGeom.mjGEOM_BOX, size=setup.support_half_extents_m,
            pos=setup.support_center_m, contype=0, conaffinity=2, friction=(setup.support_friction, 0.005, 0.0001),
        )  # fmt: skip
        self._robot()
        parts: list[list[tuple[str, bool]]] = []
        for body in setup.bodies:
            parts.append(self._body(body))
        self._pairs(parts)

    def _robot(self) -> None:
        spec, robot = self.spec, self.setup.robot
        articulation = robot.model
        fingers = {joint.child for joint in articulation.joints if joint.kind == "prismatic"}
        self._fingers: list[tuple[str, float]] = []
        bodies: dict[str, mujoco.MjsBody] = {}
        for index, link in enumerate(articulation.links):
            if index == 0:
                body = spec.worldbody.add_body(name=f"{ROBOT}/{link.name}", pos=robot.base_position_m)
            else:
                joint = articulation.joints[index - 1]
                body = bodies[joint.parent].add_body(
                    name=f"{ROBOT}/{link.name}", pos=joint.position_m, quat=_wxyz(joint.orientation_xyzw)
                )
                turning = joint.kind == "revolute"
                body.add_joint(
                    name=joint.name, type=_KINDS[joint.kind], axis=joint.axis, limited=True,
                    range=(joint.lower, joint.upper), armature=ARMATURE_KGM2 if turning else FINGER_MASS_KG,
                )  # fmt: skip
            bodies[link.name] = body
            mass = link.inertia
            body.explicitinertial = True
            body.mass, body.ipos, body.iquat = mass.mass_kg, mass.com_m, _wxyz(mass.orientation_xyzw)
            ixx, iyy, izz, ixy, ixz, iyz = mass.moments_kgm2
            if ixy or ixz or iyz:
                body.iquat = (1.0, 0.0, 0.0, 0.0)
                body.fullinertia = _turned(mass.orientation_xyzw, (ixx, iyy, izz, ixy, ixz, iyz))
            else:
                body.inertia = (ixx, iyy, izz)
            body.gravcomp = 1.0  # arms hold themselves up; their drives only move them
            finger = link.name in fingers
            names = self._geoms(body, f"{ROBOT}/{link.name}", link.collision)
            for name in names:
                geom = spec.geom(name)
                geom.contype, geom.conaffinity = 2, 0 if finger else 1
                geom.friction = (link.friction, 0.005, 0.0001)
                if finger:
                    self._fingers.append((name, link.friction))
        for index, drive in enumerate(_drives(articulation)):
            joint = articulation.joints[drive[0]]
            effort = sum(robot.drive_effort[j] for j in drive)
            actuator = spec.add_actuator(name=f"drive{index}", forcelimited=True, forcerange=(-effort, effort))
            actuator.gaintype, actuator.biastype = mujoco.mjtGain.mjGAIN_FIXED, mujoco.mjtBias.mjBIAS_AFFINE
            if len(drive) == 1:
                actuator.trntype, actuator.target = mujoco.mjtTrn.mjTRN_JOINT, joint.name
                continue
            second = articulation.joints[drive[1]]
            ratio = second.mimic or 1.0
            tendon = spec.add_tendon(name=f"motor{index}")
            tendon.wrap_joint(joint.name, 0.5)
            tendon.wrap_joint(second.name, 0.5 / ratio)
            actuator.trntype, actuator.target = mujoco.mjtTrn.mjTRN_TENDON, tendon.name
            equality = spec.add_equality(
                name=f"mimic{index}", type=mujoco.mjtEq.mjEQ_JOINT, name1=second.name, name2=joint.name,
                objtype=mujoco.mjtObj.mjOBJ_JOINT, solref=(0.01, 1.0), solimp=(0.95, 0.99, 0.001, 0.5, 2.0),
            )  # fmt: skip
            equality.data[1] = ratio

    def _body(self, state: BodyState) -> list[tuple[str, bool]]:
        """Add an object; gives the names of its geometries, and whether each is of a part."""
        asset, spec = state.asset, self.spec
        model = of_asset(state.name, asset)
        base = spec.worldbody.add_body(name=state.name, pos=state.position_m, quat=_wxyz(state.orientation_xyzw))
        if asset.anchored:
            base.mocap = True  # fixed, but one model serves all places
        else:
            base.add_freejoint(name=f"{state.name}/free")
        bodies = [base]
        for joint in model.joints:
            body = base.add_body(name=joint.child, pos=joint.position_m)
            added = body.add_joint(
                name=joint.name, type=_KINDS[joint.kind], axis=joint.axis, limited=True,
                range=(joint.lower, joint.upper), frictionloss=joint.friction,
            )  # fmt: skip
            added.damping = (joint.damping, 0.0, 0.0)
            added.solimp_friction, added.solref_friction = STAY_SOLIMP, STAY_SOLREF
            added.solref_limit, added.solimp_limit = SOLREF, SOLIMP
            bodies.append(body)
        found: list[tuple[str, bool]] = []
        for body, link in zip(bodies, model.links, strict=True):
            xx, yy, zz, *_ = link.inertia.moments_kgm2
            body.explicitinertial = True
            body.mass, body.ipos, body.inertia = link.inertia.mass_kg, link.inertia.com_m, (xx, yy, zz)
            for each in self._geoms(body, link.name, link.collision):
                geom = spec.geom(each)
                geom.contype, geom.conaffinity, geom.priority, geom.gap = 1, 0, 1, CONTACT_GAP_M
                geom.friction = (asset.friction * LINK_FRICTION, 0.005, 0.0001)
                geom.solref, geom.solimp = SOLREF, SOLIMP
                found.append((each, body is not base))
        return found

    def _geoms(self, body: mujoco.MjsBody, owner: str, parts: Iterable[CollisionPart]) -> list[str]:
        names = []
        for index, part in enumerate(parts):
            name = f"{owner}/{index}"
            names.append(name)
            if isinstance(part, Box):
                body.add_geom(
                    name=name, type=mujoco.mjtGeom.mjGEOM_BOX, size=part.half_extents_m, pos=part.position_m,
                    quat=_wxyz(part.orientation_xyzw),
                )  # fmt: skip
            elif isinstance(part, Sphere):
                body.add_geom(
                    name=name, type=mujoco.mjtGeom.mjGEOM_SPHERE, size=(part.radius_m, 0.0, 0.0), pos=part.position_m
                )
            else:
                self._hull(name, part)
                body.add_geom(name=name, type=mujoco.mjtGeom.mjGEOM_MESH, meshname=name)
        return names

    def _hull(self, name: str, hull: Hull) -> None:
        mesh = self.spec.add_mesh(name=name)
        mesh.uservert = np.ascontiguousarray(hull.vertices, dtype=np.float32).ravel()
        mesh.inertia = mujoco.mjtMeshInertia.mjMESH_INERTIA_CONVEX

    def _pairs(self, parts: list[list[tuple[str, bool]]]) -> None:
        """Every pair that an object can touch with the product of the friction coefficients, as the other engine has.

        MuJoCo on its own takes the larger coefficient. Two things that cannot move are no pair.
        """
        bodies, setup = self.setup.bodies, self.setup
        for index, (names, body) in enumerate(zip(parts, bodies, strict=True)):
            asset = body.asset
            for name, moves in names:
                rolling = asset.rolling_friction_m * setup.support_friction
                kind = (index, WITH_SUPPORT)
                if moves or not asset.anchored:
                    self._pair(kind, name, f"{SUPPORT}/0", asset.friction * setup.support_friction, rolling, rolling)
                for finger, friction in self._fingers:
                    self._pair((index, WITH_FINGER), name, finger, asset.friction * friction, TORSION_M, 0.0)
            for second in range(index + 1, len(bodies)):
                other = bodies[second].asset
                friction = asset.friction * other.friction
                for name, moves in names:
                    for another, too in parts[second]:
                        if moves or too or not (asset.anchored and other.anchored):
                            self._pair((index, second), name, another, friction, 0.0, 0.0)

    def _pair(
        self, kind: tuple[int, int], first: str, second: str, friction: float, torsion_m: float, rolling_m: float
    ) -> None:
        self.spec.add_pair(
            name=f"pair{len(self.pairs)}",
            geomname1=first, geomname2=second, condim=6 if rolling_m else 4 if torsion_m else 3,
            friction=(friction, friction, torsion_m, rolling_m, rolling_m), solref=SOLREF, solimp=SOLIMP,
            gap=CONTACT_GAP_M,
        )  # fmt: skip
        self.pairs.append(kind)


def _turned(orientation: Quaternion, moments: tuple[float, float, float, float, float, float]) -> tuple[float, ...]:
    """Moments of inertia turned from inertial axes into the link's: (xx, yy, zz, xy, xz, yz)."""
    from gen3d_envs.geometry import matrix_of

    xx, yy, zz, xy, xz, yz = moments
    turn = np.array(matrix_of(orientation))
    full = turn @ np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]) @ turn.T
    return full[0, 0], full[1, 1], full[2, 2], full[0, 1], full[0, 2], full[1, 2]


def _set_gains(model: mujoco.MjModel, setup: WorldSetup) -> None:
    """Position drives: stiffness from the inertia that each joint moves in mid-range, damping from the lag."""
    data = mujoco.MjData(model)
    middle = [(joint.lower + joint.upper) / 2.0 for joint in setup.robot.model.joints]
    data.qpos[: len(middle)] = middle
    mujoco.mj_forward(model, data)
    full = np.zeros((model.nv, model.nv))
    mujoco.mj_fullM(model, data, full)
    for index, drive in enumerate(_drives(setup.robot.model)):
        if len(drive) == 1:
            stiffness = float(full[drive[0], drive[0]]) * ARM_RATE**2
            damping = stiffness * ARM_LAG_S
        else:
            stiffness, damping = FINGER_STIFFNESS, FINGER_STIFFNESS * FINGER_LAG_S
        model.actuator_gainprm[index, 0] = stiffness
        model.actuator_biasprm[index, :3] = (0.0, -stiffness, -damping)
