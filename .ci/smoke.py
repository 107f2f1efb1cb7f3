"""Smoke test of an installed wheel: run outside the repository, in an environment with nothing but the core install.

Usage: python smoke.py REPOSITORY
"""

import importlib.util
import subprocess
import sys
from pathlib import Path

LEAST_IDS = 2
SECOND_FORM = """
import sys
import gymnasium as gym
env = gym.make(sys.argv[1])
env.reset(seed=0)
env.close()
"""


def main() -> None:
    """Make, reset and step environments by both documented forms of their ID."""
    for name in ("torch", "stable_baselines3", "pytest"):
        assert importlib.util.find_spec(name) is None, f"the core install holds {name}"

    import gymnasium as gym

    import gen3d_envs

    home, repository = Path(gen3d_envs.__file__).resolve(), Path(sys.argv[1]).resolve()
    assert not home.is_relative_to(repository), f"{home} is not the installed wheel"
    assert importlib.util.find_spec("registry") is None and importlib.util.find_spec("baselines") is None

    ids = sorted(name for name, spec in gym.registry.items() if str(spec.entry_point).startswith("gen3d_envs"))
    assert len(ids) >= LEAST_IDS, f"only {len(ids)} IDs are registered: {ids}"
    families = [name for name in ids if "/" not in name] or ids[:LEAST_IDS]
    for name in [*families, next((name for name in ids if "/" in name), families[0])]:
        env = gym.make(name)
        env.action_space.seed(0)
        observation, _ = env.reset(seed=0)
        assert env.observation_space.contains(observation), f"{name}: the first observation is outside its space"
        for _ in range(3):
            env.step(env.action_space.sample())
        env.close()
        print(f"{name}: made, reset, stepped")
    subprocess.run([sys.executable, "-c", SECOND_FORM, f"gen3d_envs:{families[0]}"], check=True)
    subprocess.run([str(Path(sys.executable).parent / "gen3d"), "--help"], check=True, stdout=subprocess.DEVNULL)
    print(f"wheel: {len(ids)} IDs; both forms of gym.make work outside the repository; no torch")


if __name__ == "__main__":
    main()
