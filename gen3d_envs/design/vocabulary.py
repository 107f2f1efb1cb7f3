"""The nouns and adjectives the rule-based designer knows.

Nouns are exact names of a category (:data:`NOUNS`), names of something else that a category stands in for, which is
recorded as a warning (:data:`LOOSE_NOUNS`), and names of what no scene can hold (:data:`REFUSED_NOUNS`). Tables are
written as text, one name a line, because they are read and extended more often than they are executed.
"""

from __future__ import annotations

from typing import Literal

from gen3d_envs.design.tables import table, words

NOUNS = table("""
mug: mug, coffee mug, tea mug, beer mug, travel mug
cup: cup, teacup, tea cup, coffee cup, drinking cup, tumbler, sippy cup, measuring cup, espresso cup
bowl: bowl, soup bowl, salad bowl, cereal bowl, mixing bowl, fruit bowl, rice bowl
plate: plate, dish, dinner plate, dessert plate, platter, salad plate, side plate, serving plate
saucer: saucer, cup saucer
bottle: bottle, water bottle, soda bottle, sauce bottle, ketchup bottle, mustard bottle, shampoo bottle, flask, wine
  bottle, milk bottle, squeeze bottle, drink bottle, oil bottle, beer bottle, soap bottle, spray bottle
can: can, soda can, coke can, pepsi can, sprite can, beer can, cola can, soup can, tin can, tin, coke, pepsi, cola,
  soda, 7up can, 7up, seven up, redbull can, red bull can, redbull, red bull, drink can, tuna can, food can
jar: jar, jam jar, cookie jar, storage jar, honey jar, mason jar
vase: vase, flower vase
box: box, crate, container, carton, storage box, packing box, shoebox, shoe box, toy box, bin box, lunch box,
  lunchbox, tissue box, tool box, toolbox
tray: tray, serving tray, baking tray, tea tray, food tray
basket: basket, hamper, fruit basket, bread basket, laundry basket
colander: colander, strainer, sieve
cutting_board: cutting board, chopping board, bread board, breadboard, cuttingboard, chopping block, cheese board
book: book, textbook, text book, novel, paperback, hardcover, hardback, storybook, cookbook, dictionary
notebook: notebook, notepad, diary, exercise book, sketchbook, sketch book, note book, journal
mousepad: mousepad, mouse pad, mouse mat, mousemat
placemat: placemat, place mat, table mat, tablemat
coaster: coaster, drink coaster, beer mat
towel: towel, dish towel, hand towel, kitchen towel, tea towel, washcloth, folded towel
pot: pot, saucepan, sauce pan, cooking pot, stockpot, stock pot, stew pot, casserole, soup pot, saucepot
pan: pan, skillet, frying pan, fry pan, frypan, frying skillet
bucket: bucket, pail, bin, trash bin, trash can, waste bin, garbage can, garbage bin, wastebasket, waste basket
spoon: spoon, tablespoon, teaspoon, soup spoon, tea spoon, table spoon, serving spoon, measuring spoon
fork: fork, dinner fork, salad fork
knife: knife, butter knife, kitchen knife, table knife, steak knife, bread knife, paring knife
spatula: spatula, turner, flipper
whisk: whisk, egg whisk, egg beater
pen: pen, ballpoint, ballpoint pen, ball pen, biro, fountain pen, ink pen, gel pen
marker: marker, marker pen, sharpie, felt tip, felt tip pen, highlighter, whiteboard marker, text marker
pencil: pencil, coloured pencil, colored pencil, lead pencil
eraser: eraser, pencil eraser
screwdriver: screwdriver, screw driver
hammer: hammer, claw hammer, mallet
wrench: wrench, spanner
pliers: pliers, plier, pincers
clamp: clamp, spring clamp
brick: brick, lego, lego brick, toy brick, lego block
cube: cube, toy cube, cube block
block: block, toy block, building block, rectangular block, cuboid, jenga block
cylinder: cylinder, cylinder block
ball: ball, bouncy ball, toy ball, sphere, ping pong ball, pingpong ball, golf ball
tennis_ball: tennis ball, tennisball
die: die, dice
chess_pawn: chess pawn, pawn, chess piece, chessman, chess pawn piece
chess_rook: chess rook, rook, chess tower, castle piece
chess_king: chess king, king, king piece
toy_duck: toy duck, rubber duck, duck, ducky, rubber ducky, bath duck, duckling
toy_bear: toy bear, teddy, teddy bear, bear, stuffed bear, plush bear
toy_car: toy car, car, race car, matchbox car, racecar, model car
toy_fish: toy fish, fish, goldfish
toy_dinosaur: toy dinosaur, dinosaur, dino, toy dino, t rex
apple: apple, granny smith, granny smith apple
orange: orange, orange fruit, navel orange
lemon: lemon, citron
lime: lime, lime fruit
pear: pear
peach: peach
banana: banana
strawberry: strawberry
tomato: tomato
potato: potato, spud
onion: onion
carrot: carrot
cucumber: cucumber
eggplant: eggplant, aubergine, brinjal
broccoli: broccoli, broccoli floret, broccoli head
corn: corn, maize, corn cob, corncob, sweetcorn, sweet corn, ear of corn
mushroom: mushroom, champignon
pepper: pepper, bell pepper, capsicum, paprika, sweet pepper
bread: bread, loaf, bread loaf, loaf of bread, toast
bun: bun, bread roll, roll, dinner roll, burger bun, hamburger bun
croissant: croissant
donut: donut, doughnut
egg: egg, hen egg, chicken egg, boiled egg
cup_cake: cup cake, cupcake, muffin
teapot: teapot, tea pot, coffee pot, coffeepot
kettle: kettle, tea kettle, water kettle
pepper_grinder: pepper grinder, pepper mill, pepper shaker, peppermill
salt_shaker: salt shaker, saltshaker, salt cellar
sponge: sponge, dish sponge, kitchen sponge, scrubber, scouring pad
soap: soap, soap bar, bar of soap, hand soap
tape: tape, duct tape, sticky tape, masking tape, adhesive tape, scotch tape, tape roll, packing tape, roll of tape
computer_mouse: computer mouse, mouse, wireless mouse, pc mouse
stapler: stapler
battery: battery, aa battery, battery cell
candle: candle, tea light, pillar candle
drink_carton: drink carton, drinks carton, milk carton, juice carton, orange juice carton, apple juice carton, carton of
  milk, carton of juice, carton of orange juice, carton of apple juice, juice box, milk box
food_box: food box, food packet, butter box, box of butter, packet of butter, pack of butter, cream cheese box, box of
  cream cheese, pudding box, chocolate pudding box, box of pudding, box of chocolate pudding, cookie box, box of
  cookies, biscuit box, box of biscuits, tea box, box of tea, tea packet, cereal box, box of cereal, cracker box, box
  of crackers, gelatin box, jello box, sugar box, box of sugar, raisin box, box of raisins, pasta box, box of pasta,
  candy box, box of candy
snack_bar: snack bar, candy bar, chocolate bar, bar of chocolate, granola bar, cereal bar, muesli bar, energy bar,
  protein bar, rxbar, rx bar
chip_bag: chip bag, chips bag, bag of chips, crisp bag, bag of crisps, packet of crisps, potato chip bag, bag of potato
  chips, rice chip bag, snack bag, bag of snacks
cheese: cheese, block of cheese, cheese block
hot_dog: hot dog, hotdog
kiwi: kiwi, kiwi fruit, kiwifruit
avocado: avocado
mango: mango
star_block: star block, star, toy star, star shaped block
heart_block: heart block, heart, toy heart, heart shaped block
moon_block: moon block, moon, toy moon, crescent, crescent block, crescent moon, moon shaped block, crescent shaped
  block
hexagon_block: hexagon block, hexagon, hexagonal block, hexagon shaped block
pentagon_block: pentagon block, pentagon, pentagonal block, pentagon shaped block
triangle_block: triangle block, triangle, triangular block, triangle shaped block
moka_pot: moka pot, mokapot, moka, espresso maker
remote: remote, remote control, remote controller, tv remote, tv remote control, television remote
""")
"""Word or compound -> category, for names that mean that category."""

