#!/usr/bin/env bash
# Success of random actions on all benchmarks, and on what is opened and closed with both robots; about 20 core-minutes.
set -euo pipefail
out=${1:-repro_out}
mkdir -p "$out"
for benchmark in gen3d-100 gen3d-tasks; do
    for split in train heldout; do
        gen3d evaluate --policy random --benchmark "$benchmark" --split "$split" --episodes 5 --jobs 2 \
            --out "$out/random-$benchmark-$split.json"
    done
done
for robot in widowx panda; do
    for split in train heldout; do
        gen3d evaluate --policy random --benchmark gen3d-openings --split "$split" --robot "$robot" --episodes 5 --jobs 2 \
            --out "$out/random-gen3d-openings-$robot-$split.json"
    done
done
