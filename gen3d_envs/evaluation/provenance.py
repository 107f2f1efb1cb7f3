"""Where a result comes from: versions, commit, machine."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from gen3d_envs.evaluation.result import Machine, Provenance
from gen3d_envs.sim.engines import ENGINES

PACKAGES = ("gymnasium", "numpy", "scipy", *ENGINES, "panda3d", "trimesh", "manifold3d", "msgspec")
"""What an episode depends on, beside the policy."""

POLICY_PACKAGES = ("torch", "transformers", "stable-baselines3", "sb3-contrib")
"""What policies are made of, where it is installed."""


WEIGHTS = (".json", ".safetensors", ".zip")
"""Endings of the files that a policy consists of."""


def versions() -> dict[str, str]:
    """Versions of this package, Python and everything in :data:`PACKAGES`."""
    from gen3d_envs import __version__

    found = {"gen3d-envs": __version__, "python": platform.python_version()}
    for name in (*PACKAGES, *POLICY_PACKAGES):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            if name in PACKAGES:
                found[name] = "not installed"
    return found


def policy_sha256(policy: str) -> str | None:
    """Hash of the files of a policy, as ``--policy`` names it; see :func:`files_sha256`."""
    return files_sha256(Path(policy.partition("#")[0].removeprefix("lerobot:")))


def file_sha256(path: Path) -> str:
    """Hash of one file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files_sha256(path: Path) -> str | None:
    """Hash of a policy's file or folder; None where there is none.

    A folder's is of names and bytes of all :data:`WEIGHTS` in it.
    """
    try:
        found = [path] if path.is_file() else path.rglob("*")
        files = sorted(each for each in found if each.is_file() and (each == path or each.suffix in WEIGHTS))
    except OSError:
        return None
    sha = hashlib.sha256()
    for each in files:
        sha.update(f"{each.relative_to(path).as_posix()}\0{file_sha256(each)}\n".encode())
    return sha.hexdigest() if files else None


def provenance(command: str, policy: str = "") -> Provenance:
    """Where a run that starts now comes from.

    Args:
        command: as it was typed.
        policy: see :func:`policy_sha256`.
    """
    commit, changed = _git(Path(__file__).resolve().parents[2])
    return Provenance(
        command=command, started=datetime.now(UTC).isoformat(timespec="seconds"), versions=versions(),
        git_commit=commit, git_changed=changed, machine=machine(),
        policy_sha256=policy_sha256(policy) if policy else None,
    )  # fmt: skip


def machine() -> Machine:
    """The machine this runs on."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Machine(system=f"{platform.system()} {platform.machine()}", processor=_processor(), cores=cores)


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"


def _git(top: Path) -> tuple[str | None, bool]:
    """Commit of the checkout in a folder, and whether its code was changed since; None where it is no checkout."""
    if not (top / ".git").exists():
        return None, False

    def ask(*arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(top), *arguments], capture_output=True, text=True, timeout=20, check=True
        )
        return done.stdout.strip()

    try:
        changed = ask("status", "--porcelain", "--untracked-files=no", "--", "gen3d_envs", "baselines", "registry")
        return ask("rev-parse", "HEAD"), bool(changed)
    except (OSError, subprocess.SubprocessError):
        return None, False
