"""The benchmark ``gen3d-broad``: scenes for learning to see, not for being compared on.

What a policy knows of the world before it is fine-tuned comes from here, as a large model's comes from its pretraining:
objects of every category of ``gen3d-100``, the held-out ones too, made anew, in the rooms and with the ways of asking
of its training split. No object, room or sentence of the held-out scenes is in it.
"""

from __future__ import annotations

from gen3d_envs.bank.gen3d_100 import HELDOUT, TRAIN
from gen3d_envs.bank.tables import Benchmark, SplitTable

BROAD = SplitTable(
    name="train",
    scenes=600,
    targets=(*TRAIN.targets, *HELDOUT.targets),
    inside={**TRAIN.inside, **HELDOUT.inside},
    on_top={**TRAIN.on_top, **HELDOUT.on_top},
    scenery=(*TRAIN.scenery, *HELDOUT.scenery),
    rooms=TRAIN.rooms,
    found_in={},
    templates=TRAIN.templates,
)
"""Objects of both splits, everything else of the training split."""

GEN3D_BROAD = Benchmark(name="gen3d-broad", splits=(BROAD,))
"""600 scenes; none of them is released, for any machine makes the same ones: ``gen3d generate``."""
