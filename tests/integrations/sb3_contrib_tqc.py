"""sb3-contrib: TQC on the state."""

from sb3_contrib import TQC
from stable_baselines3.common.env_util import make_vec_env

import gen3d_envs  # noqa: F401

ARGUMENTS = {"obs_type": "state", "reward": "shaped", "max_episode_steps": 40}
envs = make_vec_env("Gen3D-Pick-v0", n_envs=1, seed=0, env_kwargs=ARGUMENTS)
model = TQC("MlpPolicy", envs, learning_starts=60, batch_size=32, buffer_size=2000, seed=0, device="cpu")
model.learn(120)
assert model.ep_info_buffer, "no episode ended"
envs.close()
print(f"TQC, {model.num_timesteps} steps, state, shaped reward")
