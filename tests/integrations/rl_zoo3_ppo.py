"""rl_zoo3: its training script with the hyperparameters of integrations/rl_zoo3/ppo.yml, few steps."""

import runpy
import sys
import tempfile
from pathlib import Path

FILE = Path(__file__).resolve().parents[2] / "integrations" / "rl_zoo3" / "ppo.yml"
with tempfile.TemporaryDirectory() as folder:
    sys.argv = [
        "rl_zoo3.train", "--algo", "ppo", "--env", "Gen3D-Pick-v0", "--gym-packages", "gen3d_envs",
        "--conf-file", str(FILE), "-n", "512", "--log-folder", folder, "--device", "cpu", "--eval-freq", "-1",
    ]  # fmt: skip
    runpy.run_module("rl_zoo3.train", run_name="__main__")
    assert list(Path(folder).rglob("Gen3D-Pick-v0.zip")), "no model was saved"
print("rl_zoo3.train, PPO, 512 steps, hyperparameters of integrations/rl_zoo3/ppo.yml")
