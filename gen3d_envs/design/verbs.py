"""The verbs, prepositions and small words the rule-based designer knows."""

from __future__ import annotations

from typing import Literal

from gen3d_envs.design.tables import table, words
from gen3d_envs.design.vocabulary import LIQUID, SOFT

VerbClass = Literal[
    "pick", "place", "move", "push", "swap", "fetch", "be", "want", "go", "hold", "release", "open", "close"
]

NUMBERS = {
    word: number
    for number, word in enumerate(
        words("zero, one, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve")
    )
}
DETERMINERS = frozenset(
    words("""
    a, all, an, any, both, each, every, few, her, his, its, many, my, our, several, some, that, the, their, these,
    this, those, your
""")
)
"""Words that open a noun phrase."""

PLURAL_WORDS = frozenset(
    words("""
    all, both, each, every, few, many, several, some, these, those
""")
)
"""Determiners that mean several."""

PRONOUNS = frozenset(
    words("""
    anything, everything, it, one, ones, something, that, them, these, this, those
""")
)
"""Words that stand for a noun phrase."""

FILLERS = frozenset(
    words("""
    element, fruit, item, object, piece, product, shape, thing, toy, vegetable
""")
)
"""Nouns that add nothing to the word before them: "cube shape", "lemon fruit"."""

PARTS = frozenset(
    words("""
    back, base, bottom, center, centre, compartment, corner, edge, end, front, half, handle, inside, interior, left,
    middle, part, right, rim, side, surface, top
""")
)
"""Parts of things that are not told apart from the whole."""

MEASURES = frozenset(
    words("""
    bit, bunch, chunk, couple, group, head, lot, lots, lump, number, pair, piece, pile, plenty, row, set, slice,
    stack
""")
)
"""Words in front of "of" that count what follows."""

PREPOSITIONS = table("""
on: on, upon, on top of, atop, on the edge of
onto: onto, onto top of, on to
in: in, inside, inside of, within
into: into, in to, to the inside of
to: to, toward, towards, over to, up to
from: from, off, off of, out of, from inside, from on, from within, from the top of, from on top of, away from, up
  off
next_to: next to, beside, alongside, adjacent to, close to, near, near to, by, besides, closest to, against, on the
  side of
left_of: left of, to the left of, on the left of, on the left side of, to the left side of, at the left of
right_of: right of, to the right of, on the right of, on the right side of, to the right side of, at the right of
in_front_of: in front of, to the front of
behind: behind, in back of
with: with, using, surrounded by, along with, together with
of: of
at: at
between: between, among, around
under: under, underneath, below, beneath
over: over, above, across, through, along, past
for: for, about
without: without, and not
middle: in the middle of, in the center of, in the centre of, at the center of, on the middle of, on the center of
spot: on the left, on the right, to the left, to the right, in the middle, in the center, in the centre, at the
  front, at the back, in the back, in the front, in the corner, on the side, to the side, on the left side, on the
  right side, forward, backward, backwards, forwards
up: upwards, upward, into the air, in the air, off the ground, to the top, up into the air, up in the air
""")
"""Preposition as written -> relation. ``spot`` and ``up`` stand alone, without a noun after them."""

ADVERBS = frozenset(
    words("""
    accurately, afterwards, again, also, carefully, completely, directly, down, exactly, finally, firmly, fully,
    gently, here, immediately, just, kindly, lightly, nearby, neatly, now, only, please, precisely, quickly,
    quietly, safely, securely, simply, slowly, softly, straight, then, there, together, too, up, upwards
""")
)
"""Words that change neither the objects nor the goal."""

_CLASSES: dict[str, VerbClass] = {
    **dict.fromkeys(
        words("pick, lift, grab, take, grasp, raise, grip, retrieve, collect, elevate, hoist, seize, clutch"), "pick"
    ),
    **dict.fromkeys(words("get, fetch, bring, find"), "fetch"),
    **dict.fromkeys(words("""
    put, place, set, drop, deposit, lay, position, stick, insert, stow, store, stack, pile, load, plop, add, leave,
    rest, dump, relocate, transfer, carry, deliver, return, pack, sort
    """), "place"),
    **dict.fromkeys(words("move, shift"), "move"),
    **dict.fromkeys(words("push, slide, shove, nudge"), "push"),
    **dict.fromkeys(words("swap, exchange"), "swap"),
    **dict.fromkeys(words("go, belong"), "go"),
    **dict.fromkeys(words("want, need"), "want"),
    **dict.fromkeys(words("be, lie, sit, stand, contain"), "be"),
    **dict.fromkeys(words("hold, keep"), "hold"),
    "release": "release",
}  # fmt: skip
_IRREGULAR = table("""
take: took, taken
bring: brought
get: getting
put: putting
set: setting
drop: dropped, dropping
swap: swapped, swapping
grab: grabbed, grabbing
grip: gripped, gripping
plop: plopped, plopping
lay: laid
stick: stuck
transfer: transferred, transferring
carry: carried, carries
go: goes
be: is, are, was, were, been, being, located
lie: lying
sit: sitting
hold: held
keep: kept
""")


