"""CleanRL: its own ppo_continuous_action.py, as installed, with another --env-id and fewer steps."""

import runpy
import sys
from importlib.util import find_spec
from pathlib import Path

spec = find_spec("cleanrl")
assert spec is not None and spec.submodule_search_locations
script = Path(next(iter(spec.submodule_search_locations))) / "ppo_continuous_action.py"
sys.argv = [
    str(script), "--env-id", "gen3d_envs:Gen3D-Pick-v0", "--total-timesteps", "512", "--num-envs", "2",
    "--num-steps", "128", "--num-minibatches", "4", "--update-epochs", "2", "--cuda", "False",
]  # fmt: skip
done = runpy.run_path(str(script), run_name="__main__")
assert done["global_step"] == 512
print("ppo_continuous_action.py, 512 steps, pictures flattened")
