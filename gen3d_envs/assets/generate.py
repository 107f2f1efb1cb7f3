"""From an object's spec to its asset: one function, deterministic in the spec alone."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np

from gen3d_envs.assets import categories as _categories  # noqa: F401  registers the builders
from gen3d_envs.assets import finish
from gen3d_envs.assets.articulated import merged
from gen3d_envs.assets.asset import Asset, Vector
from gen3d_envs.assets.build import BUILDERS, Draft, Params
from gen3d_envs.assets.catalog import ALL, ARTICULATED, CATEGORIES
from gen3d_envs.assets.categories.cases import drawer_names
from gen3d_envs.errors import FieldError
from gen3d_envs.spec import ObjectSpec

PICKED_MASS_KG = (0.02, 0.3)
"""Masses that scripted grasps were measured to hold (see ``gen3d_envs.sim.bullet``). What is to be picked is filled or
hollowed to lie within them, with a note."""


def available() -> tuple[str, ...]:
    """Names of the rigid categories that can be generated, in the catalogue's order."""
    return tuple(name for name in CATEGORIES if name in BUILDERS)


def articulated() -> tuple[str, ...]:
    """Names of the categories with moving parts that can be generated, in the catalogue's order."""
    return tuple(name for name in ARTICULATED if name in BUILDERS)


def generate(spec: ObjectSpec) -> Asset:
    """Generate the asset of an object.

    The result depends on the category, the seed and the fixed parameters only: not on the object's name, role,
    description or pose.

    Raises:
        FieldError: an unknown category, colour or material, or a grip width where the object cannot be picked.
    """
    if spec.category not in BUILDERS:
        raise FieldError(
            f"{spec.name}.category", spec.category, "is no category that can be generated",
            "Import foreign meshes through gen3d_envs.assets.import_mesh" if spec.category == "mesh"
            else f"Use one of {', '.join((*available(), *articulated()))}",
        )  # fmt: skip
    category = ALL[spec.category]
    if spec.grip_width_m is not None and not category.pickable:
        raise FieldError(
            f"{spec.name}.grip_width_m", spec.grip_width_m, f"a {category.name} cannot be picked from above",
            "Leave the grip width out, or choose another category",
        )  # fmt: skip
    params = _params(spec)
    rng = params.rng
    draft = BUILDERS[spec.category](params)
    scale = 1.0 if spec.grip_width_m is None else _fit(draft, spec, spec.grip_width_m, rng)
    friction = params.material.friction if draft.friction is None else draft.friction
    asset = finish.finish(
        spec.category, finish.placed(draft, scale), friction if spec.friction is None else spec.friction
    )  # fmt: skip
    mass_kg = spec.mass_kg
    if mass_kg is None and spec.grip_width_m is not None:
        mass_kg = min(max(asset.mass_kg, PICKED_MASS_KG[0]), PICKED_MASS_KG[1])
        if mass_kg != asset.mass_kg:
            note = f"weighs {1000 * mass_kg:.0f} g instead of {1000 * asset.mass_kg:.0f} g, within what a gripper holds"
            asset = replace(asset, notes=(*asset.notes, note))
    whole_kg = asset.mass_kg if not asset.parts else merged(asset).mass_kg
    if mass_kg is not None and mass_kg != whole_kg:
        factor = mass_kg / whole_kg
        parts = tuple(
            replace(part, mass_kg=part.mass_kg * factor, inertia_kgm2=_scaled(part.inertia_kgm2, factor))
            for part in asset.parts
        )
        own = mass_kg if not parts else asset.mass_kg * factor
        asset = replace(asset, mass_kg=own, inertia_kgm2=_scaled(asset.inertia_kgm2, factor), parts=parts)
    return asset


def _params(spec: ObjectSpec) -> Params:
    # hashlib instead of hash(), which differs from process to process.
    key = hashlib.sha256(f"{spec.category}/{spec.seed}".encode()).digest()
    return Params(spec, ALL[spec.category], np.random.default_rng(int.from_bytes(key[:16], "big")))


def drawers(spec: ObjectSpec) -> tuple[str, ...]:
    """Names of the drawers that :func:`generate` gives a drawer unit, from the bottom up, without making it."""
    return drawer_names(_params(spec))


def _scaled(moments: Vector, factor: float) -> Vector:
    ixx, iyy, izz = (float(moment * factor) for moment in moments)
    return ixx, iyy, izz


def _fit(draft: Draft, spec: ObjectSpec, grip_width_m: float, rng: np.random.Generator) -> float:
    """Factor that makes the object fit the grip; keeps only the grasps that fit, and notes what was done."""
    if not draft.grasps:
        raise FieldError(
            f"{spec.name}.grip_width_m", grip_width_m, f"this {spec.category} offers no grasp",
            "Leave the grip width out, or choose another category",
        )  # fmt: skip
    narrowest = min(grasp.width_m for grasp in draft.grasps)
    scale = 1.0
    if narrowest > grip_width_m:
        scale = float(rng.uniform(0.86, 0.97)) * grip_width_m / narrowest
        draft.notes.append(f"scaled to {scale:.2f} of its real size to fit a {1000 * grip_width_m:.0f} mm grip")
    draft.grasps = [grasp for grasp in draft.grasps if grasp.width_m * scale <= grip_width_m]
    return scale
