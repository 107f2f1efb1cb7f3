"""The scripts that make the published numbers again: every command in them is one that there is."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest
from helpers import require_understood

SCRIPTS = sorted((Path(__file__).parents[1] / "baselines" / "repro").glob("*.sh"))


def test_there_are_some() -> None:
    assert len(SCRIPTS) >= 8


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_every_command_is_understood(script: Path) -> None:
    text = script.read_text()
    assert os.access(script, os.X_OK) and text.splitlines()[1].startswith("# ")
    subprocess.run(["bash", "-n", script], check=True)
    commands = re.findall(r"^\s*(gen3d .*?)$", text.replace("\\\n", " "), re.MULTILINE)
    assert commands
    values = {
        "robot": "widowx",
        "split": "train",
        "benchmark": "gen3d-100",
        "jobs": "2",
        "out": "out",
        "scenes": "100",
        "decisions": "1",
        "policy": "flow-vla-100",
    }
    for command in commands:
        filled = re.sub(r"\$(\w+)", lambda match: values[match[1]], command)
        require_understood(shlex.split(filled)[1:])
    for module in re.findall(r"^\s*python -m (\S+)", text, re.MULTILINE):
        assert find_spec(module) is not None
