"""The generator of procedural assets: every available category is tested by existing."""

from __future__ import annotations

import dataclasses
import math
import subprocess
import sys
import time
from typing import Any

import numpy as np
import pytest

from gen3d_envs.assets import materials
from gen3d_envs.assets.asset import Asset, Box, Hull, Sphere
from gen3d_envs.assets.build import BUILDERS, MIN_GRIP_M, Draft, builder
from gen3d_envs.assets.catalog import CATEGORIES
from gen3d_envs.assets.decompose import reduced
from gen3d_envs.assets.finish import mass_properties, placed
from gen3d_envs.assets.generate import PICKED_MASS_KG, articulated, available, generate
from gen3d_envs.assets.quality import check, color_share
from gen3d_envs.assets.shapes import bumpy, ellipsoid, extrude, lathe, mesh, rounded_box, sweep
from gen3d_envs.errors import FieldError
from gen3d_envs.spec import ObjectSpec

GRIP_M = 0.042
NAMES = available()
PICKABLE = [name for name in NAMES if CATEGORIES[name].pickable]
SEEDS = (0, 1, 2**40 + 7)


def spec(category: str, seed: int = 0, **fixed: Any) -> ObjectSpec:
    return ObjectSpec(name="thing", role="target", category=category, description=category, seed=seed, **fixed)


def failures(asset: Asset, of: ObjectSpec) -> list[str]:
    return [f"{r.name}: {r.value:.5g} {r.unit}, limit {r.limit:.5g}" for r in check(asset, of) if not r.passed]


# ---- every category ------------------------------------------------------------------------------------------------


def test_the_catalogue_is_complete() -> None:
    assert len(CATEGORIES) >= 60
    assert len(NAMES) >= 40 and {*NAMES, *articulated()} == set(BUILDERS) and "generic" in NAMES
    for category in CATEGORIES.values():
        assert all(0.0 < low < high for low, high in (category.real_size_m, *category.ranges.values())), category
        assert category.materials and category.colors
        for name in category.materials:
            materials.material(name)
        for name in category.colors:
            materials.color(name)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("category", NAMES)
def test_quality(category: str, seed: int) -> None:
    for size in (None, ("small", "medium", "large")[seed % 3]):
        wanted = spec(category, seed, size=size)
        assert failures(generate(wanted), wanted) == []


@pytest.mark.parametrize("category", PICKABLE)
def test_grasps_fit_the_gripper(category: str) -> None:
    for seed in range(3):
        for grip in (GRIP_M, 0.07):
            wanted = spec(category, seed, grip_width_m=grip)
            asset = generate(wanted)
            assert failures(asset, wanted) == []
            assert asset.grasps and all(MIN_GRIP_M <= grasp.width_m <= grip for grasp in asset.grasps)
            assert PICKED_MASS_KG[0] <= asset.mass_kg <= PICKED_MASS_KG[1]


@pytest.mark.parametrize("category", PICKABLE)
def test_a_grasp_closes_on_the_object(category: str) -> None:
    """Between the fingers, at the height of the best grasp, stands something about as wide as the grasp says."""
    for seed in range(4):
        asset = generate(spec(category, seed, grip_width_m=GRIP_M))
        grasp = asset.grasps[0]
        points, n = _surface_points(asset), np.array([np.cos(grasp.yaw_rad), np.sin(grasp.yaw_rad)])
        offset = points - np.array(grasp.position_m)
        along, aside = offset[:, :2] @ n, offset[:, :2] @ np.array([-n[1], n[0]])
        near = (np.abs(aside) < 0.006) & (np.abs(offset[:, 2]) < 0.006) & (np.abs(along) < 0.75 * grasp.width_m)
        assert near.any(), seed
        measured = along[near].max() - along[near].min()
        assert measured == pytest.approx(grasp.width_m, abs=max(0.25 * grasp.width_m, 0.003)), seed


