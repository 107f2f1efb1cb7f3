"""The benchmark ``gen3d-100``, as tables: what its splits are drawn from.

The tables name everything one by one. What the catalogue, the rooms and the templates gain later does not change the
benchmark; what they lose would, and the test on the hash of the plan says so. What is put where are pairs that the
scripted expert was seen to do with both robots; one that it fails at, such as a can on the rim of a tray, is left out.
"""

from __future__ import annotations

from gen3d_envs.bank.tables import Benchmark, SplitTable

_KITCHEN = (
    "apple", "orange", "banana", "lemon", "pear", "tomato", "potato", "carrot", "eggplant", "corn", "mushroom", "bun",
    "croissant", "egg", "strawberry", "spoon", "fork", "spatula", "salt_shaker", "mug", "can", "bottle", "sponge",
    "kettle", "jar", "pan",
)  # fmt: skip

_STATIONERY = ("pen", "marker", "eraser", "tape", "computer_mouse", "battery", "coaster", "mug", "notebook")

TRAIN = SplitTable(
    name="train",
    scenes=100,
    targets=(
        "apple", "orange", "banana", "lemon", "pear", "tomato", "potato", "carrot", "eggplant", "corn", "mushroom",
        "bun", "croissant", "egg", "strawberry", "spoon", "fork", "spatula", "salt_shaker", "mug", "can", "bottle",
        "sponge", "pen", "marker", "eraser", "tape", "computer_mouse", "battery", "screwdriver", "wrench", "hammer",
        "cube", "block", "ball", "chess_pawn", "toy_duck", "toy_car", "toy_bear", "candle",
    ),
    inside={
        "bowl": (
            "apple", "orange", "banana", "lemon", "pear", "potato", "eggplant", "croissant",
            "spoon", "fork", "tape", "screwdriver", "cube", "toy_car", "toy_bear",
        ),
        "box": (
            "orange", "banana", "lemon", "pear", "eggplant", "mushroom", "bun", "fork", "can",
            "sponge", "battery", "hammer", "toy_duck", "toy_bear", "candle",
        ),
        "basket": (
            "apple", "orange", "lemon", "pear", "potato", "bun", "croissant", "spoon",
            "salt_shaker", "mug", "can", "pen", "marker", "computer_mouse", "hammer", "block",
            "chess_pawn", "candle",
        ),
        "bucket": (
            "apple", "orange", "banana", "lemon", "pear", "potato", "eggplant", "strawberry",
            "salt_shaker", "sponge", "pen", "cube", "ball", "toy_car",
        ),
    },
    on_top={
        "plate": (
            "apple", "orange", "banana", "lemon", "pear", "tomato", "potato", "croissant",
            "strawberry", "spoon", "spatula", "mug", "sponge", "eraser", "battery", "cube", "block",
            "chess_pawn",
        ),
        "tray": (
            "apple", "orange", "banana", "lemon", "pear", "tomato", "carrot", "croissant", "egg",
            "fork", "spatula", "pen", "marker", "eraser", "wrench", "hammer", "ball", "toy_duck",
            "toy_bear",
        ),
        "towel": (
            "apple", "orange", "banana", "lemon", "mushroom", "egg", "strawberry", "salt_shaker",
            "can", "bottle", "sponge", "screwdriver", "hammer", "cube", "ball", "chess_pawn",
            "toy_bear",
        ),
        "notebook": (
            "apple", "orange", "banana", "lemon", "corn", "mushroom", "egg", "can", "marker",
            "computer_mouse", "battery", "wrench", "hammer", "cube", "ball", "toy_duck", "toy_car",
        ),
    },
    scenery=("coaster", "brick", "jar", "kettle", "die", "pan"),
    rooms=(
        ("kitchen", "counter"), ("dining", "dining_table"), ("office", "desk"), ("workshop", "workbench"),
        ("living_room", "side_table"), ("study", "writing_desk"),
    ),
    found_in={
        "kitchen": _KITCHEN,
        "dining": _KITCHEN,
        "office": _STATIONERY,
        "study": _STATIONERY,
        "workshop": ("screwdriver", "wrench", "hammer", "tape", "battery", "marker", "can", "brick", "bucket"),
        "living_room": (
            "cube", "block", "ball", "chess_pawn", "toy_duck", "toy_car", "toy_bear", "die", "candle", "coaster"
        ),
    },
    templates=(
        "put_at", "put_to", "place_at", "place_inside", "set_at", "set_down_at", "drop_to", "move_to", "bring_to",
        "carry_to", "return_to", "leave_at", "pick_put", "pick_place", "take_set", "lift_then", "could_place",
        "can_put", "please_move", "you_should", "i_want", "belongs", "should_go", "must_be_put", "where_first", "short",
        "make_sure",
        "pick_up", "pick_thing_up", "lift", "lift_up", "grab", "take", "grasp_lift", "raise", "retrieve", "could_pick",
        "please_take", "you_should_pick", "task_is_pick", "there_is_pick",
    ),
)  # fmt: skip
"""What policies are trained on."""

HELDOUT = SplitTable(
    name="heldout",
    scenes=50,
    targets=(
        "lime", "peach", "onion", "cucumber", "broccoli", "pepper", "donut", "cup_cake", "bread", "knife", "whisk",
        "pencil", "pliers", "clamp", "cylinder", "tennis_ball", "chess_rook", "chess_king", "toy_fish", "toy_dinosaur",
        "soap", "pepper_grinder", "stapler",
    ),
    inside={
        "pot": (
            "cucumber", "broccoli", "pepper", "cup_cake", "knife", "chess_rook", "soap", "stapler",
        ),
        "colander": (
            "peach", "onion", "cucumber", "broccoli", "knife", "tennis_ball", "chess_king",
            "toy_dinosaur", "pepper_grinder",
        ),
    },
    on_top={
        "cutting_board": (
            "donut", "bread", "pencil", "pliers", "clamp", "tennis_ball", "chess_rook",
            "chess_king", "stapler",
        ),
        "placemat": (
            "lime", "onion", "donut", "cup_cake", "whisk", "pencil", "cylinder", "pepper_grinder",
            "stapler",
        ),
        "book": (
            "lime", "peach", "pepper", "whisk", "pencil", "clamp", "cylinder", "chess_rook",
            "toy_fish",
        ),
    },
    scenery=("cup", "saucer", "teapot"),
    rooms=(("lab", "lab_bench"), ("store", "shelf")),
    found_in={},
    templates=(
        "put_inside", "lay_to", "transfer_to", "deposit_at", "grab_drop", "get_move", "would_mind", "i_would_like",
        "goes", "should_be", "needs_to_go", "where_first_to", "task_is", "see_there",
        "pick", "grab_raise", "raise_air", "can_lift", "would_mind_picking", "i_would_like_pick", "should_be_lifted",
        "seize",
    ),
)  # fmt: skip
"""What nothing of is seen in training: other objects, categories, rooms and ways of asking."""

GEN3D_100 = Benchmark(
    name="gen3d-100",
    splits=(TRAIN, HELDOUT),
    handmade=("HandmadeCarrotOnPlate", "HandmadeSpoonOnTowel", "HandmadePickEggplant"),
)
"""100 training scenes, 50 held-out ones, 3 made by hand."""
