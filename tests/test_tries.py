"""The commands that try how well a policy sees and acts: what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from gen3d_envs.baselines.vla import eyes, hands
from gen3d_envs.baselines.vla.config import make_config
from gen3d_envs.baselines.vla.model import FlowVLA
from gen3d_envs.baselines.vla.scenes import EnvSettings
from helpers import PICK

Main = Callable[[list[str]], int]
COMMANDS = pytest.mark.parametrize(("name", "main"), [("eyes", eyes.main), ("hands", hands.main)])


@COMMANDS
def test_what_is_no_policy_is_refused(
    name: str, main: Main, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path)]) == 1
    assert f"{name}: " in (words := capsys.readouterr().err) and "holds no model.safetensors" in words


@COMMANDS
@pytest.mark.parametrize(("option", "value"), [("episodes", "0"), ("seed", "-1"), ("scenes", "0")])
def test_what_cannot_be_tried_is_refused(
    name: str, main: Main, option: str, value: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    FlowVLA(make_config("micro", EnvSettings(scenes=(PICK,), size=32).contract)).save_pretrained(tmp_path)
    assert main([str(tmp_path), f"--{option}={value}"]) == 1
    assert value in capsys.readouterr().err
