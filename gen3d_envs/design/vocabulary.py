"""The words the rule-based designer knows.

Three kinds of nouns: exact names of a category (:data:`NOUNS`), names of something else that a category stands in for,
which is recorded as a warning (:data:`LOOSE_NOUNS`), and names of what no scene can hold (:data:`REFUSED_NOUNS`). Tables
are written as text, one category a line, because they are read and extended more often than they are executed.
"""

from __future__ import annotations

from typing import Literal

VerbClass = Literal["pick", "place", "move", "fetch", "be", "want", "go", "hold", "release"]


def _table(text: str) -> dict[str, str]:
    """Lines of ``name: word, word, ...`` as a dictionary from word to name; the name itself is a word of its own."""
    words: dict[str, str] = {}
    for line in text.strip().splitlines():
        name, _, rest = line.partition(":")
        name = name.strip()
        words.setdefault(name.replace("_", " "), name)
        for word in rest.split(","):
            if word.strip():
                words[word.strip()] = name
    return words


NOUNS = _table("""
mug: coffee mug, tea mug, beer mug, travel mug
cup: teacup, tea cup, coffee cup, drinking cup, tumbler, sippy cup, measuring cup, espresso cup
bowl: soup bowl, salad bowl, cereal bowl, mixing bowl, fruit bowl, rice bowl
plate: dish, dinner plate, dessert plate, platter, salad plate, side plate, serving plate
saucer: cup saucer
bottle: water bottle, soda bottle, sauce bottle, ketchup bottle, mustard bottle, shampoo bottle, flask, wine bottle, milk bottle, squeeze bottle, drink bottle, oil bottle, beer bottle, soap bottle, spray bottle
can: soda can, coke can, pepsi can, sprite can, beer can, cola can, soup can, tin can, tin, coke, pepsi, cola, soda, 7up can, 7up, seven up, redbull can, red bull can, redbull, red bull, drink can, tuna can, food can
jar: jam jar, cookie jar, storage jar, honey jar, mason jar
vase: flower vase
box: crate, container, carton, storage box, packing box, shoebox, shoe box, toy box, bin box, lunch box, lunchbox, tissue box, tool box, toolbox
tray: serving tray, tray table, baking tray, tea tray, food tray
basket: hamper, fruit basket, bread basket, laundry basket
colander: strainer, sieve
cutting_board: chopping board, bread board, breadboard, cuttingboard, chopping block, cheese board
book: textbook, text book, novel, paperback, hardcover, hardback, storybook, cookbook, dictionary
notebook: notepad, diary, exercise book, sketchbook, sketch book, note book, journal
mousepad: mouse pad, mouse mat, mousemat
placemat: place mat, table mat, tablemat
coaster: drink coaster, beer mat
towel: dish towel, hand towel, kitchen towel, tea towel, washcloth, folded towel
pot: saucepan, sauce pan, cooking pot, stockpot, stock pot, stew pot, casserole, soup pot, saucepot
pan: skillet, frying pan, fry pan, frypan, frying skillet
bucket: pail, bin, trash bin, trash can, waste bin, garbage can, garbage bin, wastebasket, waste basket
spoon: tablespoon, teaspoon, soup spoon, tea spoon, table spoon, serving spoon, measuring spoon
fork: dinner fork, salad fork
knife: butter knife, kitchen knife, table knife, steak knife, bread knife, paring knife
spatula: turner, flipper
whisk: egg whisk, egg beater
pen: ballpoint, ballpoint pen, ball pen, biro, fountain pen, ink pen, gel pen
marker: marker pen, sharpie, felt tip, felt tip pen, highlighter, whiteboard marker, text marker
pencil: coloured pencil, colored pencil, lead pencil
eraser: pencil eraser
screwdriver: screw driver
hammer: claw hammer, mallet
wrench: spanner
pliers: plier, pincers
clamp: spring clamp
brick: lego, lego brick, toy brick, lego block
cube: toy cube, cube block
block: toy block, building block, rectangular block, cuboid, jenga block
cylinder: cylinder block
ball: bouncy ball, toy ball, sphere, ping pong ball, pingpong ball, golf ball
tennis_ball: tennisball
die: dice
chess_pawn: pawn, chess piece, chessman, chess pawn piece
chess_rook: rook, chess tower, castle piece
chess_king: king, king piece
toy_duck: rubber duck, duck, ducky, rubber ducky, bath duck, duckling
toy_bear: teddy, teddy bear, bear, stuffed bear, plush bear
toy_car: car, race car, matchbox car, racecar, model car
toy_fish: fish, goldfish
toy_dinosaur: dinosaur, dino, toy dino, t rex
ring_stack: stacking rings, ring tower, ring stacker
apple: granny smith, granny smith apple
orange: orange fruit, navel orange
lemon: citron
lime: lime fruit
pear:
peach:
banana:
strawberry:
tomato:
potato: spud
onion:
carrot:
cucumber:
eggplant: aubergine, brinjal
broccoli: broccoli floret, broccoli head
corn: maize, corn cob, corncob, sweetcorn, sweet corn, ear of corn
mushroom: champignon
pepper: bell pepper, capsicum, paprika, sweet pepper
bread: loaf, bread loaf, loaf of bread, toast
bun: bread roll, roll, dinner roll, burger bun, hamburger bun
croissant:
donut: doughnut
egg: hen egg, chicken egg, boiled egg
cup_cake: cupcake, muffin
teapot: tea pot, coffee pot, coffeepot
kettle: tea kettle, water kettle
pepper_grinder: pepper mill, pepper shaker, peppermill
salt_shaker: saltshaker, salt cellar
sponge: dish sponge, kitchen sponge, scrubber, scouring pad
soap: soap bar, bar of soap, hand soap
tape: duct tape, sticky tape, masking tape, adhesive tape, scotch tape, tape roll, packing tape, roll of tape
computer_mouse: mouse, wireless mouse, pc mouse
stapler:
battery: aa battery, battery cell
candle: tea light, pillar candle
""")
"""Word or compound -> category, for names that mean that category."""