LOOSE_NOUNS = table("""
cup: glass, beaker, wine glass, goblet, chalice, drinking glass, water glass, ramekin
mug: jug, pitcher, tankard, thermos
bottle: ketchup, mustard, mayonnaise, bbq sauce, barbecue sauce, hot sauce, soy sauce, salad dressing, shampoo, lotion,
  detergent, dish soap, spray, sanitizer
food_box: butter, cream cheese, pudding, chocolate pudding, cereal, popcorn, jello
snack_bar: chocolate
chip_bag: chips, crisps
jar: jam, honey, pickle jar, peanut butter
box: caddy, package, parcel, case, chest, pencil case, tin box, desk caddy
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
block: domino, wooden piece, wedge, prism
can: drink, beer, alphabet soup, tomato sauce
cylinder: tube, pipe, rod, peg, puck, hockey puck
ball: marble, globe, basketball, football, baseball, soccer ball, bead
toy_bear: plush, plush toy, plushie, stuffed animal, stuffed toy, doll, panda
toy_car: truck, bus, toy truck, vehicle, train
toy_dinosaur: dragon, lizard, crocodile
toy_duck: bird, chicken toy, toy chicken
toy_fish: shark, whale, dolphin
apple: nectarine, pomegranate
orange: mandarin, tangerine, clementine, grapefruit, satsuma
peach: apricot, plum
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
soap: bar
sponge: foam
chess_king: chess queen, queen, chess bishop, bishop
chess_pawn: chess knight, game piece
eraser: usb stick, domino tile
""")
"""Word -> the category that stands in for it; always with a warning."""

