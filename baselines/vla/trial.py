"""A quick look at how good a policy is now: many episodes at once, without noise. The figures come from `evaluate`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from ..ppo.fleet import Fleet, FleetSettings, Outcome  # noqa: TID252
from .backend import FlowBackend, wording
from .model import Inputs
from .scenes import instructions


@dataclass(frozen=True)
class Trial:
    """What came of some episodes.

    Attributes:
        episodes: in their order.
        success: share.
        scenes: successes and episodes of each scene.
    """

    episodes: tuple[Outcome, ...]

    @property
    def success(self) -> float:
        """Share of the episodes that succeeded."""
        return float(np.mean([outcome.success for outcome in self.episodes]))

    @property
    def scenes(self) -> dict[str, tuple[int, int]]:
        """Successes and episodes of each scene."""
        found: dict[str, list[bool]] = {}
        for outcome in self.episodes:
            found.setdefault(outcome.scene, []).append(outcome.success)
        return {name: (sum(each), len(each)) for name, each in found.items()}


@torch.no_grad()
def trial(model: FlowBackend[Any], settings: FleetSettings, episodes: int, start_std: float = 0.0) -> Trial:
    """Play the first episodes of a fleet.

    Args:
        model: in evaluation mode.
        settings: of the fleet; at most as many environments as episodes are made.
        episodes: to be played, scene by scene in turns.
        start_std: standard deviation of where flows start; 0 is how the policy acts when it is used.
    """
    fleet = Fleet(replace(settings, count=min(settings.count, episodes), shaping=0.0))
    noise, read = torch.Generator().manual_seed(settings.seed), wording(model, instructions(settings.env))
    try:
        fleet.reset()
        # Episode k belongs to environment k % count: each plays its own, one after the other.
        left = {i: len(range(i, episodes, fleet.settings.count)) for i in range(fleet.settings.count)}
        done: list[Outcome] = []
        while left:
            active = sorted(left)
            now = {name: torch.from_numpy(fleet.now[name][active].copy()) for name in ("pixels", "agent_pos", "tokens")}
            now["tokens"] = read(now["tokens"])
            inputs = Inputs(*(now[name].to(model.device) for name in ("pixels", "agent_pos", "tokens")))
            start = start_std * torch.randn(len(active), model.size, generator=noise)
            chunks = np.zeros((fleet.settings.count, fleet.settings.chunk, fleet.action_size), np.float32)
            chunks[active] = model.plan(inputs, start=start.to(model.device)).cpu().numpy()
            for i, outcome in enumerate(fleet.decide(chunks, active)):
                if outcome is not None and outcome.done:
                    done.append(outcome)
                    left[i] -= 1
                    if left[i] == 0:
                        del left[i]
    finally:
        fleet.close()
    return Trial(tuple(sorted(done, key=lambda outcome: outcome.k)))
