#!/usr/bin/env bash
# Success of random actions on both benchmarks; about 15 core-minutes.
set -euo pipefail
out=${1:-repro_out}
mkdir -p "$out"
for benchmark in gen3d-100 gen3d-tasks; do
    for split in train heldout; do
        gen3d evaluate --policy random --benchmark "$benchmark" --split "$split" --episodes 5 --jobs 2 \
            --out "$out/random-$benchmark-$split.json"
    done
done
