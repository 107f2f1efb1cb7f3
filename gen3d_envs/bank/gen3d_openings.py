"""The benchmark gen3d-openings: scenes of the families Open and Close, one sentence each.

A benchmark of its own, because a released list never grows. The laptop is held out of both families: what is opened and
closed in training has handles, and a laptop has none.
"""

from __future__ import annotations

from gen3d_envs.bank.tables import SentenceBenchmark

_OPEN = (
    "open the top drawer",
    "open the cabinet",
    "open the microwave",
    "open the box",
    "pull the drawer open",
    "open the door of the red cabinet",
    "open the white microwave",
    "lift the lid of the blue box",
    "please open the top drawer of the green drawer unit",
    "swing the cabinet door open",
    "could you open the microwave door?",
    "open the wooden box",
    "pull out the white drawer",
    "open the gray cabinet next to the mug",
    "I want the silver microwave open",
    "open the lid of the yellow box",
    "slide the top drawer open",
    "your task is to open the wooden cabinet",
    "grasp the handle of the black microwave and open it",
    "raise the lid of the small red box",
)
_OPEN_HELD_OUT = (
    "open the laptop",
    "open the black laptop",
    "could you open the silver laptop?",
    "raise the screen of the gray laptop",
    "please open the small white laptop",
)
_CLOSE = (
    "close the drawer",
    "close the cabinet",
    "close the microwave",
    "close the box",
    "shut the top drawer",
    "shut the door of the blue cabinet",
    "please close the red microwave",
    "close the lid of the green box",
    "push the top drawer of the yellow drawer unit shut",
    "the cabinet door should be closed",
    "shut the microwave door",
    "gently close the wooden box",
    "push the red drawer back in",
    "could you shut the white cabinet?",
    "make sure the cream microwave is closed",
    "lower the lid of the orange box",
    "slide the wooden drawer shut",
    "close the navy cabinet next to the can",
    "I would like you to close the black microwave",
    "close the small purple box",
)
_CLOSE_HELD_OUT = (
    "close the laptop",
    "shut the white laptop",
    "please close the lid of the black laptop",
    "gently fold the gray laptop shut",
    "the silver laptop should be closed",
)

GEN3D_OPENINGS = SentenceBenchmark(
    name="gen3d-openings",
    train=tuple(said for row in zip(_OPEN, _CLOSE, strict=True) for said in row),
    heldout=tuple(said for row in zip(_OPEN_HELD_OUT, _CLOSE_HELD_OUT, strict=True) for said in row),
)
"""The families take turns, so that every beginning of a split holds about as many scenes of each."""
