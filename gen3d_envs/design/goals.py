"""Scenes of the families with goals of their own: Stack, Push, Sort, Rearrange."""

from __future__ import annotations

from typing import Literal

import msgspec

from gen3d_envs.assets.catalog import CATEGORIES
from gen3d_envs.design import themes
from gen3d_envs.design.grammar import GoalPhrase
from gen3d_envs.design.phrases import Phrase
from gen3d_envs.design.rules import MAX_OBJECTS, Draft, Item
from gen3d_envs.design.text import refuse
from gen3d_envs.spec import BackgroundSpec, Goal, GoalPredicate, MarkSpec, SceneSpec, SupportSpec, TaskSpec

MAX_GOALS = 4
"""More things than that, with what they go to, find no room within reach."""

PUSH_HEIGHT_M = 0.085
"""What is taller tips over rather than slides."""

_MARK_COLORS = ("red", "green", "blue", "yellow", "purple", "orange")
_VERBS = {"stack": "Stack", "push": "Push", "sort": "Sort", "rearrange": "Put"}


class GoalDraft(Draft):
    """As :class:`gen3d_envs.design.rules.Draft`, for requests with goals."""

    def scene(self) -> SceneSpec:
        """The whole scene."""
        request = self._request
        self._marks: dict[str, tuple[Phrase, MarkSpec]] = {}
        self._roles: dict[int, Item] = {}
        said = request.goals
        if request.family == "stack":
            assert request.receptacle is not None  # or the grammar would not have called it so
            said = (GoalPhrase(request.targets[0], "on", request.receptacle),)
        if len(said) > MAX_GOALS:
            raise refuse(
                request.text, f"has {len(said)} goals, and a scene has room for {MAX_GOALS}", "Name fewer things"
            )
        phrases = [goal.target for goal in said]
        for phrase in phrases:
            self._mover(phrase)
        drawn: list[tuple[Item, GoalPredicate, Item | str]] = []
        for goal in said:
            target = self._item_of(goal.target)
            where, predicate = self._where(goal)
            if isinstance(where, Item) and predicate in ("on", "in"):
                self._make_room(target, where, predicate, sum(g.receptacle is goal.receptacle for g in said))
            drawn.append((target, predicate, where))
        self._add_context()
        theme = themes.choose_theme([item.category for item in self._items], request.style, self._rng)
        support, style = themes.choose_place(theme, request.support, request.style, self._rng)
        if request.fillers and len(self._items) <= MAX_OBJECTS - 2:
            self._add_distractors(theme)
            del self._items[max(3, min(len(self._items), MAX_OBJECTS - 1)) :]
        self._tell_apart()
        self._give_names()
        goals = tuple(
            Goal(target=t.name, predicate=p, receptacle=w if isinstance(w, str) else w.name) for t, p, w in drawn
        )
        return SceneSpec(
            name=self._name(goals),
            instruction=request.text,
            seed=self._seed,
            task=self._task(goals),
            objects=tuple(self._spec_of(item) for item in self._items),
            relations=self._relations(),
            support=SupportSpec(kind=support, seed=self._sub_seed("support")),
            background=BackgroundSpec(style=style, seed=self._sub_seed("background")),
            robot=self._robot,
            designer=self._designer,
            warnings=tuple(dict.fromkeys(self._warnings)),
            marks=tuple(mark for _, mark in self._marks.values()) or msgspec.UNSET,
        )

    def _task(self, goals: tuple[Goal, ...]) -> TaskSpec:
        first, family = goals[0], self._request.family
        thing = first.receptacle not in self._marks and first.predicate != "at"
        plain: Literal["on", "in"] | None = None
        if thing and first.predicate in ("on", "in"):
            plain = "on" if first.predicate == "on" else "in"
        receptacle = first.receptacle if first.receptacle not in self._marks else None
        if family == "stack":
            return TaskSpec(family=family, target=first.target, receptacle=receptacle, predicate=plain)
        return TaskSpec(family=family, target=first.target, receptacle=receptacle, predicate=plain, goals=goals)

    # Things

    def _add_context(self) -> None:
        """What is named in passing, as often as it is said, and more than one of what is to be moved."""
        request = self._request
        phrases = [p for p in request.context for _ in range(p.count)]
        phrases += [p for p in request.targets for _ in range(p.count - 1)]
        room = MAX_OBJECTS - len(self._items)
        if any(phrase.count > 1 for phrase in request.targets):
            self._warnings.append("the task concerns one of several")
        if len(phrases) > room:
            self._warnings.append(f"a scene holds {MAX_OBJECTS} objects: {len(phrases) - room} more are left out")
        for phrase in phrases[:room]:
            if not any(item.phrase is phrase for item in self._items):
                self._items.append(self._item(phrase, "distractor", self._category(phrase)))
            elif phrase.count > 1:
                self._items.append(self._item(phrase, "distractor", self._items[0].category))

    def _item_of(self, phrase: Phrase) -> Item:
        return next(item for item in self._items if item.phrase is phrase)

    def _mover(self, phrase: Phrase) -> None:
        """Something that is to be moved: pushed, or picked up."""
        if any(item.phrase is phrase for item in self._items):
            return
        if self._request.family != "push":
            self._target(phrase)
            return
        category = self._category(phrase)
        row = CATEGORIES[category]
        heights = row.ranges.get("height_m", row.ranges.get("thickness_m", (0.0, 0.0)))
        if heights[0] > PUSH_HEIGHT_M:
            raise refuse(phrase.text, "is so tall that it tips over where it is pushed",
                         'Name something lower, e.g. "push the sponge to the red spot"')  # fmt: skip
        item = self._item(phrase, "target", category)
        if heights[1] > PUSH_HEIGHT_M and item.size is None:
            item.size = "small"
        self._items.append(item)

    def _where(self, goal: GoalPhrase) -> tuple[Item | str, GoalPredicate]:
        """Where a target goes: an item or the name of a mark; and how, by what it is."""
        phrase = goal.receptacle
        if phrase.meaning == "mark":
            return self._mark(phrase), "on"
        known = next((item for item in self._items if item.phrase is phrase), None)
        if goal.predicate == "on" or goal.predicate == "in" or goal.predicate == "to":
            if known is not None:
                return known, self._known_predicate(known, goal)
            return self._receptacle(phrase, goal.predicate)
        if known is not None:
            return known, goal.predicate
        item = self._item(phrase, "receptacle", self._category(phrase))
        self._items.append(item)
        return item, goal.predicate

    def _known_predicate(self, item: Item, goal: GoalPhrase) -> GoalPredicate:
        """How another thing goes on or in something that is in the scene already."""
        position = len(self._items)
        _, predicate = self._receptacle(item.phrase, goal.predicate)
        del self._items[position:]
        return predicate

    def _mark(self, phrase: Phrase) -> str:
        """The name of a mark, drawn once however often it is said."""
        for name, (said, _) in self._marks.items():
            if said is phrase:
                return name
        taken = {item.color for item in self._items} | {mark.color for _, mark in self._marks.values()}
        free = [color for color in _MARK_COLORS if color not in taken]
        color = phrase.color or str(self._rng.choice(free))
        text = phrase.text if phrase.color else " ".join(("" if phrase.text == phrase.noun else phrase.text,)).strip()
        words = text if phrase.color else f"{color.replace('_', ' ')} {phrase.noun}"
        name = words.replace(" ", "_").replace("-", "_")[:40]
        radius = {"small": 0.045, "large": 0.07}.get(phrase.size or "", 0.055)
        self._marks[name] = (phrase, MarkSpec(name=name, description=words, color=color, radius_m=radius))
        return name

    def _make_room(self, target: Item, where: Item, predicate: str, sharing: int) -> None:
        """Sizes at which it can be done: a stack of like things, and room for all that share a receptacle."""
        if self._request.family == "stack":
            target.size, where.size = target.size or "medium", where.size or "large"
        if sharing > 1:
            target.size, where.size = target.size or "small", where.size or "large"
        self._make_fit(target, where, "on" if predicate == "on" else "in")

    def _name(self, goals: tuple[Goal, ...]) -> str:
        """As scenes of other families are named: verb, things and places, and the start of a hash."""
        tail = self._scene_name(self._items[0], None, None).partition("-")[2]
        words = _VERBS[self._request.family]
        if goals[0].predicate == "at":
            return f"Swap{_camel(goals[0].target)}And{_camel(goals[1].target)}"[:59] + f"-{tail}"
        for goal in goals:
            words += f"{_camel(goal.target)}{_WORDS[goal.predicate]}{_camel(goal.receptacle)}"
        if any(goal.receptacle in self._marks for goal in goals):
            words = words.replace("On", "To", 1) if self._request.family == "push" else words
        return f"{words[:59]}-{tail}"


_WORDS = {
    "on": "On", "in": "In", "next_to": "NextTo", "left_of": "LeftOf", "right_of": "RightOf", "behind": "Behind",
    "in_front_of": "InFrontOf", "at": "At",
}  # fmt: skip


def _camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))[:20]


__all__ = ["MAX_GOALS", "GoalDraft"]
