"""The words of Open and Close: "pull the top drawer of the cabinet open" -> open, a drawer unit, its top drawer.

:func:`rewritten` brings the many ways of asking into one order of words, and :func:`resolve` finds the thing and its
part. The thing is one of the catalogue's that open: in every other sentence the same noun may mean something else ("put
the apple in the box") or nothing that can be built.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from gen3d_envs.design import verbs, vocabulary
from gen3d_envs.design.phrases import Phrase, object_phrase
from gen3d_envs.design.tables import table
from gen3d_envs.design.text import lookup, refuse, singular

Verb = Literal["open", "close"]

THINGS = table("""
drawer_unit: drawer unit, drawer box, unit
cabinet: cabinet, cupboard, wall cabinet, medicine cabinet, key cabinet
microwave: microwave, microwave oven
lidded_box: box, lidded box
laptop: laptop, laptop computer
""")
"""Word -> category of what opens."""

LOOSE_THINGS = table("""
drawer_unit: desk organizer, desk organiser, dresser
cabinet: locker, safe, closet, first aid box
microwave: oven, toaster oven
lidded_box: chest, treasure chest, jewelry box, jewellery box, toolbox, tool box, casket, crate, toy box, gift box,
  container, trunk, storage box, lunch box, lunchbox, case
laptop: computer, macbook, chromebook, notebook computer
""")
"""Word -> category that stands in for it; with a warning."""

PARTS: dict[str, dict[str, str]] = {
    "door": {"cabinet": "door", "microwave": "door"},
    "lid": {"lidded_box": "lid", "laptop": "screen"},
    "cover": {"lidded_box": "lid", "laptop": "screen"},
    "screen": {"laptop": "screen"},
    "display": {"laptop": "screen"},
    "drawer": {"drawer_unit": "drawer", "cabinet": "drawer"},
}
"""Word for a part -> categories that have one, and its name there. A cabinet with drawers is a drawer unit."""

PART_OF = {
    "cabinet": "door", "microwave": "door", "lidded_box": "lid", "laptop": "screen", "drawer_unit": "drawer"
}  # fmt: skip
"""What is opened of a thing where no part is said."""

_ALONE = {"door": ("cabinet", "microwave"), "lid": ("lidded_box",), "screen": ("laptop",), "drawer": ("drawer_unit",)}
"""Part that is said without a thing -> categories that it may be of."""

_SAME = {"cover": "lid", "display": "screen"}
_PLAIN = {"drawer_unit": "drawer unit", "lidded_box": "box"}
_TOP = ("top", "upper", "uppermost", "topmost", "highest", "first")
_ELSEWHERE = (
    "bottom", "lower", "lowest", "lowermost", "middle", "center", "centre", "second", "third", "fourth", "last", "left",
    "right", "next", "other",
)  # fmt: skip
_OFFER = 'Say e.g. "open the top drawer", "close the microwave", "open the box" or "open the laptop"'

_ADVERBS = "|".join(sorted(verbs.ADVERBS - {"up", "down"}, key=len, reverse=True))
_NOUN = (
    r"(?:drawers?|doors?|lids?|screens?|laptops?|cabinets?|cupboards?|microwaves?|ovens?|box(?:es)?|chests?|covers?"
    r"|units?)"
)
_THING = rf"(?P<np>(?:the |a |an |this |that |your |my )?(?:[a-z0-9']+ ){{0,6}}?{_NOUN})"
_STATE = r"(?P<state>opened|open|shut|closed)\b"
_MUST = r"(?:should|must|shall|has to|have to|needs to|need to|ought to|is to|will)"
_FORMS: tuple[tuple[str, Verb | None], ...] = (
    (r"(?:open|opens|opening)(?: up)? (?P<np>.+?)(?: up)?(?P<rest>)", "open"),
    (r"(?:close|closes|closing|shut|shuts|shutting)(?: up| down)? (?P<np>.+?)(?P<rest>)", "close"),
    (rf"(?:pull|pulling|slide|sliding|swing|swinging|push|flip|lift|tug|draw|fold|pry|prise) {_STATE} {_THING}"
     r"(?P<rest>.*)", None),
    (rf"(?:pull|pulling|slide|sliding|swing|swinging|push|pushing|flip|lift|tug|draw|fold|move|press) {_THING}"
     rf"(?: wide| back)? {_STATE}(?P<rest>.*)", None),
    (r"(?:pull|pulling|slide|sliding|draw|tug) out (?P<np>(?:[a-z0-9']+ ){0,5}?drawers?)(?P<rest>.*)", "open"),
    (r"(?:pull|pulling|slide|sliding|draw|tug) (?P<np>(?:[a-z0-9']+ ){0,5}?drawers?) (?:out|outwards)(?P<rest>.*)",
     "open"),
    (r"(?:push|pushing|slide|sliding|press|shove) in (?P<np>(?:[a-z0-9']+ ){0,5}?drawers?)(?P<rest>.*)", "close"),
    (r"(?:push|pushing|slide|sliding|press|shove) (?P<np>(?:[a-z0-9']+ ){0,5}?drawers?) (?:back in|in|inwards|back)"
     r"(?P<rest>.*)", "close"),
    (r"(?:lift|lifting|raise|raising)(?: up)? (?P<np>(?:[a-z0-9']+ ){0,5}?(?:lid|cover|screen))(?: up)?(?P<rest>.*)",
     "open"),
    (r"(?:lower|lowering|put down|fold down) (?P<np>(?:[a-z0-9']+ ){0,5}?(?:lid|screen))(?: down)?(?P<rest>.*)",
     "close"),
    (r"unfold(?:ing)? (?P<np>(?:[a-z0-9']+ ){0,5}?(?:laptop|screen)(?: computer)?)(?P<rest>.*)", "open"),
    (rf"(?:want|get|getting|have) {_THING} (?:to be )?{_STATE}(?P<rest>.*)", None),
    (rf"{_THING} {_MUST} (?:be|stand|stay|get) {_STATE}(?P<rest>.*)", None),
)  # fmt: skip
_READERS = tuple((re.compile(rf"(?:(?:{_ADVERBS}) )*{form}"), verb) for form, verb in _FORMS)
_ENSURED = re.compile(
    rf"^(?:.*? )?(?:make sure|ensure|see to it|check)(?: that)? {_THING} (?:is|are|gets|stands) {_STATE}(?P<rest>.*)$"
)
_HANDLE = r"(?: handle| knob| grip)"
_HELD = re.compile(
    r"^(?:grab|grasp|grip|hold|take|take hold of|reach for|use) (?:the |its |a )?"
    r"(?:(?P<whole>(?:[a-z0-9']+ )*?)(?:handle|knob|grip)(?: (?:of|on) the (?P<other>[a-z0-9' ]+?))?)"
    r"(?: ,)?,? (?:and then|and|then|to) (?P<rest>(?:open|close|shut|pull|push|slide|swing|lift)\b.*)$"
)
_THERE = re.compile(
    rf"^there(?: is|'s) (?:a |an ){_THING}(?P<where>[a-z' ]*?) ?[.;,] ?(?:then |please |now )?"
    r"(?P<verb>open|close|shut) (?:it|the (?:drawer|door|lid|screen))$"
)
_PLAIN_WORD = r"(?:(?!(?:the|a|an|this|that|your|my|its|all|both|each|every) )[a-z]+ )?"
_OF = re.compile(
    rf"\b(?P<part>{_PLAIN_WORD}(?:door|lid|cover|screen|display|drawers?)) (?:of|from|to|on) "
    rf"(?:the|a|an|this|that|your|my|its) "
    rf"(?P<whole>(?:[a-z]+ ){{0,4}}?{_NOUN}(?: oven| computer| unit)?|drawer unit)\b"
)
_WHOSE = re.compile(
    rf"\b(?P<part>{_PLAIN_WORD}(?:door|lid|cover|screen|display|top|cap)) of (?:the|a|an|this|that|your|my) "
    r"(?P<whole>[a-z' ]+?)(?= (?:next|in|on|beside|near|behind|with|at|by|and)\b|[ ,.;]*$)"
)
_BY_HANDLE = re.compile(rf" (?:by|with|using|at) (?:the|its)(?: [a-z]+)?{_HANDLE}\b| handle$")
_AFTER = re.compile(
    r"(?: ,)?,? (?:and|then|and then) (?:leave|keep) it(?: (?:open|closed|shut|that way|like that|there|so))?$"
    r"|(?: ,)?,? (?:and|then|and then) (?:let go|stop|release it|let it go|let go of it|back off|move away)$"
)
_WHOLLY = re.compile(
    r" (?:all the way|completely|fully|entirely|wide|wide open|as far as possible|as far as it goes|to the end|again)\b"
)
_PARTLY = re.compile(
    r"\b(?:half ?way|half(?: open| closed)?|a little(?: bit)?|a bit|slightly|partially|partly|a crack|ajar"
    r"|(?:to |by )?\d+ ?(?:cm|mm|degrees?|percent))\b"
)


class Opening(NamedTuple):
    """What is to be opened or closed: the thing, the part, and whether that is the top one of several drawers."""

    target: Phrase
    part: str


def rewritten(plain: str, polite: str) -> tuple[Verb, str] | None:
    """A sentence about opening or closing in the one order "open | the thing, and where it is".

    Args:
        plain: the normalised sentence without the words that only address the robot.
        polite: the same with them.

    Returns:
        What is asked for and what follows the verb; None where the sentence is about something else.

    Raises:
        DesignError: it says how far.
    """
    text = _AFTER.sub("", plain)
    polite = polite.rstrip(" .!?;:,")
    for _ in range(2):
        text = _AFTER.sub("", _BY_HANDLE.sub("", text).rstrip(" ,"))
    there, held, ensured = _THERE.match(text), _HELD.match(text), _ENSURED.match(polite)
    if there is not None:
        verb: Verb = "open" if there["verb"] == "open" else "close"
        return _checked(verb, f"the {there['np']}{there['where']}")
    if held is not None:
        thing = " ".join((held["other"] or held["whole"] or "").split())
        text = held["rest"] if not thing else re.sub(r"\bit\b", f"the {thing}", held["rest"])
    if ensured is not None:
        return _checked(_verb(ensured["state"]), ensured["np"] + ensured["rest"])
    for form, said in _READERS:
        match = form.fullmatch(text)
        if match is not None:
            return _checked(said or _verb(match["state"]), match["np"] + match["rest"])
    return None


def _verb(state: str) -> Verb:
    return "open" if state.startswith("open") else "close"


def _checked(verb: Verb, rest: str) -> tuple[Verb, str]:
    far = _PARTLY.search(rest)
    if far is not None:
        raise refuse(far.group(), "says how far, which cannot be asked for: things are opened or closed all the way",
                     f'Say "{verb} {_PARTLY.sub("", rest).strip()}"')  # fmt: skip
    rest = _WHOLLY.sub("", rest)
    for pattern in (_OF, _WHOSE):
        rest = pattern.sub(lambda found: f"{found['whole']} {found['part']}", rest)
    return verb, rest


def resolve(phrase: Phrase, verb: Verb, said: str) -> Opening:
    """The thing and the part that a noun phrase means behind "open" or "close".

    Args:
        phrase: what the phrase was read as: a refused noun or an unknown one too.
        verb: what is to be done.
        said: the sentence in the order of :func:`rewritten`.

    Raises:
        DesignError: the thing has nothing that opens, or a part that is not reached.
    """
    words = phrase.text.split()
    last = singular(words[-1])[-1]
    if phrase.count > 1 or last != words[-1] or re.match(r"(?:all|every|each|both|the two)\b", said):
        raise refuse(phrase.text, "are several, and a scene has one part to be opened or closed", _OFFER)
    part = words.pop() if words[-1] in PARTS else ""
    where = [word for word in words if word in (*_TOP, *_ELSEWHERE)] if part == "drawer" else []
    words = [word for word in words if word not in where]
    whole, category, others = _whole(words, anywhere=bool(part))
    notes = [f'"{whole}" is modelled as a {category.replace("_", " ")}'] if whole in LOOSE_THINGS else []
    if not category:
        options = _ALONE.get(_SAME.get(part, part), ())
        if not options or _names_another(words, part):
            raise refuse(phrase.text, "has no door, drawer, lid or screen that could be opened or closed", _OFFER)
        category, whole = options[0], _PLAIN.get(options[0], options[0])
        notes = [f'"{part}" is read as that of a {whole}'] if len(options) > 1 else []
    if part and category not in PARTS[part]:
        raise refuse(phrase.text, f"is not there: a {whole} has a {PART_OF[category]}", f'Say "{verb} the {whole}"')
    if part == "drawer" and category == "cabinet":
        notes = [f'"{whole}" with drawers is modelled as a drawer unit']
        category = "drawer_unit"
    if category != "drawer_unit":
        return Opening(object_phrase(whole, category, others, notes), PART_OF[category])
    beyond = [word for word in where if word in _ELSEWHERE]
    if beyond:
        raise refuse(f"{beyond[0]} drawer", "is not within reach: a gripper gets to the top drawer only",
                     f'Say "{verb} the top drawer"')  # fmt: skip
    return Opening(object_phrase("drawer unit", category, others, notes), "top_drawer" if where else "drawer")


def _whole(words: list[str], anywhere: bool) -> tuple[str, str, list[str]]:
    """The known thing among the words, its category, and the other words; empty where there is none.

    Args:
        words: without the part.
        anywhere: it need not be the last of them: "the blue box red lid".
    """
    for length in (3, 2, 1):
        for start in range(len(words) - length, -1, -1):
            said = " ".join(words[start : start + length])
            category = THINGS.get(said) or LOOSE_THINGS.get(said)
            if category is not None and (anywhere or start + length == len(words)):
                return said, category, [*words[:start], *words[start + length :]]
    return "", "", words


def category_of(words: list[str]) -> str | None:
    """What a description means where it is of something that opens; None where its noun is of nothing such."""
    return _whole(words, anywhere=False)[1] or None


def _names_another(words: list[str], part: str) -> bool:
    """Whether words before a part are another thing's name: "the bottle lid", "the fridge door"."""
    plain = (vocabulary.COLORS, vocabulary.MATERIALS, vocabulary.SIZES, vocabulary.HARMLESS, vocabulary.SELECTORS)
    places = () if part == "drawer" else (vocabulary.STYLES, vocabulary.SUPPORTS)
    return any(
        not any(word in known for known in plain) and (lookup(word) or any(word in known for known in places))
        for word in words
    )


__all__ = ["PARTS", "THINGS", "Opening", "category_of", "resolve", "rewritten"]
