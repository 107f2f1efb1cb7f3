"""What a policy is tried in, scene by scene, and the command line of such a try: :mod:`.eyes` and :mod:`.hands`.

No torch in here before a policy is loaded: where it is missing, the command line says so.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gen3d_envs.contract import require_same
from gen3d_envs.env import Gen3DEnv
from gen3d_envs.errors import FieldError, Gen3DError
from gen3d_envs.extras import imported

from .scenes import EnvSettings, scenes_of

if TYPE_CHECKING:
    from .model import FlowVLA


def tries(model: FlowVLA, settings: EnvSettings, episodes: int, seed: int) -> Iterator[tuple[Gen3DEnv, str, int]]:
    """One environment, again and again, with the scene and the seed that it is to be reset with.

    Args:
        model: that is tried.
        settings: environments and scenes.
        episodes: in each scene.
        seed: of the episodes, from 0.

    Raises:
        ContractError: the environments are not what the model was made for.
        FieldError: no episode, or a negative seed.
    """
    from .config import IGNORED

    require_same(model.config.made_for(), settings.contract, IGNORED)
    for name, value, least in (("episodes", episodes, 1), ("seed", seed, 0)):
        if value < least:
            raise FieldError(name, value, f"is below {least}", f"Give at least {least}")
    env = settings.make()
    try:
        for scene in settings.scenes:
            for episode in range(episodes):
                yield env, scene, int(np.random.default_rng([seed, episode]).integers(2**31))
    finally:
        env.close()


Report = Callable[["FlowVLA", EnvSettings, int, int], str]
"""What is printed of a policy in environments, for so many episodes in each scene from a seed."""


def command(name: str, about: str | None, report: Report, arguments: Sequence[str] | None) -> int:
    """Run ``python -m gen3d_envs.baselines.vla.NAME``; returns its exit code.

    Args:
        name: of the module.
        about: its docstring.
        report: what it prints.
        arguments: of the command line; the process's own where None.
    """
    parser = argparse.ArgumentParser(prog=f"python -m gen3d_envs.baselines.vla.{name}", description=about)
    parser.add_argument("policy", help="folder of a FlowVLA")
    parser.add_argument("--split", default="train", choices=["train", "heldout", "handmade"])
    parser.add_argument("--scenes", type=int, default=None, help="how many of the split, the first (default: all)")
    parser.add_argument("--episodes", type=int, default=1, help="in each scene (default: 1)")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(arguments)
    try:
        model = imported("gen3d_envs.baselines.vla.policy:load_flow_vla", name)(Path(args.policy))
        size = model.config.made_for().pictures[0].height
        settings = EnvSettings(scenes=scenes_of(args.split, args.scenes), size=size)
        print(report(model, settings, args.episodes, args.seed))
    except Gen3DError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    return 0
