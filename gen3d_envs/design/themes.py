"""What goes together: things, the top they stand on, and the room around it."""

from __future__ import annotations

import numpy as np

from gen3d_envs.assets.catalog import CATEGORIES
from gen3d_envs.design.tables import rows

THEMES = rows("""
kitchen: mug, cup, bowl, plate, saucer, bottle, can, jar, teapot, kettle, pot, pan, colander, cutting_board, spoon,
  fork, knife, spatula, whisk, apple, orange, lemon, lime, pear, peach, banana, strawberry, tomato, potato, onion,
  carrot, cucumber, eggplant, broccoli, corn, mushroom, pepper, bread, bun, croissant, donut, egg, cup_cake,
  pepper_grinder, salt_shaker, sponge, soap, placemat, towel, drink_carton, food_box, snack_bar, chip_bag, cheese,
  hot_dog, kiwi, avocado, mango, moka_pot
office: book, notebook, mousepad, pen, marker, pencil, eraser, computer_mouse, stapler, coaster, tape
tools: screwdriver, hammer, wrench, pliers, clamp, brick, battery, bucket
toys: cube, block, cylinder, ball, tennis_ball, die, chess_pawn, chess_rook, chess_king, toy_duck, toy_bear,
  toy_car, toy_fish, toy_dinosaur, star_block, heart_block, moon_block, hexagon_block, pentagon_block, triangle_block
""")
"""Theme -> its categories. What stands in none of them (a box, a vase) fits all."""

OPENING_THEMES = {"drawer_unit": "office", "cabinet": "tools", "microwave": "kitchen", "laptop": "office"}
"""Theme of what opens and stands on the table by itself."""

DISTRACTORS = rows("""
kitchen: mug, cup, can, lemon, lime, orange, apple, pear, peach, tomato, potato, onion, carrot, mushroom,
  strawberry, egg, bun, salt_shaker, pepper_grinder, spoon, fork, sponge, soap, croissant, donut
office: pen, marker, pencil, eraser, computer_mouse, stapler, tape, coaster, mug, battery
tools: screwdriver, wrench, pliers, clamp, tape, battery, marker, brick, can
toys: cube, block, cylinder, ball, die, chess_pawn, chess_rook, chess_king, toy_duck, toy_car, toy_fish,
  toy_dinosaur, tennis_ball
""")
"""Theme -> small things that may stand around."""

STYLES: dict[str, tuple[str, ...]] = {
    "kitchen": ("kitchen", "dining"),
    "office": ("office", "classroom"),
    "tools": ("workshop", "lab"),
    "toys": ("living_room", "classroom"),
}
"""Theme -> rooms it is found in."""

SUPPORTS: dict[str, tuple[str, ...]] = {
    "kitchen": ("counter", "dining_table"),
    "dining": ("dining_table",),
    "office": ("desk",),
    "classroom": ("desk",),
    "workshop": ("workbench",),
    "lab": ("lab_bench",),
    "living_room": ("side_table", "dining_table"),
    "study": ("writing_desk",),
    "store": ("shelf",),
}
"""Room -> what stands in it to put things on."""

PLACES: dict[str, tuple[str, str]] = {
    "desk": ("study", "writing_desk"),
    "kitchen_counter": ("kitchen", "counter"),
    "workbench": ("workshop", "workbench"),
    "dining_table": ("dining", "dining_table"),
    "lab": ("lab", "lab_bench"),
    "office": ("office", "desk"),
    "store": ("store", "shelf"),
}
"""Place of work -> its room and what stands in it, made for each other."""

_OTHER_ROOMS = {"study": "office", "store": "kitchen"}
"""Theme of the rooms that are only found where they are named."""

TABLES = ("dining_table", "side_table")


def choose_theme(categories: list[str], style: str | None, rng: np.random.Generator) -> str:
    """The theme of the first category that has one, else of the room, else drawn."""
    for category in categories:
        for theme, members in THEMES.items():
            if category in members or OPENING_THEMES.get(category) == theme:
                return theme
    for theme, styles in STYLES.items():
        if style in styles:
            return theme
    if style in _OTHER_ROOMS:
        return _OTHER_ROOMS[style]
    return str(rng.choice(list(THEMES)))


def choose_place(theme: str, support: str | None, style: str | None, rng: np.random.Generator) -> tuple[str, str]:
    """Kind of support and style of room: as said where they were said, else drawn to fit each other and the theme.

    Args:
        theme: key of :data:`THEMES`.
        support: kind that was named, ``"table"`` for any table, or None.
        style: style that was named, or None.
        rng: draws what was not named.
    """
    wanted = () if support is None else (TABLES if support == "table" else (support,))
    if style is None:
        fitting = [room for room, kinds in SUPPORTS.items() if not wanted or any(kind in kinds for kind in wanted)]
        style = str(rng.choice([room for room in STYLES[theme] if room in fitting] or fitting))
    if support is not None and support != "table":
        return support, style
    kinds = SUPPORTS[style]
    return str(rng.choice([kind for kind in kinds if kind in wanted] or list(kinds))), style


def draw_distractors(
    theme: str, taken: set[str], known: frozenset[str], count: int, rng: np.random.Generator
) -> list[str]:
    """Up to ``count`` categories that fit the theme, are available, and are not taken."""
    pool = [c for c in DISTRACTORS[theme] if c in known and c not in taken and CATEGORIES[c].pickable]
    return [str(c) for c in rng.permutation(pool)[:count]] if pool else []
