"""Minari: DataCollector records the scripted expert with pictures; the dataset makes the environment again."""

import os
import tempfile

os.environ["MINARI_DATASETS_PATH"] = tempfile.mkdtemp()

import gymnasium as gym
import minari
import numpy as np

import gen3d_envs  # noqa: F401
from gen3d_envs.experts.scripted import ScriptedExpert

# Without jpeg_encoding=False Minari keeps pictures as JPEG.
pictures = gym.make("Gen3D-Pick-v0", observation_width=64, observation_height=64)
env = minari.DataCollector(pictures, record_infos=True, jpeg_encoding=False)
expert = ScriptedExpert(env)
for episode in range(2):
    observation, info = env.reset(seed=episode)
    expert.reset(info["instruction"])
    done = False
    while not done:
        observation, _, terminated, truncated, info = env.step(expert.act(observation))
        done = terminated or truncated
    assert info["is_success"]
dataset = env.create_dataset("gen3d/pick-v0", algorithm_name="scripted expert")
env.close()

dataset = minari.load_dataset("gen3d/pick-v0")
again = dataset.recover_environment()
first = dataset[0]
observation, _ = again.reset(seed=0)
assert np.array_equal(first.observations["pixels"][0], observation["pixels"])
for number, action in enumerate(first.actions):
    observation, *_ = again.step(action)
    assert np.array_equal(first.observations["agent_pos"][number + 1], observation["agent_pos"])
again.close()
print(f"{dataset.total_episodes} episodes, {dataset.total_steps} steps recorded, replayed bit for bit from the dataset")
