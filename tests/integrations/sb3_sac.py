"""Stable-Baselines3: SAC on the state, through a whole episode so that truncation is bootstrapped."""

from stable_baselines3 import SAC
from stable_baselines3.common.env_util import make_vec_env

import gen3d_envs  # noqa: F401

ARGUMENTS = {"obs_type": "state", "reward": "shaped", "max_episode_steps": 40}
envs = make_vec_env("Gen3D-Place-v0", n_envs=1, seed=0, env_kwargs=ARGUMENTS)
model = SAC("MlpPolicy", envs, learning_starts=60, batch_size=32, buffer_size=2000, seed=0, device="cpu")
model.learn(120)
assert model.ep_info_buffer, "no episode ended"
assert model.replay_buffer.timeouts.any(), "truncation was taken for a terminal state"
envs.close()
print(f"SAC, {model.num_timesteps} steps, state, shaped reward")