def _forms() -> dict[str, str]:
    """Written form -> base form of every verb; an irregular form wins over a regular one."""
    forms: dict[str, str] = {}
    for base in _CLASSES:
        stem = base.removesuffix("e")
        for form in (base, base + "s", stem + "ed", stem + "ing"):
            forms.setdefault(form, base)
    # "The apple resting on the plate" says where it is, although "rest it on the plate" says where it goes.
    return forms | _IRREGULAR | {"resting": "lie", "rests": "lie"}


VERBS: dict[str, tuple[VerbClass, str]] = {form: (_CLASSES[base], base) for form, base in _forms().items()}
"""Written form -> class and base form."""

OPENING: dict[str, tuple[VerbClass, str]] = {"open": ("open", "open"), "close": ("close", "close")}
"""Verbs that ``design.openings`` puts in front; elsewhere in a sentence "open" is an adjective or a second task."""

_MOTION = (
    "is a manipulation this release cannot build: it picks, places, stacks, pushes, sorts, rearranges, opens and closes"
)
UNSUPPORTED_VERBS = {
    **dict.fromkeys(
        words("""
    pull, drag, poke, turn, rotate, twist, flip, press, arrange, wipe,
    sweep, clean, cut, slice, screw, unscrew, plug, unplug, knock, tip, roll, throw, toss, align,
    hang, give, hand, pass, cover, assemble, build, tie, shake, spread, squeeze, tilt, touch, reach, point, switch,
    tidy, organize, organise, remove, separate, unstack, hide, spin, peel, cook, wash, write, draw, erase, hammer,
    drill, toggle, stop, start, count, rearrange, unload, unpack, straighten, balance, catch, kick, hit, serve,
    feed, crush, break, smash, roll, uncover, unlock, lock, pry, chop, mash, toast, dry, rub, scrub, swipe,
    topple, level, line, gather, clear, set-up, follow, search, inspect, look, watch, scan, approach, play
    """),
        _MOTION,
    ),
    **dict.fromkeys(words("open, close, shut"), 'is a task of its own: say it alone, e.g. "open the top drawer"'),
    **dict.fromkeys(
        words("""
    pour, fill, empty, stir, mix, drink, sprinkle, scoop, water, spill, dip, splash, drain
    """),
        f"handles what {LIQUID}",
    ),
    **dict.fromkeys(
        words("""
    fold, unfold, wrap, crumple, knit, unroll, bend, stretch
    """),
        f"handles what {SOFT}",
    ),
}
"""Verb -> why it cannot be done."""
UNSUPPORTED_VERBS |= {
    stem + ending: reason
    for verb, reason in UNSUPPORTED_VERBS.items()
    for stem, ending in ((verb.removesuffix("e"), "ing"), (verb + verb[-1], "ing"))
}

NEGATIONS = frozenset(
    words("""
    avoid, can't, cannot, doesn't, don't, dont, except, neither, never, no, nor, not, nothing, shouldn't, unless,
    without, won't
""")
)
"""Words that say what not to do."""

CONDITIONS = frozenset(
    words("""
    after, although, as, because, before, but, either, if, instead, or, since, so, than, though, until, when,
    whenever, whether, while
""")
)
"""Words that make a condition, an order or an alternative."""

UNITS = frozenset(
    words("""
    centimeter, centimeters, centimetre, centimetres, cm, degree, degrees, inch, inches, m, meter, meters, mm,
    second, seconds, times
""")
)
"""Units of measure."""

NO_NOUNS = frozenset(
    words("""
    other, another, each, closer, further, higher, lower,
    case, did, favor, favour, her, him, know, make, not, order, say, tell, them, they, think, time, times, way,
    what, who, you
""")
)
"""Words that are never an unknown noun."""

ORIENTATIONS = ("upside down", "sideways", "on its side", "upright", "the right way up", "face down", "face up")
"""Orientation words: as a goal they are refused."""