LOOSE_NOUNS = _table("""
cup: glass, beaker, wine glass, goblet, chalice, drinking glass, water glass, ramekin
mug: jug, pitcher, tankard, thermos
bottle: ketchup, mustard, shampoo, lotion, detergent, dish soap, spray, sanitizer
jar: jam, honey, pickle jar, peanut butter
box: caddy, package, parcel, case, chest, pencil case, milk carton, tin box, desk caddy, cereal, cereal box, milk box, juice box
tray: rack, dish rack, organizer, baking sheet
basket: net, bag, shopping basket
cutting_board: board, wooden board, slab
book: magazine, binder, folder, bible, menu
towel: cloth, rag, napkin, dishcloth, tablecloth, handkerchief, tissue, cleaning cloth, mat, rug
pot: wok, pressure cooker, cauldron, dutch oven
bucket: tub, planter, flower pot, flowerpot
spoon: ladle, scoop
fork: chopstick, chopsticks, skewer
spatula: paddle, brush, tongs
marker: crayon, chalk, chalk stick, paint brush, paintbrush, lipstick
screwdriver: drill, chisel
pliers: scissors, shears, cutter, tweezers
block: domino, wooden piece, triangle block, wedge, prism
can: drink, beer
cylinder: tube, pipe, rod, peg
ball: marble, globe, basketball, football, baseball, soccer ball, bead
toy_bear: plush, plush toy, plushie, stuffed animal, stuffed toy, doll, panda
toy_car: truck, bus, toy truck, vehicle, train
toy_dinosaur: dragon, lizard, crocodile
toy_duck: bird, chicken toy, toy chicken
toy_fish: shark, whale, dolphin
apple: nectarine, pomegranate
orange: mandarin, tangerine, clementine, grapefruit, satsuma
peach: apricot, plum, mango
pear: avocado
cucumber: zucchini, courgette, pickle, gherkin, squash
potato: sweet potato, yam, ginger
onion: garlic, shallot, turnip, radish
carrot: parsnip, chili, chilli, hot pepper
broccoli: cauliflower, cabbage, lettuce
bread: baguette, sandwich, cake
bun: burger, hamburger, bagel, biscuit, cookie
strawberry: cherry, raspberry
tomato: cherry tomato, beet, beetroot
salt_shaker: salt, shaker, spice shaker
soap: bar, butter, chocolate bar, candy bar, chocolate, cheese
sponge: foam
computer_mouse: remote, remote control
chess_king: chess queen, queen, chess bishop, bishop
chess_pawn: chess knight, game piece
eraser: usb stick, domino tile
""")
"""Word -> the category that stands in for it; always with a warning."""

