"""Relations to poses: apart, in view, within reach, as told, and varied without breaking any of it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from helpers import REPOSITORY, SCENES

from gen3d_envs.assets.asset import Asset
from gen3d_envs.assets.generate import generate
from gen3d_envs.cameras import FRONT
from gen3d_envs.design.layout import (
    CLEARANCE_M,
    FINGER_ROOM_M,
    REACH,
    SCENERY,
    Footprint,
    gap_m,
    in_view,
    lay_out,
    relation_holds,
    vary,
)
from gen3d_envs.errors import LayoutError
from gen3d_envs.scenes import load_scene
from gen3d_envs.spec import ObjectSpec, PlacementSpec, Relation, SceneSpec, TaskSpec, read_card, replace

CARDS = sorted(SCENES.glob("*.json")) + sorted((REPOSITORY / "registry" / "scenes").glob("*.json"))


def thing(name: str, category: str, role: str = "distractor", seed: int = 0, grip: bool = False) -> ObjectSpec:
    return ObjectSpec(
        name=name, category=category, role=role, description=name, seed=seed, grip_width_m=0.044 if grip else None
    )  # fmt: skip


def scene(*objects: ObjectSpec, relations: tuple[Relation, ...] = (), receptacle: str | None = None) -> SceneSpec:
    task = (
        TaskSpec(family="pick", target=objects[0].name)
        if receptacle is None
        else TaskSpec(family="place", target=objects[0].name, receptacle=receptacle, predicate="in")
    )
    return SceneSpec(name="Test", instruction="test", seed=0, task=task, objects=objects, relations=relations)


BUSY = scene(
    thing("cube", "cube", "target", 3, grip=True), thing("bowl", "bowl", "receptacle", 2), thing("mug", "mug", seed=1),
    thing("die", "die", seed=2), receptacle="bowl",
)  # fmt: skip
ASSETS = tuple(generate(item) for item in BUSY.objects)
FOOTPRINTS = tuple(Footprint(asset) for asset in ASSETS)


def placements(laid: SceneSpec) -> list[tuple[float, float, float]]:
    assert all(item.pose is not None and item.pose.z_m == 0.0 for item in laid.objects)
    return [(o.pose.x_m, o.pose.y_m, o.pose.yaw_rad) for o in laid.objects if o.pose is not None]


def check(spec: SceneSpec, assets: tuple[Asset, ...], at: list[tuple[float, float, float]]) -> None:
    """All that must hold of any arrangement."""
    outlines = [polygon(asset, place) for asset, place in zip(assets, at, strict=True)]
    for i, item in enumerate(spec.objects):
        region = Footprint(assets[i]).opens or (
            REACH if item.name in (spec.task.target, spec.task.receptacle) else SCENERY
        )
        assert region.holds(at[i][0], at[i][1]), item.name
        assert in_view(at[i][0], at[i][1]), item.name
        low, high = outlines[i].bounds[:2], outlines[i].bounds[2:]
        assert high[0] < spec.support.depth_m - 0.35 and max(abs(low[1]), abs(high[1])) < spec.support.width_m / 2
        for j in range(i):
            room = FINGER_ROOM_M if spec.task.target in (item.name, spec.objects[j].name) else CLEARANCE_M
            assert outlines[i].distance(outlines[j]) >= room - 1e-5, (item.name, spec.objects[j].name)


def polygon(asset: Asset, at: tuple[float, float, float]):
    """The outline by an independent library: the hull of all that is seen from above."""
    from shapely import MultiPoint, affinity

    hull = MultiPoint(asset.vertices[:, :2].astype(float)).convex_hull
    return affinity.translate(affinity.rotate(hull, at[2], origin=(0, 0), use_radians=True), at[0], at[1])


def test_nothing_overlaps_over_200_seeds() -> None:
    seen = set()
    for seed in range(200):
        laid = lay_out(BUSY, ASSETS, np.random.default_rng(seed))
        check(BUSY, ASSETS, placements(laid))
        seen.add(laid.hash)
    assert len(seen) == 200


def test_layout_is_deterministic() -> None:
    first, second = (lay_out(BUSY, ASSETS, np.random.default_rng(5)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("predicate", ["next_to", "left_of", "right_of", "in_front_of", "behind"])
@pytest.mark.parametrize("subject", ["cube", "mug"])
def test_relations_hold(predicate: str, subject: str) -> None:
    relation = Relation(subject=subject, predicate=predicate, object="bowl")
    spec = replace(BUSY, relations=(relation,))
    names = [item.name for item in spec.objects]
    for seed in range(30):
        at = placements(lay_out(spec, ASSETS, np.random.default_rng(seed)))
        i, j = names.index(subject), names.index("bowl")
        dx, dy = at[i][0] - at[j][0], at[i][1] - at[j][1]
        assert relation_holds(relation, dx, dy, FOOTPRINTS[i].radius_m + FOOTPRINTS[j].radius_m)
        along = {"left_of": dy, "right_of": -dy, "behind": dx, "in_front_of": -dx}.get(predicate)
        assert along is None or along > 0.02
        check(spec, ASSETS, at)


def test_the_side_is_that_of_the_robot() -> None:
    left = Relation(subject="a", predicate="left_of", object="b")
    assert relation_holds(left, 0.0, 0.1, 0.1) and not relation_holds(left, 0.0, -0.1, 0.1)
    behind = Relation(subject="a", predicate="behind", object="b")
    assert relation_holds(behind, 0.1, 0.0, 0.1) and not relation_holds(behind, -0.1, 0.0, 0.1)
    assert not relation_holds(left, 0.0, 0.5, 0.1)  # on that side, but far away


def test_given_poses_are_kept() -> None:
    laid = lay_out(BUSY, ASSETS, np.random.default_rng(1))
    bare = replace(laid, objects=tuple(replace(o, pose=None) if o.name == "mug" else o for o in laid.objects))
    again = lay_out(bare, ASSETS, np.random.default_rng(2))
    for before, after in zip(laid.objects, again.objects, strict=True):
        assert (before.pose == after.pose) is (before.name != "mug")


def test_too_many_objects_are_refused_by_name() -> None:
    objects = (
        thing("cube", "cube", "target", 1, grip=True), *(thing(f"plate_{i}", "plate", seed=i) for i in range(14))
    )  # fmt: skip
    assets = tuple(generate(item) for item in objects)
    with pytest.raises(LayoutError, match=r"objects = '(plate_\d+|cube)'.*cube.*Use fewer or smaller"):
        lay_out(scene(*objects), assets, np.random.default_rng(0))


def test_impossible_relations_are_named() -> None:
    relations = (
        Relation(subject="cube", predicate="left_of", object="bowl"),
        Relation(subject="cube", predicate="right_of", object="bowl"),
    )
    with pytest.raises(LayoutError, match="cube left_of bowl; cube right_of bowl"):
        lay_out(replace(BUSY, relations=relations), ASSETS, np.random.default_rng(0))


def test_variation_keeps_all_rules_over_200_seeds() -> None:
    laid = lay_out(BUSY, ASSETS, np.random.default_rng(0))
    base = placements(laid)
    moved = np.zeros(len(base))
    for seed in range(200):
        at = vary(laid, FOOTPRINTS, np.random.default_rng(seed))
        check(laid, ASSETS, at)
        for index, (a, b) in enumerate(zip(at, base, strict=True)):
            assert max(abs(a[0] - b[0]), abs(a[1] - b[1])) <= laid.placement.position_m + 1e-9
            moved[index] += math.dist(a[:2], b[:2])
    assert (moved / 200 > 0.004).all()  # nothing is stuck at the card's pose


def test_no_variation_is_the_card() -> None:
    laid = lay_out(BUSY, ASSETS, np.random.default_rng(0))
    fixed = replace(laid, placement=PlacementSpec(position_m=0.0, yaw_rad=0.0))
    assert vary(fixed, FOOTPRINTS, np.random.default_rng(1)) == placements(laid)


def test_a_scene_without_poses_cannot_be_varied() -> None:
    with pytest.raises(LayoutError, match="pose"):
        vary(BUSY, FOOTPRINTS, np.random.default_rng(1))


def test_gaps_are_lower_bounds_and_see_overlap() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        i, j = rng.integers(len(ASSETS), size=2)
        a, b = ((*rng.uniform(-0.2, 0.2, 2), rng.uniform(-3, 3)) for _ in range(2))
        found, true = gap_m(FOOTPRINTS[i], a, FOOTPRINTS[j], b), polygon(ASSETS[i], a).distance(polygon(ASSETS[j], b))
        assert found <= true + 1e-5
        if true == 0.0:
            assert found <= 1e-5


def test_the_view_is_that_of_the_front_camera() -> None:
    """Points called visible project into the picture of the camera."""
    forward = np.array(FRONT.forward) / np.linalg.norm(FRONT.forward)
    right = np.cross(forward, FRONT.up)
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    rng = np.random.default_rng(0)
    inside = 0
    for x, y in rng.uniform((0.0, -0.5), (0.8, 0.6), (500, 2)):
        ray = np.array([x, y, 0.02]) - FRONT.position_m
        u = ray @ right / (ray @ forward) / math.tan(FRONT.fov_x_rad / 2)
        v = ray @ down / (ray @ forward) / math.tan(FRONT.fov_y_rad / 2)
        if in_view(x, y):
            inside += 1
            assert max(abs(u), abs(v)) < 0.95 and ray @ forward > 0
    assert inside > 100


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.stem)
def test_built_scenes_keep_the_rules(path) -> None:
    from gen3d_envs.build import build

    built = build(read_card(path), path.parent)
    check(built.spec, built.assets, built.placements)
    again = build(read_card(path), path.parent)
    assert again.hash == built.hash and [a.sha256 for a in again.assets] == [a.sha256 for a in built.assets]


def test_relations_stay_true_in_every_episode() -> None:
    """What the instruction says of the initial layout holds after the variation of a reset, too."""
    built = load_scene("PickTomato-fb9b")
    assert built.spec.relations
    for seed in range(200):
        placements = vary(built.spec, built.footprints, np.random.default_rng(seed))
        for relation in built.spec.relations:
            a, b = built.index(relation.subject), built.index(relation.object)
            reach = built.footprints[a].radius_m + built.footprints[b].radius_m
            dx, dy = (placements[a][axis] - placements[b][axis] for axis in (0, 1))
            assert relation_holds(relation, dx, dy, reach), seed
