#!/usr/bin/env bash
# PPOFlow in 100 generated scenes, three seeds, measured there, on held-out and on hand-made scenes.
set -euo pipefail
out=${1:-repro_out}
mkdir -p "$out"
gen3d study --preset full --jobs 2 --only 100 --seeds 0 1 2 --out "$out/study"