@pytest.mark.parametrize("category", NAMES)
def test_determinism_and_variety(category: str) -> None:
    asset = generate(spec(category, 5))
    assert generate(spec(category, 5)).sha256 == asset.sha256
    renamed = ObjectSpec(name="other", role="distractor", category=category, description="else", seed=5)
    assert generate(renamed).sha256 == asset.sha256
    others = [generate(spec(category, seed)) for seed in (6, 7, 8)]
    assert len({asset.sha256, *(other.sha256 for other in others)}) == 4
    assert len({tuple(np.round(other.size_m, 4)) for other in others}) > 1 or category == "tennis_ball"


def test_equal_bits_in_a_fresh_process() -> None:
    names = NAMES[::4]
    code = (
        "from gen3d_envs.assets.generate import generate\nfrom gen3d_envs.spec import ObjectSpec\n"
        f"for c in {names!r}:\n"
        f"    for g in ({GRIP_M} if c in {PICKABLE!r} else None, None):\n"
        "        s = ObjectSpec(name='x', role='target', category=c, description=c, seed=3, grip_width_m=g)\n"
        "        print(generate(s).sha256)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    grips = [(name, grip) for name in names for grip in (GRIP_M if name in PICKABLE else None, None)]
    assert run.stdout.split() == [generate(spec(name, 3, grip_width_m=grip)).sha256 for name, grip in grips]


@pytest.mark.parametrize("category", NAMES)
def test_a_colour_asked_for_is_shown(category: str) -> None:
    for color in ("red", "blue", "yellow"):
        asset = generate(spec(category, 1, color=color))
        assert color_share(asset, materials.COLORS[color]) >= 0.2, color


@pytest.mark.parametrize("category", NAMES)
def test_asset_frame(category: str) -> None:
    for grip in (None, GRIP_M) if category in PICKABLE else (None,):
        vertices = generate(spec(category, 2, grip_width_m=grip)).vertices
        low, high = vertices.min(axis=0), vertices.max(axis=0)
        assert low[2] == pytest.approx(0.0, abs=1e-6)
        assert low[:2] == pytest.approx(-high[:2], abs=1e-6)
        assert high[0] >= high[1] - 2e-6


@pytest.mark.parametrize("category", NAMES)
def test_cheap_to_draw_and_to_collide(category: str) -> None:
    asset = generate(spec(category, 3))
    assert 12 <= len(asset.faces) <= 1600
    assert len(asset.collision) <= 16
    for part in asset.collision:
        if isinstance(part, Hull):
            assert 4 <= len(part.vertices) <= 64 and part.vertices.dtype == np.float32
    assert asset.vertices.dtype == np.float32 and asset.faces.dtype == np.int32 and asset.colors.dtype == np.uint8


def test_generation_is_quick() -> None:
    generate(spec("mug"))
    start = time.perf_counter()
    for category in NAMES:
        generate(spec(category, 11))
    assert (time.perf_counter() - start) / len(NAMES) < 0.02


# ---- affordances -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("category", [name for name in NAMES if CATEGORIES[name].container])
def test_cavities_are_empty(category: str) -> None:
    """No collision part reaches into the room that the cavity promises, save round corners at the floor."""
    for seed in range(4):
        asset = generate(spec(category, seed))
        cavity = asset.cavity
        assert cavity is not None and 0.0 < cavity.floor_z_m < cavity.rim_z_m
        z = cavity.floor_z_m + 0.6 * (cavity.rim_z_m - cavity.floor_z_m)
        for share in (0.0, 0.5, 0.9):
            for angle in np.arange(8) * np.pi / 4:
                reach = share * (1.0 if cavity.round else 1.0 / max(abs(np.cos(angle)), abs(np.sin(angle))))
                x = cavity.center_m[0] + reach * cavity.half_x_m * np.cos(angle)
                y = cavity.center_m[1] + reach * cavity.half_y_m * np.sin(angle)
                inside = [part for part in asset.collision if _contains(part, np.array([x, y, z]))]
                assert inside == [], (seed, share, angle)


@pytest.mark.parametrize("category", [name for name in NAMES if CATEGORIES[name].surface])
def test_surfaces_are_where_the_shape_is(category: str) -> None:
    for seed in range(4):
        asset = generate(spec(category, seed))
        surface = asset.surface
        assert surface is not None
        below = np.array([*surface.center_m, surface.z_m - 0.001])
        above = np.array([*surface.center_m, surface.z_m + 0.002])
        assert any(_contains(part, below) for part in asset.collision)
        assert not any(_contains(part, above) for part in asset.collision)


@pytest.mark.parametrize("category", ["bowl", "plate", "basket", "tray", "box", "pot"])
def test_receptacles_take_a_robots_drop(category: str) -> None:
    for seed in range(10):
        asset = generate(spec(category, seed))
        room = asset.cavity or asset.surface
        assert room is not None and min(room.half_x_m, room.half_y_m) > 0.04
        assert max(asset.size_m) <= 0.26


# ---- what a spec may ask for -----------------------------------------------------------------------------------------


def test_overrides() -> None:
    plain = generate(spec("mug", 4))
    heavy = generate(spec("mug", 4, mass_kg=0.4, friction=1.1))
    assert (heavy.mass_kg, heavy.friction) == (0.4, 1.1)
    assert np.array(heavy.inertia_kgm2) == pytest.approx(np.array(plain.inertia_kgm2) * 0.4 / plain.mass_kg)
    assert np.array_equal(heavy.vertices, plain.vertices)
    assert generate(spec("cube", 4, material="wood")).mass_kg < generate(spec("cube", 4, material="steel")).mass_kg


def test_sizes_are_thirds_of_the_range() -> None:
    low, high = CATEGORIES["cube"].ranges["width_m"]
    for index, size in enumerate(("small", "medium", "large")):
        for seed in range(8):
            share = (generate(spec("cube", seed, size=size)).size_m[0] - low) / (high - low)
            assert index / 3 - 1e-4 <= share <= (index + 1) / 3 + 1e-4


def test_what_is_too_wide_becomes_a_miniature_and_says_so() -> None:
    asset = generate(spec("tennis_ball", grip_width_m=GRIP_M))
    assert max(asset.size_m) < 0.045 and any(note.startswith("scaled to") for note in asset.notes)
    assert generate(spec("tennis_ball")).notes == ()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"category": "unicorn"}, "thing.category"),
        ({"category": "mug", "color": "ultraviolet"}, "thing.color"),
        ({"category": "mug", "material": "glass"}, "thing.material"),
        ({"category": "mug", "material": "adamant"}, "thing.material"),
        ({"category": "mousepad", "grip_width_m": GRIP_M}, "thing.grip_width_m"),
    ],
)
def test_what_cannot_be_made_is_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(FieldError) as caught:
        generate(spec(**changes))
    assert caught.value.field == field


