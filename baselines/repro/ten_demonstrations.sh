#!/usr/bin/env bash
# The study from 10 demonstrations instead of 12, with 100,000 decisions in 100 generated scenes; an hour.
set -euo pipefail
out=${1:-repro_out}
mkdir -p "$out"
gen3d study --jobs 2 --out "$out/ten" --only 100 --set demos=10 --set decisions=100000 \
    --set eyes=registry/checkpoints/flow-vla-imitation --set mixed=6000 --set half=true
