"""The rule-based designer: a sentence and a seed become a :class:`SceneSpec`, always the same one."""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import dataclass
from typing import Literal

import numpy as np

from gen3d_envs.assets.catalog import CATEGORIES, Category
from gen3d_envs.assets.materials import COLORS
from gen3d_envs.design import themes
from gen3d_envs.design.fit import FLAT_TO_LIE_ON, find_fit
from gen3d_envs.design.grammar import Request, parse
from gen3d_envs.design.phrases import Phrase
from gen3d_envs.design.text import EXAMPLES, NotUnderstood, normalise, refuse
from gen3d_envs.design.vocabulary import KINDS
from gen3d_envs.errors import DesignError
from gen3d_envs.spec import BackgroundSpec, ObjectSpec, Relation, Role, SceneSpec, SupportSpec, TaskSpec

GRIP_WIDTH_M = 0.042
"""Widest grasp that a target must offer by default."""

DESIGNER = "rules-1"
"""Name and version of the rules. Another output for the same sentence and seed needs another version."""

GOALS_DESIGNER = "rules-2"
"""The same for the families after Pick and Place, which the first rules refused."""

OPENING_DESIGNER = "rules-3"
"""The same for Open and Close, which the second rules refused."""

_DESIGNERS = {"pick": DESIGNER, "place": DESIGNER, "open": OPENING_DESIGNER, "close": OPENING_DESIGNER}

MAX_OBJECTS = 6
MAX_GRIP_WIDTH_M = 0.2
_MORE_COLORS = ("green", "red", "yellow", "orange", "brown", "white")
"""Tried first where a category comes in too few colours to tell several apart: food has most of them."""


@dataclass
class Item:
    """An object on its way to an :class:`ObjectSpec`."""

    phrase: Phrase
    role: Role
    category: str
    description: str
    color: str | None = None
    size: Literal["small", "medium", "large"] | None = None
    name: str = ""


def design(sentence: str, seed: int = 0, robot: str = "widowx", grip_width_m: float = GRIP_WIDTH_M) -> SceneSpec:
    """Design the scene that a sentence asks for. Objects have no poses yet: see ``design.layout``.

    Args:
        sentence: one instruction in English, at most 400 characters.
        seed: draws whatever the sentence leaves open.
        robot: name of the robot that the scene is for.
        grip_width_m: widest grasp that the target must offer, m.

    Raises:
        DesignError: the sentence is not understood, asks for what cannot be built, or an argument is out of range. The
            error names the word or clause and says what to ask for instead.
    """
    check_arguments(seed, robot, grip_width_m)
    request = parse(sentence)
    return scene_of(request, seed, robot, grip_width_m, designer_of(request))


def designer_of(request: Request) -> str:
    """Name and version of the rules that read a request."""
    return _DESIGNERS.get(request.family, GOALS_DESIGNER)


def scene_of(request: Request, seed: int, robot: str, grip_width_m: float, designer: str) -> SceneSpec:
    """The scene of a request, whoever read it out of the sentence; arguments and errors as in :func:`design`.

    Args:
        request: what is asked for.
        seed: draws whatever the request leaves open.
        robot: name of the robot that the scene is for.
        grip_width_m: widest grasp that the target must offer, m.
        designer: who read the request, as the card names it.
    """
    check_arguments(seed, robot, grip_width_m)
    from gen3d_envs.design.goals import GoalDraft  # these build on what is below
    from gen3d_envs.design.opening_scene import OpeningDraft

    kind: type[Draft] = Draft if request.family in ("pick", "place") else GoalDraft
    if request.part is not None:
        kind = OpeningDraft
    return kind(request, seed, robot, float(grip_width_m), designer).scene()


