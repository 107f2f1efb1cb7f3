#!/usr/bin/env bash
# The same, but it learns to see anew, in one go instead of the released eyes' three. Never run as a whole with this recipe.
set -euo pipefail
out=${1:-repro_out}
mkdir -p "$out"
gen3d study --jobs 2 --out "$out/from-nothing"
