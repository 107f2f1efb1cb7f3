"""The README's code runs as it stands, and its tables are those of the code."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import require_understood

import gen3d_envs
from gen3d_envs.docs import TABLES, update
from gen3d_envs.errors import FieldError
from gen3d_envs.evaluation.result import read_result
from gen3d_envs.evaluation.statistics import rate

REPOSITORY = Path(__file__).resolve().parent.parent
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
FAMILY = re.compile(r"Gen3D-(Pick|Place)-v0")


@pytest.mark.parametrize("block", BLOCKS, ids=[str(index) for index in range(len(BLOCKS))])
def test_python_blocks_run(block: str, tmp_path: Path) -> None:
    missing = [name for name in FAMILY.findall(block) if not gen3d_envs.scene_names(name.lower())]
    if missing:
        pytest.skip(f"no scene of {missing} is released yet")
    environment = {**os.environ, "GEN3D_SCENES": str(tmp_path / "scenes")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", block],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


def test_there_are_blocks_of_both_forms() -> None:
    text = "\n".join(BLOCKS)
    assert "import gen3d_envs" in text and '"gen3d_envs:Gen3D-Pick-v0"' in text


def test_generated_tables_are_up_to_date() -> None:
    study = (REPOSITORY / "docs" / "study.md").read_text(encoding="utf-8")
    for name, text in (("README.md", README), ("docs/study.md", study)):
        assert update(text) == text, f"run `gen3d docs {name}`"
    assert set(re.findall(r"<!-- generated:([a-z_]+) -->", README + study)) == set(TABLES)


def test_every_argument_is_documented() -> None:
    assert "| `render_height` | `480` |" in TABLES["arguments"]()


def test_an_unknown_table_is_refused() -> None:
    with pytest.raises(FieldError, match="no such table"):
        update("<!-- generated:nothing -->\n<!-- /generated -->")


@pytest.mark.parametrize(
    ("name", "script"),
    [
        ("ten-imitation", "ten_demonstrations.sh"),
        ("ten-n100-s0-100000", "ten_demonstrations.sh"),
        ("sparse-n100-s0-100000", "sparse.sh"),
    ],
)
def test_figures_beside_the_tables_are_those_of_the_episodes(name: str, script: str) -> None:
    said = next(part for part in re.split(r"\n\n|\n(?=- )", README) if f"`{script}`" in part)
    for split in ("train", "heldout", "handmade"):
        result = read_result(REPOSITORY / "registry" / "results" / "study" / f"{name}-{split}.json")
        assert f"{100 * rate(result.episodes).success:.1f}" in said, split


def test_commands_named_exist() -> None:
    console = "\n".join(re.findall(r"^```console\n(.*?)^```", README, re.DOTALL | re.MULTILINE))
    lines = re.findall(r"^\$ gen3d (.*?)(?:\s+#.*)?$", console.replace("\\\n", " "), re.MULTILINE)
    assert lines
    for line in lines:
        require_understood(shlex.split(line))
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    for verb in re.findall(r"(?:^\$ |`)make (\w+)", README, re.MULTILINE):
        assert f"\n{verb}:" in makefile


def test_paths_named_exist() -> None:
    for path in re.findall(r"^\| (`[^|]*`) \|", README.partition("## Layout")[2], re.MULTILINE):
        for name in re.findall(r"`([^`]+)`", path):
            assert (REPOSITORY / name).exists() or (REPOSITORY / "gen3d_envs" / name).exists(), name
