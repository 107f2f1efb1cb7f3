#!/usr/bin/env bash
# PPOFlow in 100 generated scenes with the sparse reward alone, 100,000 decisions; an hour.
set -euo pipefail
out=${1:-repro_out}
mkdir -p "$out"
gen3d study --jobs 2 --out "$out/sparse" --only 100 --set shaping=0 --set decisions=100000 \
    --set eyes=registry/checkpoints/flow-vla-imitation --set mixed=6000 --set half=true
