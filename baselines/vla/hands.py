"""How well a policy acts: its success with its own eyes, and where the simulator tells it where things are.

``python -m gen3d_envs.baselines.vla.hands POLICY --split heldout`` plays the same episodes both ways. What it misses
with the simulator's places is not for its eyes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gen3d_envs.env import Gen3DEnv
from gen3d_envs.statistics import wilson_interval

from .labels import PLACES, Labeller
from .scenes import EnvSettings, frame_of
from .tries import command, tries

if TYPE_CHECKING:
    from .model import FlowVLA


@dataclass(frozen=True)
class Deed:
    """How an episode ended.

    Attributes:
        scene: its name.
        told: whether the policy was told the simulator's places instead of asking its eyes.
        outcome: ``"success"``, or what went wrong, as evaluations name it.
    """

    scene: str
    told: bool
    outcome: str


def act(model: FlowVLA, settings: EnvSettings, episodes: int = 1, seed: int = 0) -> Iterator[Deed]:
    """Play every episode twice, without noise: with the policy's own eyes, then with the simulator's places.

    Args:
        model: in evaluation mode.
        settings: environments and scenes.
        episodes: in each scene.
        seed: of the episodes, from 0.

    Raises:
        ContractError: the environments are not what the model was made for.
        FieldError: no episode, or a negative seed.
    """
    for env, scene, each in tries(model, settings, episodes, seed):
        for told in (False, True):
            env.reset(seed=each, options={"scene": scene})
            yield Deed(scene, told, _played(model, settings, env, told))


def _played(model: FlowVLA, settings: EnvSettings, env: Gen3DEnv, told: bool) -> str:
    import torch

    from .model import Inputs

    labeller = Labeller(env)
    if told:
        labeller.begin()
    while True:
        now = frame_of(settings, env)
        seen = (torch.from_numpy(now[name][None]) for name in ("pixels", "agent_pos", "tokens"))
        inputs = Inputs(*(each.to(model.device) for each in seen))
        with torch.no_grad():
            if told:
                truth = torch.from_numpy(labeller.read()[None, : len(PLACES)]).to(model.device)
                found = model.held(model.normalised(truth), inputs.proprio)
                chunk = model.act(model.relate(found, inputs.proprio))
            else:
                chunk = model.plan(inputs)
        for action in chunk[0].cpu().numpy():
            _, _, terminated, truncated, info = env.step(action)
            if terminated or truncated:
                return str(info["outcome"])


def table(deeds: Sequence[Deed]) -> str:
    """Success both ways with 95 % intervals (Wilson), and how the others ended."""
    lines = ["| places | success | how the others ended |", "|---|---|---|"]
    for told, name in ((False, "its own eyes'"), (True, "the simulator's")):
        ends = Counter(deed.outcome for deed in deeds if deed.told is told)
        good, all_ = ends.pop("success", 0), sum(deed.told is told for deed in deeds)
        low, high = wilson_interval(good, all_)
        others = ", ".join(f"{count} {outcome}" for outcome, count in ends.most_common())
        lines.append(f"| {name} | {good / all_:.1%} ({low:.1%} to {high:.1%}, {all_}) | {others} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """See the module."""
    return command("hands", __doc__, lambda *tried: table(list(act(*tried))), arguments)


if __name__ == "__main__":
    raise SystemExit(main())
