#!/usr/bin/env bash
# The policy that the study begins with, and its success, with the released eyes; ten minutes.
set -euo pipefail
out=${1:-repro_out}
mkdir -p "$out"
gen3d study --jobs 2 --out "$out/study" --only imitation \
    --set eyes=registry/checkpoints/flow-vla-imitation --set mixed=6000 --set half=true