_FURNITURE = "is furniture or a fixed appliance, which this release does not build"
_LIQUID = "is a liquid or loose stuff, which this release does not simulate"
_SOFT = "is soft, which this release does not simulate"
_LIVING = "is a person or a part of the robot, not an object on the table"


def _refused(text: str, reason: str) -> dict[str, str]:
    return {word.strip(): reason for word in text.split(",")}


REFUSED_NOUNS: dict[str, str] = {
    **_refused(
        "drawer, top drawer, cabinet, cupboard, fridge, refrigerator, freezer, oven, microwave, sink, stove, stovetop, burner, shelf, "
        "bookshelf, door, dishwasher, faucet, tap, chair, sofa, couch, bed, window, wall, button, switch, lightbulb, lamp, "
        "washing machine, toaster, dryer, wardrobe, dresser, lever, slider, handle, lid, hook, outlet, socket, ceiling",
        _FURNITURE,
    ),
    **_refused(
        "water, coffee, tea, milk, juice, orange juice, apple juice, soup, oil, wine, sauce, rice, sugar, flour, sand, ice, smoothie, broth, vinegar, "
        "lemonade, liquid, syrup, paint",
        _LIQUID,
    ),
    **_refused(
        "shirt, t shirt, sock, jacket, blanket, trousers, pants, rope, string, cable, cord, wire, thread, ribbon, hat, "
        "curtain, clothes, laundry, scarf, dress, sheet, paper, sheet of paper, noodle, spaghetti",
        _SOFT,
    ),
    **_refused(
        "robot, me, us, myself, him, arm, gripper, hand, person, human, man, woman, boy, girl, child, friend, dog, cat, user, finger, robot arm, people, everyone, mom, dad",
        _LIVING,
    ),
}  # fmt: skip
"""Word -> why no scene can hold it."""

SUPPORTS = {
    **_table("""
desk: office desk, writing desk, computer desk, study desk, desktop, desk top
counter: countertop, counter top, kitchen counter, worktop, kitchen countertop, kitchen island, kitchen worktop
workbench: work bench, tool bench, bench, work table, worktable
dining_table: kitchen table, dinner table, breakfast table, diner table
lab_bench: laboratory bench, lab table, laboratory table
side_table: coffee table, end table, nightstand, bedside table, console table
"""),
    **dict.fromkeys(("table", "tabletop", "table top", "surface", "floor", "ground", "work surface", "work area"), "table"),
}
"""Word -> kind of support; ``"table"`` leaves the kind to the theme."""

STYLES = _table("""
kitchen:
office: study, home office
workshop: garage, shed, factory, tool shed
lab: laboratory
dining: dining room, restaurant, cafe, canteen, cafeteria
living_room: living room, lounge, bedroom, sitting room, playroom
classroom: school, class, kindergarten, class room
""")
"""Word -> style of the room."""

