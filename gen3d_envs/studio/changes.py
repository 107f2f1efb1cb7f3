"""Changes to a scene's description that keep the task one that can be done. Pure functions of specs."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gen3d_envs.assets.catalog import CATEGORIES
from gen3d_envs.assets.generate import available
from gen3d_envs.build import BuiltScene
from gen3d_envs.design.fit import Fit, find_fit
from gen3d_envs.design.layout import gap_m
from gen3d_envs.design.rules import GRIP_WIDTH_M
from gen3d_envs.design.templates import fitting, phrase, phrase_goals, phrase_scene
from gen3d_envs.spec import ObjectSpec, SceneSpec, replace


def choices(spec: SceneSpec, name: str) -> list[str]:
    """Categories that an object could be swapped for so that the task stays one that can be done, sorted."""
    item = spec.object(name)
    known = sorted(set(available()) & set(CATEGORIES) - {"generic", "mesh", item.category})
    return [category for category in known if _fits(spec, item, category)]


def _fits(spec: SceneSpec, item: ObjectSpec, category: str) -> bool:
    row, task = CATEGORIES[category], spec.task
    if item.role == "distractor":
        return True
    if item.role == "target" and not row.pickable:
        return False
    if task.receptacle is None or task.predicate is None:
        return True
    if item.role == "receptacle" and not (row.container if task.predicate == "in" else row.surface):
        return False
    return _fit(spec, item, category) is not None


def _fit(spec: SceneSpec, item: ObjectSpec, category: str) -> Fit | None:
    """Sizes at which the task can be done with ``category`` in the place of ``item``; None where there are none."""
    task = spec.task
    if task.receptacle is None or task.predicate is None:
        return None
    target, place = spec.target.category, spec.object(task.receptacle).category
    target, place = (category, place) if item.role == "target" else (target, category)
    if target not in CATEGORIES or place not in CATEGORIES:
        return Fit(None, None, False)  # a mesh file: only the certificate can tell
    return find_fit(target, None, place, None, task.predicate)


def stand_in(spec: SceneSpec, item: ObjectSpec, category: str) -> ObjectSpec:
    """A new object of a category in the place and role of an old one."""
    words = category.replace("_", " ")
    taken = {other.description for other in spec.objects}
    fit = _fit(spec, item, category) if item.role != "distractor" else None
    size = None if fit is None else fit.target_size if item.role == "target" else fit.receptacle_size
    return ObjectSpec(
        name=item.name, role=item.role, category=category, seed=item.seed, size=size, pose=item.pose,
        description=words if words not in taken else f"other {words}",
        grip_width_m=(item.grip_width_m or GRIP_WIDTH_M) if item.role == "target" and category in CATEGORIES else None,
    )  # fmt: skip


def with_object(spec: SceneSpec, name: str, new: ObjectSpec) -> SceneSpec:
    """The scene with another object in the place of the one called ``name``."""
    objects = tuple(new if item.name == name else item for item in spec.objects)
    changed: SceneSpec = replace(spec, objects=objects)
    return changed


def free_name(spec: SceneSpec, description: str, own: str) -> str:
    """A name made of the description that no other object has."""
    stem = "_".join(description.split())[:40]
    taken = {item.name for item in spec.objects} - {own} | {"support"}
    return next(name for number in range(1, 99) if (name := stem if number == 1 else f"{stem}_{number}") not in taken)


def renamed(spec: SceneSpec, old: str, new: str) -> SceneSpec:
    """The scene with one object called otherwise, wherever it is named."""

    def named_now(name: str | None) -> str | None:
        return new if name == old else name

    task = replace(spec.task, target=named_now(spec.task.target), receptacle=named_now(spec.task.receptacle))
    if task.all_goals and task.goals is not msgspec.UNSET:
        goals = (replace(g, target=named_now(g.target), receptacle=named_now(g.receptacle)) for g in task.all_goals)
        task = replace(task, goals=tuple(goals))
    relations = tuple(
        replace(r, subject=named_now(r.subject), object=named_now(r.object)) for r in spec.relations
    )  # fmt: skip
    objects = tuple(replace(item, name=named_now(item.name)) for item in spec.objects)
    changed: SceneSpec = replace(spec, task=task, relations=relations, objects=objects)
    return changed


def reworded(spec: SceneSpec, old: ObjectSpec, new: ObjectSpec) -> SceneSpec:
    """The scene with an instruction and a name that speak of the new object."""
    text = spec.instruction
    if old.description in text:
        text = text.replace(old.description, new.description)
    elif old.role != "distractor":
        names = {name: spec.words(name) for name in spec.task.concerned}
        names[old.name] = new.description
        plainest, task = fitting(spec)[0], spec.task
        if task.family in ("open", "close"):
            text = phrase_scene(with_object(spec, old.name, replace(new, name=old.name)))
        elif task.family in ("pick", "place"):
            text = phrase(plainest, names[task.target], names.get(task.receptacle or ""), task.predicate)
        else:
            goals = [(names[g.target], g.predicate, names[g.receptacle]) for g in task.all_goals]
            text = phrase_goals(plainest, goals)
    stem = spec.name.partition("-")[0]
    before, after = _camel(old.description), _camel(new.description)
    changed: SceneSpec = replace(spec, instruction=text, name=(stem.replace(before, after) if before else stem)[:60])
    return changed


def _camel(words: str) -> str:
    return "".join(word[:1].upper() + word[1:] for word in words.replace("_", " ").split())


def overlaps(scene: BuiltScene) -> Sequence[tuple[str, str]]:
    """Pairs of objects whose outlines from above overlap, by name."""
    names = [item.name for item in scene.spec.objects]
    placed, prints = scene.placements, scene.footprints
    return [
        (names[i], names[j])
        for i in range(len(names))
        for j in range(i + 1, len(names))
        if gap_m(prints[i], placed[i], prints[j], placed[j]) < 0.0
    ]
