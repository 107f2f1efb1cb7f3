"""From a scene's description to everything an environment needs: assets, footprints, poses, room and pictures."""

from __future__ import annotations

import hashlib
import weakref
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import msgspec
import numpy as np

from gen3d_envs.assets.articulated import opened
from gen3d_envs.assets.asset import Asset, Part
from gen3d_envs.assets.generators import AssetGenerator, Procedural
from gen3d_envs.assets.materials import color
from gen3d_envs.assets.store import AssetStore, cache_folder
from gen3d_envs.design.layout import REST_GAP_M, Footprint, Placement, lay_out
from gen3d_envs.errors import SceneError
from gen3d_envs.geometry import from_yaw
from gen3d_envs.sim.room import Room, build_room
from gen3d_envs.sim.view import VisualMesh, VisualNode
from gen3d_envs.sim.world import BodyState
from gen3d_envs.spec import MarkSpec, ObjectSpec, SceneSpec, replace

SEGMENT_ROBOT = 1
SEGMENT_OBJECTS = 2
"""Segmentation value of the first object; the others follow in the scene's order. 0 is the room, 255 the support."""

SUPPORT_THICKNESS_M = 0.04


@dataclass(frozen=True, eq=False)
class BuiltScene:
    """A scene with its assets, shared by every environment of a process that uses it.

    Attributes:
        spec: the scene with all poses and asset hashes filled in.
        assets: one per object, in the scene's order.
    """

    spec: SceneSpec
    assets: tuple[Asset, ...]

    @cached_property
    def footprints(self) -> tuple[Footprint, ...]:
        """Outline of each object from above."""
        return tuple(Footprint(asset) for asset in self.assets)

    @cached_property
    def room(self) -> Room:
        """What stands around."""
        return build_room(self.spec.background, self.spec.support)

    @cached_property
    def hash(self) -> str:
        """Hash of the scene, see :attr:`SceneSpec.hash`."""
        return self.spec.hash

    @cached_property
    def nodes(self) -> tuple[VisualNode, ...]:
        """One node per object, named ``object/<name>``; then one per part, ``object/<name>/<part>``."""
        pairs = list(enumerate(zip(self.spec.objects, self.assets, strict=True)))
        bodies = [
            VisualNode(f"object/{item.name}", visual_mesh(a), SEGMENT_OBJECTS + index, casts_shadow=True)
            for index, (item, a) in pairs
        ]
        parts = [
            VisualNode(
                f"object/{item.name}/{p.name}",
                visual_mesh(p),
                SEGMENT_OBJECTS + index,
                casts_shadow=p.joint.kind == "revolute",  # a drawer's would cross that of its case
            )
            for index, (item, a) in pairs
            for p in a.parts
        ]
        return (*bodies, *parts)

    @cached_property
    def part_nodes(self) -> tuple[tuple[int, tuple[str, ...]], ...]:
        """Index of each object with parts, and the names of their nodes."""
        return tuple(
            (index, tuple(f"object/{item.name}/{part.name}" for part in asset.parts))
            for index, (item, asset) in enumerate(zip(self.spec.objects, self.assets, strict=True))
            if asset.parts
        )

    @cached_property
    def openings(self) -> tuple[tuple[float, ...], ...]:
        """Start position of the joints of each object's parts, rad or m; empty for rigid ones.

        Raises:
            SceneError: the card opens a part that the object does not have.
        """
        return tuple(_openings(item, asset) for item, asset in zip(self.spec.objects, self.assets, strict=True))

    @cached_property
    def mark_nodes(self) -> tuple[VisualNode, ...]:
        """One flat node per mark on the support, named ``mark/<name>``, in the scene frame."""
        first = SEGMENT_OBJECTS + len(self.assets)
        return tuple(
            VisualNode(f"mark/{m.name}", mark_mesh(m), first + i, flat=True) for i, m in enumerate(self.spec.drawn)
        )

    @cached_property
    def marks(self) -> dict[str, tuple[float, float, float]]:
        """x, y and radius of each mark, m, by name."""
        return {m.name: (m.x_m or 0.0, m.y_m or 0.0, m.radius_m) for m in self.spec.drawn}

    @cached_property
    def placements(self) -> list[Placement]:
        """The card's own poses: x and y in m, yaw in rad."""
        return [(o.pose.x_m, o.pose.y_m, o.pose.yaw_rad) for o in self.spec.objects if o.pose is not None]

    def index(self, name: str | None) -> int | None:
        """Index of an object by name; None for None."""
        return next((i for i, item in enumerate(self.spec.objects) if item.name == name), None)

    def bodies(self, placements: list[Placement]) -> tuple[BodyState, ...]:
        """The objects as bodies at the given placements, a hair above the support; what is anchored stands on it."""
        states = []
        for index, (item, asset, (x, y, yaw)) in enumerate(
            zip(self.spec.objects, self.assets, placements, strict=True)
        ):
            gap = 0.0 if asset.anchored else REST_GAP_M
            at = (x, y, (item.pose.z_m if item.pose else 0.0) + gap)
            states.append(BodyState(item.name, asset, at, from_yaw(yaw), self.openings[index]))
        return tuple(states)


def _openings(item: ObjectSpec, asset: Asset) -> tuple[float, ...]:
    if isinstance(item.opening, msgspec.UnsetType):
        return (0.0,) * len(asset.parts)
    known = [part.name for part in asset.parts]
    shares = dict.fromkeys(known, 0.0)
    for opening in item.opening:
        if opening.part not in shares:
            raise SceneError(
                f"objects[{item.name}].opening", opening.part, f"a {asset.category} has no such part",
                f"Use one of {', '.join(known)}" if known else "Leave the opening out",
            )  # fmt: skip
        shares[opening.part] = opening.share
    return opened(asset, list(shares.values()))