def test_a_builder_needs_a_row_and_no_rival() -> None:
    for name in ("no_such_row", "mug"):
        with pytest.raises(FieldError):
            builder(name)


# ---- building blocks -------------------------------------------------------------------------------------------------


def test_mass_properties_of_known_solids() -> None:
    steel = materials.MATERIALS["steel"]
    box, ball = Draft(), Draft()
    box.add(rounded_box(0.06, 0.04, 0.02, 1e-7).moved(x=0.1), (0, 0, 0), steel)
    ball.add(ellipsoid(0.03, 0.03, 0.03, 64, 65), (0, 0, 0), steel)
    mass, com, inertia = mass_properties(box.parts)
    assert mass == pytest.approx(7850 * 0.06 * 0.04 * 0.02, rel=1e-4)
    assert com == pytest.approx((0.1, 0.0, 0.01), abs=1e-7)
    squares = np.array([0.06, 0.04, 0.02]) ** 2
    assert inertia == pytest.approx(mass / 12 * (squares.sum() - squares), rel=1e-4)
    mass, _, inertia = mass_properties(ball.parts)
    assert mass == pytest.approx(7850 * 4 / 3 * math.pi * 0.03**3, rel=5e-3)
    assert inertia == pytest.approx([0.4 * mass * 0.03**2] * 3, rel=5e-3)


