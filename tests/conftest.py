"""Shared set-up: tests never touch the user's cache, and everything under tests/benchmarks is a benchmark."""

from __future__ import annotations

import os
import runpy
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

REPOSITORY = Path(__file__).resolve().parent.parent

# Before anything imports numpy; as a file, for the package must not be imported yet.
runpy.run_path(str(REPOSITORY / "gen3d_envs" / "kernels.py"))

from browser import Browser, find_chromium, open_browser  # noqa: E402

# Set where the run starts, so that xdist workers and child processes share one cache; CACHE is None in those.
CACHE = tempfile.mkdtemp(prefix="gen3d-tests-") if "GEN3D_TEST_CACHE" not in os.environ else None
if CACHE is not None:
    os.environ["GEN3D_TEST_CACHE"] = os.environ["GEN3D_CACHE"] = CACHE

# The test scenes are a user's scene folder; set before anything imports gen3d_envs, and inherited by child processes.
os.environ["GEN3D_SCENES"] = str(REPOSITORY / "tests" / "data" / "scenes")


# How long an example takes says more about what else the machine does than about the code.
hypothesis.settings.register_profile("gen3d", deadline=None)
hypothesis.settings.load_profile("gen3d")


def pytest_unconfigure(config: pytest.Config) -> None:
    if CACHE is not None:
        shutil.rmtree(CACHE, ignore_errors=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(REPOSITORY / "tests" / "benchmarks"):
            item.add_marker(pytest.mark.benchmark)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real Chromium, shared by a run; the test skips where none is installed."""
    program = find_chromium()
    if program is None:
        pytest.skip("no Chromium is installed (Debian: apt install chromium)")
    with open_browser(program) as running:
        yield running


@pytest.fixture(scope="session")
def shared_assets() -> Path:
    """The folder of real generated assets that is not part of the repository; the test skips where it is absent."""
    shared = Path(os.environ.get("GEN3D_SHARED", REPOSITORY.parent / "shared"))
    folder = shared / "assets" / "embodiedgen"
    if not folder.is_dir():
        pytest.skip("the shared assets are not here (GEN3D_SHARED names their folder)")
    return folder


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Torch with one thread: small networks gain nothing from more, and lose much where processors are shared."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def stage() -> Iterator[Callable[..., Any]]:
    """Makes :class:`situations.Stage` of an ID and arguments; they are closed when the test is over."""
    from situations import Stage

    stages: list[Stage] = []

    def build(env_id: str, **arguments: Any) -> Stage:
        stages.append(Stage(env_id, **arguments))
        return stages[-1]

    yield build
    for each in stages:
        each.close()
