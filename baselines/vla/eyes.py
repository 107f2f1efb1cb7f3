"""How well a policy sees: where it believes things to be along episodes of the expert, against where they are.

``python -m gen3d_envs.baselines.vla.eyes POLICY --split train`` prints it, for things at rest and for lifted ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.experts.scripted import ScriptedExpert

from .labels import PLACES, Labeller
from .scenes import EnvSettings, frame_of
from .tries import command, tries

if TYPE_CHECKING:
    from .model import FlowVLA

LIFTED_M = 0.03
"""How far above where it lay a thing is no longer at rest."""


@dataclass(frozen=True)
class Sight:
    """What was seen in an episode of ``n`` frames.

    Attributes:
        scene: its name.
        lifted: ``(n,)`` bool, whether the target was in the air.
        found: ``(n, 11)`` float32, the :data:`~gen3d_envs.baselines.vla.labels.PLACES` that the policy believed.
        true: ``(n, 11)`` float32, the simulator's.
    """

    scene: str
    lifted: NDArray[np.bool_]
    found: NDArray[np.float32]
    true: NDArray[np.float32]

    @property
    def grasp_m(self) -> NDArray[np.float32]:
        """``(n,)``: how far the place to grasp is from where it is believed to be."""
        return np.asarray(np.linalg.norm(self.found[:, :3] - self.true[:, :3], axis=1), np.float32)


def look(model: FlowVLA, settings: EnvSettings, episodes: int = 1, seed: int = 0) -> Iterator[Sight]:
    """Play the expert in every scene, and ask the policy in every frame where things are.

    Args:
        model: whose eyes are tried; it does not act.
        settings: environments and scenes.
        episodes: in each scene.
        seed: of the episodes, from 0.

    Raises:
        ContractError: the environments are not what the model was made for.
        FieldError: no episode, or a negative seed.
    """
    for env, scene, each in tries(model, settings, episodes, seed):
        frames, true = _played(settings, env, scene, each)
        yield Sight(scene, true[:, 2] > true[0, 2] + LIFTED_M, believed(model, frames), true)


def _played(
    settings: EnvSettings, env: Any, scene: str, seed: int
) -> tuple[list[dict[str, NDArray[Any]]], NDArray[np.float32]]:
    expert, labeller = ScriptedExpert(env), Labeller(env)
    _, info = env.reset(seed=seed, options={"scene": scene})
    expert.reset(info["instruction"])
    labeller.begin()
    frames, labels = [], []
    for _ in range(settings.max_steps):
        frames.append(frame_of(settings, env))
        labels.append(labeller.read()[: len(PLACES)])
        _, _, terminated, truncated, _ = env.step(expert.act())
        if terminated or truncated:
            break
    return frames, np.stack(labels)


def believed(model: FlowVLA, frames: Sequence[dict[str, NDArray[Any]]]) -> NDArray[np.float32]:
    """``(n, 11)`` float32: where the policy believes things to be, in the units of the labels."""
    import torch

    def stack(name: str) -> torch.Tensor:
        return torch.from_numpy(np.stack([frame[name] for frame in frames])).to(model.device)

    with torch.no_grad():
        features, _ = model.perceive(stack("pixels"), stack("tokens"))
        found: NDArray[np.float32] = model.in_metres(model.find(features, stack("agent_pos"))).cpu().numpy()
    return found


def table(sights: Sequence[Sight]) -> str:
    """Median and 90th percentile of the error of the grasp, at rest and lifted, and in how many scenes it is small.

    That is within 10 mm at the reset, the median over the scene's episodes.
    """
    lines = ["| the thing is | frames | median | 90 % |", "|---|---|---|---|"]
    asked: list[tuple[str, Callable[[Sight], NDArray[np.bool_]]]] = [
        ("at rest", lambda sight: ~sight.lifted),
        ("lifted", lambda sight: sight.lifted),
    ]
    for name, chosen in asked:
        errors = np.concatenate([sight.grasp_m[chosen(sight)] for sight in sights])
        middle, most = (1e3 * np.quantile(errors, (0.5, 0.9))) if len(errors) else (np.nan, np.nan)
        lines.append(f"| {name} | {len(errors)} | {middle:.1f} mm | {most:.1f} mm |")
    scenes: dict[str, list[float]] = {}
    for sight in sights:
        scenes.setdefault(sight.scene, []).append(float(sight.grasp_m[0]))
    near = sum(float(np.median(errors)) < 0.01 for errors in scenes.values())
    return "\n".join([*lines, "", f"Within 10 mm at the reset: {near} of {len(scenes)} scenes"])


def main(arguments: Sequence[str] | None = None) -> int:
    """See the module."""
    return command("eyes", __doc__, lambda *tried: table(list(look(*tried))), arguments)


if __name__ == "__main__":
    raise SystemExit(main())
