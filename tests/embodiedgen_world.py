"""Worlds of EmbodiedGen's layout format, built on the spot: from our own assets, and from real ones where they are."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.assets.asset import Asset, Box, Hull
from gen3d_envs.assets.generate import generate
from gen3d_envs.spec import ObjectSpec

URDF = """<?xml version='1.0' encoding='utf-8'?>
<robot name="{name}"><link name="{name}">
<visual><origin xyz="0 0 0" rpy="1.5707963267948966 0 0"/>
<geometry><mesh filename="mesh/{name}.obj" scale="1.0 1.0 1.0"/></geometry></visual>
<collision><origin xyz="0 0 0" rpy="1.5707963267948966 0 0"/>
<geometry><mesh filename="mesh/{name}_collision.obj" scale="1.0 1.0 1.0"/></geometry>
<gazebo><mu1>{friction}</mu1><mu2>{friction}</mu2></gazebo></collision>
<inertial><mass value="{mass}"/></inertial><extra_info><category>{name}</category>{extra}</extra_info></link></robot>
"""


def y_up(points: NDArray[Any]) -> NDArray[np.float64]:
    """(n, 3) z-up points as the format's files have them: a roll of +90 degrees brings them back."""
    x, y, z = np.asarray(points, np.float64).T
    return np.stack([x, z, -y], axis=1)


def obj(bodies: list[tuple[NDArray[Any], NDArray[Any]]]) -> str:
    """An OBJ file of (vertices, faces), one object each."""
    lines, first = [], 1
    for index, (vertices, faces) in enumerate(bodies):
        lines.append(f"o body{index}")
        lines += [f"v {x:.9g} {y:.9g} {z:.9g}" for x, y, z in y_up(vertices).tolist()]
        lines += [f"f {a} {b} {c}" for a, b, c in (np.asarray(faces) + first).tolist()]
        first += len(vertices)
    return "\n".join(lines) + "\n"


def own(category: str, seed: int = 0, **wishes: Any) -> Asset:
    """One of our own assets."""
    fields = {"name": "thing", "role": "target", "category": category, "description": category, "seed": seed}
    return generate(ObjectSpec(**{**fields, **wishes}))


def write_asset(folder: Path, name: str, asset: Asset, extra: str = "") -> None:
    """An asset of ours as the format's asset folder, its mesh y-up."""
    from scipy.spatial import ConvexHull

    (folder / "mesh").mkdir(parents=True)
    hulls = []
    for part in asset.collision:
        if isinstance(part, Hull):
            points = part.vertices.astype(np.float64)
        elif isinstance(part, Box):  # upright ones, as in the things used here
            signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
            points = signs * part.half_extents_m + part.position_m
        else:
            points = asset.vertices.astype(np.float64)
        hulls.append((points, ConvexHull(points).simplices))
    whole = [(asset.vertices, asset.faces)]
    (folder / "mesh" / f"{name}.obj").write_text(obj(whole))
    (folder / "mesh" / f"{name}_collision.obj").write_text(obj(hulls))
    text = URDF.format(name=name, friction=asset.friction, mass=asset.mass_kg, extra=extra)
    (folder / f"{name}.urdf").write_text(text)


def facing(yaw: float) -> list[float]:
    """A quaternion xyzw about the vertical."""
    return [0.0, 0.0, math.sin(yaw / 2), math.cos(yaw / 2)]


def layout(
    sentence: str, manipulated: list[str], distractors: list[str], position: Mapping[str, list[float]], **changes: Any
) -> dict[str, Any]:
    """The content of ``layout.json`` for things on a desk; ``changes`` replace whole fields."""
    things = [*manipulated, *distractors]
    fields: dict[str, Any] = {
        "tree": {
            "office": [["desk", "IN"], ["franka", "IN"]],
            "desk": [[name, "ON"] for name in things],
        },
        "relation": {
            "task_desc": sentence, "task": "pick and place", "robot": "franka", "background": "office",
            "context": "desk", "manipulated_objs": manipulated, "distractor_objs": distractors,
        },
        "objs_desc": {name: f"a {name}" for name in things},
        "objs_mapping": {
            "office": "background", "desk": "context",
            **dict.fromkeys(manipulated, "manipulated_objs"), **dict.fromkeys(distractors, "distractor_objs"),
        },
        "assets": {"office": "background", **{name: f"asset3d/{name.replace(' ', '_')}" for name in things}},
        "quality": dict.fromkeys(things, "OK"),
        "position": {"desk": [0.0, 0.0, -0.74, 0.0, 0.0, 0.0, 1.0], **position},
    }  # fmt: skip
    return {**fields, **changes}


