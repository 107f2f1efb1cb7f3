"""LeRobot's EnvHub without LeRobot: the one file is loaded and driven as its evaluation does."""

import importlib.util
from pathlib import Path

import numpy as np

FILE = Path(__file__).resolve().parents[2] / "integrations" / "lerobot_env.py"

# Not put into sys.modules: EnvHub does not either, so whatever worker processes need must not come from this module.
spec = importlib.util.spec_from_file_location("hub_env_someone_gen3d", FILE)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)

ended = 0
for use_async_envs in (False, True):
    suites = module.make_env(n_envs=2, use_async_envs=use_async_envs)
    ((suite, tasks),) = suites.items()
    ((number, envs),) = tasks.items()
    assert isinstance(suite, str) and number == 0 and envs.num_envs == 2
    # What LeRobot's rollout does, in its order.
    longest = envs.call("_max_episode_steps")[0]
    observations, infos = envs.reset(seed=[1, 2], options={"lerobot_new_rollout": True})
    assert envs.unwrapped.metadata["render_fps"] == 5
    done = np.zeros(2, bool)
    for _ in range(longest):
        pixels, agent_pos = observations["pixels"], observations["agent_pos"]
        assert pixels.shape == (2, 128, 128, 3) and pixels.dtype == np.uint8
        assert agent_pos.shape == (2, 7) and agent_pos.dtype == np.float32
        assert all(isinstance(text, str) and text for text in envs.call("task_description"))
        assert all(isinstance(text, str) and text for text in envs.call("task"))
        observations, _, terminated, truncated, infos = envs.step(np.zeros((2, 7), np.float32))
        if "final_info" in infos:
            assert infos["final_info"]["is_success"].tolist() == [False, False]
        done |= terminated | truncated
    assert done.all()
    ended += 2
    envs.close()
print(f"make_env, sync and async, {ended} whole episodes driven as lerobot-eval does")