_MESHES: weakref.WeakKeyDictionary[Asset | Part, VisualMesh] = weakref.WeakKeyDictionary()


def visual_mesh(asset: Asset | Part) -> VisualMesh:
    """What is seen of an asset's body, or of a part; one and the same mesh for every scene, so it is shaded once."""
    mesh = _MESHES.get(asset)
    if mesh is None:
        mesh = _MESHES[asset] = VisualMesh(asset.vertices, asset.faces, asset.colors)
    return mesh


MARK_HEIGHT_M = 0.0004
"""A mark lies this high above the support, so that it is seen; below the shadows of what stands on it."""


def mark_mesh(mark: MarkSpec) -> VisualMesh:
    """A disc of the mark's colour with a white rim, facing up, in the scene frame."""
    corners = 40
    turn = np.arange(corners) * (2.0 * np.pi / corners)
    circle = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    shares = (0.0, 0.86, 0.86, 1.0)
    flat = np.concatenate([np.zeros((1, 2)), *(circle * share for share in shares[1:])]) * mark.radius_m
    vertices = np.full((len(flat), 3), MARK_HEIGHT_M)
    vertices[:, :2] = flat + np.array([mark.x_m or 0.0, mark.y_m or 0.0])
    i, j = np.arange(corners), (np.arange(corners) + 1) % corners
    fan = np.stack([np.zeros_like(i), 1 + i, 1 + j], axis=1)
    inner, outer = 1 + corners, 1 + 2 * corners
    ring = np.concatenate(
        [
            np.stack([inner + i, outer + i, outer + j], axis=1),
            np.stack([inner + i, outer + j, inner + j], axis=1),
        ]
    )
    colors = np.full((len(flat), 3), 245, np.uint8)
    colors[: 1 + corners] = color(mark.color, f"marks[{mark.name}].color")
    return VisualMesh(vertices.astype(np.float32), np.concatenate([fan, ring]).astype(np.int32), colors)


def seeded(*parts: object) -> np.random.Generator:
    """A generator that depends on ``parts`` only, on every machine."""
    digest = hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "little"))


def build_asset(
    item: ObjectSpec, folder: Path | None, store: AssetStore, generator: AssetGenerator | None = None
) -> Asset:
    """The asset of one object: from the store where its hash is known there, else generated or imported.

    Args:
        item: the object.
        folder: folder of the scene file; foreign meshes are named relative to it.
        store: where finished assets are kept.
        generator: what makes the asset where it is neither known nor a mesh of the scene's own; procedural where None.

    Raises:
        SceneError: the asset does not have the hash that the scene states.
        AssetError: a foreign mesh cannot be used, or the generator fails.
    """
    if item.asset_sha256 is not None:
        asset = store.get(item.asset_sha256)
        if asset is not None and item.mesh is None and asset.category != item.category:
            raise SceneError(
                f"objects[{item.name}].category", item.category, f"asset_sha256 names a {asset.category}",
                "Delete the object's asset_sha256 to generate it anew",
            )  # fmt: skip
        if asset is not None:
            return asset
    if item.mesh is None:
        asset = (generator or Procedural())(item, item.seed)
    else:
        from gen3d_envs.assets.import_mesh import import_object

        asset = import_object(item, folder or Path.cwd())
    if item.asset_sha256 not in (None, asset.sha256):
        raise SceneError(
            f"objects[{item.name}].asset_sha256", item.asset_sha256,
            f"this installation generates {asset.sha256[:12]}... instead",
            "Restore the assets folder beside the card, install the pinned versions, or design the scene again",
        )  # fmt: skip
    store.put(asset)
    return asset


def build(
    scene: SceneSpec,
    folder: Path | None = None,
    store: AssetStore | None = None,
    generator: AssetGenerator | None = None,
) -> BuiltScene:
    """Build a scene: its assets, and its layout where poses are missing.

    Deterministic in the scene (and the generator) alone. What another generator than the procedural one made can be
    loaded again only where its baked assets are kept, as :func:`gen3d_envs.author.save_scene` does.

    Args:
        scene: designed or read from a card.
        folder: folder of the scene file, for foreign meshes.
        store: asset store; the default one where None.
        generator: makes assets whose hash the scene does not state; procedural where None.

    Raises:
        SceneError, AssetError, LayoutError: what cannot be built, and the remedy.
    """
    if store is None:
        store = (
            default_store() if folder is None else AssetStore((*_folders(), folder / "assets", folder / "assets.pack"))
        )
    assets = tuple(build_asset(item, folder, store, generator) for item in scene.objects)
    if any(item.pose is None for item in scene.objects):
        scene = lay_out(scene, assets, seeded("layout", scene.seed, scene.instruction.lower()))
    if any(item.asset_sha256 is None for item in scene.objects):
        objects = tuple(replace(o, asset_sha256=a.sha256) for o, a in zip(scene.objects, assets, strict=True))
        scene = replace(scene, objects=objects)
    for item, asset in zip(scene.objects, assets, strict=True):
        _openings(item, asset)
    return BuiltScene(scene, assets)


_STORE: list[AssetStore] = []


def default_store() -> AssetStore:
    """The process-wide store: the user's cache, then the released assets."""
    if not _STORE:
        _STORE.append(AssetStore(_folders()))
    return _STORE[0]


def _folders() -> tuple[Path, ...]:
    """Where assets are looked for; the first is written to."""
    from gen3d_envs.registration import BENCHMARK, FAMILY_BENCHMARKS, benchmark_folder, registry_folder

    packs = [benchmark_folder(name) / "assets.pack" for name in dict.fromkeys([BENCHMARK, *FAMILY_BENCHMARKS.values()])]
    return cache_folder() / "assets", registry_folder() / "assets", *packs
