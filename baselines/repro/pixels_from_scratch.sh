#!/usr/bin/env bash
# PPO from pixels without imitation, which the paper advises against.
set -euo pipefail
out=${1:-repro_out}
mkdir -p "$out"
gen3d train --algo ppo --obs pixels --benchmark gen3d-100 --scenes 1 --steps 200000 --jobs 2 --out "$out/pixels"
