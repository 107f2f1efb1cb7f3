"""What is installed: every package, the data, light dependencies, and nothing under names of other people."""

from __future__ import annotations

import configparser
import importlib
import importlib.resources
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
HEAVY_AT_IMPORT = ("pybullet", "panda3d", "trimesh", "torch", "PIL", "scipy", "coacd", "av")
HEAVY_TO_INSTALL = {"torch", "stable-baselines3", "transformers", "coacd", "ray", "openai", "diffusers"}


def setup_cfg() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(REPOSITORY / "setup.cfg", encoding="utf-8")
    return parser


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]


def normal(requirement: str) -> str:
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert match, requirement
    return re.sub(r"[-_.]+", "-", match.group()).lower()


def test_every_folder_with_modules_is_a_package() -> None:
    listed = lines(setup_cfg()["options"]["packages"])
    found = []
    for top, prefix in (("gen3d_envs", ""), ("registry", "gen3d_envs."), ("baselines", "gen3d_envs.")):
        folders = {path.parent for path in (REPOSITORY / top).rglob("*.py")}
        found += [prefix + ".".join(folder.relative_to(REPOSITORY).parts) for folder in folders]
        missing = [str(folder) for folder in sorted(folders) if not (folder / "__init__.py").is_file()]
        assert not missing, f"no __init__.py in {missing}"
    assert sorted(found) == listed, "setup.cfg [options] packages must list every folder, sorted"


def test_every_package_can_be_imported() -> None:
    for name in lines(setup_cfg()["options"]["packages"]):
        importlib.import_module(name)


def test_data_travels_with_the_package() -> None:
    home = importlib.resources.files("gen3d_envs.registry")
    assert home.joinpath("README.md").is_file()
    assert importlib.resources.files("gen3d_envs").joinpath("py.typed").is_file()


def test_the_core_install_is_light() -> None:
    core = {normal(line) for line in lines(setup_cfg()["options"]["install_requires"])}
    assert not core & HEAVY_TO_INSTALL


def test_pybullet_is_asked_for_only_where_it_has_wheels() -> None:
    requirement = next(r for r in lines(setup_cfg()["options"]["install_requires"]) if r.startswith("pybullet"))
    for part in ("==3.2.7", 'sys_platform == "linux"', 'platform_machine == "x86_64"', 'python_version < "3.12"'):
        assert part in requirement


def test_every_dependency_is_pinned_and_no_host_is_named() -> None:
    pins = lines((REPOSITORY / "constraints.txt").read_text(encoding="utf-8"))
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", pin) for pin in pins), "name==version only"
    config = setup_cfg()
    wanted = lines(config["options"]["install_requires"])
    for extra in config["options.extras_require"].values():
        wanted += lines(extra)
    assert {normal(line) for line in wanted} <= {normal(pin) for pin in pins}
    assert "torch==2.13.0" in pins


def test_version_is_the_one_in_the_changelog() -> None:
    version = setup_cfg()["metadata"]["version"]
    assert re.search(rf"^## {re.escape(version)}\b", (REPOSITORY / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)


def test_import_is_light() -> None:
    code = f"import sys, gen3d_envs; print([n for n in {HEAVY_AT_IMPORT!r} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["registry", "baselines"])
def test_nothing_is_installed_under_general_names(name: str, tmp_path: Path) -> None:
    code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({name!r}) is not None)"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