_COLOR_WORDS = _table("""
red: crimson, scarlet, ruby, reddish
green: emerald, greenish
blue: azure, cobalt, bluish
yellow: golden yellow, yellowish
orange: amber
purple: plum, mauve, indigo
pink: rose, salmon, coral
brown: chocolate, chestnut
black:
white: ivory
gray: grey
beige: sand, khaki
tan:
teal:
navy: navy blue, dark blue
maroon: burgundy, dark red
olive: olive green
cyan: aqua
gold: golden
silver: silvery
turquoise:
cream:
lime: lime green, light green, bright green
magenta: fuchsia
lavender: lilac, light purple
charcoal: dark gray, dark grey
terracotta:
violet: dark purple
light_blue: sky blue, baby blue
dark_green: forest green
""")
COLORS: dict[str, str] = {word.replace("_", " "): name for word, name in _COLOR_WORDS.items()}
"""Word -> colour of ``assets.materials``."""

MATERIALS = _table("""
wood: wooden, oak, pine, beech
bamboo:
ceramic: porcelain, china
stoneware:
clay: earthenware
plastic: acrylic
rubber:
silicone:
steel: metal, metallic, stainless steel, chrome
iron: cast iron
aluminium: aluminum
brass: copper, bronze
cardboard:
paper:
foam: styrofoam
felt:
fabric: cotton, cloth, woven, knitted
leather:
cork:
wicker: rattan
stone: marble, granite
wax:
""")
"""Word -> material of ``assets.materials``."""

TRANSPARENT = ("glass", "crystal", "transparent", "clear", "see through")
"""Looks that are not drawn: modelled opaque, with a warning."""

SIZES: dict[str, Literal["small", "medium", "large"]] = {
    **dict.fromkeys(("small", "little", "tiny", "mini", "short", "miniature", "smaller", "smallest", "petite"), "small"),
    **dict.fromkeys(("medium", "medium sized", "normal", "regular", "average", "standard", "mid sized"), "medium"),
    **dict.fromkeys(
        ("big", "large", "huge", "giant", "tall", "long", "great", "bigger", "larger", "biggest", "largest", "jumbo"), "large"
    ),
}
"""Word -> third of the real size range."""

HARMLESS = frozenset(
    "empty clean fresh ripe round whole nice new single upright tidy delicious tasty juicy lovely beautiful pretty shiny cute "
    "solid plain simple own very real given same spare raw edible circular square rectangular open deep shallow thin thick "
    "wide flat toy kitchen office desk dining coffee tea lonely remaining kid's kids children's".split()
)
"""Adjectives that every drawn object may be said to have: kept in the description, nothing to record."""

SELECTORS = frozenset(
    "left right leftmost rightmost middle center centre nearest closest farthest furthest other second third last first back front "
    "top bottom upper lower far near another different next previous rear".split()
)
"""Words that choose among several objects by where they are; one object is made, so they choose nothing."""

NUMBERS = {
    word: index for index, word in enumerate("zero one two three four five six seven eight nine ten eleven twelve".split())
}
DETERMINERS = frozenset(
    "the a an this that these those some any my your his her its our their each every all both several many few".split()
)
PLURAL_WORDS = frozenset("these those some all both every each several many few".split())
PRONOUNS = frozenset("it them this that these those one ones something anything everything".split())
FILLERS = frozenset("object thing item piece fruit vegetable toy shape element product".split())
PARTS = frozenset(
    "top side edge middle center centre corner inside bottom compartment back front rim surface half interior end handle base part "
    "left right".split()
)
MEASURES = frozenset("piece slice pair stack pile couple bunch set chunk bit lump number lot lots plenty row group head".split())

