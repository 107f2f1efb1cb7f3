"""The grammar of instructions: a sentence becomes a :class:`Request`, without looking at what the catalogue can do.

Word order is free: "put the apple in the bowl", "in the bowl, put the apple" and "the apple should go in the bowl" have
the same parts. What a part means is decided from the verb: behind "pick up", "on the plate" says where the thing is;
behind "put" it says where it goes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from gen3d_envs.design import openings, verbs, vocabulary
from gen3d_envs.design.clauses import OFFER, Clause, ClauseReader, Slot, name_ones, parted
from gen3d_envs.design.phrases import Phrase
from gen3d_envs.design.text import EXAMPLES, Token, clean, normalise, puzzled, refuse, strip_politeness, tokenise
from gen3d_envs.errors import DesignError
from gen3d_envs.spec import Family, GoalPredicate, Predicate

_ON_IN: dict[str, Literal["on", "in", "to"]] = {
    "on": "on",
    "onto": "on",
    "in": "in",
    "into": "in",
    "to": "to",
    "middle": "to",
}
_DIRECTED = ("onto", "into", "to")
_BESIDE: dict[str, Predicate] = {
    "next_to": "next_to",
    "left_of": "left_of",
    "right_of": "right_of",
    "in_front_of": "in_front_of",
    "behind": "behind",
}
_AROUND = re.compile(
    r"\b(?:nearby|around|present|next to|beside|there|close|distractors?|in view|in the scene)\b", re.IGNORECASE
)
_INSTEAD = {
    vocabulary.LIQUID: 'Name what holds it, e.g. "pick up the bottle" or "put the milk carton in the basket"',
    vocabulary.SOFT: f'Name something that keeps its shape, e.g. "{EXAMPLES[0]}", or put things on a folded towel',
}
"""What to ask for where something cannot be built for this reason."""
_REASON = {"goal": "is named as the place to put something, but it", "object": "cannot be picked up: it"}


STACK_ON = frozenset(["cube", "block", "brick", "cylinder", "can", "book", "notebook", "food_box", "generic"])
"""What things are stacked on: free things with a flat top. Others, plates say, they are put on."""

_EXCHANGE = re.compile(
    r"^(?:swap|exchange|switch|trade|change) (?:the )?(?:positions?|places|locations|spots) (?:of|between) "
)


@dataclass(frozen=True)
class GoalPhrase:
    """One of several goals, or one that is not on or in a thing: who goes where."""

    target: Phrase
    predicate: GoalPredicate | Literal["to"]
    receptacle: Phrase


@dataclass(frozen=True)
class Request:
    """What a sentence asks for, in phrases; what the catalogue makes of them is decided later.

    Attributes:
        text: the instruction, clean.
        verb: base form of the verb that decided the task, "" where none was said.
        family: the task.
        targets: what is to be picked; the first is the target of the task.
        receptacle: where it goes, for a place task.
        predicate: how it goes there; "to" where the receptacle decides.
        context: other things that are mentioned.
        relations: initial relations between two of targets, receptacle and context.
        support: kind of support that is named, ``"table"`` for any, or None.
        style: style of the room that is named, or None.
        warnings: what was read with doubt.
        fillers: whether one or two other things may be added that the sentence does not name.
        goals: of the families push, sort and rearrange, in the order of the sentence.
        part: of the target, in the families open and close: ``"drawer"`` is the only one, ``"top_drawer"`` one of
            several.
    """

    text: str
    verb: str
    family: Family
    targets: tuple[Phrase, ...]
    receptacle: Phrase | None = None
    predicate: Literal["on", "in", "to"] | None = None
    context: tuple[Phrase, ...] = ()
    relations: tuple[tuple[Phrase, Predicate, Phrase], ...] = ()
    support: str | None = None
    style: str | None = None
    warnings: tuple[str, ...] = ()
    fillers: bool = True
    goals: tuple[GoalPhrase, ...] = ()
    part: str | None = None


def parse(sentence: str) -> Request:
    """Read one instruction in English.

    Raises:
        DesignError: the sentence is not text, is no task of a family, or has parts that are not understood. The error
            names the word or clause.
    """
    text = clean(sentence)
    polite = normalise(text)
    plain = _EXCHANGE.sub("swap ", strip_politeness(polite))
    opening = openings.rewritten(plain, polite)
    if opening is not None:
        verb, rest = opening
        tokens = [Token("verb", verb, verb), *tokenise(rest)]
        return _Reading(text, rest).request(ClauseReader(tokens).read())
    tokens = tokenise(plain)
    clauses = ClauseReader(tokens).read()
    if not clauses:
        raise puzzled(text, "names no task")
    return _Reading(text).request(clauses)


class _Reading:
    """The state while the clauses of one sentence are given their meaning, in order."""

    def __init__(self, text: str, opened: str = "") -> None:
        self._text, self._opened = text, opened
        self._part: str | None = None
        self._verb = self._verb_class = ""
        self._family: Family | None = None
        self._targets: list[Phrase] = []
        self._goal: tuple[GoalPredicate | Literal["to"], Phrase] | None = None
        self._goals: list[GoalPhrase] = []
        self._pushed = self._placed = self._pushing = False
        self._context: list[Phrase] = []
        self._relations: list[tuple[Phrase, Predicate, Phrase]] = []
        self._support: str | None = None
        self._style: str | None = None
        self._warnings: list[str] = []

    def request(self, clauses: list[Clause]) -> Request:
        """The request of all clauses together."""
        name_ones(clauses)
        clauses = [part for clause in clauses for part in parted(clause)]
        for clause in clauses:
            if clause.verb == "leave" and self._family and not any(slot.relation for slot in clause.slots):
                self._check_same(self._objects(clause), clause)  # "... and leave it there"
            elif clause.verb_class in ("be", "exist") and not clause.modal:
                self._describe(clause)
            elif clause.verb_class in ("hold", "release") and self._family:
                self._check_same(self._objects(clause), clause)
            else:
                self._act(clause)
        if self._family is None:
            raise puzzled(self._text, "describes a scene but asks for nothing to be done")
        if self._family == "pick" and self._verb_class in ("fetch", "want", "hold"):
            self._warnings.append(
                f'"{self._verb}" is designed as picking up: the goal is reached when the object is lifted'
            )
        family, goals, targets = self._whole()
        receptacle = self._goal[1] if self._goal else None
        mentioned = [*targets, *([receptacle] if receptacle else []), *self._context]
        mentioned += [phrase for goal in goals for phrase in (goal.target, goal.receptacle) if phrase not in mentioned]
        plain = receptacle is not None and self._goal is not None and not goals
        said = self._goal[0] if plain and self._goal else None
        return Request(
            self._text, self._verb, family, targets, receptacle if plain else None,
            said if said in ("on", "in", "to") else None,
            tuple(self._context), tuple(self._relations), self._support,
            self._style, tuple(dict.fromkeys([*(note for p in mentioned for note in p.warnings), *self._warnings])),
            goals=goals, part=self._part,
        )  # fmt: skip

    def _whole(self) -> tuple[Family, tuple[GoalPhrase, ...], tuple[Phrase, ...]]:
        """The family of all clauses together, its goals where it lists them, and its targets."""
        assert self._family is not None
        last, several = self._targets, bool(self._goals)
        if self._goal is not None:
            relation, where = self._goal
            joined = len(last) > 1 and all(phrase.count == 1 for phrase in last)
            for target in last if several or joined else last[:1]:
                self._goals.append(GoalPhrase(target, relation, where))
        elif self._goals and self._family == "pick":
            raise refuse(self._text, f'asks for two things: one is to "{self._verb}" {last[0].text}',
                         'Say where each goes: "put the apple in the bowl and the lemon on the plate"')  # fmt: skip
        goals = tuple(self._goals)
        if len(goals) > 1 or (goals and goals[0].predicate not in ("on", "in", "to")):
            self._check_goals(goals)
            if self._pushed:
                return "push", goals, (goals[0].target,)
            plain = all(goal.predicate in ("on", "in", "to") and goal.receptacle.meaning == "object" for goal in goals)
            return ("sort" if plain else "rearrange"), goals, tuple(dict.fromkeys(goal.target for goal in goals))
        if goals and goals[0].receptacle.meaning == "mark":
            return ("push" if self._pushed else "rearrange"), goals, (goals[0].target,)
        if goals and self._pushed:
            return "push", (replace(goals[0], predicate="next_to"),), (goals[0].target,)
        stacked = goals and self._verb in ("stack", "pile") and goals[0].predicate in ("on", "to")
        if stacked and goals[0].receptacle.category in STACK_ON and len(last) == 1 and last[0].count == 1:
            return "stack", (), tuple(last)
        return self._family, (), tuple(last)

    def _check_goals(self, goals: tuple[GoalPhrase, ...]) -> None:
        """Refuse goals that cannot hold together."""
        if self._pushed and (len(goals) > 1 or self._placed):
            raise refuse(self._text, "asks for pushing and for something else", 'Ask for one push, e.g. "push the cube '
                         'to the red spot"')  # fmt: skip
        targets = [goal.target for goal in goals]
        for goal in goals:
            if targets.count(goal.target) > 1:
                raise refuse(goal.target.text, "has two places to go, and one thing has one goal")
            if goal.target == goal.receptacle:
                raise refuse(goal.target.text, "cannot go to itself")
            if goal.receptacle in targets and goal.predicate in ("on", "in", "to"):
                raise refuse(goal.receptacle.text, "is to be moved, and something is to lie on or in it",
                             "Ask for one thing after the other")  # fmt: skip

    # Mentions

    def _mention(self, phrase: Phrase) -> Phrase:
        """The earlier mention that ``phrase`` repeats, or the phrase itself as one more thing in the scene."""
        for known in [*self._targets, *([self._goal[1]] if self._goal else []), *self._past(), *self._context]:
            if phrase == known or (phrase.definite and phrase.matches(known)):
                return known
        self._context.append(phrase)
        return phrase

    def _past(self) -> list[Phrase]:
        """What the goals before this one named, the latest first."""
        return [phrase for goal in reversed(self._goals) for phrase in (goal.receptacle, goal.target)]

    def _antecedent(self, phrase: Phrase, among: list[Phrase]) -> Phrase:
        if phrase.meaning != "pronoun":
            return phrase
        if not among:
            raise puzzled(phrase.text, "names nothing that was said before")
        return among[-1]

    def _objects(self, clause: Clause) -> list[Phrase]:
        """What the clause acts on: its own object, or what the pronoun or the clause before means."""
        said = [phrase for slot in clause.slots if slot.relation == "" for phrase in slot.phrases]
        if not said or all(phrase.meaning == "pronoun" for phrase in said):
            known = self._targets or (self._context[:1] if said else [])
            if not known:
                if said and said[0].text in ("everything", "something", "anything"):
                    raise refuse(said[0].text, "does not say which object is meant")
                what = said[0].text if said else clause.verb
                raise puzzled(what, "names nothing that was said before" if said else "is said without an object")
            return list(known)
        return [phrase for phrase in said if phrase.meaning != "pronoun"]

    def _check_same(self, objects: list[Phrase], clause: Clause) -> None:
        """Refuse a clause about other things than the task so far: one scene has one goal."""
        if self._targets and not all(any(o.matches(t) for t in self._targets) for o in objects):
            raise self._two_goals(clause)

    def _two_goals(self, clause: Clause) -> DesignError:
        return refuse(self._text, f'asks for two things; the second begins at "{clause.verb or "and"}"',
                      'Give one goal to a scene, e.g. "put the apple in the bowl"')  # fmt: skip

    # Clauses

    def _describe(self, clause: Clause) -> None:
        """A clause that says what there is and where."""
        for slot in clause.slots:
            if slot.relation == "":
                for phrase in slot.phrases:
                    if phrase.meaning in ("object", "refused"):
                        self._add_context(phrase)
        subjects = [p for s in clause.slots if s.relation == "" for p in s.phrases if p.meaning == "object"]
        subjects = subjects or self._targets[:1]
        for slot in clause.slots:
            if slot.relation != "":
                self._locate(slot, subjects[0] if subjects else None)

    def _act(self, clause: Clause) -> None:
        """A clause that asks for something."""
        if self._part is not None:
            raise self._two_goals(clause)
        objects = self._objects(clause)
        if clause.verb_class in ("open", "close"):
            self._open(clause, objects)
            return
        for phrase in objects:
            if phrase.meaning == "refused":
                raise refuse(phrase.text, f"{_REASON['object']} {phrase.category}", _INSTEAD.get(phrase.category))
            if phrase.meaning in ("support", "style"):
                raise refuse(phrase.text, "cannot be picked up: everything else stands on it or in it")
            if phrase.meaning == "mark":
                raise refuse(phrase.text, "is drawn on the table, so that nothing can move it")
        if clause.verb_class == "swap":
            self._swap(clause, objects)
            return
        if self._goal is not None and self._is_other(objects) and clause.verb_class not in ("be", "hold", "release"):
            self._next_goal(clause)
        goal_slot, others = self._split(clause)
        family = self._family_of(clause, goal_slot)
        self._pushing = clause.verb_class == "push"
        self._pushed = self._pushed or self._pushing
        self._placed = self._placed or clause.verb_class != "push"
        if self._family == "place" or (self._family and family == "pick" and clause.slots and self._is_other(objects)):
            raise self._two_goals(clause)
        if self._family is None:
            self._targets = [self._take_from_context(phrase) for phrase in objects]
        else:
            self._check_same(objects, clause)
        self._family, self._verb = family, clause.verb
        if family == "place" and goal_slot is not None:
            self._set_goal(goal_slot)
        for slot in others:
            self._locate(slot, slot.anchor or self._targets[0])
        for spot in clause.spots:
            if spot != "up":
                self._warnings.append(f'"{spot}" has no effect: positions are drawn')
        self._verb_class = clause.verb_class

    def _open(self, clause: Clause, objects: list[Phrase]) -> None:
        """A part of a thing is to be moved to one end of its way."""
        if len(objects) > 1:
            raise refuse(" and ".join(p.text for p in objects), "are several, and a scene has one part to be opened or "
                         "closed", 'Name one, e.g. "open the top drawer"')  # fmt: skip
        verb: Literal["open", "close"] = "open" if clause.verb_class == "open" else "close"
        target, self._part = openings.resolve(objects[0], verb, self._opened)
        self._targets, self._family, self._verb, self._verb_class = [target], verb, verb, verb
        for slot in clause.slots:
            if slot.relation != "":
                self._locate(slot, target)
        for spot in clause.spots:
            self._warnings.append(f'"{spot}" has no effect: positions are drawn')

    def _next_goal(self, clause: Clause) -> None:
        """Put the goal so far aside: the clause is about other things. One without a verb goes on with the last."""
        assert self._goal is not None
        relation, where = self._goal
        self._goals += [GoalPhrase(target, relation, where) for target in self._targets]
        self._targets, self._goal, self._family = [], None, None
        if not clause.verb:
            clause.verb, clause.verb_class = self._verb, "push" if self._pushed else "place"

    def _swap(self, clause: Clause, objects: list[Phrase]) -> None:
        """Two things change places."""
        others = [phrase for slot in clause.slots if slot.relation in ("with", "for") for phrase in slot.phrases]
        both = [*objects, *(phrase for phrase in others if phrase.meaning != "pronoun" and phrase.noun != "other")]
        if self._family is not None or self._goals:
            raise self._two_goals(clause)
        if len(both) != 2 or any(phrase.count > 1 or phrase.meaning != "object" for phrase in both):
            raise refuse(" and ".join(phrase.text for phrase in both), "are not two things that could change places",
                         'Name two, e.g. "swap the apple and the cube"')  # fmt: skip
        first, second = (self._take_from_context(phrase) for phrase in both)
        self._goals, self._targets = [GoalPhrase(first, "at", second), GoalPhrase(second, "at", first)], [first, second]
        self._family, self._verb, self._verb_class = "rearrange", clause.verb, "swap"
        for slot in clause.slots:
            if slot.relation not in ("", "with", "for"):
                self._locate(slot, slot.anchor or first)

    def _is_other(self, objects: list[Phrase]) -> bool:
        return not all(any(o.matches(t) for t in self._targets) for o in objects)

    def _take_from_context(self, phrase: Phrase) -> Phrase:
        """A target that was already mentioned is not a second thing."""
        for known in self._context:
            if phrase is known or (phrase.definite and phrase.matches(known)):
                index = self._context.index(known)
                if known.count > 1 and phrase.count == 1:
                    # "There are two blocks. Put the red one ...": one of them is told apart, the rest is still there.
                    self._context[index] = replace(known, count=known.count - 1)
                    return phrase
                del self._context[index]
                return self._refined(known, phrase)
        return phrase

    def _refined(self, known: Phrase, phrase: Phrase) -> Phrase:
        """An earlier mention with the adjectives that a later one adds, in the relations as well."""
        refined = known.refined(phrase)
        self._relations = [
            (refined if first is known else first, predicate, refined if second is known else second)
            for first, predicate, second in self._relations
        ]
        return refined

    def _split(self, clause: Clause) -> tuple[Slot | None, list[Slot]]:
        """The slot that says where the object goes, if any, and all others."""
        slots = [slot for slot in clause.slots if slot.relation != ""]
        goals = [
            slot for slot in slots
            if slot.relation in _ON_IN and not slot.given and slot.phrases[0].meaning not in ("support", "style")
        ]  # fmt: skip
        directed = [slot for slot in goals if slot.relation in _DIRECTED]
        if not goals and clause.verb_class in ("place", "move", "push", "go"):
            goals = [
                slot for slot in slots
                if slot.relation in _BESIDE and not slot.given and slot.phrases[0].meaning in ("object", "pronoun")
                and not slot.phrases[0].guessed
            ][:1]  # fmt: skip
        resting = clause.verb_class in ("pick", "hold") or clause.verb in ("find", "fetch")
        if resting or (clause.verb_class == "want" and not clause.modal and not goals):
            goals = directed
        if len(directed) > 1 and len({slot.phrases[0] for slot in directed}) > 1:
            raise refuse(
                " and ".join(f"{slot.said} {slot.phrases[0].text}" for slot in directed),
                "are two places to go, and one thing has one goal",
                f'Name one, e.g. "{EXAMPLES[0]}"',
            )
        if len(goals) > 1:
            goal = directed[0] if len(directed) == 1 else goals[0]
            other = next(slot for slot in goals if slot is not goal)
            self._warnings.append(
                f'read as: the goal is "{goal.said} {goal.phrases[0].text}", '
                f'and "{other.said} {other.phrases[0].text}" says where things are'
            )
        else:
            goal = goals[0] if goals else None  # type: ignore[assignment]
        return goal, [slot for slot in slots if slot is not goal]

    def _family_of(self, clause: Clause, goal: Slot | None) -> Family:
        """The task of a clause, or the reason why it has none."""
        if goal is not None:
            return "place"
        if clause.verb_class in ("pick", "fetch", "hold", "want") and not (
            clause.modal and clause.verb_class == "want"
        ):
            if any(slot.relation == "to" and not slot.given for slot in clause.slots):
                self._refuse_goal(clause)
            if any("left" in s or "right" in s or "ward" in s for s in clause.spots) and clause.verb == "take":
                self._refuse_goal(clause)
            return "pick"
        if clause.verb_class == "":
            first = " ".join(phrase.text for slot in clause.slots[:1] for phrase in slot.phrases)
            raise puzzled(first or self._text, "has no verb and no place to go, so that there is nothing to do")
        if self._family == "pick" and clause.verb_class == "release":
            return "pick"
        self._refuse_goal(clause)
        raise AssertionError("unreachable")  # pragma: no cover

    def _refuse_goal(self, clause: Clause) -> None:
        """Say why a placing clause has no goal that can be built."""
        target = self._objects(clause)[0].text
        offer = f'Say "put the {target} on ..." or "in ..." something, or "pick up the {target}"'
        for slot in clause.slots:
            said = f"{slot.said} {slot.phrases[0].text}"
            if slot.relation in _ON_IN and slot.phrases[0].meaning in ("support", "style"):
                raise refuse(said, "is where everything stands already, so that it is no goal", offer)
        for slot in clause.slots:
            said = f"{slot.said} {slot.phrases[0].text}"
            if slot.relation in _BESIDE or slot.relation in ("under", "over", "between"):
                remedy = f'Ask for on or in instead, e.g. "put the {target} on the plate", or "pick up the {target}"'
                raise refuse(said, "is a goal this release cannot build: things go on or in another", remedy)
        for spot in clause.spots:
            said = f"{clause.verb} {target} {spot}" if clause.verb_class == "push" else spot
            raise refuse(said, "is a goal this release cannot build: things go on or in another", offer)
        raise puzzled(f"{clause.verb} {target}", "does not say where it goes", offer)

    def _set_goal(self, slot: Slot) -> None:
        if len(slot.phrases) > 1:
            raise refuse(" and ".join(p.text for p in slot.phrases), "are two places to go, and one thing has one goal",
                         'Name one, e.g. "put the apple in the bowl"')  # fmt: skip
        before = [goal.receptacle for goal in self._goals]
        phrase = self._antecedent(slot.phrases[0], [*before, *(p for p in self._context if p not in self._targets)])
        lying = {goal.target: goal.receptacle for goal in self._goals if goal.predicate in ("on", "in", "to")}
        if phrase.meaning == "refused":
            raise refuse(phrase.text, f"{_REASON['goal']} {phrase.category}", _INSTEAD.get(phrase.category))
        if phrase.guessed and phrase.noun in verbs.PARTS:
            raise refuse(f"{slot.said} {phrase.text}", "does not say of what")
        if slot.relation == "middle":
            self._warnings.append(f'"{slot.said}" means anywhere on or in the {phrase.text}')
        if phrase.count > 1:
            self._warnings.append(f'"{phrase.text}" is one receptacle in this scene')
            phrase = replace(phrase, count=1)
        known = next((p for p in self._past() if phrase == p or (phrase.definite and phrase.matches(p))), None)
        phrase = self._take_from_context(phrase) if known is None else known
        relation: GoalPredicate | Literal["to"] = _ON_IN.get(slot.relation) or _BESIDE[slot.relation]
        if self._pushing:
            relation = self._push_relation(slot, phrase)
        elif relation in _BESIDE.values():
            phrase = lying.get(phrase, phrase)  # beside what lies on a plate is beside the plate
        elif phrase.meaning == "mark":
            relation = "on"
        self._goal = (relation, phrase)

    def _push_relation(self, slot: Slot, phrase: Phrase) -> GoalPredicate:
        """What pushing can reach: a mark, or a place beside something."""
        if phrase.meaning == "mark":
            return "on"
        if slot.relation in _BESIDE:
            return _BESIDE[slot.relation]
        if slot.relation == "to":
            return "next_to"
        raise refuse(f"{slot.said} {phrase.text}", "cannot be reached by pushing: nothing is lifted",
                     f'Say "put the {self._targets[0].text} {slot.said} it", or push it next to it')  # fmt: skip

    def _locate(self, slot: Slot, subject: Phrase | None) -> None:
        """A slot that says where something is at the beginning, or names what is there as well."""
        for said in slot.phrases:
            if slot.relation == "with" and said.category == vocabulary.LIVING:
                continue  # "with the gripper": there is no other way
            if slot.said == "using":
                raise refuse(f"using {said.text}", "asks for a tool, and the arm has only its gripper")
            if slot.relation in ("for", "without", "over") and said.meaning != "support":
                self._warnings.append(f'"{slot.said} {said.text}" has no effect')
                continue
            if said.meaning == "pronoun":
                self._relate(subject, slot, (self._targets or [said])[0])
            elif said.meaning == "support":
                self._support = self._support if self._support not in (None, "table") else said.category
            elif said.meaning == "style":
                self._style = said.category
            elif said.noun in verbs.PARTS or said.noun in ("finger", "gripper", "hand", "arm", "lid", "handle", "top"):
                self._warnings.append(f'"{slot.said} {said.text}" has no effect')
            else:
                if slot.relation == "with" and not _AROUND.search(self._text):
                    self._warnings.append(f'"with {said.text}" is read as: the {said.text} is there too')
                phrase = self._add_context(said)
                if phrase is not None:
                    self._relate(subject, slot, phrase)

    def _add_context(self, phrase: Phrase) -> Phrase | None:
        if phrase.meaning == "refused":
            self._warnings.append(f'"{phrase.text}" is left out: it {phrase.category}')
            return None
        return self._mention(phrase)

    def _relate(self, subject: Phrase | None, slot: Slot, other: Phrase) -> None:
        """Record an initial relation, or that there is none of the kind."""
        if subject is not None and subject.meaning != "object":
            subject = self._targets[0] if self._targets else None
        if slot.relation in _BESIDE and subject is not None and subject != other and other.meaning == "object":
            self._relations.append((self._known(subject), _BESIDE[slot.relation], self._known(other)))
        elif slot.relation != "with":
            self._warnings.append(
                f'"{slot.said} {other.text}" is not laid out: the {other.text} stands on the table by itself'
            )

    def _known(self, phrase: Phrase) -> Phrase:
        """The recorded mention of a phrase, so that relations name things that exist."""
        for known in [*self._targets, *([self._goal[1]] if self._goal else []), *self._context]:
            if phrase == known or phrase.matches(known):
                return known
        return self._mention(phrase)


__all__ = ["OFFER", "Request", "parse"]