def check_arguments(seed: int, robot: str, grip_width_m: float) -> None:
    """Raise ``DesignError`` where an argument of :func:`design` other than the sentence is out of range."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**53:
        raise DesignError("seed", seed, "is no whole number from 0 to 2**53 - 1", "Use a small number such as 0")
    if not isinstance(robot, str) or not re.fullmatch(r"[a-z][a-z0-9_]{0,47}", robot):
        raise DesignError("robot", robot, "is no name of a robot", 'Use "widowx" or "panda"')
    number = isinstance(grip_width_m, (int, float, np.floating)) and not isinstance(grip_width_m, bool)
    if not number or not math.isfinite(grip_width_m) or not 0.0 < grip_width_m <= MAX_GRIP_WIDTH_M:
        raise DesignError("grip_width_m", grip_width_m, f"is not within 0 and {MAX_GRIP_WIDTH_M} m", "Use e.g. 0.042")


def _available() -> frozenset[str]:
    """Categories that can be generated in this release."""
    from gen3d_envs.assets.generate import available  # pulls in geometry code that parsing does not need

    return frozenset(available())


class Draft:
    """One design: the request, its random generator, and what has been decided so far."""

    def __init__(self, request: Request, seed: int, robot: str, grip_width_m: float, designer: str) -> None:
        self._request = request
        self._designer = designer
        self._seed = int(seed)
        self._robot = robot
        self._grip_width_m = grip_width_m
        self._key = _key(request.text)
        self._rng = np.random.default_rng(self._sub_seed("scene"))
        self._known = _available()
        self._warnings = list(request.warnings)
        self._items: list[Item] = []
        self._kinds: list[str] = []  # what a vague word such as "fruit" might mean: no distractor may be one

    def scene(self) -> SceneSpec:
        """The whole scene."""
        request = self._request
        target = self._target(request.targets[0])
        receptacle, predicate = None, None
        if request.receptacle is not None:
            receptacle, predicate = self._receptacle(request.receptacle, request.predicate)
        if receptacle is not None and predicate is not None:
            self._make_fit(target, receptacle, predicate)
        self._add_mentioned(target, receptacle)
        theme = themes.choose_theme([item.category for item in self._items], request.style, self._rng)
        support, style = themes.choose_place(theme, request.support, request.style, self._rng)
        if request.fillers:
            self._add_distractors(theme)
        self._tell_apart()
        self._give_names()
        task = TaskSpec(
            family=request.family,
            target=target.name,
            receptacle=receptacle.name if receptacle else None,
            predicate=predicate,
        )
        objects = tuple(self._spec_of(item) for item in self._items)
        return SceneSpec(
            name=self._scene_name(target, receptacle, predicate),
            instruction=request.text,
            seed=self._seed,
            task=task,
            objects=objects,
            relations=self._relations(),
            support=SupportSpec(kind=support, seed=self._sub_seed("support")),
            background=BackgroundSpec(style=style, seed=self._sub_seed("background")),
            robot=self._robot,
            designer=self._designer,
            warnings=tuple(dict.fromkeys(self._warnings)),
        )

    def _sub_seed(self, name: str) -> int:
        """A seed of its own for everything that has a name, independent of what else is in the scene."""
        return int(hashlib.sha256(f"{self._key}\n{self._seed}\n{name}".encode()).hexdigest()[:13], 16)

    # Roles

    def _category(self, phrase: Phrase) -> str:
        if phrase.noun in KINDS and phrase.category.startswith("any_"):
            members = [name for name in KINDS[phrase.noun] if name in self._known]
            self._kinds += members
            if members:
                return str(self._rng.choice(members))
        if phrase.category in self._known:
            return phrase.category
        self._warnings.append(f'"{phrase.noun}" cannot be generated in this release: a plain object stands in for it')
        return "generic"

    def _item(self, phrase: Phrase, role: Role, category: str) -> Item:
        return Item(phrase, role, category, phrase.text, phrase.color, phrase.size)

    def _target(self, phrase: Phrase) -> Item:
        category = self._category(phrase)
        if not CATEGORIES[category].pickable:
            raise refuse(phrase.text, "lies flat or is too big, so that no gripper can pick it up",
                         f'Name something smaller, e.g. "{EXAMPLES[0]}"')  # fmt: skip
        item = self._item(phrase, "target", category)
        self._items.append(item)
        return item

    def _receptacle(self, phrase: Phrase, said: str | None) -> tuple[Item, Literal["on", "in"]]:
        """The receptacle, and how things go there by what it is."""
        if phrase.category.startswith("any_"):
            category = self._category(phrase)
        elif phrase.guessed or phrase.category not in self._known:
            category = "box" if said == "in" else "tray"
            self._warnings.append(f'"{phrase.noun}" is modelled as a plain {category}')
        else:
            category = phrase.category
        row = CATEGORIES[category]
        predicate: Literal["on", "in"]
        if said == "to":
            if not (row.container or row.surface):
                raise self._holds_nothing(phrase, row)
            predicate = "in" if row.container and category != "tray" else "on"
        elif said == "in":
            if row.container:
                predicate = "in"
            elif category in FLAT_TO_LIE_ON:
                predicate = "on"
                if category not in ("plate", "saucer"):
                    self._warnings.append(f'"in the {phrase.text}" is read as on it: {_a(phrase.noun)} has no inside')
            else:
                raise self._holds_nothing(phrase, row)
        elif row.surface:
            predicate = "on"
        elif row.container:
            predicate = "in"
            self._warnings.append(f'"on the {phrase.text}" is read as in it: {_a(phrase.noun)} has no flat top')
        else:
            raise self._holds_nothing(phrase, row)
        item = self._item(phrase, "receptacle", category)
        self._items.append(item)
        return item, predicate

    def _holds_nothing(self, phrase: Phrase, row: Category) -> DesignError:
        target = self._request.targets[0].text
        container = "basket" if target.endswith("bowl") else "bowl"
        if row.surface:
            problem, remedy = (
                "holds nothing inside",
                f'Say "put the {target} on the {phrase.text}", or name a bowl, box or basket',
            )
        else:
            problem = "neither holds things inside nor has a flat top"
            remedy = f'Name a container or something flat, e.g. "put the {target} in the {container}" or "on the plate"'
        return refuse(phrase.text, problem, remedy)

    def _make_fit(self, target: Item, receptacle: Item, predicate: Literal["on", "in"]) -> None:
        """Draw both from sizes at which the task can be done, where the sentence leaves them open."""
        fit = find_fit(target.category, target.size, receptacle.category, receptacle.size, predicate)
        if fit is None:
            big, small = target.phrase.text, receptacle.phrase.text
            raise refuse(
                f"{big} {predicate} {small}", f"cannot be done: {_a(big)} is too big for {_a(small)}",
                f'Name something smaller than the {big}, or a larger place such as {self._larger(target, predicate)}',
            )  # fmt: skip
        target.size, receptacle.size = fit.target_size, fit.receptacle_size
        if fit.leans:
            how = "leans out of" if predicate == "in" else "hangs over"
            self._warnings.append(f"the {target.phrase.text} {how} the {receptacle.phrase.text}: it is much longer")

    def _larger(self, target: Item, predicate: Literal["on", "in"]) -> str:
        names = (
            ("bowl", "pot", "basket", "box") if predicate == "in" else ("plate", "tray", "cutting_board", "placemat")
        )
        fitting = [
            name
            for name in names
            if name in self._known and find_fit(target.category, target.size, name, None, predicate)
        ]
        return "a " + " or ".join(name.replace("_", " ") for name in fitting[:2]) if fitting else "the table itself"

    # Everything else in the scene

    def _add_mentioned(self, target: Item, receptacle: Item | None) -> None:
        """Further targets, plural instances and things named in passing become distractors."""
        request = self._request
        phrases = [*request.targets[1:], *request.context]
        copies = [p for p in (*request.targets, *request.context) for _ in range(p.count - 1)]
        if len(request.targets) > 1 or request.targets[0].count > 1:
            named = " and ".join(p.text if p.count == 1 else f"{p.count} x {p.text}" for p in request.targets)
            self._warnings.append(
                f"several things are named ({named}): the task concerns one, the {target.phrase.text}"
            )
        room = MAX_OBJECTS - len(self._items)
        if len(phrases) + len(copies) > room:
            left_out = len(phrases) + len(copies) - room
            self._warnings.append(f"a scene holds {MAX_OBJECTS} objects: {left_out} more that are named are left out")
        for phrase in [*phrases, *copies][:room]:
            self._items.append(self._item(phrase, "distractor", self._category(phrase)))

    def _add_distractors(self, theme: str) -> None:
        count = min(int(self._rng.integers(1, 3)), MAX_OBJECTS - len(self._items))
        taken = {item.category for item in self._items} | set(self._kinds)
        for category in themes.draw_distractors(theme, taken, self._known, count, self._rng):
            noun = category.replace("_", " ").replace("cup cake", "cupcake")
            self._items.append(self._item(Phrase(noun, noun, "object", category), "distractor", category))

    def _tell_apart(self) -> None:
        """Give things of one category different colours, and say the colour in the description."""
        for category in dict.fromkeys(item.category for item in self._items):
            group = [item for item in self._items if item.category == category]
            if len(group) == 1:
                continue
            said = [item.color for item in group if item.color]
            for repeated in dict.fromkeys(color for color in said if said.count(color) > 1):
                alike = next(item for item in group if item.color == repeated)
                self._warnings.append(f'several things are a "{alike.description}": only their places tell them apart')
            own = [str(c) for c in self._rng.permutation(list(CATEGORIES[category].colors))]
            free = [c for c in dict.fromkeys([*own, *_MORE_COLORS, *COLORS]) if c not in said]
            for item in group:
                if item.color is None:
                    item.color = free.pop(0)
                    before = item.description.removesuffix(item.phrase.noun).strip()
                    noun = item.phrase.noun if before != item.description else ""
                    item.description = " ".join(f"{before} {item.color.replace('_', ' ')} {noun}".split())

    def _give_names(self) -> None:
        taken = {"support"}
        for item in self._items:
            stem = re.sub(r"[^a-z0-9]+", "_", item.description).strip("_")[:40].strip("_")
            stem = stem if stem and stem[0].isalpha() else f"object_{stem}".strip("_")
            name, number = stem, 2
            while name in taken:
                name, number = f"{stem}_{number}", number + 1
            taken.add(name)
            item.name = name

    def _relations(self) -> tuple[Relation, ...]:
        """Initial relations between things that are in the scene."""
        out = []
        for subject, predicate, other in self._request.relations:
            first = next((item for item in self._items if item.phrase is subject), None)
            second = next((item for item in self._items if item.phrase is other), None)
            if first is not None and second is not None and first is not second:
                out.append(Relation(subject=first.name, predicate=predicate, object=second.name))
        return tuple(dict.fromkeys(out))

    def _spec_of(self, item: Item) -> ObjectSpec:
        return ObjectSpec(
            name=item.name, role=item.role, category=item.category, description=item.description,
            seed=self._sub_seed(item.name), color=item.color, material=item.phrase.material, size=item.size,
            grip_width_m=self._grip_width_m if item.role == "target" else None,
        )  # fmt: skip

    def _scene_name(self, target: Item, receptacle: Item | None, predicate: str | None) -> str:
        digest = hashlib.sha256(
            f"{self._key}\n{self._seed}\n{self._robot}\n{self._grip_width_m!r}".encode()
        ).hexdigest()
        verb = "Pick" if receptacle is None else ("Stack" if self._request.verb == "stack" else "Put")
        parts = [verb, _camel(target.phrase.text)]
        if receptacle is not None and predicate is not None:
            parts += [predicate.capitalize(), _camel(receptacle.phrase.text)]
        return f"{''.join(parts)[:59]}-{digest[:4]}"


def _key(text: str) -> str:
    """What the draws of a sentence depend on: its words, not its case and punctuation."""
    try:
        return normalise(text).rstrip(" .!?")
    except NotUnderstood:  # another script, which another reader than the rules may have understood
        return text.casefold()


def _a(words: str) -> str:
    return f"{'an' if words[:1] in 'aeiou' else 'a'} {words}"


def _camel(words: str) -> str:
    return "".join(word.capitalize() for word in re.findall(r"[a-z0-9]+", words))[:27]


__all__ = ["DESIGNER", "EXAMPLES", "design", "parse", "scene_of"]