ROBOT = [1.0, -0.2, 0.0, *facing(math.pi / 2)]
"""The robot of the worlds here: beside the origin and turned, so that frames that are mixed up show."""


def beside(x: float, y: float, yaw: float = 0.0, z: float = 0.0) -> list[float]:
    """A position ``x`` ahead of :data:`ROBOT` and ``y`` to its left, turned by ``yaw`` against it."""
    return [ROBOT[0] - y, ROBOT[1] + x, z, *facing(yaw + math.pi / 2)]


def own_world(folder: Path, **changes: Any) -> Path:
    """A block, a bowl and a (square) can on a desk, with a background of splats that nobody reads."""
    write_asset(folder / "asset3d" / "red_block", "red_block", own("cube", 1, grip_width_m=0.042))
    write_asset(folder / "asset3d" / "bowl", "bowl", own("bowl", 2))
    write_asset(folder / "asset3d" / "can", "can", own("block", 3, grip_width_m=0.038))
    (folder / "background").mkdir()
    (folder / "background" / "gs_model.ply").write_bytes(b"ply\nformat binary")
    (folder / "asset3d" / "bowl" / "gs_model.ply").write_bytes(b"ply\n")
    (folder / "asset3d" / "bowl" / "latent.pkl").write_bytes(b"\x80\x04.")
    position = {
        "franka": ROBOT, "red block": beside(0.30, -0.08, 0.5), "bowl": beside(0.30, 0.12), "can": beside(0.40, 0.0),
    }  # fmt: skip
    fields = layout("Put the red block in the bowl, robot franka.", ["red block", "bowl"], ["can"], position)
    (folder / "layout.json").write_text(json.dumps({**fields, **changes}))
    return folder


def real_world(folder: Path, shared: Path) -> Path:
    """The real assets in ``shared`` as a world: GLB files converted to the format's folders, and its URDF folder."""
    import trimesh

    labels = {item["name"]: item for item in json.loads((shared / "manifest.json").read_text())["assets"]}
    for name in ("salt_shaker", "knife", "basket"):
        scene = trimesh.load_scene(shared / f"{name}.glb")
        mesh = trimesh.util.concatenate(list(scene.dump()))
        scale = float(labels[name]["height"]) / float(mesh.extents[1])
        mesh.apply_scale(scale)
        target = folder / "asset3d" / name
        (target / "mesh").mkdir(parents=True)
        text, files = trimesh.exchange.obj.export_obj(mesh, return_texture=True, mtl_name="material.mtl")
        (target / "mesh" / f"{name}.obj").write_text(text)
        for file, data in files.items():
            (target / "mesh" / file).write_bytes(data)
        stated = shared / f"{name}_collision.glb"
        touch = trimesh.load_scene(stated).to_geometry() if stated.is_file() else mesh.convex_hull
        if stated.is_file():
            touch.apply_scale(scale)
        (target / "mesh" / f"{name}_collision.obj").write_text(trimesh.exchange.obj.export_obj(touch))
        label = labels[name]
        extra = f"<real_height>{label['height']}</real_height>"
        urdf = URDF.format(name=name, friction=label["friction"], mass=label["mass"], extra=extra)
        (target / f"{name}.urdf").write_text(urdf)
    shutil.copytree(shared / "ear_hear", folder / "asset3d" / "headphones")
    position = {
        "franka": ROBOT, "salt shaker": beside(0.30, -0.10, 0.0, 0.0625), "knife": beside(0.42, 0.05, 1.2, 0.015),
        "headphones": beside(0.42, -0.25, 0.0, 0.075), "basket": beside(0.30, 0.42, 0.0, 0.175),
    }  # fmt: skip
    things = ["salt shaker", "knife", "headphones", "basket"]
    fields = layout("Pick up the salt shaker.", things[:1], things[1:], position)
    (folder / "layout.json").write_text(json.dumps(fields))
    return folder
