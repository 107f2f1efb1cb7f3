#!/usr/bin/env bash
# Success of the scripted expert, both robots, all splits of both benchmarks; about 15 core-minutes.
set -euo pipefail
out=${1:-repro_out}
mkdir -p "$out"
for robot in widowx panda; do
    for split in train heldout handmade; do
        gen3d evaluate --policy expert --benchmark gen3d-100 --split "$split" --robot "$robot" --episodes 5 --jobs 2 \
            --out "$out/expert-$robot-$split.json"
    done
    for split in train heldout; do
        gen3d evaluate --policy expert --benchmark gen3d-tasks --split "$split" --robot "$robot" --episodes 5 --jobs 2 \
            --out "$out/expert-$robot-tasks-$split.json"
    done
done
