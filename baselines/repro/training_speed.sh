#!/usr/bin/env bash
# Decisions per second of the whole training loop of PPOFlow, pictures included: four control steps make a decision;
# the first three updates train the critic alone. Six minutes.
set -euo pipefail
out=${1:-repro_out}
mkdir -p "$out"
gen3d train --algo flow --obs pixels --benchmark gen3d-100 --size 96 --steps 172032 --jobs 2 \
    --set start=registry/checkpoints/flow-vla-imitation --out "$out/training-speed"
