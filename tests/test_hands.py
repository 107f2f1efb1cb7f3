"""How well a policy acts where it is told where things are."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from gen3d_envs.baselines.vla.hands import Deed, act, table
from gen3d_envs.baselines.vla.policy import load_flow_vla
from gen3d_envs.baselines.vla.scenes import EnvSettings, scenes_of

RELEASED = Path(__file__).parents[1] / "registry" / "checkpoints" / "flow-vla-100"


def test_the_blind_can_act_when_they_are_told() -> None:
    model = load_flow_vla(RELEASED)
    for weights in model.tower.parameters():
        weights.data.zero_()
    deeds = list(act(model, EnvSettings(scenes=scenes_of("train", 4), size=96, max_steps=50)))
    assert [deed.told for deed in deeds] == [False, True] * 4
    alone, told = ([deed.outcome for deed in deeds if deed.told is told] for told in (False, True))
    assert "success" not in alone and told.count("success") >= 2


def test_the_table_tells_how_often_and_how_else_it_ended() -> None:
    deeds = [Deed("S", False, "success"), Deed("S", True, "success"), Deed("S", False, "dropped")]
    lines = table([*deeds, Deed("S", True, "success")]).splitlines()
    assert lines[2].startswith("| its own eyes' | 50.0% (") and lines[2].endswith(", 2) | 1 dropped |")
    assert lines[3].startswith("| the simulator's | 100.0% (") and lines[3].endswith("100.0%, 2) |  |")
