"""Demonstrations of the scripted expert over many scenes, stored so that training reads any frame at once.

A folder holds ``pixels.npy`` (read through the operating system's page cache, never whole), ``frames.npz`` and
``demos.json``, which is written last. Demonstration ``k`` is the same whatever else is collected, in whatever order and
by however many processes; failures of the expert are dropped and tried again with the next seed.
"""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from gen3d_envs.contract import Contract, contract_from_json
from gen3d_envs.env import Gen3DEnv
from gen3d_envs.errors import FieldError, Gen3DError
from gen3d_envs.experts.scripted import ScriptedExpert
from gen3d_envs.processes import run_all

from .files import write_atomically, write_json
from .labels import Labeller, ask
from .scenes import EnvSettings, frame_of
from .text import tokens

FORMAT = 4
"""Counts up when the same settings give other demonstrations."""

SHUT = 4
"""Control steps for which a clumsy hand stays shut."""

QUESTIONS = 4
"""Of each frame for learning to see: a picture is dear, and what is learned from one question alone is learned by
heart."""

TRIES = 6
"""Episodes that are tried for one demonstration before its scene is called unsolvable."""

IDLE = 0.05
"""An action whose translations and rotations are all smaller, of the largest possible, only waits."""

_FRAMES = ("agent_pos", "tokens", "labels", "actions", "episodes", "steps_left")


