"""A scene as MJCF, MuJoCo's own file format, written from the spec that our MuJoCo worlds are compiled from."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree import ElementTree as Xml

import numpy as np

from gen3d_envs.sim.mujoco_model import compiled, make_spec, mujoco
from gen3d_envs.sim.view import VisualMesh
from gen3d_envs.sim.world import ROBOT, SUPPORT, WorldSetup

HOME = "home"
"""Name of the keyframe that holds the start: the robot at home, the objects where the setup puts them."""

LOOKS_GROUP, TOUCH_GROUP = 2, 3
"""Geometry groups: MuJoCo's viewer shows groups 0 to 2 at first."""

_SUPPORT_RGBA = (0.72, 0.6, 0.46, 1.0)


def mjcf_files(setup: WorldSetup, name: str, looks: Mapping[str, VisualMesh]) -> dict[str, bytes]:
    """``scene.xml`` and the OBJ files in ``assets/`` that it shows, by relative path.

    Masses, inertias, hulls, joints, limits, friction and drives are those of our own MuJoCo world. Files of other
    versions of MuJoCo lack its sleeping, so that is left out; a reset to the keyframe ``home`` gives the start.

    Args:
        setup: what our worlds are loaded from.
        name: of the model.
        looks: what to show for ``object/<name>`` and ``robot/<link>``, in the body's own frame. MJCF knows one colour
            per mesh: the mean of the vertices'.
    """
    scene = compiled(setup)
    spec = make_spec(setup)
    spec.modelname = name
    spec.option.enableflags = int(spec.option.enableflags) & ~int(mujoco.mjtEnableBit.mjENBL_SLEEP)
    spec.option.sleep_tolerance = mujoco.MjSpec().option.sleep_tolerance
    for index, actuator in enumerate(spec.actuators):
        # The drives are tuned to the compiled model's inertias.
        actuator.gainprm[:] = scene.model.actuator_gainprm[index]
        actuator.biasprm[:] = scene.model.actuator_biasprm[index]
    for geom in spec.geoms:
        geom.group = TOUCH_GROUP
    spec.geom(f"{SUPPORT}/0").group = LOOKS_GROUP
    spec.geom(f"{SUPPORT}/0").rgba = _SUPPORT_RGBA
    files: dict[str, bytes] = {}
    for key, mesh in looks.items():
        if len(mesh.faces):
            kind, _, own = key.partition("/")
            _show(spec, key if kind == ROBOT else own, key, mesh, files)
    spec.meshdir = "assets"
    spec.worldbody.add_light(
        name="sun", pos=(0.0, 0.0, 2.0), dir=(0.3, 0.4, -0.85), type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL
    )
    _add_home(spec, setup, scene.drives)
    spec.assets = dict(files)
    spec.compile()
    return {"scene.xml": _tidy(spec.to_xml()), **{f"assets/{file}": data for file, data in files.items()}}


def _show(spec: mujoco.MjSpec, body: str, name: str, mesh: VisualMesh, files: dict[str, bytes]) -> None:
    file = f"{name.replace('/', '_')}.obj"
    lines = [f"v {x:.9g} {y:.9g} {z:.9g}" for x, y, z in mesh.vertices.tolist()]
    lines += [f"f {a} {b} {c}" for a, b, c in (mesh.faces + 1).tolist()]
    files[file] = ("\n".join(lines) + "\n").encode()
    # Looks need not be closed, and a shell has inertia in any case; the body's own is stated anyhow.
    spec.add_mesh(name=f"look/{name}", file=file, inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL)
    rgb = (mesh.colors.astype(np.float64).mean(axis=0) / 255.0).round(4).tolist()
    spec.body(body).add_geom(
        name=f"look/{name}", type=mujoco.mjtGeom.mjGEOM_MESH, meshname=f"look/{name}", contype=0, conaffinity=0,
        group=LOOKS_GROUP, mass=0.0, rgba=(*rgb, 1.0),
    )  # fmt: skip


def _add_home(spec: mujoco.MjSpec, setup: WorldSetup, drives: tuple[tuple[int, ...], ...]) -> None:
    """The start as a keyframe: MJCF has no other place for the joints of a robot that is not stretched out."""
    positions = list(setup.robot.joints)
    for body in setup.bodies:
        x, y, z, w = body.orientation_xyzw
        if not body.asset.anchored:
            positions += [*body.position_m, w, x, y, z]
        positions += body.openings or (0.0,) * len(body.asset.parts)
    spec.add_key(name=HOME, qpos=positions, ctrl=[setup.robot.joints[drive[0]] for drive in drives])


def _tidy(text: str) -> bytes:
    """The XML as MuJoCo wrote it, checked to be one document."""
    Xml.fromstring(text)
    return text.encode()
