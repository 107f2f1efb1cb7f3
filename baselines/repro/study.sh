#!/usr/bin/env bash
# The whole study: success by number of training scenes, with time ratios and language controls. Resumable; many hours.
set -euo pipefail
out=${1:-repro_out}
mkdir -p "$out"
gen3d study --preset full --jobs 2 --out "$out/study"
