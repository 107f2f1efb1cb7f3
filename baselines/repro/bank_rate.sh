#!/usr/bin/env bash
# Certified scenes per core-hour and per US dollar, acceptance at first try and after repair; about 10 core-minutes.
set -euo pipefail
out=${1:-repro_out}
mkdir -p "$out"
gen3d generate --benchmark gen3d-100 --seed 7 --jobs 2 --robots widowx panda --out "$out/bank"
