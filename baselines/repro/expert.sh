#!/usr/bin/env bash
# Success of the scripted expert, both robots, all splits of all benchmarks; about 20 core-minutes.
set -euo pipefail
out=${1:-repro_out}
mkdir -p "$out"
for robot in widowx panda; do
    for split in train heldout handmade; do
        gen3d evaluate --policy expert --benchmark gen3d-100 --split "$split" --robot "$robot" --episodes 5 --jobs 2 \
            --out "$out/expert-$robot-$split.json"
    done
    for benchmark in gen3d-tasks gen3d-openings; do
        for split in train heldout; do
            gen3d evaluate --policy expert --benchmark "$benchmark" --split "$split" --robot "$robot" --episodes 5 \
                --jobs 2 --out "$out/expert-$robot-$benchmark-$split.json"
        done
    done
done
