"""PufferLib: its emulation flattens the nested observations and gives them back; its vector runs them side by side."""

import gymnasium as gym
import numpy as np
import pufferlib.emulation
import pufferlib.vector

import gen3d_envs  # noqa: F401


def make(**arguments):
    return pufferlib.emulation.GymnasiumPufferEnv(
        env_creator=gym.make, env_args=["Gen3D-Place-v0"], env_kwargs={"cameras": ("front", "wrist")}, **arguments
    )


env = make()
flat, _ = env.reset(seed=0)
plain = gym.make("Gen3D-Place-v0", cameras=("front", "wrist"))
nested, _ = plain.reset(seed=0)
structured = np.asarray(flat).view(env.obs_dtype)
assert np.array_equal(structured["agent_pos"].ravel(), nested["agent_pos"])
assert np.array_equal(structured["pixels"]["wrist"].reshape(128, 128, 3), nested["pixels"]["wrist"])
plain.close()
env.close()

envs = pufferlib.vector.make(make, num_envs=2, backend=pufferlib.vector.Serial, seed=0)
envs.reset(seed=0)
for _ in range(110):
    observations, rewards, terminals, truncations, infos = envs.step(envs.action_space.sample())
envs.close()
print(f"emulation gives the same observations; Serial, 2 x 110 steps, {observations.shape[-1]} bytes each")
