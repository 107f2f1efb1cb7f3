"""TorchRL: GymEnv, its spec checker, and one PPO update on what its collector gathered."""

import torch
from tensordict.nn import NormalParamExtractor, TensorDictModule
from torchrl.collectors import Collector
from torchrl.envs import GymEnv, check_env_specs
from torchrl.modules import ProbabilisticActor, TanhNormal, ValueOperator
from torchrl.objectives import ClipPPOLoss
from torchrl.objectives.value import GAE

import gen3d_envs  # noqa: F401

torch.manual_seed(0)
pictures = GymEnv("Gen3D-Place-v0", cameras=("front", "wrist"), observation_width=64, observation_height=64)
check_env_specs(pictures)
rollout = pictures.rollout(5)
assert rollout["pixels", "wrist"].shape == (5, 64, 64, 3) and rollout["pixels", "wrist"].dtype == torch.uint8
pictures.close()

env = GymEnv("Gen3D-Pick-v0", obs_type="state", reward="shaped")
size = env.observation_spec["observation"].shape[-1]
net = torch.nn.Sequential(torch.nn.Linear(size, 64), torch.nn.Tanh(), torch.nn.Linear(64, 14), NormalParamExtractor())
actor = ProbabilisticActor(
    TensorDictModule(net, in_keys=["observation"], out_keys=["loc", "scale"]), spec=env.action_spec,
    in_keys=["loc", "scale"], distribution_class=TanhNormal, return_log_prob=True,
    distribution_kwargs={"low": env.action_spec.space.low, "high": env.action_spec.space.high},
)  # fmt: skip
value = ValueOperator(torch.nn.Sequential(torch.nn.Linear(size, 64), torch.nn.Tanh(), torch.nn.Linear(64, 1)))
loss = ClipPPOLoss(actor, value)
optimizer = torch.optim.Adam(loss.parameters(), 3e-4)
steps = updates = 0
collector = Collector(env, actor, frames_per_batch=128, total_frames=256)
for data in collector:
    with torch.no_grad():
        GAE(gamma=0.98, lmbda=0.95, value_network=value)(data)
    losses = loss(data)
    total = losses["loss_objective"] + losses["loss_critic"] + losses["loss_entropy"]
    optimizer.zero_grad()
    total.backward()
    optimizer.step()
    steps, updates = steps + data.numel(), updates + 1
collector.shutdown()
assert (steps, updates) == (256, 2) and torch.isfinite(total)
print(f"GymEnv checked with two cameras; PPO, {steps} steps, state")