KINDS = {
    word: tuple(members.split())
    for word, members in (
        ("fruit", "apple orange lemon lime pear peach banana strawberry"),
        ("vegetable", "carrot cucumber eggplant potato onion broccoli corn mushroom pepper tomato"),
        ("veggie", "carrot cucumber eggplant potato onion pepper"),
        ("food", "apple lemon banana bread bun donut croissant carrot"),
        ("toy", "toy_duck toy_bear toy_car toy_fish toy_dinosaur ball"),
        ("tool", "screwdriver hammer wrench pliers clamp"),
        ("utensil", "spoon fork knife spatula whisk"),
        ("cutlery", "spoon fork knife"),
        ("silverware", "spoon fork knife"),
        ("snack", "donut croissant apple banana cup_cake"),
        ("pastry", "donut croissant cup_cake bun"),
        ("animal", "toy_duck toy_bear toy_fish toy_dinosaur"),
        ("tableware", "plate bowl cup mug"),
    )
}
"""Word for a kind of thing -> the categories it may be."""

FURNITURE = "is furniture or a fixed appliance, which this release does not build"
OPENED = 'is furniture or a fixed appliance, which is only opened or closed in this release: "open the top drawer"'
PART = "is a part of something else, which this release does not build by itself"
LIQUID = "is a liquid or loose stuff, which this release does not simulate"
SOFT = "is soft, which this release does not simulate"
LIVING = "is a person or a part of the robot, not an object on the table"
REFUSED_NOUNS = {
    **dict.fromkeys(
        words("""
    fridge, refrigerator, freezer, oven, sink, stove, stovetop, burner, shelf, bookshelf, dishwasher,
    faucet, tap, chair, sofa, couch, bed, window, wall, button, switch,
    lightbulb, lamp, washing machine, toaster, dryer, wardrobe, dresser, lever, slider, outlet,
    socket, ceiling, wine rack, coffee machine, coffee maker, blender, fan, heater, dispenser, radiator
    """),
        FURNITURE,
    ),
    **dict.fromkeys(words("drawer, top drawer, cabinet, cupboard, microwave, door"), OPENED),
    **dict.fromkeys(words("lid, cap, bottle cap, handle, hook, hole, slot, opening, gap"), PART),
    **dict.fromkeys(
        words("""
    water, coffee, tea, milk, juice, orange juice, apple juice, soup, oil, wine, sauce, rice, sugar, flour, sand,
    ice, smoothie, broth, vinegar, lemonade, liquid, syrup, paint, coffee bean, bean, lentil, grain, salt grain, crumb
    """),
        LIQUID,
    ),
    **dict.fromkeys(
        words("""
    shirt, t shirt, sock, jacket, blanket, trousers, pants, rope, string, cable, cord, wire, thread, ribbon, hat,
    curtain, clothes, laundry, scarf, dress, sheet, paper, sheet of paper, noodle, spaghetti
    """),
        SOFT,
    ),
    **dict.fromkeys(
        words("""
    robot, me, us, myself, him, arm, gripper, hand, person, human, man, woman, boy, girl, child, friend, dog, cat,
    user, finger, robot arm, people, everyone, mom, dad
    """),
        LIVING,
    ),
}
"""Word -> why no scene can hold it."""

SUPPORTS = table("""
desk: desk, office desk, computer desk, desktop, desk top
writing_desk: writing desk, study desk, bureau, home desk
counter: counter, countertop, counter top, kitchen counter, worktop, kitchen countertop, kitchen island, kitchen
  worktop
workbench: workbench, work bench, tool bench, bench, work table, worktable
dining_table: dining table, kitchen table, dinner table, breakfast table, diner table
lab_bench: lab bench, laboratory bench, lab table, laboratory table
side_table: side table, coffee table, end table, nightstand, bedside table, console table
shelf: store shelf, shop shelf, supermarket shelf, grocery shelf, display shelf, retail shelf
table: table, tabletop, table top, surface, floor, ground, work surface, work area
""")
"""Word -> kind of support; ``"table"`` leaves the kind to the theme."""

