"""The environments of a training, as plain data: any process makes the same one from it. No torch in here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from gen3d_envs.contract import Contract, make_contract
from gen3d_envs.env import Gen3DEnv
from gen3d_envs.errors import FieldError
from gen3d_envs.registration import register_folder, scene_names
from gen3d_envs.scenes import load_scene
from gen3d_envs.sim.engines import ENGINES, FASTEST

from .text import tokens


@dataclass(frozen=True)
class EnvSettings:
    """One environment over many scenes.

    Attributes:
        scenes: names; each episode is told which one it plays.
        size: width and height of the pictures in pixels.
        cameras: of the observation, see :class:`gen3d_envs.env.Gen3DEnv`.
        physics: engine.
        robot: arm; None takes the first scene's.
        control_hz: control steps per simulated second.
        max_steps: control steps of an episode.
        pictures: False leaves the pictures black, for policies that see the state only; nothing is drawn then.
        folder: of a bank that the scenes are from; empty for released scenes.
    """

    scenes: tuple[str, ...]
    size: int = 64
    cameras: tuple[str, ...] = ("front",)
    physics: str = FASTEST
    robot: str = "widowx"
    control_hz: int = 5
    max_steps: int = 100
    pictures: bool = True
    folder: str = ""

    def __post_init__(self) -> None:
        if not self.scenes:
            raise FieldError("scenes", self.scenes, "names no scene", "Name at least one")
        if self.max_steps < 1:
            raise FieldError("max_steps", self.max_steps, "is no number of steps", "Give at least 1")
        if self.size < 8:
            raise FieldError("size", self.size, "is too small for a picture", "Give at least 8")
        if self.physics not in ENGINES:
            raise FieldError("physics", self.physics, "no such physics engine", f"Use one of {', '.join(ENGINES)}")

    def make(self, shaped: bool = False) -> Gen3DEnv:
        """The environment. Pictures are taken by :func:`observe`, only when somebody looks.

        Args:
            shaped: whether its rewards are the weighted terms instead of the sparse success.
        """
        if self.folder:
            register_folder(self.folder)
        env = gymnasium.make(
            "Gen3D-100-v0", disable_env_checker=True, scenes=list(self.scenes), split=None, obs_type="state",
            observation_width=self.size, observation_height=self.size, cameras=list(self.cameras),
            physics=self.physics, robot=self.robot, control_hz=self.control_hz, max_episode_steps=self.max_steps,
            reward="shaped" if shaped else "sparse",
        ).unwrapped  # fmt: skip
        assert isinstance(env, Gen3DEnv)
        return env

    @property
    def contract(self) -> Contract:
        """What a policy sees and does here."""
        return make_contract(
            self.robot, cameras=self.cameras, observation_width=self.size, observation_height=self.size,
            control_hz=self.control_hz, max_episode_steps=self.max_steps,
        )  # fmt: skip


def scenes_of(split: str, count: int | None = None) -> tuple[str, ...]:
    """The first ``count`` scenes of a split of the benchmark, in its fixed order; all of them where None."""
    return tuple(scene_names(split=split, num_scenes=count))


def instructions(settings: EnvSettings) -> Iterator[str]:
    """What is said in some environments, scene by scene; no scene is loaded before it is asked for."""
    if settings.folder:
        register_folder(settings.folder)
    for name in settings.scenes:
        yield load_scene(name).spec.instruction


def shapes(settings: EnvSettings, env: Gen3DEnv) -> dict[str, tuple[tuple[int, ...], Any]]:
    """Shape and type of everything that :func:`observe` gives."""
    return {
        "pixels": ((len(settings.cameras), 3, settings.size, settings.size), np.uint8),
        "agent_pos": (env.agent_pos_terms.space.shape, np.float32),
        "state": (env.state_terms.space.shape, np.float32),
        "tokens": (tokens("").shape, np.int32),
    }


def observe(settings: EnvSettings, env: Gen3DEnv, out: dict[str, NDArray[Any]]) -> None:
    """Write what a policy and a critic need into arrays of :func:`shapes`.

    Pixels and ``agent_pos`` are those of ``obs_type="pixels_agent_pos"``, channels first.
    """
    snapshot = env.snapshot()
    out["agent_pos"][:] = env.agent_pos_terms.read(snapshot)
    out["state"][:] = env.state_terms.read(snapshot)
    out["tokens"][:] = tokens(env.task_description)
    if settings.pictures:
        for index, camera in enumerate(settings.cameras):
            out["pixels"][index] = env.picture(camera, settings.size, settings.size).transpose(2, 0, 1)


def frame_of(settings: EnvSettings, env: Gen3DEnv) -> dict[str, NDArray[Any]]:
    """What :func:`observe` gives now, in arrays of its own."""
    frame = {name: np.zeros(shape, kind) for name, (shape, kind) in shapes(settings, env).items()}
    observe(settings, env, frame)
    return frame
