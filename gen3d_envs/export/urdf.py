"""A scene as URDF files: one per object, the support and the robot, with GLB looks and OBJ convex parts.

Beside each ``<name>.urdf`` stands ``<name>_bare.urdf`` without the looks, for tools that read no GLB (PyBullet).
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree import ElementTree as Xml

import numpy as np

from gen3d_envs.assets.asset import Asset, Box, Hull
from gen3d_envs.build import SUPPORT_THICKNESS_M, BuiltScene
from gen3d_envs.export.glb import asset_mesh
from gen3d_envs.export.gltf import mesh_file
from gen3d_envs.robots import Robot
from gen3d_envs.sim.articulation import Articulation, Inertia, Link, of_asset
from gen3d_envs.sim.urdf import to_urdf
from gen3d_envs.sim.view import VisualMesh
from gen3d_envs.spec import BACK_M, ObjectSpec, SupportSpec

SUPPORT_DENSITY_KGM3 = 700.0
"""Of the support, for tools that want a mass even of what is fixed: wood."""

_Y_UP = {"xyz": "0 0 0", "rpy": "1.5707963267948966 0 0"}
"""Origin of every visual: glTF files are y-up."""

Files = dict[str, bytes]


def urdf_files(scene: BuiltScene, robot: Robot) -> Files:
    """Every file of the scene's URDF models by its path: ``objects/<name>/``, ``support/`` and ``robot/``."""
    files: Files = {}
    for item, asset in zip(scene.spec.objects, scene.assets, strict=True):
        files |= _under(f"objects/{item.name}", object_files(item, asset))
    meshes = {node.name: node.mesh for node in scene.room.nodes if node.name.startswith("support")}
    return files | _under("support", support_files(scene.spec.support, meshes)) | _under("robot", robot_files(robot))


def object_files(item: ObjectSpec, asset: Asset) -> Files:
    """``<name>.urdf``, ``visual.glb`` and one ``collision_<i>.obj`` per hull of an object; link frame is asset frame.

    A part is a link ``<name>_<part>`` in the frame of its joint, and looks like ``visual_<part>.glb``. Friction stands
    as ``contact/lateral_friction`` and as ``collision/gazebo/mu1``, which different tools read.
    """
    files: Files = {}
    model = of_asset(item.name, asset, "_")
    looks = {item.name: "visual.glb"}
    for part, link in zip(asset.parts, model.links[1:], strict=True):
        assert link.visual is not None
        looks[link.name] = f"visual_{part.name}.glb"
        files[looks[link.name]] = mesh_file({link.name: link.visual})
    facts = {"category": asset.category, "description": item.description, "sha256": asset.sha256}
    root = _document(model, looks, files, "collision_{index}.obj")
    element, contact = root.find("link"), root.find("link/contact")
    assert element is not None and contact is not None
    if asset.rolling_friction_m:
        for kind in ("rolling_friction", "spinning_friction"):
            Xml.SubElement(contact, kind, value=repr(asset.rolling_friction_m))
    extra = Xml.SubElement(element, "extra_info")
    for key, value in facts.items():
        Xml.SubElement(extra, key).text = value
    files["visual.glb"] = mesh_file({item.name: asset_mesh(asset)})
    return _both(item.name, root) | files


def support_files(support: SupportSpec, meshes: Mapping[str, VisualMesh]) -> Files:
    """``support.urdf`` and ``visual.glb``: a box whose top is z = 0 and whose frame is the scene frame."""
    size = (support.depth_m, support.width_m, SUPPORT_THICKNESS_M)
    half = (size[0] / 2, size[1] / 2, size[2] / 2)
    center = (half[0] - BACK_M, 0.0, -half[2])
    mass = SUPPORT_DENSITY_KGM3 * size[0] * size[1] * size[2]
    xx, yy, zz = (value * value for value in size)
    moments = (mass * (yy + zz) / 12, mass * (xx + zz) / 12, mass * (xx + yy) / 12, 0.0, 0.0, 0.0)
    link = Link("support", Inertia(mass, center, moments_kgm2=moments), (Box(half, center),), None, support.friction)
    root = _document(Articulation("support", (link,), ()), {"support": "visual.glb"}, {}, "")
    return _both("support", root) | {"visual.glb": mesh_file(meshes)}


def robot_files(robot: Robot) -> Files:
    """``<robot>.urdf`` with a GLB per link and an OBJ per convex part; base frame upright, see ``scene.json``."""
    files: Files = {}
    looks = {}
    for link in robot.model.links:
        if link.visual is not None and len(link.visual.faces):
            looks[link.name] = f"{link.name}.glb"
            files[f"{link.name}.glb"] = mesh_file({link.name: link.visual})
    root = _document(robot.model, looks, files, "part_{index}.obj")
    before = ""
    elements = {element.get("name"): element for element in root.findall("joint")}
    for joint in robot.model.joints:
        if joint.mimic is not None:
            Xml.SubElement(elements[joint.name], "mimic", joint=before, multiplier=repr(joint.mimic), offset="0")
        before = joint.name
    return _both(robot.name, root) | files


def hull_file(hull: Hull) -> bytes:
    """A convex hull as a closed OBJ mesh with its points in their order; 9 digits are exact for float32."""
    from scipy.spatial import ConvexHull

    points = hull.vertices.astype(np.float64)
    shell = ConvexHull(points)
    corners = points[shell.simplices]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    outward = (normals * shell.equations[:, :3]).sum(axis=1) > 0
    faces = np.where(outward[:, None], shell.simplices, shell.simplices[:, ::-1]) + 1
    lines = [f"v {x:.9g} {y:.9g} {z:.9g}" for x, y, z in hull.vertices.tolist()]
    lines += [f"f {a} {b} {c}" for a, b, c in faces.tolist()]
    return ("\n".join(lines) + "\n").encode()


def _document(model: Articulation, looks: Mapping[str, str], files: Files, pattern: str) -> Xml.Element:
    """The URDF of a model with looks and friction for several tools; hulls are added to ``files``."""
    names: list[str] = []

    def mesh_path(hull: Hull) -> str:
        names.append(pattern.format(index=len(names)))
        files[names[-1]] = hull_file(hull)
        return names[-1]

    root = Xml.fromstring(to_urdf(model, mesh_path))
    friction = {link.name: link.friction for link in model.links}
    for element in root.findall("link"):
        name = element.get("name", "")
        if name in looks:
            visual = Xml.SubElement(element, "visual")
            Xml.SubElement(visual, "origin", _Y_UP)
            Xml.SubElement(Xml.SubElement(visual, "geometry"), "mesh", filename=looks[name])
        for collision in element.findall("collision"):
            gazebo = Xml.SubElement(collision, "gazebo")
            for tag in ("mu1", "mu2"):
                Xml.SubElement(gazebo, tag).text = repr(float(friction[name]))
    return root


def _both(name: str, root: Xml.Element) -> Files:
    """The URDF with and without looks."""
    full = _text(root)
    for element in root.findall("link"):
        for visual in element.findall("visual"):
            element.remove(visual)
    return {f"{name}.urdf": full, f"{name}_bare.urdf": _text(root)}


def _text(root: Xml.Element) -> bytes:
    Xml.indent(root)
    return (Xml.tostring(root, encoding="unicode", xml_declaration=True) + "\n").encode()


def _under(folder: str, files: Mapping[str, bytes]) -> Files:
    return {f"{folder}/{name}": data for name, data in files.items()}
