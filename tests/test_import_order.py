"""Layers import only what is left of them, and each engine has one owner. Read from the syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent

LAYERS: tuple[tuple[str, ...], ...] = (
    ("errors", "extras", "folders", "geometry", "kernels", "processes", "statistics", "video"),
    ("spec",),
    ("registry", "lazy_registry", "registration"),
    ("assets",),
    ("design",),
    ("sim",),
    ("robots", "tasks", "observations"),
    ("build", "cameras"),
    ("episode", "reality"),
    ("scenes",),
    ("variations",),
    ("env",),
    ("contract",),
    ("wrappers",),
    ("axes",),
    ("rollout",),
    ("experts",),
    ("certify", "gate", "compare", "compare_plot", "testing"),
    (
        "author",
        "import_poses",
        "import_world",
    ),
    ("release",),
    ("bank",),
    ("export", "pictures", "report_graph", "report_style", "report", "gallery", "viewer"),
    ("evaluation",),
    ("demos",),
    ("studio",),
    ("docs", "commands", "cli"),
    ("baselines",),
)
"""Left to right: a module imports its own layer and those before it. A new top-level module is added here."""

RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}

REGISTRATION_MAY_IMPORT = {"errors", "spec", "registry", "lazy_registry", "registration"}

OWNERS = {
    "pybullet": ("gen3d_envs/sim/bullet.py",),
    "pybullet_data": (),
    "pybullet_utils": (),
    "mujoco": ("gen3d_envs/sim/mujoco*.py",),
    "panda3d": ("gen3d_envs/sim/camera*.py",),
    "direct": (),
    "torch": ("baselines/**/*.py", "gen3d_envs/design/llm_local.py", "gen3d_envs/assets/generators/shap_e.py"),
    "diffusers": ("gen3d_envs/assets/generators/shap_e.py",),
    "xgrammar": ("gen3d_envs/design/llm_local.py",),
    "openai": ("gen3d_envs/design/llm_openai.py",),
    "stable_baselines3": ("baselines/**/*.py",),
    "sb3_contrib": ("baselines/**/*.py",),
    "lerobot": ("baselines/policies/lerobot_policy.py",),
    "websockets": ("baselines/policies/*.py",),
    "msgpack": ("baselines/policies/wire.py",),
    "ray": ("baselines/**/*.py",),
    "joblib": ("gen3d_envs/processes.py",),
    "viser": ("gen3d_envs/studio/page.py",),
    "pyarrow": ("gen3d_envs/demos/*.py",),
    "rclpy": ("baselines/ros/rclpy_transport.py",),
    "rospy": ("baselines/ros/rospy_transport.py",),
    "rosgraph": ("baselines/ros/rospy_transport.py",),
    "roslib": ("baselines/ros/rospy_transport.py",),
    "genpy": ("baselines/ros/rospy_transport.py",),
    "cyclonedds": ("baselines/ros/dds.py",),
    "rosbags": ("baselines/ros/cdr.py", "baselines/ros/log.py"),
    "pytest": ("gen3d_envs/testing.py",),
}
"""Which files may import a package, at the top or inside a function; every other file may not."""

SOURCES = sorted((REPOSITORY / "gen3d_envs").rglob("*.py")) + sorted((REPOSITORY / "baselines").rglob("*.py"))


def module_name(path: Path) -> str:
    parts = list(path.relative_to(REPOSITORY).with_suffix("").parts)
    if parts[0] != "gen3d_envs":
        parts.insert(0, "gen3d_envs")
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(tree: ast.Module, path: Path) -> Iterator[tuple[int, str]]:
    """Every imported module as (line, absolute dotted name); ``from a import b`` gives ``a.b``."""
    package = module_name(path).split(".")
    if path.name != "__init__.py":
        package.pop()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def complaints(path: Path, source: str) -> list[str]:
    """What is wrong with the imports of one file."""
    found = []
    relative = path.relative_to(REPOSITORY)
    module = module_name(path).split(".")
    own = module[1] if len(module) > 1 else ""
    if own and own not in RANK:
        return [f"{relative}: '{own}' has no place in LAYERS of tests/test_import_order.py"]
    for line, name in imports(ast.parse(source), path):
        root, _, rest = name.partition(".")
        if root == "gen3d_envs":
            other = rest.partition(".")[0]
            if not own and other not in ("kernels", "registration"):
                found.append(f"{relative}:{line}: the package imports kernels and registration only, not {name}")
            elif own == "registration" and other not in REGISTRATION_MAY_IMPORT:
                found.append(f"{relative}:{line}: registration must stay light and may not import {name}")
            elif own and RANK.get(other, -1) > RANK[own]:
                found.append(f"{relative}:{line}: {own} comes before {other} and may not import {name}")
        elif root in OWNERS and not any(relative in _glob(pattern) for pattern in OWNERS[root]):
            found.append(f"{relative}:{line}: {root} may be imported only by {OWNERS[root] or 'nobody'}")
        elif root in ("registry", "baselines", "tests"):
            found.append(f"{relative}:{line}: {root} is installed under gen3d_envs; import it from there")
    return found


def _glob(pattern: str) -> set[Path]:
    return {path.relative_to(REPOSITORY) for path in REPOSITORY.glob(pattern)}


def test_no_backward_imports() -> None:
    found = [line for path in SOURCES for line in complaints(path, path.read_text(encoding="utf-8"))]
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("gen3d_envs/spec.py", "from gen3d_envs.assets import asset"),
        ("gen3d_envs/assets/hulls.py", "def f():\n    import gen3d_envs.sim.world"),
        ("gen3d_envs/assets/hulls.py", "from ..sim import world"),
        ("gen3d_envs/assets/hulls.py", "from .. import env"),
        ("gen3d_envs/registration.py", "from gen3d_envs.assets.asset import Asset"),
        ("gen3d_envs/__init__.py", "from gen3d_envs import env"),
        ("gen3d_envs/env.py", "import pybullet"),
        ("gen3d_envs/env.py", "from panda3d.core import NodePath"),
        ("gen3d_envs/rollout.py", "import torch"),
        ("gen3d_envs/design/designer.py", "def f():\n    import openai"),
        ("gen3d_envs/cli.py", "from gen3d_envs.baselines import policy"),
        ("gen3d_envs/surprise.py", ""),
        ("baselines/policy.py", "import baselines.vla"),
    ],
)
def test_the_check_sees(path: str, source: str) -> None:
    assert complaints(REPOSITORY / path, source)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("gen3d_envs/spec.py", "from gen3d_envs.errors import SceneError"),
        ("gen3d_envs/__init__.py", "from gen3d_envs.registration import register_scene"),
        ("gen3d_envs/env.py", "from gen3d_envs import spec\nfrom gen3d_envs.sim.world import World"),
        ("baselines/policy.py", "from . import vla\nfrom gen3d_envs.rollout import rollout"),
    ],
)
def test_the_check_allows(path: str, source: str) -> None:
    assert not complaints(REPOSITORY / path, source)
