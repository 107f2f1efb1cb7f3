"""From any generator's mesh to an asset: one piece, closed, simplified, real size, decomposed, weighed, gated.

What a mesh does not tell (how large, how heavy, how slippery) is taken from the procedural thing of the same spec.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.assets import affordances, import_mesh, materials, quality, simplify
from gen3d_envs.assets.asset import Asset, Hull
from gen3d_envs.assets.build import MIN_GRIP_M
from gen3d_envs.assets.catalog import CATEGORIES
from gen3d_envs.assets.generate import PICKED_MASS_KG, generate
from gen3d_envs.assets.generators.repair import closed, main_piece
from gen3d_envs.assets.import_mesh import MAX_VISUAL_FACES, Physics
from gen3d_envs.assets.mesh_file import RawMesh
from gen3d_envs.errors import AssetError, UnfitError
from gen3d_envs.spec import ObjectSpec
from gen3d_envs.spec import replace as changed

Array = NDArray[np.float64]

SMALLEST_SCALE = 0.3
"""A thing made smaller than this to fit a gripper is another thing."""

FLAT_SHADE = (0.55, 1.25)
"""Darkest and brightest shade, about the mean, that a repainted texture keeps."""


@dataclass(frozen=True)
class Source:
    """Where a mesh comes from and how it stands.

    Attributes:
        note: becomes the asset's first note; free of paths, because it is part of the asset's hash.
        up_axis: which axis of the mesh points up: y in glTF.
        real_size: the mesh's unit is the metre and its size is meant.
    """

    note: str
    up_axis: Literal["y", "z"] = "y"
    real_size: bool = False


def fitted(raw: RawMesh, spec: ObjectSpec, source: Source, bodies: tuple[Array, ...] = ()) -> Asset:
    """Make an asset of a foreign mesh that passes the gate as the thing the spec asks for.

    Args:
        raw: the mesh.
        spec: what it is meant to be; its category gives real size, mass and friction.
        source: where it comes from.
        bodies: convex collision bodies that came with it, (n, 3) each, in the mesh's frame; without any it is
            decomposed.

    Raises:
        UnfitError: it cannot be made into such a thing; the message names what is wrong with it.
        FieldError: the spec cannot be built by any generator.
    """
    twin = generate(changed(spec, grip_width_m=None))
    if spec.grip_width_m is not None:
        generate(spec)  # refuses what no gripper can pick
    try:
        asset = _imported(raw, spec, source, bodies, twin)
        if spec.grip_width_m is not None:
            asset = _gripped(asset, spec, spec.grip_width_m)
    except UnfitError:
        raise
    except AssetError as error:
        raise UnfitError(error.field, error.value, error.problem, "Try another seed or another generator") from error
    asset = _painted(asset, spec, twin, raw.colored)
    if CATEGORIES[spec.category].surface and asset.surface is None:
        pieces = [part.vertices.astype(np.float64) for part in asset.collision if isinstance(part, Hull)]
        asset = replace(asset, surface=affordances.find_dish(affordances.columns(pieces)) if pieces else None)
    flaws = [result for result in quality.check(asset, spec) if not result.passed]
    if flaws:
        text = "; ".join(f"{f.name} {f.value:.4g} {f.unit} (limit {f.limit:.4g}) {f.detail}" for f in flaws[:4])
        raise UnfitError(
            f"{spec.name} ({source.note})", spec.description, f"does not pass the quality gate: {text}",
            "Try another seed or another generator", flaws[0].name,
        )  # fmt: skip
    return asset


def _imported(raw: RawMesh, spec: ObjectSpec, source: Source, bodies: tuple[Array, ...], twin: Asset) -> Asset:
    """The asset at its real size, before a gripper is thought of."""
    vertices = raw.vertices
    if not np.isfinite(vertices).all() or not (np.ptp(vertices, axis=0) > 0.0).all():
        raise AssetError("mesh", len(vertices), "is flat or has vertices that are not finite", "Give a solid mesh")
    turn = import_mesh.rolled(np.pi / 2) if source.up_axis == "y" else np.eye(3)
    vertices = vertices @ turn.T
    longest = float(np.ptp(vertices, axis=0).max())
    points, faces = main_piece(*simplify.merged(vertices, raw.faces))
    if len(faces) < 4:
        raise AssetError("mesh", len(faces), "has too few faces to enclose anything", "Give a solid mesh")
    shown, triangles = closed(points, faces, MAX_VISUAL_FACES)
    colors = simplify.transferred(raw.colors, vertices, shown).astype(np.float64)
    low, high = CATEGORIES[spec.category].real_size_m
    wanted = longest if source.real_size else max(twin.size_m)
    # Putting it on its feet may turn it a little and so make it longer or shorter along the axes.
    wanted = float(np.clip(wanted, 1.03 * low, 0.97 * high))
    scale = wanted / float(np.ptp(shown, axis=0).max())
    shown = shown * scale
    volume = max(simplify.signed_volume(shown, triangles), 1e-9)
    light, heavy = quality.DENSITY_LIMITS_KGM3
    mass = spec.mass_kg
    if mass is None:
        mass = twin.mass_kg * (wanted / max(twin.size_m)) ** 3
        mass = float(np.clip(mass, 1.5 * light * volume, heavy * volume / 1.5))
    physics = Physics(
        mass_kg=mass, friction=twin.friction if spec.friction is None else spec.friction, category=spec.category,
        description=source.note,
    )  # fmt: skip
    mesh = RawMesh(shown, triangles, colors, raw.colored, ((0, len(triangles)),))
    return import_mesh.finish(mesh, shown, [body @ turn.T * scale for body in bodies], None, physics)


def _gripped(asset: Asset, spec: ObjectSpec, grip_width_m: float) -> Asset:
    """The asset with grasps that fit the gripper, scaled down where its real size has none."""
    fitting = _fitting(asset, grip_width_m)
    if not fitting.grasps:
        pieces = [part.vertices.astype(np.float64) for part in asset.collision if isinstance(part, Hull)]
        widths = [g.width_m for g in (affordances.find_grasps(pieces, asset.com_m, 1.0) if pieces else asset.grasps)]
        wider = [width for width in widths if width > grip_width_m]
        if not wider:
            raise AssetError("grip_width_m", grip_width_m, "no place can be gripped from above", "Try another seed")
        scale = 0.9 * grip_width_m / min(wider)
        if scale < SMALLEST_SCALE:
            raise AssetError("grip_width_m", grip_width_m, f"it would fit only at {scale:.2f} of its size", "Try again")
        fitting = _fitting(_scaled(asset, pieces, scale, spec, grip_width_m), grip_width_m)
    mass = float(np.clip(fitting.mass_kg, *PICKED_MASS_KG)) if spec.mass_kg is None else fitting.mass_kg
    if mass != fitting.mass_kg:
        ixx, iyy, izz = (float(moment * mass / fitting.mass_kg) for moment in fitting.inertia_kgm2)
        note = f"weighs {1000 * mass:.0f} g instead of {1000 * fitting.mass_kg:.0f} g, within what a gripper holds"
        fitting = replace(fitting, mass_kg=mass, inertia_kgm2=(ixx, iyy, izz), notes=(*fitting.notes, note))
    return fitting


def _fitting(asset: Asset, grip_width_m: float) -> Asset:
    grasps = tuple(grasp for grasp in asset.grasps if MIN_GRIP_M <= grasp.width_m <= grip_width_m)
    return replace(asset, grasps=grasps)


def _scaled(asset: Asset, pieces: list[Array], scale: float, spec: ObjectSpec, grip_width_m: float) -> Asset:
    """The asset made anew from its own finished shapes at another size."""
    shown = asset.vertices.astype(np.float64) * scale
    mesh = RawMesh(shown, asset.faces.astype(np.int64), asset.colors.astype(np.float64), True, ((0, len(asset.faces)),))
    physics = Physics(
        mass_kg=asset.mass_kg * scale**3 if spec.mass_kg is None else spec.mass_kg, friction=asset.friction,
        category=asset.category, grip_width_m=grip_width_m,
    )  # fmt: skip
    made = import_mesh.finish(mesh, shown, [piece * scale for piece in pieces], None, physics)
    note = f"scaled to {scale:.2f} of its real size to fit a {1000 * grip_width_m:.0f} mm grip"
    return replace(made, notes=(*asset.notes, *made.notes, note))


def _painted(asset: Asset, spec: ObjectSpec, twin: Asset, colored: bool) -> Asset:
    """In the colour asked for, keeping light and dark of the texture; as its twin where the mesh has no colours."""
    if spec.color is not None:
        rgb = materials.color(spec.color)
        if quality.color_share(asset, rgb) >= 2.0 * quality.COLOR_SHARE:
            return asset
        target = np.array(rgb, dtype=np.float64)
    elif not colored:
        target = np.median(twin.colors.astype(np.float64), axis=0)
    else:
        return asset
    light = asset.colors.astype(np.float64).mean(axis=1)
    shade = np.clip(light / max(float(light.mean()), 1.0), *FLAT_SHADE) if colored else np.ones(len(light))
    painted = np.clip(np.rint(shade[:, None] * target), 0, 255).astype(np.uint8)
    return replace(asset, colors=np.ascontiguousarray(painted))
