"""Run other codebases on Gen3D with nothing but the ID changed, and record what ran when with which versions.

``python tests/integrations/run.py [NAME ...]`` makes a virtual environment for each group of codebases that can be
installed side by side, under ``$GEN3D_INTEGRATIONS`` or a temporary folder, installs this checkout and the codebase,
runs its script, and writes the rows of ``results.json``, from which ``gen3d docs README.md`` makes the README's table.
It downloads several gigabytes, so it is no part of the test suite; ``make integrations`` runs it.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
RESULTS = HERE / "results.json"
TORCH = "torch==2.13.0"
TESTS = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-x", "tests/test_env.py", "tests/test_ecosystem.py",
         "tests/test_registration.py")  # fmt: skip
TEST_TOOLS = ("hypothesis", "psutil", "pygame", "pytest", "pytest-benchmark", "pytest-timeout", "pytest-xdist")
INSTALL_S, RUN_S = 1800.0, 1800.0


@dataclass(frozen=True)
class Codebase:
    """One row of the table.

    Attributes:
        name: as people know it; also the argument of this script.
        package: the distribution whose version is recorded.
        program: arguments of ``python``, run in the repository.
        requirements: what is installed beside Gen3D.
        group: the virtual environment, shared by codebases that agree on their dependencies.
        freed: names in ``constraints.txt`` that do not hold here.
        without_dependencies: installed last, alone, where its pins would undo the rest.
        variables: environment variables of that last installation.
    """

    name: str
    package: str
    program: tuple[str, ...]
    requirements: tuple[str, ...] = ()
    group: str = "beside"
    freed: tuple[str, ...] = ()
    without_dependencies: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()


def _script(name: str) -> tuple[str, ...]:
    return (f"tests/integrations/{name}.py",)


CODEBASES = (
    Codebase("Stable-Baselines3 PPO", "stable-baselines3", _script("sb3_ppo"), ("stable-baselines3", TORCH)),
    Codebase("Stable-Baselines3 SAC", "stable-baselines3", _script("sb3_sac"), ("stable-baselines3", TORCH)),
    Codebase("sb3-contrib TQC", "sb3-contrib", _script("sb3_contrib_tqc"), ("sb3-contrib", TORCH)),
    Codebase(
        "rl_zoo3 PPO", "rl_zoo3", _script("rl_zoo3_ppo"), ("rl_zoo3", TORCH),
        group="rl_zoo3", freed=("pillow", "rich", "packaging"),
    ),
    Codebase(
        "CleanRL PPO", "cleanrl", _script("cleanrl_ppo"), (TORCH, "tensorboard"), group="cleanrl",
        # The newest one on the index; its script needs Gymnasium before 1.0, older than what Gen3D promises.
        without_dependencies=("cleanrl==1.2.0", "gymnasium==0.29.1"),
    ),
    Codebase("TorchRL PPO", "torchrl", _script("torchrl_ppo"), ("torchrl", TORCH)),
    Codebase(
        "Tianshou PPO", "tianshou", _script("tianshou_ppo"), ("tianshou[eval]>=2", TORCH), group="tianshou",
        freed=("filelock", "numpy", "packaging", "pillow"),
    ),
    Codebase(
        "PufferLib emulation", "pufferlib", _script("pufferlib_emulation"),
        ("cython", "psutil", "pynvml", "rich", "rich_argparse", "setuptools", "wheel", TORCH), group="pufferlib",
        # Its pins want NumPy 1; its games in C want a download while it is built, and emulation needs none of them.
        without_dependencies=("gym==0.26.2", "gym-notices", "pettingzoo==1.24.3", "pufferlib==3.0.0"),
        variables=(("NO_OCEAN", "1"), ("NO_TRAIN", "1"), ("PYTHONPATH", str(HERE / "pufferlib_build"))),
    ),
    Codebase(
        "Ray RLlib PPO", "ray", _script("rllib_ppo"), ("ray[rllib]", TORCH), group="rllib", freed=("gymnasium",)
    ),
    Codebase("LeRobot EnvHub, without LeRobot", "gen3d-envs", _script("lerobot_envhub"), group="lerobot"),
    Codebase("Minari DataCollector", "minari", _script("minari_collect"), ("minari[create,hdf5]",), group="minari"),
    Codebase(
        "Gen3D's tests, Gymnasium 1.2.2", "gen3d-envs", TESTS, ("gymnasium==1.2.2", *TEST_TOOLS),
        group="gymnasium-1.2.2", freed=("gymnasium",),
    ),
    Codebase(
        "Gen3D's tests, Gymnasium 1.2.0", "gen3d-envs", TESTS, ("gymnasium==1.2.0", *TEST_TOOLS),
        group="gymnasium-1.2.0", freed=("gymnasium",),
    ),
)  # fmt: skip


def main() -> int:
    """Run what was named, or everything; 0 where all of it works."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"some of: {', '.join(c.name for c in CODEBASES)}")
    names = parser.parse_args().names
    unknown = sorted(set(names) - {codebase.name for codebase in CODEBASES})
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}")
    home = Path(os.environ.get("GEN3D_INTEGRATIONS") or Path(tempfile.gettempdir()) / "gen3d-integrations").resolve()
    if home.is_relative_to(REPOSITORY):
        parser.error(f"GEN3D_INTEGRATIONS={home} lies in the repository: name a folder elsewhere")
    works = True
    for codebase in CODEBASES:
        if names and codebase.name not in names:
            continue
        row = _run(codebase, home)
        works &= row["outcome"] == "works"
        _record(row)
        print(f"{row['name']}: {row['outcome']}, {row['detail']}", flush=True)
    return 0 if works else 1


