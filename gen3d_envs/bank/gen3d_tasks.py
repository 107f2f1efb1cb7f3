"""The benchmark gen3d-tasks: scenes of the families Stack, Push, Sort and Rearrange, one sentence each.

No thing that is to be moved in a held-out scene is to be moved in a training scene.
"""

from __future__ import annotations

from gen3d_envs.bank.tables import SentenceBenchmark

_STACK = (
    "stack the red cube on the blue cube",
    "stack the wooden block on the book",
    "please stack the sponge on the brick",
    "stack the eraser on the block",
    "stack the toy car on the food box",
    "stack the green cube on the brick",
    "could you stack the soap on the notebook?",
    "pile the yellow block on the green block",
    "stack the can on the book",
    "stack the orange cylinder on the food box",
    "your task is to stack the tape on the book",
    "stack the small red cube on the yellow block",
    "stack the sponge on the book",
    "carefully stack the blue cube on the notebook",
    "stack the white soap on the brick",
    "I would like you to stack the block on the brick",
    "stack the salt shaker on the book",
    "stack the purple cube on the orange cube",
    "you should stack the eraser on the food box",
    "pile the teal cylinder on the notebook",
)
_STACK_HELD_OUT = (
    "stack the die on the cube",
    "stack the snack bar on the book",
    "please stack the hexagon block on the brick",
    "stack the cheese on the notebook",
    "could you stack the star block on the food box?",
)
_PUSH = (
    "push the red cube to the green spot",
    "push the sponge to the blue circle",
    "slide the soap to the red spot",
    "push the block to the yellow circle",
    "nudge the toy car to the blue spot",
    "please push the tape to the red circle",
    "push the eraser to the green spot",
    "shove the yellow cube to the purple spot",
    "push the notebook to the orange circle",
    "could you push the mug to the red spot?",
    "push the blue block to the yellow area",
    "slide the stapler to the green circle",
    "push the soap next to the book",
    "slide the sponge next to the box",
    "push the red cube next to the yellow cube",
    "push the block to the left of the sponge",
    "push the eraser to the right of the tape",
    "nudge the toy car next to the food box",
    "push the tape behind the soap",
    "please slide the green cube next to the bowl",
)
_PUSH_HELD_OUT = (
    "push the cheese to the red spot",
    "slide the computer mouse to the blue circle",
    "push the heart block to the yellow spot",
    "push the food box to the green circle",
    "push the star block next to the pentagon block",
)
_SORT = (
    "put the tomato in the bowl and the red cube in the box",
    "put the lemon in the basket and the soap on the plate",
    "put the lime and the eraser in the box",
    "sort the strawberry into the bowl and the block into the basket",
    "put the sponge on the tray and the lime in the bowl",
    "put the blue cube in the box and the yellow cube in the basket",
    "place the egg in the bowl and the sponge on the cutting board",
    "put the lemon and the tomato in the basket",
    "please put the soap in the box and the strawberry on the plate",
    "could you put the red block in the box and the lime on the plate?",
    "put the eraser on the notebook and the lemon in the bowl",
    "put the strawberry, the lime and the soap in the basket",
    "sort the green cube into the box and the tomato into the bowl",
    "pick up the lime and put it in the bowl, then pick up the sponge and put it on the plate",
    "put the egg in the basket and then put the cube on the tray",
    "neatly put the soap in the basket and the eraser on the book",
    "put the red cube and the blue cube in the box",
    "put the tomato on the plate and the block on the book",
    "your task is to put the lemon in the pot and the cube on the plate",
    "put the strawberry in the bowl, the cube in the box and the sponge on the plate",
)
_SORT_HELD_OUT = (
    "put the kiwi in the bowl and the die in the box",
    "put the mushroom on the plate and the star block in the basket",
    "sort the peach into the basket and the battery into the box",
    "put the cheese on the tray and the kiwi in the bowl",
    "put the heart block and the mushroom in the basket",
)
_REARRANGE = (
    "swap the soap and the cube",
    "put the lemon on the plate, then the cup next to it",
    "put the egg in the bowl, then the salt shaker next to it",
    "put the sponge next to the bowl",
    "swap the red block and the green block",
    "put the red cube to the left of the box",
    "put the block on the red spot",
    "exchange the positions of the sponge and the tape",
    "put the soap behind the plate",
    "move the lime next to the mug",
    "swap the pear and the eraser",
    "put the tomato in the bowl and the soap next to the bowl",
    "put the cube to the right of the bowl",
    "please swap the blue cube and the yellow cube",
    "set the tape in front of the box",
    "put the eraser on the blue circle and the lime in the bowl",
    "put the block next to the book",
    "could you swap the salt shaker and the sponge?",
    "put the red cube on the green spot and the blue cube on the yellow spot",
    "put the strawberry on the plate, then the cube next to it",
)
_REARRANGE_HELD_OUT = (
    "swap the cheese and the die",
    "put the kiwi next to the plate",
    "put the star block to the left of the bowl",
    "put the mushroom on the red spot",
    "put the kiwi on the plate, then the snack bar next to it",
)

GEN3D_TASKS = SentenceBenchmark(
    name="gen3d-tasks",
    train=tuple(said for row in zip(_STACK, _PUSH, _SORT, _REARRANGE, strict=True) for said in row),
    heldout=tuple(
        said
        for row in zip(_STACK_HELD_OUT, _PUSH_HELD_OUT, _SORT_HELD_OUT, _REARRANGE_HELD_OUT, strict=True)
        for said in row
    ),
)
"""The families take turns, so that every beginning of a split holds about as many scenes of each."""
