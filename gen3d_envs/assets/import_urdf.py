"""One-link URDF files with meshes: what asset generators write besides bare meshes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from gen3d_envs.assets.asset import Asset
from gen3d_envs.assets.import_mesh import Frame, Physics, bodies_of, finish_framed, round_points
from gen3d_envs.assets.mesh_file import RawMesh, inside, read_bytes, read_mesh
from gen3d_envs.assets.simplify import Array
from gen3d_envs.errors import AssetError

MAX_URDF_BYTES = 1_000_000
MAX_COLLISIONS = 64


def import_urdf(
    path: str | Path,
    *,
    height_m: float | None = None,
    mass_kg: float | None = None,
    friction: float | None = None,
    color: str | None = None,
    grip_width_m: float | None = None,
    category: str = "mesh",
    description: str = "",
) -> Asset:
    """Make an asset of a URDF with one link.

    The visual mesh, the collision elements (of meshes, the connected bodies are taken as convex pieces; boxes, spheres
    and cylinders as they are), their origins and scales, the mass and the friction (``mu1``, else ``mu2``: friction
    here has no direction) are read. Arguments as in
    :func:`~gen3d_envs.assets.import_mesh.import_mesh`; those given replace the file's.

    Raises:
        AssetError: malformed XML or one with a document type (entities are never expanded), several links, no mesh,
            mesh paths that climb out of the file's folder, and all of ``import_mesh``.
    """
    stated = Physics(mass_kg, friction, color, grip_width_m, category, description)
    return import_framed(path, height_m, stated)[0]


def import_framed(path: str | Path, height_m: float | None, physics: Physics) -> tuple[Asset, Frame]:
    """As :func:`import_urdf`, and where the asset's frame lies in the link's."""
    path = Path(path)
    if path.suffix.lower() != ".urdf":
        raise AssetError("path", str(path), "is not a .urdf file", "Use import_mesh for meshes")
    link = _only_link(read_bytes(path))
    visuals, collisions = link.findall("visual"), link.findall("collision")
    if len(visuals) != 1:
        raise AssetError("urdf visual", len(visuals), "is not one mesh", "Give exactly one visual element with a mesh")
    if len(collisions) > MAX_COLLISIONS:
        raise AssetError("urdf collision", len(collisions), f"are more than {MAX_COLLISIONS}", "Merge some of them")
    visual, turned = _mesh(visuals[0], "visual", path.parent)
    bodies = [body for element in collisions for body in _bodies(element, path.parent)]
    if physics.mass_kg is None:
        physics = replace(physics, mass_kg=_number(link.find("inertial/mass"), "value", 20.0))
    if physics.friction is None:
        physics = replace(physics, friction=_friction(link))
    return finish_framed(visual, turned, bodies, height_m, physics)


def read_facts(path: Path) -> dict[str, str]:
    """The entries of ``extra_info`` in a URDF's link, as text of at most 400 characters; errors as above."""
    found = _only_link(read_bytes(path)).find("extra_info")
    return {} if found is None else {entry.tag: (entry.text or "").strip()[:400] for entry in list(found)[:64]}


def _only_link(data: bytes) -> ElementTree.Element:
    remedy = "Give a URDF with one link and meshes"
    if len(data) > MAX_URDF_BYTES:
        raise AssetError("urdf", len(data), f"is larger than {MAX_URDF_BYTES} bytes", remedy)
    # Document types declare entities, which can expand without end or read other files. The null byte stands for
    # encodings of two bytes per character, in which the search would not see them.
    if b"<!doctype" in data.lower() or b"<!entity" in data.lower() or b"\0" in data:
        raise AssetError("urdf", data[:40], "declares a document type or entities", "Remove the declaration")
    try:
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise AssetError("urdf", data[:40], f"is not XML ({error})", remedy) from None
    links = root.findall("link")
    if root.tag != "robot" or len(links) != 1:
        raise AssetError("urdf", len(links), "links instead of one", remedy)
    return links[0]