PREPOSITIONS: dict[str, str] = {
    "on": "on", "onto": "onto", "upon": "on", "on top of": "on", "onto top of": "onto", "on to": "onto", "atop": "on",
    "in": "in", "into": "into", "inside": "in", "inside of": "in", "within": "in", "in to": "into", "to the inside of": "into",
    "to": "to", "toward": "to", "towards": "to", "over to": "to", "up to": "to",
    "from": "from", "off": "from", "off of": "from", "out of": "from", "from inside": "from", "from on": "from",
    "from within": "from", "from the top of": "from", "from on top of": "from", "away from": "from", "up off": "from",
    "next to": "next_to", "beside": "next_to", "alongside": "next_to", "adjacent to": "next_to", "close to": "next_to",
    "near": "next_to", "near to": "next_to", "by": "next_to", "besides": "next_to", "closest to": "next_to",
    "left of": "left_of", "to the left of": "left_of", "on the left of": "left_of", "on the left side of": "left_of",
    "to the left side of": "left_of", "at the left of": "left_of",
    "right of": "right_of", "to the right of": "right_of", "on the right of": "right_of", "on the right side of": "right_of",
    "to the right side of": "right_of", "at the right of": "right_of",
    "in front of": "in_front_of", "to the front of": "in_front_of", "behind": "behind", "in back of": "behind",
    "with": "with", "using": "with", "of": "of", "at": "at", "between": "between", "among": "between", "around": "between",
    "under": "under", "underneath": "under", "below": "under", "beneath": "under", "over": "over", "above": "over",
    "across": "over", "through": "over", "against": "next_to", "along": "over", "for": "for", "about": "for",
    "without": "without", "past": "over", "and not": "without", "surrounded by": "with", "along with": "with",
    "together with": "with", "on the side of": "next_to", "on the edge of": "on", "in the middle of": "middle",
    "in the center of": "middle", "in the centre of": "middle", "at the center of": "middle", "on the middle of": "middle",
    "on the center of": "middle", "on the left": "spot", "on the right": "spot", "to the left": "spot", "to the right": "spot",
    "in the middle": "spot", "in the center": "spot", "in the centre": "spot", "at the front": "spot", "at the back": "spot",
    "in the back": "spot", "in the front": "spot", "in the corner": "spot", "on the side": "spot", "to the side": "spot",
    "on the left side": "spot", "on the right side": "spot", "forward": "spot", "backward": "spot", "backwards": "spot",
    "forwards": "spot", "upwards": "up", "upward": "up", "into the air": "up", "in the air": "up", "off the ground": "up",
    "to the top": "up", "up into the air": "up", "up in the air": "up",
}  # fmt: skip
"""Preposition as written -> relation. ``spot`` and ``up`` stand alone, without a noun after them."""

ADVERBS = frozenset(
    "please kindly gently carefully slowly quickly softly neatly just directly straight immediately completely exactly simply "
    "also too nearby safely securely firmly lightly fully then there here upwards again together finally afterwards now "
    "down up quietly precisely only accurately".split()
)
"""Words that change neither the objects nor the goal."""

_VERBS: dict[str, tuple[VerbClass, str]] = {
    "pick": ("pick", ""), "lift": ("pick", ""), "grab": ("pick", ""), "take": ("pick", ""), "grasp": ("pick", ""), "raise": ("pick", ""),
    "grip": ("pick", ""), "retrieve": ("pick", ""), "collect": ("pick", ""), "elevate": ("pick", ""), "hoist": ("pick", ""),
    "seize": ("pick", ""), "clutch": ("pick", ""),
    "get": ("fetch", ""), "fetch": ("fetch", ""), "bring": ("fetch", ""), "find": ("fetch", ""),
    "put": ("place", "put"), "place": ("place", "placed"), "set": ("place", "set"), "drop": ("place", "dropped dropping"),
    "deposit": ("place", ""), "lay": ("place", "laid"), "position": ("place", ""), "stick": ("place", "stuck"),
    "insert": ("place", ""), "stow": ("place", ""), "store": ("place", ""), "stack": ("place", ""), "pile": ("place", ""),
    "load": ("place", ""), "plop": ("place", "plopped plopping"), "add": ("place", ""), "leave": ("place", ""),
    "rest": ("place", ""), "dump": ("place", ""), "relocate": ("place", ""), "transfer": ("place", "transferred transferring"),
    "carry": ("place", "carried carries"), "deliver": ("place", ""), "move": ("move", ""), "return": ("place", ""),
    "shift": ("move", ""), "pack": ("place", ""),
    "go": ("go", "goes going"), "belong": ("go", ""), "want": ("want", ""), "need": ("want", ""),
    "be": ("be", "is are was were been being"), "lie": ("be", "lies lying"), "sit": ("be", "sits sitting"),
    "stand": ("be", "stands standing"), "rests": ("be", ""), "locate": ("be", "located"), "contain": ("be", ""),
    "hold": ("hold", "held"), "keep": ("hold", "kept"), "release": ("release", ""), "let go": ("release", ""),
}  # fmt: skip


