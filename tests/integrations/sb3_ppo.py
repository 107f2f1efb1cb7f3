"""Stable-Baselines3: PPO on pictures and joint positions, two environments."""

from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env

import gen3d_envs  # noqa: F401

envs = make_vec_env("Gen3D-Pick-v0", n_envs=2, seed=0)
model = PPO("MultiInputPolicy", envs, n_steps=64, batch_size=64, n_epochs=1, seed=0, device="cpu")
model.learn(256)
action, _ = model.predict(envs.reset(), deterministic=True)
assert action.shape == (2, 7)
envs.close()
print(f"PPO, {model.num_timesteps} steps, pictures")