def test_shapes_are_closed_and_face_outwards() -> None:
    star = [(r * math.cos(a), r * math.sin(a)) for k in range(10) for r, a in [((0.02, 0.05)[k % 2], k * math.pi / 5)]]
    half = np.linspace(0.0, math.pi, 9)
    bend = np.stack([0.05 * np.cos(half), np.zeros(9), 0.05 * np.sin(half)], axis=1)
    loop = np.linspace(0.0, 2 * math.pi, 16, endpoint=False)
    ring = np.stack([0.05 * np.cos(loop), np.zeros(16), 0.05 * np.sin(loop)], axis=1)
    shapes = {
        "lathe": lathe([(0.0, 0.0), (0.03, 0.0), (0.04, 0.05), (0.03, 0.05), (0.02, 0.01), (0.0, 0.01)]),
        "ring": lathe([(0.03, 0.0), (0.04, 0.0), (0.04, 0.01), (0.03, 0.01)], closed=True),
        "sweep": sweep(bend, 0.006),
        "flat sweep": sweep(bend, 0.006, round_ends=False),
        "loop": sweep(ring, 0.006, closed=True),
        "box": rounded_box(0.1, 0.05, 0.03, 0.005),
        "star": extrude(star, 0.0, 0.02),
        "clockwise star": extrude(star[::-1], 0.0, 0.02),
        "bevelled": extrude([(0, 0), (0.1, 0), (0.1, 0.05), (0, 0.05)], 0.0, 0.02, 0.003),
        "blob": bumpy(ellipsoid(0.03, 0.02, 0.01), np.random.default_rng(0), 0.1),
    }
    reference = generate(spec("cube"))
    for name, shape in shapes.items():
        shown = dataclasses.replace(
            reference, vertices=shape.vertices.astype(np.float32), faces=shape.faces.astype(np.int32),
            colors=np.zeros((len(shape.vertices), 3), np.uint8),
        )  # fmt: skip
        results = {result.name: result for result in check(shown, spec("cube"))}
        assert results["watertight"].passed and results["volume"].passed, name


def test_extruded_area_is_that_of_the_polygon() -> None:
    angle = np.arange(24) * 2 * math.pi / 24
    radius = np.where(np.arange(24) % 2, 0.05, 0.025)
    x, y = radius * np.cos(angle), radius * np.sin(angle)
    area = 0.5 * float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))
    draft = Draft()
    draft.add(extrude(np.stack([x, y], axis=1), 0.0, 0.01), (0, 0, 0), materials.MATERIALS["wood"])
    assert mass_properties(draft.parts)[0] == pytest.approx(650 * area * 0.01)


def test_placing_keeps_the_grasps_with_the_object() -> None:
    wood = materials.MATERIALS["wood"]
    draft = Draft()
    draft.add(rounded_box(0.02, 0.10, 0.03, 0.001).moved(0.3, 0.4, 0.5), (0, 0, 0), wood)
    draft.collision.append(Box((0.01, 0.05, 0.015), (0.3, 0.4, 0.515)))
    draft.grasp(0.3, 0.43, 0.52, yaw_rad=0.0, width_m=0.02)
    result = placed(draft, 0.5)
    (grasp,), (box,) = result.grasps, result.collision
    assert grasp.position_m == pytest.approx((-0.015, 0.0, 0.010))
    assert abs(grasp.yaw_rad) == pytest.approx(math.pi / 2) and grasp.width_m == pytest.approx(0.01)
    assert isinstance(box, Box) and box.position_m == pytest.approx((0.0, 0.0, 0.0075))


