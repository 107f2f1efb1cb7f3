"""Which kernels matrices are multiplied with does not depend on the processor."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gen3d_envs.kernels import KERNELS, VARIABLE, other_kernels


@pytest.mark.parametrize(
    ("flags", "found"), [("fpu avx2 avx512f avx512dq", True), ("fpu avx avx2 fma", False), ("", False)]
)
def test_processors_with_avx_512_are_known(flags: str, found: bool, tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nflags\t\t: {flags}\n")
    assert other_kernels(tmp_path / "cpuinfo") is found
    assert not other_kernels(tmp_path / "missing")


def chosen(first: str, **more: str) -> str:
    """The variable in a fresh process, after it imported something and then the package."""
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE} | more
    program = f"import os, {first}, gen3d_envs; print(os.environ.get({VARIABLE!r}, ''))"
    command = [sys.executable, "-c", program]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip()


def test_they_are_chosen_where_numpy_is_not_loaded_yet() -> None:
    wanted = KERNELS if other_kernels() else ""
    assert chosen("sys") == wanted
    assert chosen("numpy") == ""  # too late: it would change only what is loaded next


def test_a_choice_of_the_user_stays() -> None:
    assert chosen("sys", **{VARIABLE: "Sandybridge"}) == "Sandybridge"