def _forms(verb: str, irregular: str) -> tuple[str, ...]:
    """The written forms of a regular verb, and its irregular ones."""
    stem = verb[:-1] if verb.endswith("e") else verb
    doubled = verb + verb[-1] if verb in ("grab", "put", "set", "drop", "plop", "get", "grip", "let", "sit") else stem
    return (verb, verb + "s", doubled + "ed", doubled + "ing", stem + "ed", *irregular.split())


VERBS: dict[str, tuple[VerbClass, str]] = {}
"""Written form -> class and base form."""
for _base, (_class, _irregular) in _VERBS.items():
    for _form in _forms(_base, _irregular):
        VERBS.setdefault(_form, (_class, _base))
VERBS |= {"took": ("pick", "take"), "brought": ("fetch", "bring"), "taken": ("pick", "take"), "are": ("be", "be")}
del VERBS["locate"], VERBS["resting"], VERBS["rested"]
VERBS |= {"resting": ("be", "rest"), "located": ("be", "be"), "placed": ("place", "place")}

_MOTION = "is a manipulation this release cannot build: its tasks are picking a thing up and placing it on or in another"
UNSUPPORTED_VERBS: dict[str, str] = {
    **dict.fromkeys(
        "push pull slide drag nudge poke open close shut turn rotate twist flip press sort arrange wipe sweep clean cut slice "
        "screw unscrew plug unplug knock tip roll throw toss swap exchange align hang give hand pass cover assemble build tie shake "
        "spread squeeze tilt touch reach point switch tidy organize organise remove separate unstack hide spin peel "
        "cook wash write draw erase hammer drill toggle stop start count rearrange unload unpack straighten balance catch kick hit "
        "serve feed crush break smash roll uncover unlock lock pry chop mash toast dry rub scrub swipe shove topple level line gather "
        "clear set-up follow search inspect look watch scan approach play".split(),
        _MOTION,
    ),
    **dict.fromkeys("pour fill empty stir mix drink sprinkle scoop water spill dip splash drain".split(), f"handles what {_LIQUID}"),
    **dict.fromkeys("fold unfold wrap crumple knit unroll bend stretch".split(), f"handles what {_SOFT}"),
}
"""Verb -> why it cannot be done."""
for _verb in tuple(UNSUPPORTED_VERBS):
    _stem = _verb[:-1] if _verb.endswith("e") else _verb
    UNSUPPORTED_VERBS.setdefault(_stem + "ing", UNSUPPORTED_VERBS[_verb])
    UNSUPPORTED_VERBS.setdefault(_stem + _verb[-1] + "ing", UNSUPPORTED_VERBS[_verb])

NEGATIONS = frozenset("not don't dont never no doesn't won't shouldn't can't cannot avoid except nothing neither nor unless".split())
CONDITIONS = frozenset("if when whenever while until before after because or either instead whether than".split())
ORIENTATIONS = ("upside down", "sideways", "on its side", "upright", "the right way up", "face down", "face up")
"""Orientation words: as a goal they are refused."""
