"""Tianshou: PPO by its high-level interface, environment named by its ID."""

from tianshou.highlevel.config import OnPolicyTrainingConfig
from tianshou.highlevel.env import EnvFactoryRegistered, VectorEnvType
from tianshou.highlevel.experiment import ExperimentConfig, PPOExperimentBuilder

import gen3d_envs  # noqa: F401

factory = EnvFactoryRegistered(task="Gen3D-Pick-v0", venv_type=VectorEnvType.DUMMY, obs_type="state", reward="shaped")
experiment = (
    PPOExperimentBuilder(
        factory,
        ExperimentConfig(persistence_enabled=False, watch=False, device="cpu"),
        OnPolicyTrainingConfig(
            max_epochs=1, epoch_num_steps=256, batch_size=64, num_training_envs=2, num_test_envs=1,
            test_step_num_episodes=1, buffer_size=512, collection_step_num_env_steps=128, update_step_num_repetitions=1,
        ),
    )
    .with_actor_factory_default(hidden_sizes=(32, 32))
    .with_critic_factory_default(hidden_sizes=(32, 32))
    .build()
)  # fmt: skip
result = experiment.run()
stats = result.trainer_result
assert stats is not None and stats.update_step > 0
print(f"PPO, {stats.train_step} steps, {stats.update_step} updates, state")