MARKS = table("""
mark: spot, circle, mark, marking, zone, area, region, patch, disc, disk, dot, target, target area, target zone,
  target spot, goal, goal area, goal zone
""")
"""What is drawn on the support: a place for things, and no thing."""

STYLES = table("""
kitchen: kitchen
office: office
study: study, home office, library
workshop: workshop, garage, shed, factory, tool shed
store: store, shop, supermarket, grocery store, grocery, corner shop, convenience store, market
lab: lab, laboratory
dining: dining, dining room, restaurant, cafe, canteen, cafeteria
living_room: living room, lounge, bedroom, sitting room, playroom
classroom: classroom, school, class, kindergarten, class room
""")
"""Word -> style of the room."""

COLORS = table("""
red: red, crimson, scarlet, ruby, reddish
green: green, emerald, greenish
blue: blue, azure, cobalt, bluish
yellow: yellow, golden yellow, yellowish
orange: orange, amber
purple: purple, plum, mauve, indigo
pink: pink, rose, salmon, coral
brown: brown, chocolate, chestnut
black: black
white: white, ivory
gray: gray, grey
beige: beige, sand, khaki
tan: tan
teal: teal
navy: navy, navy blue, dark blue
maroon: maroon, burgundy, dark red
olive: olive, olive green
cyan: cyan, aqua
gold: gold, golden
silver: silver, silvery
turquoise: turquoise
cream: cream
lime: lime, lime green, light green, bright green
magenta: magenta, fuchsia
lavender: lavender, lilac, light purple
charcoal: charcoal, dark gray, dark grey
terracotta: terracotta
violet: violet, dark purple
light_blue: light blue, sky blue, baby blue
dark_green: dark green, forest green
""")
"""Word -> colour of ``assets.materials``."""

MATERIALS = table("""
wood: wood, wooden, oak, pine, beech
bamboo: bamboo
ceramic: ceramic, porcelain, china
stoneware: stoneware
clay: clay, earthenware
plastic: plastic, acrylic
rubber: rubber
silicone: silicone
steel: steel, metal, metallic, stainless steel, chrome
iron: iron, cast iron
aluminium: aluminium, aluminum
brass: brass, copper, bronze
cardboard: cardboard
paper: paper
foam: foam, styrofoam
felt: felt
fabric: fabric, cotton, cloth, woven, knitted
leather: leather
cork: cork
wicker: wicker, rattan
stone: stone, marble, granite
wax: wax
""")
"""Word -> material of ``assets.materials``."""

TRANSPARENT = frozenset(
    words("""
    glass, crystal, transparent, clear, see through
""")
)
"""Looks that are not drawn: modelled opaque, with a warning."""

SIZES: dict[str, Literal["small", "medium", "large"]] = {
    **dict.fromkeys(
        words("""
    small, little, tiny, mini, short, miniature, smaller, smallest, petite
    """),
        "small",
    ),
    **dict.fromkeys(
        words("""
    medium, medium sized, normal, regular, average, standard, mid sized
    """),
        "medium",
    ),
    **dict.fromkeys(
        words("""
    big, large, huge, giant, tall, long, great, bigger, larger, biggest, largest, jumbo
    """),
        "large",
    ),
}
"""Word -> third of the real size range."""

HARMLESS = frozenset(
    words("""
    beautiful, children's, circular, clean, coffee, cute, deep, delicious, desk, dining, edible, empty, flat, fresh,
    given, juicy, kid's, kids, kitchen, lonely, lovely, new, nice, office, open, own, plain, pretty, raw, real,
    rectangular, remaining, ripe, round, same, shallow, shiny, simple, single, solid, spare, square, tasty, tea,
    thick, thin, tidy, toy, upright, very, whole, wide
""")
)
"""Adjectives that any drawn object may be said to have: kept in the description, nothing to record."""

SELECTORS = frozenset(
    words("""
    another, back, bottom, center, centre, closest, different, far, farthest, first, front, furthest, last, left,
    leftmost, lower, middle, near, nearest, next, other, previous, rear, right, rightmost, second, third, top, upper
""")
)
"""Words that choose among several objects by where they are; one object is made, so they choose nothing."""
