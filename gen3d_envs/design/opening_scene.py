"""Scenes of the families Open and Close: one thing with a door, drawer, lid or screen, and what stands around it."""

from __future__ import annotations

from typing import Literal

from gen3d_envs.assets.catalog import ARTICULATED
from gen3d_envs.design import themes
from gen3d_envs.design.phrases import Phrase
from gen3d_envs.design.rules import MAX_OBJECTS, Draft, Item
from gen3d_envs.design.text import refuse
from gen3d_envs.spec import BackgroundSpec, ObjectSpec, Opening, SceneSpec, SupportSpec, TaskSpec, replace

AJAR = {"laptop": (0.40, 0.50)}
"""Share at which what has no handle stands before it is opened, drawn from here: its edge can be held then."""

OPEN_START = (0.80, 0.95)
"""Share at which a part stands before it is closed."""

SEEDS_TRIED = 64
"""Drawings of a drawer unit until it has one drawer, or several: a third have one."""


class OpeningDraft(Draft):
    """As :class:`gen3d_envs.design.rules.Draft`, for requests that open or close something."""

    def scene(self) -> SceneSpec:
        """The whole scene."""
        request = self._request
        phrase = request.targets[0]
        self._items.append(self._item(phrase, "target", phrase.category))
        self._add_around()
        theme = themes.choose_theme([item.category for item in self._items], request.style, self._rng)
        support, style = themes.choose_place(theme, request.support, request.style, self._rng)
        if request.fillers:
            self._add_distractors(theme)
        self._tell_apart()
        self._give_names()
        target, part = self._opened(self._spec_of(self._items[0]))
        family: Literal["open", "close"] = "open" if request.family == "open" else "close"
        return SceneSpec(
            name=self._name(part, phrase),
            instruction=request.text,
            seed=self._seed,
            task=TaskSpec(family=family, target=target.name, part=part),
            objects=(target, *(self._spec_of(item) for item in self._items[1:])),
            relations=self._relations(),
            support=SupportSpec(kind=support, seed=self._sub_seed("support")),
            background=BackgroundSpec(style=style, seed=self._sub_seed("background")),
            robot=self._robot,
            designer=self._designer,
            warnings=tuple(dict.fromkeys(self._warnings)),
        )

    def _add_around(self) -> None:
        phrases = [p for p in self._request.context for _ in range(p.count)]
        room = MAX_OBJECTS - len(self._items)
        if len(phrases) > room:
            self._warnings.append(f"a scene holds {MAX_OBJECTS} objects: {len(phrases) - room} more are left out")
        self._items += [self._item(phrase, "distractor", self._category(phrase)) for phrase in phrases[:room]]

    def _spec_of(self, item: Item) -> ObjectSpec:
        spec = super()._spec_of(item)
        return replace(spec, grip_width_m=None) if item.category in ARTICULATED else spec

    def _opened(self, target: ObjectSpec) -> tuple[ObjectSpec, str]:
        """The target with the part that is asked for, at the start of its way; and the part's name."""
        wanted = str(self._request.part)
        target = self._with_part(target, wanted)
        limits = OPEN_START if self._request.family == "close" else AJAR.get(target.category)
        if limits is None:
            return target, wanted
        opening = Opening(part=wanted, share=round(float(self._rng.uniform(*limits)), 2))
        return replace(target, opening=(opening,)), wanted

    def _with_part(self, target: ObjectSpec, wanted: str) -> ObjectSpec:
        """The target with the first seed that gives it the part: how many drawers a unit has is drawn."""
        if target.category != "drawer_unit":
            return target
        from gen3d_envs.assets.generate import drawers  # pulls in geometry code that parsing does not need

        for number in range(SEEDS_TRIED):
            name = target.name if number == 0 else f"{target.name}/{number}"
            drawn: ObjectSpec = replace(target, seed=self._sub_seed(name))
            if wanted in drawers(drawn):
                return drawn
        raise refuse(self._request.text, f"names a part that no {target.category} has")

    def _name(self, part: str, phrase: Phrase) -> str:
        """As scenes of other families are named: verb, adjectives and part or thing, and the start of a hash."""
        tail = self._scene_name(self._items[0], None, None).partition("-")[2]
        drawer = phrase.category == "drawer_unit"
        words = [*phrase.text.removesuffix("drawer unit").split(), *part.split("_")] if drawer else phrase.text.split()
        verb = "Open" if self._request.family == "open" else "Close"
        plain = "".join(c for word in words for c in word.capitalize() if c.isascii() and c.isalnum())
        return f"{verb}{plain[:50]}-{tail}"
