#!/usr/bin/env bash
# PPO from pixels without imitation, which the paper advises against, and its success where it learned; twenty minutes.
set -euo pipefail
out=${1:-repro_out}
mkdir -p "$out"
gen3d train --algo ppo --obs pixels --benchmark gen3d-100 --scenes 1 --steps 200000 --jobs 2 --out "$out/pixels"
gen3d evaluate --policy "$out/pixels/policy.zip" --env Gen3D/PutBananaInBowl-bcc7-v0 --episodes 100 --physics mujoco \
    --obs-type pixels_agent_pos --size 64 --jobs 2 --out "$out/pixels-scene.json"
gen3d evaluate --policy "$out/pixels/policy.zip" --benchmark gen3d-100 --split train --episodes 4 --physics mujoco \
    --obs-type pixels_agent_pos --size 64 --jobs 2 --out "$out/pixels.json"
