#!/usr/bin/env bash
# PPOFlow in 100 generated scenes as the released policy was trained, measured on all splits; an hour and a half.
set -euo pipefail
out=${1:-repro_out}
mkdir -p "$out"
gen3d study --jobs 2 --out "$out/study" --only 100 \
    --set eyes=registry/checkpoints/flow-vla-imitation --set mixed=6000 --set half=true