class DemoReader(Protocol):
    """Frames of demonstrations, however they are stored."""

    @property
    def contract(self) -> Contract:
        """Of the environment they were collected in."""

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """Small parts of all frames.

        ``agent_pos (N, P)``, ``tokens (N, Q, TOKENS)`` and ``labels (N, Q, COUNT)`` of ``Q`` questions about each, the
        first of them the task's, ``actions (N, A)``, ``episodes (N,)`` and ``steps_left (N,)``, the frames that follow
        in the same episode.
        """

    def pixels(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """``(n, cameras, 3, H, W)`` of the frames."""


@dataclass(frozen=True)
class DemoSettings:
    """What is collected.

    Attributes:
        env: environments and scenes.
        count: demonstrations; scene by scene in turns.
        seed: of everything.
        noise: standard deviation, in units of the action, of what is added to translations and rotations before they
            are executed. The expert's own action is what is stored, so the policy learns to come back (DART, Laskey et
            al. 2017). Demonstrations have it in proportion to the action: an arm that waits is not disturbed.
        keep: share of the frames that are stored, drawn at random; training to act needs all of them.
        seeing: frames for learning to see, not to act: those of failed episodes and of waiting are kept, too, and each
            comes with :data:`QUESTIONS`, most of them about other things of its scene.
        clumsy: probability, at every step at which the expert's hand is open, that it closes all the same, for
            :data:`SHUT` steps. What the expert does then is what is stored: open it, and try again. Without that no
            demonstration shows what to do after a grasp that missed, for hardly any expert's does.
    """

    env: EnvSettings
    count: int = 60
    seed: int = 0
    noise: float = 0.2
    keep: float = 1.0
    seeing: bool = False
    clumsy: float = 0.0

    def __post_init__(self) -> None:
        if self.count < 1:
            raise FieldError("count", self.count, "is no number of demonstrations", "Give at least 1")
        if not 0.0 <= self.noise <= 1.0:
            raise FieldError("noise", self.noise, "is out of range", "Give a number from 0 to 1")
        if not 0.0 <= self.clumsy < 1.0:
            raise FieldError("clumsy", self.clumsy, "is out of range", "Give a probability from 0 to below 1")
        if not 0.0 < self.keep <= 1.0:
            raise FieldError("keep", self.keep, "is out of range", "Give a number above 0, up to 1")

    @property
    def digest(self) -> str:
        """Changes with anything that would change a demonstration; where the bank lies does not."""
        plain = asdict(replace(self, env=replace(self.env, folder="")))
        return hashlib.sha256(msgspec.json.encode([FORMAT, plain], order="sorted")).hexdigest()[:16]


Frame = dict[str, NDArray[Any]]
"""One moment of a demonstration."""


def collect(
    settings: DemoSettings, folder: Path, jobs: int = 1, progress: Callable[[int, int], None] | None = None
) -> Demos:
    """Collect demonstrations; what an interrupted run had finished is kept and not done again.

    Args:
        settings: what is wanted.
        folder: is made; one that holds the same demonstrations is simply read.
        jobs: processes.
        progress: called with demonstrations done and wanted.

    Raises:
        FieldError: the folder holds other demonstrations.
        Gen3DError: the expert cannot solve a scene, or a process was killed.
    """
    if (folder / "demos.json").is_file():
        return Demos(folder, settings.digest)
    parts = parts_in(folder, settings.digest, settings.count)
    missing = [k for k, path in enumerate(parts) if not path.is_file()]
    # Scene by scene: a process that stays with one loads it once.
    missing.sort(key=lambda k: (k % len(settings.env.scenes), k))
    done = settings.count - len(missing)
    for _ in _collected(settings, parts[0].parent, missing, jobs):
        done += 1
        if progress is not None:
            progress(done, settings.count)
    head = {
        "format": FORMAT, "digest": settings.digest, "demonstrations": settings.count,
        "scenes": [settings.env.scenes[k % len(settings.env.scenes)] for k in range(settings.count)],
        "seed": settings.seed, "noise": settings.noise, "contract": msgspec.Raw(settings.env.contract.to_json()),
    }  # fmt: skip
    merge(folder, parts, head)
    return Demos(folder)


def parts_in(folder: Path, digest: str, count: int) -> list[Path]:
    """Files of single demonstrations, in a folder that is made; some may be there from before."""
    parts = folder / f"parts-{digest}"
    parts.mkdir(parents=True, exist_ok=True)
    return [_part(parts, k) for k in range(count)]


def _part(parts: Path, k: int) -> Path:
    return parts / f"{k:06d}.npz"


def _collected(settings: DemoSettings, parts: Path, missing: list[int], jobs: int) -> Iterator[int]:
    lost = "A process that collects was killed: run the same command again."
    return run_all(make_part, ((settings, parts, k) for k in missing), min(jobs, len(missing)), lost)


_ENVS: dict[EnvSettings, Gen3DEnv] = {}
"""The last environment of this process: what an episode is does not depend on what was played before."""


def make_part(settings: DemoSettings, parts: Path, k: int) -> int:
    """Collect demonstration ``k`` into its file.

    Raises:
        Gen3DError: the expert failed :data:`TRIES` times.
    """
    env = _ENVS.get(settings.env)
    if env is None:
        for old in _ENVS.values():
            old.close()
        _ENVS.clear()
        env = _ENVS[settings.env] = settings.env.make()
    scene = settings.env.scenes[k % len(settings.env.scenes)]
    for attempt in range(TRIES):
        demo = _play(settings, env, scene, np.random.default_rng([settings.seed, k, attempt]))
        if demo is not None:
            write_part(_part(parts, k), demo)
            return k
    raise Gen3DError(f"The expert failed {TRIES} times in {scene}: leave the scene out, or lower the noise.")


def write_part(path: Path, frames: list[Frame]) -> None:
    """Write the frames of one demonstration; what only a critic sees is left out."""
    demo = {name: np.stack([frame[name] for frame in frames]) for name in _FRAMES[:4]}
    demo["pixels"] = np.stack([frame["pixels"] for frame in frames])
    write_atomically(path, lambda beside: np.savez(beside, **demo))  # type: ignore[arg-type]


def _play(settings: DemoSettings, env: Gen3DEnv, scene: str, rng: np.random.Generator) -> list[Frame] | None:
    """Frames of one episode, or None where it failed."""
    expert, labeller, other = ScriptedExpert(env), Labeller(env), Labeller(env)
    _, info = env.reset(seed=int(rng.integers(2**31)), options={"scene": scene})
    expert.reset(info["instruction"])
    labeller.begin()
    frames: list[Frame] = []
    shut = 0
    for step in range(settings.env.max_steps):
        action = expert.act().copy()
        # The first frame is always stored, so that no episode is empty.
        if step == 0 or settings.keep >= 1.0 or rng.random() < settings.keep:
            frame = frame_of(settings.env, env)
            frame["actions"] = action.copy()
            asked = [(frame["tokens"], labeller.read())]
            for _ in range(QUESTIONS - 1 if settings.seeing else 0):
                question = ask(env.scene.spec, rng)
                other.begin(question)
                asked.append((tokens(question.instruction), other.read()))
            frame["tokens"], frame["labels"] = (np.stack(each) for each in zip(*asked, strict=True))
            frames.append(frame)
        size = settings.noise * (1.0 if settings.seeing else min(1.0, float(np.abs(action[:-1]).max())))
        action[:-1] += size * rng.standard_normal(len(action) - 1).astype(np.float32)
        if settings.clumsy and action[-1] > 0.0 and shut == 0 and rng.random() < settings.clumsy:
            shut = SHUT
        if shut > 0:
            shut, action[-1] = shut - 1, -1.0
        _, _, terminated, truncated, info = env.step(np.clip(action, -1.0, 1.0))
        if terminated or truncated:
            break
    if settings.seeing:
        return frames
    if not info["is_success"]:
        return None
    return [frames[row] for row in moving(np.stack([frame["actions"] for frame in frames]))]


def moving(actions: NDArray[np.float32]) -> list[int]:
    """Rows of an episode's actions ``(n, A)`` without those that only wait for something to go on.

    A policy without memory that has learned to wait, for fingers to close say, waits forever: what it sees does not
    change. Where the gripper's command changes it is no waiting, and what an episode ends with is its goal.
    """
    idle = np.abs(actions[:, :-1]).max(1) < IDLE
    idle[0] = False
    idle[1:] &= actions[1:, -1] == actions[:-1, -1]
    active = np.flatnonzero(~idle)
    return [row for row in range(len(actions)) if not idle[row] or row > active[-1]]


def merge(folder: Path, parts: list[Path], head: dict[str, Any]) -> None:
    """Make one folder of files of single demonstrations, which are taken away.

    Args:
        folder: of the demonstrations.
        parts: in their order.
        head: of ``demos.json``.
    """
    lengths = []
    small: dict[str, list[NDArray[Any]]] = {name: [] for name in _FRAMES[:4]}
    for path in parts:
        with np.load(path) as part:
            lengths.append(len(part["actions"]))
            for name, pieces in small.items():
                pieces.append(part[name])
    arrays = {name: np.concatenate(pieces) for name, pieces in small.items()}
    arrays["episodes"] = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    arrays["steps_left"] = np.concatenate([np.arange(n - 1, -1, -1, dtype=np.int32) for n in lengths])

    def write_pixels(path: Path) -> None:
        with np.load(parts[0]) as first:
            shape = first["pixels"].shape[1:]
        kind = {"descr": "|u1", "fortran_order": False, "shape": (sum(lengths), *shape)}
        # Written, not mapped: a full disk is an error then, and not the end of the process.
        with path.open("wb") as stream:
            np.lib.format.write_array_header_1_0(stream, kind)
            for source in parts:
                with np.load(source) as part:
                    stream.write(part["pixels"])

    write_atomically(folder / "pixels.npy", write_pixels)
    write_atomically(folder / "frames.npz", lambda path: np.savez(path, **arrays))  # type: ignore[arg-type]
    write_json(folder / "demos.json", {**head, "frames": sum(lengths)})
    shutil.rmtree(parts[0].parent)


class Demos:
    """Demonstrations in a folder; follows :class:`DemoReader`.

    Args:
        folder: that :func:`merge` finished.
        digest: that they should have; any where empty.

    Raises:
        FieldError: there are none, or damaged or other ones.
    """

    def __init__(self, folder: Path, digest: str = "") -> None:
        try:
            head = msgspec.json.decode((folder / "demos.json").read_bytes())
            self.contract = contract_from_json(msgspec.json.encode(head["contract"]))
            self.digest, self.scenes = str(head["digest"]), tuple(head["scenes"])
            with (folder / "frames.npz").open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
                self.arrays = {name: stored[name] for name in _FRAMES}
            self._pixels = np.load(folder / "pixels.npy", mmap_mode="r", allow_pickle=False)
            if len({len(part) for part in (*self.arrays.values(), self._pixels)}) != 1:
                raise ValueError("its files are of different lengths")
        except (OSError, KeyError, TypeError, ValueError, msgspec.DecodeError, zipfile.BadZipFile, EOFError) as error:
            raise FieldError("demos", str(folder), f"cannot be read ({error})", "Collect them anew") from None
        if digest not in ("", self.digest):
            raise FieldError("folder", str(folder), "holds other demonstrations", "Choose another folder")

    def __len__(self) -> int:
        return len(self.arrays["actions"])

    def pixels(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """``(n, cameras, 3, H, W)`` of the frames."""
        return self._pixels[rows]
