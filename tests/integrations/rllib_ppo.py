"""Ray RLlib: one iteration of PPO on the state, environment made by its ID alone."""

import ray
from ray.rllib.algorithms.ppo import PPOConfig

ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
config = (
    PPOConfig()
    .environment("gen3d_envs:Gen3D-Pick-v0", env_config={"obs_type": "state", "reward": "shaped"})
    .env_runners(num_env_runners=1, num_envs_per_env_runner=2, rollout_fragment_length=128)
    .training(train_batch_size_per_learner=256, minibatch_size=64, num_epochs=1)
)
algorithm = config.build_algo()
result = algorithm.train()
steps = result["env_runners"]["num_env_steps_sampled_lifetime"]
assert steps >= 256
algorithm.stop()
ray.shutdown()
print(f"PPO, {int(steps)} steps in a worker process, state")
