"""How well a policy sees: measured along episodes of the expert."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from gen3d_envs.baselines.vla.config import make_config
from gen3d_envs.baselines.vla.eyes import Sight, look, table
from gen3d_envs.baselines.vla.labels import PLACES
from gen3d_envs.baselines.vla.model import FlowVLA
from gen3d_envs.baselines.vla.scenes import EnvSettings
from helpers import PICK


def sight(errors_mm: list[float], lifted: list[bool]) -> Sight:
    """A sight with known errors along x."""
    true = np.zeros((len(errors_mm), len(PLACES)), np.float32)
    found = true.copy()
    found[:, 0] = np.array(errors_mm, np.float32) / 1e3
    return Sight("Scene-0000", np.array(lifted), found, true)


def test_the_table_tells_things_at_rest_from_lifted_ones() -> None:
    text = table([sight([4.0, 6.0, 90.0], [False, False, True]), sight([12.0, 10.0, 110.0], [False, False, True])])
    assert "| at rest | 4 | 8.0 mm |" in text
    assert "| lifted | 2 | 100.0 mm |" in text
    assert text.endswith("Within 10 mm at the reset: 1 of 1 scenes")


def test_an_episode_is_looked_at_frame_by_frame() -> None:
    settings = EnvSettings(scenes=(PICK,), size=32)
    model = FlowVLA(make_config("micro", settings.contract)).eval()
    (first,), (again,) = list(look(model, settings)), list(look(model, settings))
    assert first.found.shape == first.true.shape == (len(first.lifted), len(PLACES))
    assert not first.lifted[0] and first.lifted[-1]  # the expert picks it up
    assert np.array_equal(first.true, again.true) and np.array_equal(first.found, again.found)