def test_a_bad_asset_fails_the_gate() -> None:
    good, wanted = (
        generate(spec("mug", grip_width_m=GRIP_M, color="red")),
        spec("mug", grip_width_m=GRIP_M, color="red"),
    )
    assert failures(good, wanted) == []
    nan = good.vertices.copy()
    nan[0] = np.nan
    crumb = good.vertices * np.float32(0.3) + np.float32([0.0, 0.0, 0.2])
    cases: dict[str, dict[str, Any]] = {
        "finite": {"vertices": nan},
        "watertight": {"faces": good.faces[:-1]},
        "volume": {"faces": np.ascontiguousarray(good.faces[:, ::-1])},
        "real_size": {"vertices": good.vertices * np.float32(3.0)},
        "one_piece": {
            "vertices": np.concatenate([good.vertices, crumb]),
            "faces": np.concatenate([good.faces, good.faces + np.int32(len(crumb))]),
            "colors": np.concatenate([good.colors, good.colors]),
        },
        "collision_shape": {"collision": (Hull(reduced(good.vertices.astype(np.float64)).astype(np.float32)),)},
        "collision_surface": {"vertices": good.vertices * np.float32(1.3)},
        "density": {"mass_kg": 0.001},
        "mass": {"mass_kg": 7.0},
        "inertia": {"inertia_kgm2": (1e-4, 1e-4, 9e-4)},
        "collision_bounds": {"collision": good.collision[:1]},
        "stable": {"com_m": (0.2, 0.0, 0.05)},
        "grasps": {"grasps": ()},
        "grasp_width": {"grasps": (dataclasses.replace(good.grasps[0], width_m=0.08),)},
        "grasp_on_object": {"grasps": (dataclasses.replace(good.grasps[0], position_m=(0.3, 0.0, 0.05)),)},
        "affordances": {"cavity": None},
        "color": {"colors": np.full_like(good.colors, (30, 60, 220))},
    }
    for name, changes in cases.items():
        results = {result.name: result for result in check(dataclasses.replace(good, **changes), wanted)}
        assert not results[name].passed, name


def test_a_mesh_made_by_hand() -> None:
    tetrahedron = mesh([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], [[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]])
    draft = Draft()
    draft.add(tetrahedron, (1, 2, 3), materials.MATERIALS["wood"], fill=0.5)
    assert mass_properties(draft.parts)[0] == pytest.approx(0.5 * 650 / 6)


def _surface_points(asset: Asset, per_face: int = 40) -> np.ndarray:
    """Random points on the visual surface."""
    rng = np.random.default_rng(0)
    a, b, c = (asset.vertices[asset.faces[:, i]].astype(np.float64) for i in range(3))
    u, v = rng.random((2, per_face, len(asset.faces), 1))
    flip = u + v > 1.0
    u, v = np.where(flip, 1.0 - u, u), np.where(flip, 1.0 - v, v)
    return (a + u * (b - a) + v * (c - a)).reshape(-1, 3)


def _contains(part: Hull | Box | Sphere, point: np.ndarray) -> bool:
    if isinstance(part, Sphere):
        return bool(np.linalg.norm(point - np.asarray(part.position_m)) < part.radius_m)
    if isinstance(part, Box):
        x, y, z, w = part.orientation_xyzw
        u, offset = -np.array([x, y, z]), point - np.asarray(part.position_m)
        local = offset + 2.0 * np.cross(u, np.cross(u, offset) + w * offset)
        return bool((np.abs(local) < np.asarray(part.half_extents_m)).all())
    from scipy.spatial import ConvexHull

    planes = ConvexHull(part.vertices.astype(np.float64)).equations
    return bool((planes[:, :3] @ point + planes[:, 3] < -1e-6).all())
