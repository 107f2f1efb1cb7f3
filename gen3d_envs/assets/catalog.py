"""The catalogue: every category of object with its real sizes, materials and colours.

A row here makes a category known by name; the builder of the same name in ``gen3d_envs/assets/categories`` makes it
available. Ranges are the spread of household articles, in metres.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Range = tuple[float, float]


@dataclass(frozen=True)
class Category:
    """One kind of object.

    Attributes:
        name: key in :data:`CATEGORIES`.
        real_size_m: smallest and largest longest side that real ones have.
        ranges: smallest and largest value of each named parameter of the builder, m.
        materials: what it is made of, by name.
        colors: what colours it comes in, by name, where the material has none of its own.
        container: things go in it (its assets have a cavity).
        surface: things go on it (its assets have a surface).
        pickable: a gripper can pick it up (its assets have grasps when a grip width is asked for).
    """

    name: str
    real_size_m: Range
    ranges: Mapping[str, Range]
    materials: tuple[str, ...]
    colors: tuple[str, ...]
    container: bool = False
    surface: bool = False
    pickable: bool = True


_BRIGHT = "red blue green yellow orange purple pink teal"
_DISHES = "white cream red blue green yellow teal gray pink navy turquoise orange"
_PLAIN = "black white gray navy charcoal"


def _row(
    name: str, real_size_m: Range, materials: str, colors: str = _BRIGHT, kinds: str = "pick", **ranges_mm: Range
) -> Category:
    """A row with lengths in mm for reading; ``kinds`` names the flags that are set."""
    flags = kinds.split()
    ranges = {f"{key}_m": (low / 1000.0, high / 1000.0) for key, (low, high) in ranges_mm.items()}
    return Category(
        name, real_size_m, ranges, tuple(materials.split()), tuple(colors.split()),
        "in" in flags, "on" in flags, "pick" in flags,
    )  # fmt: skip


_ROWS = (
    # Vessels.
    _row("mug", (0.07, 0.16), "ceramic stoneware plastic", _DISHES, "in pick", diameter=(72, 92), height=(78, 112)),
    _row("cup", (0.06, 0.15), "plastic ceramic", _DISHES, "in pick", diameter=(64, 86), height=(68, 120)),
    _row("bowl", (0.10, 0.24), "ceramic stoneware plastic wood", _DISHES, "in pick",
         diameter=(120, 180), height=(45, 70)),
    _row("plate", (0.14, 0.26), "ceramic stoneware plastic", _DISHES, "on pick", diameter=(160, 240), height=(18, 26)),
    _row("saucer", (0.11, 0.18), "ceramic stoneware", _DISHES, "on pick", diameter=(120, 160), height=(16, 22)),
    _row("bottle", (0.12, 0.27), "plastic painted_metal", _BRIGHT, "pick", diameter=(34, 76), height=(140, 230)),
    _row("can", (0.06, 0.16), "painted_metal", "red blue green yellow orange silver", "on pick",
         diameter=(50, 74), height=(70, 130)),
    _row("jar", (0.07, 0.17), "ceramic plastic", _DISHES, "in pick", diameter=(66, 96), height=(70, 130)),
    _row("vase", (0.10, 0.27), "ceramic clay", _DISHES, "in pick", diameter=(70, 120), height=(120, 220)),
    _row("pot", (0.16, 0.30), "steel aluminium iron", _BRIGHT, "in pick", diameter=(130, 180), height=(65, 100)),
    _row("pan", (0.18, 0.40), "iron aluminium", _PLAIN, "in on pick", diameter=(130, 180), height=(32, 45)),
    _row("bucket", (0.11, 0.24), "plastic steel", _BRIGHT, "in pick", diameter=(110, 160), height=(100, 150)),
    _row("colander", (0.14, 0.28), "plastic steel", _BRIGHT, "in pick", diameter=(140, 190), height=(60, 85)),
    _row("basket", (0.13, 0.26), "wicker", "tan brown", "in pick",
         length=(150, 220), width=(120, 160), height=(65, 100)),
    _row("box", (0.10, 0.26), "cardboard plastic wood", _BRIGHT, "in pick",
         length=(130, 220), width=(110, 160), height=(50, 90)),
    _row("tray", (0.18, 0.26), "plastic wood bamboo", _BRIGHT, "in on pick",
         length=(200, 250), width=(140, 180), height=(24, 34)),
    _row("teapot", (0.13, 0.26), "ceramic stoneware", _DISHES, "pick", diameter=(95, 130), height=(95, 130)),
    _row("kettle", (0.14, 0.29), "steel", "silver black red white", "pick", diameter=(120, 160), height=(120, 170)),
    # Flat things.
    _row("cutting_board", (0.18, 0.42), "wood bamboo plastic", "white green red blue", "on pick",
         length=(180, 260), width=(120, 180), thickness=(10, 18)),
    _row("book", (0.12, 0.27), "paper", "red blue green navy maroon teal orange purple", "on pick",
         length=(150, 240), width=(105, 170), thickness=(14, 40)),
    _row("notebook", (0.12, 0.30), "paper", "black red blue green yellow teal", "on pick",
         length=(140, 220), width=(95, 155), thickness=(7, 16)),
    _row("mousepad", (0.17, 0.31), "rubber", "black gray blue navy red", "on",
         length=(180, 260), width=(150, 210), thickness=(2.5, 5)),
    _row("placemat", (0.20, 0.45), "felt cork bamboo", "red blue green gray beige teal", "on",
         length=(220, 260), width=(160, 200), thickness=(2.5, 4.5)),
    _row("coaster", (0.08, 0.12), "cork felt wood", "red blue green gray teal", "on",
         width=(85, 110), thickness=(4, 9)),
    _row("towel", (0.12, 0.30), "fabric", "white blue green pink beige gray yellow", "on",
         length=(150, 230), width=(110, 160), thickness=(10, 24)),
    # Utensils and stationery.
    _row("spoon", (0.11, 0.34), "wood steel plastic", _BRIGHT, length=(130, 200), width=(30, 44), handle=(8, 13)),
    _row("fork", (0.11, 0.34), "steel plastic wood", _BRIGHT, length=(130, 200), width=(22, 30), handle=(8, 13)),
    _row("knife", (0.11, 0.34), "steel plastic", _BRIGHT, length=(150, 220), width=(18, 30), handle=(10, 15)),
    _row("spatula", (0.15, 0.36), "silicone wood plastic", _BRIGHT, length=(180, 250), width=(45, 70), handle=(10, 15)),
    _row("whisk", (0.14, 0.32), "steel", "silver", length=(160, 240), width=(40, 60), handle=(12, 18)),
    _row("pen", (0.11, 0.17), "plastic", "blue black red green", length=(125, 155), diameter=(8, 13)),
    _row("marker", (0.10, 0.17), "plastic", "red blue black green orange purple", length=(115, 150), diameter=(12, 19)),
    _row("pencil", (0.08, 0.20), "wood", "yellow red green blue", length=(100, 185), diameter=(7, 9)),
    _row("eraser", (0.03, 0.09), "rubber", "white pink blue green", length=(40, 70), width=(18, 28), height=(12, 18)),
    # Tools.
    _row("screwdriver", (0.12, 0.28), "plastic", "red yellow blue green orange black",
         length=(140, 220), diameter=(22, 34)),
    _row("hammer", (0.16, 0.34), "wood", "tan", length=(180, 260), head=(70, 110), handle=(18, 28)),
    _row("wrench", (0.11, 0.28), "steel", "silver", length=(130, 220), width=(28, 46), handle=(14, 20)),
    _row("pliers", (0.12, 0.24), "steel", "red blue yellow orange", length=(140, 200), width=(45, 60), height=(12, 18)),
    _row("clamp", (0.08, 0.22), "plastic steel", "orange black red blue",
         length=(90, 160), width=(50, 90), height=(16, 26)),
    # Blocks and toys.
    _row("brick", (0.06, 0.24), "brick_clay plastic", "red terracotta brown", "on pick",
         length=(80, 210), width=(40, 102), height=(24, 65)),
    _row("cube", (0.02, 0.08), "wood plastic foam", _BRIGHT, "on pick", width=(24, 60)),
    _row("block", (0.03, 0.14), "wood plastic foam", _BRIGHT, "on pick",
         length=(50, 110), width=(24, 50), height=(20, 45)),
    _row("cylinder", (0.03, 0.14), "wood plastic foam", _BRIGHT, "on pick", diameter=(24, 55), height=(30, 90)),
    _row("ball", (0.02, 0.10), "rubber foam plastic", _BRIGHT, diameter=(30, 75)),
    _row("tennis_ball", (0.062, 0.072), "felt", "lime", diameter=(65.4, 68.6)),
    _row("die", (0.012, 0.06), "plastic", "white red black blue green", width=(16, 45)),
    _row("chess_pawn", (0.03, 0.09), "wood plastic", "black white cream brown", diameter=(24, 36), height=(42, 68)),
    _row("chess_rook", (0.03, 0.10), "wood plastic", "black white cream brown", diameter=(26, 40), height=(44, 72)),
    _row("chess_king", (0.06, 0.13), "wood plastic", "black white cream brown", diameter=(30, 42), height=(76, 105)),
    _row("toy_duck", (0.05, 0.12), "rubber", "yellow", length=(60, 95), width=(40, 70)),
    _row("toy_bear", (0.06, 0.20), "fabric", "brown tan beige pink", height=(80, 140), width=(40, 80)),
    _row("toy_car", (0.05, 0.16), "plastic", "red blue yellow green orange",
         length=(65, 120), width=(30, 55), height=(28, 48)),
    _row("toy_fish", (0.05, 0.16), "plastic rubber", "orange blue yellow red", length=(70, 120), width=(26, 45)),
    _row("toy_dinosaur", (0.07, 0.22), "plastic rubber", "green purple teal orange", length=(100, 170), width=(32, 55)),
    # Food.
    _row("apple", (0.055, 0.10), "fruit", "red green yellow", diameter=(66, 84)),
    _row("orange", (0.055, 0.10), "fruit", "orange", diameter=(64, 86)),
    _row("lemon", (0.055, 0.11), "fruit", "yellow", length=(72, 95), diameter=(50, 62)),
    _row("lime", (0.04, 0.08), "fruit", "lime green", length=(50, 66), diameter=(40, 50)),
    _row("pear", (0.07, 0.13), "fruit", "lime green yellow", height=(85, 115), diameter=(60, 76)),
    _row("peach", (0.05, 0.09), "fruit", "orange pink", diameter=(58, 78)),
    _row("banana", (0.13, 0.24), "fruit", "yellow", length=(150, 200), diameter=(30, 38)),
    _row("strawberry", (0.025, 0.06), "fruit", "red", height=(30, 46), diameter=(26, 38)),
    _row("tomato", (0.03, 0.10), "vegetable", "red", diameter=(38, 80)),
    _row("potato", (0.05, 0.13), "vegetable", "tan beige brown", length=(65, 110), width=(42, 65)),
    _row("onion", (0.05, 0.10), "vegetable", "tan white purple", diameter=(55, 85)),
    _row("carrot", (0.09, 0.25), "vegetable", "orange", length=(120, 200), diameter=(22, 36)),
    _row("cucumber", (0.12, 0.32), "vegetable", "dark_green green", length=(140, 230), diameter=(34, 48)),
    _row("eggplant", (0.12, 0.28), "vegetable", "purple", length=(130, 210), diameter=(52, 80)),
    _row("broccoli", (0.07, 0.20), "leafy", "green dark_green", height=(80, 130), diameter=(70, 120)),
    _row("corn", (0.12, 0.26), "vegetable", "yellow", length=(140, 210), diameter=(38, 52)),
    _row("mushroom", (0.03, 0.09), "leafy", "white cream beige brown", diameter=(35, 65), height=(35, 60)),
    _row("pepper", (0.06, 0.14), "leafy", "red green yellow orange", diameter=(62, 90), height=(75, 110)),
    _row("bread", (0.08, 0.30), "bread", "brown tan", length=(110, 220), width=(60, 110), height=(55, 95)),
    _row("bun", (0.06, 0.13), "bread", "tan brown", diameter=(75, 110), height=(38, 60)),
    _row("croissant", (0.09, 0.19), "bread", "gold tan", length=(110, 160), width=(45, 70)),
    _row("donut", (0.06, 0.12), "bread", "pink brown tan", diameter=(75, 105), height=(26, 38)),
    _row("egg", (0.048, 0.07), "eggshell", "white beige tan", length=(53, 63), diameter=(41, 47)),
    _row("cup_cake", (0.04, 0.10), "bread", "pink brown white", diameter=(50, 75), height=(50, 80)),
    # Household.
    _row("pepper_grinder", (0.09, 0.27), "wood", "brown tan black", diameter=(38, 60), height=(110, 210)),
    _row("salt_shaker", (0.05, 0.12), "ceramic steel plastic", "white silver", diameter=(30, 50), height=(65, 105)),
    _row("sponge", (0.06, 0.15), "sponge", "yellow green blue pink", length=(85, 125), width=(50, 75), height=(22, 40)),
    _row("soap", (0.05, 0.11), "soap", "white pink green yellow cream light_blue",
         length=(65, 95), width=(36, 62), height=(18, 32)),
    _row("tape", (0.04, 0.13), "plastic", "tan yellow red blue gray", diameter=(50, 105), height=(15, 50)),
    _row("computer_mouse", (0.08, 0.14), "plastic", "black white gray",
         length=(95, 125), width=(52, 68), height=(32, 42)),
    _row("stapler", (0.06, 0.20), "plastic", "black red blue gray", length=(75, 150), width=(26, 42), height=(34, 62)),
    _row("battery", (0.04, 0.08), "steel", "gold black green", diameter=(13, 34), height=(44, 62)),
    _row("candle", (0.04, 0.22), "wax", "white cream red pink green", diameter=(35, 75), height=(50, 140)),
    # Packed and prepared food.
    _row("drink_carton", (0.085, 0.26), "paper", "white blue red green orange light_blue", "pick",
         width=(54, 72), height=(98, 200)),
    _row("food_box", (0.06, 0.17), "cardboard", _BRIGHT + " white light_blue", "on pick",
         length=(72, 150), width=(27, 60), height=(28, 92)),
    _row("snack_bar", (0.08, 0.17), "plastic", "brown purple red blue gold green",
         length=(95, 150), width=(30, 44), height=(15, 24)),
    _row("chip_bag", (0.11, 0.21), "plastic", "red green blue yellow brown orange",
         width=(95, 140), height=(130, 185), thickness=(38, 56)),
    _row("cheese", (0.05, 0.16), "soap", "yellow gold orange", length=(70, 125), width=(30, 58), height=(30, 52)),
    _row("hot_dog", (0.10, 0.18), "bread", "tan gold brown", length=(120, 165), width=(38, 58)),
    _row("kiwi", (0.05, 0.085), "fruit", "brown", length=(56, 76), diameter=(42, 54)),
    _row("avocado", (0.07, 0.13), "fruit", "dark_green charcoal olive", length=(82, 118), diameter=(54, 72)),
    _row("mango", (0.08, 0.15), "fruit", "orange gold green red", length=(90, 130), diameter=(60, 84)),
    # Flat toy blocks.
    _row("star_block", (0.03, 0.09), "wood plastic foam", _BRIGHT, width=(36, 70), height=(20, 34)),
    _row("heart_block", (0.03, 0.09), "wood plastic foam", _BRIGHT, width=(36, 70), height=(20, 34)),
    _row("moon_block", (0.03, 0.10), "wood plastic foam", _BRIGHT, width=(18, 30), height=(20, 34)),
    _row("hexagon_block", (0.03, 0.09), "wood plastic foam", _BRIGHT, width=(34, 64), height=(20, 34)),
    _row("pentagon_block", (0.03, 0.09), "wood plastic foam", _BRIGHT, width=(34, 64), height=(20, 34)),
    _row("triangle_block", (0.03, 0.09), "wood plastic foam", _BRIGHT, width=(32, 60), height=(20, 34)),
    # More of the household.
    _row("moka_pot", (0.11, 0.24), "aluminium", "silver red black", diameter=(76, 104), height=(140, 205)),
    _row("remote", (0.11, 0.23), "plastic", "black charcoal gray white",
         length=(130, 195), width=(36, 50), height=(17, 25)),
    # What an unknown noun becomes.
    _row("generic", (0.03, 0.14), "plastic wood", _BRIGHT, "on pick",
         length=(45, 100), width=(28, 60), height=(25, 60)),
)  # fmt: skip

CATEGORIES: dict[str, Category] = {row.name: row for row in _ROWS}
"""Every known category by name, whether or not its builder exists: see ``generate.available``."""

_OPENING_ROWS = (
    # Organisers for desks have 18 to 30 cm, and rows of one to three drawers.
    _row("drawer_unit", (0.16, 0.32), "wood plastic painted_metal", "white gray red blue green teal yellow navy", "on",
         width=(210, 250), depth=(145, 168), drawer=(48, 58)),
    # Wall cabinets for keys and first aid.
    _row("cabinet", (0.16, 0.36), "wood painted_metal plastic", "white gray red blue green teal navy", "on",
         width=(200, 240), depth=(120, 150), height=(145, 172)),
    # From a child's microwave (28 cm) to a kitchen's (50 cm); the smallest that heat are 27 cm wide.
    _row("microwave", (0.22, 0.55), "painted_metal plastic", "white black silver red cream teal", "on",
         width=(260, 300), depth=(165, 195), height=(150, 175)),
    _row("lidded_box", (0.12, 0.32), "wood plastic painted_metal", _BRIGHT + " white gray", "in",
         width=(170, 210), depth=(115, 140), height=(62, 82)),
    # 10 to 12 inch: from the netbook's 26 x 17 cm on.
    _row("laptop", (0.22, 0.40), "aluminium plastic", "black gray white charcoal silver", "",
         width=(248, 285), depth=(165, 185), thickness=(16.5, 20)),
)  # fmt: skip

ARTICULATED: dict[str, Category] = {row.name: row for row in _OPENING_ROWS}
"""Categories with doors, drawers, lids or screens. They stand apart because they are opened, not picked or moved."""

ALL: dict[str, Category] = CATEGORIES | ARTICULATED
"""Every category that a scene may hold, by name."""
