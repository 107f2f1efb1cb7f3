#!/usr/bin/env bash
# The policy that the study begins with, and its success; about two hours.
set -euo pipefail
out=${1:-repro_out}
mkdir -p "$out"
gen3d study --preset full --jobs 2 --only imitation --out "$out/study"