def _run(codebase: Codebase, home: Path) -> dict[str, Any]:
    folder = home / codebase.group
    python = folder / "bin" / "python"
    row = {
        "name": codebase.name, "version": "", "gymnasium": "", "python": "", "date": date.today().isoformat(),
        "command": " ".join(("python", *codebase.program)), "seconds": 0.0, "outcome": "not installed", "detail": "",
    }  # fmt: skip
    failure = _install(codebase, folder, python)
    if failure:
        return row | {"python": ".".join(map(str, sys.version_info[:3])), "detail": _plain(failure, home)}
    code = (
        "import json, platform; from importlib.metadata import version as v\n"
        f"print(json.dumps([v({codebase.package!r}), v('gymnasium'), platform.python_version()]))"
    )
    versions = json.loads(subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout)
    row |= dict(zip(("version", "gymnasium", "python"), versions, strict=True))
    if codebase.package == "gen3d-envs":
        row["version"] = f"gen3d-envs {row['version']}"
    started = time.monotonic()
    # Tests find their setup.cfg in the repository; scripts that write results do so elsewhere.
    with tempfile.TemporaryDirectory() as scratch:
        program = [str(REPOSITORY / p) if p.endswith(".py") else p for p in codebase.program]
        variables = {**os.environ, "GEN3D_SCENES": scratch, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "2"}
        done = _call(
            [str(python), *program], RUN_S, REPOSITORY if codebase.program == TESTS else Path(scratch), variables
        )
    row["seconds"] = round(time.monotonic() - started, 1)
    out = done.stdout.strip().splitlines() or [""]
    if done.returncode == 0:
        return row | {"outcome": "works", "detail": _plain(out[-1].strip("= "), home)}
    errors = [line for line in done.stderr.splitlines() if re.match(r"[\w.]*(Error|Exception|Timeout)\b", line)]
    return row | {"outcome": "fails", "detail": _plain(errors[-1] if errors else out[-1], home)}


def _install(codebase: Codebase, folder: Path, python: Path) -> str:
    """Make the virtual environment complete; the first line of pip's complaint, or nothing."""
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pins = (REPOSITORY / "constraints.txt").read_text(encoding="utf-8").splitlines()
    constraints = folder / "constraints.txt"
    constraints.write_text("\n".join(p for p in pins if p.partition("==")[0].lower() not in codebase.freed) + "\n")
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    steps = [[*pip, "-c", str(constraints), "-e", str(REPOSITORY), *codebase.requirements]]
    # Pins of Python and of other packages are set aside: what is recorded is whether it runs, not what it asks for.
    alone = ["--no-deps", "--no-build-isolation", "--ignore-requires-python"]
    steps += [[*pip, *alone, requirement] for requirement in codebase.without_dependencies]
    for step in steps:
        done = _call(step, INSTALL_S, folder, {**os.environ, **dict(codebase.variables)})
        if done.returncode:
            lines = [line.strip() for line in done.stderr.splitlines()]
            wanted = (r"[\w.]+Error: ", r"ERROR: ", r"error: ")
            found = [line for pattern in wanted for line in lines if re.match(pattern, line)]
            return next(iter(found), "pip failed without saying why")
    return ""


def _call(
    command: list[str], timeout_s: float, cwd: Path, variables: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True, timeout=timeout_s)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"Timeout: not done after {timeout_s:.0f} s")


def _plain(text: str, home: Path) -> str:
    """One line without folders of this machine."""
    for folder in (home, REPOSITORY, Path.home(), Path(tempfile.gettempdir())):
        text = text.replace(f"{folder}/", "")
    return text.strip()[:200]


def _record(row: dict[str, Any]) -> None:
    rows = {r["name"]: r for r in json.loads(RESULTS.read_text(encoding="utf-8"))} if RESULTS.exists() else {}
    rows[row["name"]] = row
    ordered = [rows[codebase.name] for codebase in CODEBASES if codebase.name in rows]
    temporary = RESULTS.with_suffix(".tmp")
    temporary.write_text(json.dumps(ordered, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    temporary.replace(RESULTS)


if __name__ == "__main__":
    sys.exit(main())