def _mesh(element: ElementTree.Element, role: str, folder: Path) -> tuple[RawMesh, Array]:
    """The mesh of a visual or collision element and its vertices in the link's frame."""
    mesh = element.find("geometry/mesh")
    if mesh is None:
        raise AssetError(f"urdf {role}", role, "is not one mesh", f"Give exactly one {role} element with a mesh")
    name = mesh.get("filename", "").removeprefix("file://").removeprefix("./")
    raw = read_mesh(inside(folder, name, f"urdf {role} filename"), f"urdf {role} filename")
    scale = _vector(mesh.get("scale"), (1.0, 1.0, 1.0), f"urdf {role} scale")
    if not (scale > 0).all():
        raise AssetError(f"urdf {role} scale", scale.tolist(), "is not positive", "Give positive factors")
    return raw, _placed(raw.vertices * scale, element, role)


def _placed(points: Array, element: ElementTree.Element, role: str) -> Array:
    """Points of an element's geometry in the link's frame."""
    origin = element.find("origin")
    if origin is None:
        return points
    roll, pitch, yaw = _vector(origin.get("rpy"), (0.0, 0.0, 0.0), f"urdf {role} rpy")
    offset = _vector(origin.get("xyz"), (0.0, 0.0, 0.0), f"urdf {role} xyz")
    return points @ _rotation(roll, pitch, yaw).T + offset


def _bodies(element: ElementTree.Element, folder: Path) -> list[Array]:
    """Corner points of the convex bodies of a collision element, link frame."""
    box, sphere, cylinder = (element.find(f"geometry/{kind}") for kind in ("box", "sphere", "cylinder"))
    if box is not None:
        size = _vector(box.get("size"), (0.0, 0.0, 0.0), "urdf box size")
        if not (size > 0).all():
            raise AssetError("urdf box size", size.tolist(), "is not positive", "Give positive lengths")
        corners = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
        return [_placed(corners * size, element, "collision")]
    if sphere is not None:
        return [_placed(round_points(_number(sphere, "radius", 5.0) or 0.0, 0.0), element, "collision")]
    if cylinder is not None:
        radius, length = _number(cylinder, "radius", 5.0) or 0.0, _number(cylinder, "length", 5.0) or 0.0
        angles = np.arange(16) * (np.pi / 8)
        ring = np.stack([np.cos(angles), np.sin(angles)], axis=1) * radius
        ends = [np.column_stack([ring, np.full(16, z)]) for z in (-length / 2, length / 2)]
        return [_placed(np.concatenate(ends), element, "collision")]
    collision, placed = _mesh(element, "collision", folder)
    return bodies_of(replace(collision, vertices=placed))


def _rotation(roll: float, pitch: float, yaw: float) -> Array:
    """URDF's fixed-axis angles as Rz(yaw) Ry(pitch) Rx(roll)."""
    (cr, sr), (cp, sp), (cy, sy) = ((np.cos(a), np.sin(a)) for a in (roll, pitch, yaw))
    about_x = np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
    about_y = np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]])
    about_z = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
    return np.asarray(about_z @ about_y @ about_x, dtype=np.float64)


def _vector(text: str | None, default: tuple[float, float, float], field: str) -> Array:
    if text is None:
        return np.array(default)
    try:
        values = np.array([float(word) for word in text.split()])
    except ValueError:
        values = np.array([np.nan])
    if values.shape != (3,) or not (np.abs(values) < 1e6).all():
        raise AssetError(field, text, "is not three numbers", "Write three numbers between spaces")
    return values


def _number(element: ElementTree.Element | None, attribute: str | None, most: float) -> float | None:
    if element is None:
        return None
    text = element.get(attribute) if attribute else element.text
    try:
        value = float(text or "")
    except ValueError:
        value = float("nan")
    if not 0.0 < value <= most:
        raise AssetError(f"urdf {element.tag}", text, "is out of range", f"Give a number above 0 and up to {most:g}")
    return value


def _friction(link: ElementTree.Element) -> float | None:
    elements = [element for tag in ("mu1", "mu2") for element in link.iter(tag)]
    return _number(elements[0], None, 5.0) if elements else None
