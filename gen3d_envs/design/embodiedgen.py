"""Worlds in EmbodiedGen's layout format: a folder with ``layout.json`` and one folder per asset.

The file is not trusted: sizes are limited, every path stays in the world's folder, and nothing but JSON, URDF, meshes
and their textures is opened. Positions are metres with z = 0 on top of the context, which is the support.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec

from gen3d_envs.assets.mesh_file import EXTENSIONS, inside
from gen3d_envs.errors import SceneError
from gen3d_envs.geometry import Quaternion, Vector

FILE = "layout.json"
MAX_LAYOUT_BYTES = 1_000_000
MAX_NODES = 256
MAX_TEXT = 400
MAX_LISTED = 2000
"""Files of an asset folder that are looked at to name those that are not read."""

FURTHEST_M = 100.0
"""A position farther from the origin is an error of units or worse."""

Relation = Literal["ON", "IN", "INSIDE", "FLOOR"]
RELATIONS: tuple[Relation, ...] = ("ON", "IN", "INSIDE", "FLOOR")
MANIPULATED, DISTRACTOR = "manipulated_objs", "distractor_objs"
ROLES = ("background", "context", "robot", MANIPULATED, DISTRACTOR, "others")

_READ = {".urdf", ".mtl", ".png", ".jpg", ".jpeg", ".json", *EXTENSIONS} - {".ply"}


class _Layout(msgspec.Struct, frozen=True):
    """``layout.json``; fields that are not listed are not needed."""

    relation: dict[str, Any]
    tree: dict[str, list[tuple[str, str]]] = {}
    objs_desc: dict[str, Any] = {}
    objs_mapping: dict[str, str] = {}
    assets: dict[str, str] = {}
    position: dict[str, list[float]] = {}


@dataclass(frozen=True)
class Node:
    """One thing of a world.

    Attributes:
        name: as in the file.
        role: one of :data:`ROLES`.
        description: the file's, else the name.
        parent, relation: what it stands on or in, and how; None where the tree does not say.
        urdf: its model, relative to the world's folder; None for what is not an object.
        position_m, orientation_xyzw: link frame in the world's frame; None where the file gives no position.
    """

    name: str
    role: str
    description: str
    parent: str | None = None
    relation: Relation | None = None
    urdf: str | None = None
    position_m: Vector | None = None
    orientation_xyzw: Quaternion | None = None


@dataclass(frozen=True)
class LayoutWorld:
    """A world as its file states it.

    Attributes:
        folder: where its files are.
        sentence: the task in words; empty where the file has none.
        nodes: everything in it, by name, in the order of the file's roles.
        warnings: what was left out, in plain words.
    """

    folder: Path
    sentence: str
    nodes: dict[str, Node]
    warnings: tuple[str, ...] = ()

    def first(self, role: str) -> Node | None:
        """The first node of a role."""
        return next((node for node in self.nodes.values() if node.role == role), None)

    @property
    def objects(self) -> tuple[Node, ...]:
        """What can be moved, manipulated things first."""
        return tuple(node for role in (MANIPULATED, DISTRACTOR) for node in self.nodes.values() if node.role == role)


def read_world(path: str | Path) -> LayoutWorld:
    """Read a world.

    Args:
        path: its folder, or the ``layout.json`` in it.

    Raises:
        SceneError: no such file, damaged or too large JSON, missing or ill-typed fields, unknown relations, a thing
            with two parents or one that stands on itself, poses that are not finite numbers, assets without a URDF.
        AssetError: a path that leaves the world's folder.
    """
    path = Path(path)
    file = path / FILE if path.is_dir() else path
    layout = _decode(_read(file))
    roles = _roles(layout)
    parents = _parents(layout, roles)
    warnings: list[str] = []
    nodes = {}
    for name, role in roles.items():
        parent, relation = parents.get(name, (None, None))
        urdf = None
        if role in (MANIPULATED, DISTRACTOR):
            urdf, notes = _urdf(file.parent, name, layout)
            warnings += notes
        description = _text(layout.objs_desc.get(name), _text(name, "thing"))
        description = re.sub(r"^(?:an?|the) (?=.)", "", description, flags=re.IGNORECASE)
        nodes[name] = Node(name, role, description, parent, relation, urdf, *_pose(name, layout.position.get(name)))
    if not any(node.role == MANIPULATED for node in nodes.values()):
        listed = layout.relation.get(MANIPULATED)
        raise _bad(f"relation.{MANIPULATED}", listed, "names nothing to act on", "Name an object")
    for node in nodes.values():
        if node.role == "background" and node.name in layout.assets:
            warnings.append(f"the background {node.name!r} is drawn by this package: its own files were not read")
    sentence = _text(layout.relation.get("task_desc"), "") or _text(layout.relation.get("task"), "")
    return LayoutWorld(file.parent, sentence, nodes, tuple(warnings))


def _read(file: Path) -> bytes:
    try:
        if not file.is_file():
            raise SceneError("path", str(file), "is not there", f"Give a folder with a {FILE}, or that file")
        size = file.stat().st_size
        if size > MAX_LAYOUT_BYTES:
            raise SceneError("path", str(file), f"has {size} bytes, more than {MAX_LAYOUT_BYTES}", "It is no layout")
        return file.read_bytes()
    except (OSError, ValueError) as error:
        if isinstance(error, SceneError):
            raise
        raise SceneError("path", str(file), f"cannot be read ({error})", "Give the folder of a world") from None


def _decode(data: bytes) -> _Layout:
    try:
        return msgspec.json.decode(data, type=_Layout)
    except msgspec.ValidationError as error:
        raise _bad("content", data[:40], str(error).replace("`", ""), "See the format's description") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        # NaN and Infinity end here too: they are no JSON.
        raise _bad("content", data[:40], f"is no JSON ({error})", "Write the world again") from None


def _bad(field: str, value: Any, problem: str, remedy: str) -> SceneError:
    return SceneError(f"{FILE}: {field}", value, problem, remedy)


def _text(value: Any, default: str) -> str:
    """Words of at most 400 characters in one line; the default where there are none."""
    words = " ".join(str(value).split()) if isinstance(value, str) else ""
    return (words or default)[:MAX_TEXT]


def _roles(layout: _Layout) -> dict[str, str]:
    """Node -> role. What ``relation`` lists comes first; ``objs_mapping`` adds to it and may not contradict."""
    roles: dict[str, str] = {}

    def add(name: Any, role: str, field: str) -> None:
        if not isinstance(name, str) or not name.strip():
            raise _bad(field, name, "is no name of a node", "Give text")
        if roles.setdefault(name, role) != role:
            raise _bad(field, name, f"is {role!r} here and {roles[name]!r} elsewhere", "Give each node one role")
        if len(roles) > MAX_NODES:
            raise _bad(field, len(roles), f"are more than {MAX_NODES} nodes", "Give a smaller world")

    for role in ROLES:
        listed = layout.relation.get(role)
        for name in listed if isinstance(listed, list) else [] if listed is None else [listed]:
            add(name, role, f"relation.{role}")
    for name, role in layout.objs_mapping.items():
        if role not in ROLES:
            raise _bad(f"objs_mapping.{name}", role, "is no role", f"Use one of {', '.join(ROLES)}")
        add(name, role, f"objs_mapping.{name}")
    return roles


def _parents(layout: _Layout, roles: dict[str, str]) -> dict[str, tuple[str, Relation]]:
    """Node -> what it stands on or in, and how."""
    parents: dict[str, tuple[str, Relation]] = {}
    for parent, children in layout.tree.items():
        for child, said in children:
            field = f"tree.{parent}"
            relation = next((name for name in RELATIONS if name == said), None)
            if relation is None:
                raise _bad(field, said, "is no relation", f"Use one of {', '.join(RELATIONS)}")
            for name in (parent, child):
                if name not in roles:
                    raise _bad(field, name, "has no role", "List it in relation or objs_mapping")
            if child in parents:
                raise _bad(field, child, f"stands on {parents[child][0]!r} already", "Name each child once")
            parents[child] = (parent, relation)
    for name in parents:
        seen, at = {name}, name
        while at in parents:
            at = parents[at][0]
            if at in seen:
                raise _bad("tree", name, "stands on itself in the end", "Break the circle")
            seen.add(at)
    return parents


def _pose(name: str, row: list[float] | None) -> tuple[Vector | None, Quaternion | None]:
    if row is None:
        return None, None
    if len(row) != 7 or not all(math.isfinite(value) for value in row):
        raise _bad(f"position.{name}", row, "is not seven finite numbers", "Write [x, y, z, qx, qy, qz, qw]")
    x, y, z, qx, qy, qz, qw = row
    length = math.hypot(qx, qy, qz, qw)
    if max(abs(x), abs(y), abs(z)) > FURTHEST_M or not 0.5 < length < 2.0:
        raise _bad(f"position.{name}", row, "is too far away or no rotation", "Write metres and a unit quaternion xyzw")
    return (x, y, z), (qx / length, qy / length, qz / length, qw / length)


def _urdf(folder: Path, name: str, layout: _Layout) -> tuple[str, list[str]]:
    """The URDF of an object, relative to the world's folder, and what lies beside it that is not read."""
    field, stated = f"{FILE}: assets.{name}", layout.assets.get(name)
    if stated is None:
        raise _bad(f"assets.{name}", None, "is missing", "Name the asset's folder, relative to the file")
    where = inside(folder, stated, field)
    # Listed below the folder as it was given, so that links in the path to it do not matter.
    where = folder / where.relative_to(folder.resolve())
    if not where.is_dir():
        raise _bad(f"assets.{name}", stated, "is no folder", "Name the asset's folder, relative to the file")
    files = list(_files(where))
    wanted = f"{name.replace(' ', '_')}.urdf"
    models = [file for file in files if file.parent == where and file.suffix.lower() == ".urdf"]
    chosen = next((file for file in models if file.name == wanted), models[0] if len(models) == 1 else None)
    if chosen is None:
        raise _bad(f"assets.{name}", stated, f"holds {len(models)} URDF files, none called {wanted!r}", "Add it")
    unread = sorted({file.name for file in files if file.suffix.lower() not in _READ})
    notes = []
    if unread:
        more = f" and {len(unread) - 4} more" if len(unread) > 4 else ""
        notes.append(f"{name}: not read: {', '.join(shown[:60] for shown in unread[:4])}{more}")
    home = folder.resolve()
    return inside(folder, os.path.relpath(chosen, folder), field).relative_to(home).as_posix(), notes


def _files(folder: Path) -> Iterator[Path]:
    """Files below a folder in a fixed order, without following links to other folders."""
    count = 0
    for base, folders, names in os.walk(folder, followlinks=False):
        folders.sort()
        for name in sorted(names):
            yield Path(base) / name
            count += 1
            if count >= MAX_LISTED:
                return


def words_of(node: Node) -> frozenset[str]:
    """The words that a sentence may call a node by: those of its name and its description, in small letters."""
    return frozenset(re.findall(r"[a-z0-9]+", f"{node.name} {node.description}".lower()))
