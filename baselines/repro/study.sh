#!/usr/bin/env bash
# Every row of the study's table, with the released eyes: 100,000 decisions each, then 300,000 in 100 scenes and in one;
# three seeds of the headline pair, two of the numbers between. Resumable; about eleven hours.
set -euo pipefail
out=${1:-repro_out}
mkdir -p "$out"
for decisions in 100000 300000; do
    for scenes in 100 1; do
        gen3d study --jobs 2 --out "$out/study" --only "$scenes" --seeds 0 1 2 --set decisions="$decisions" \
            --set eyes=registry/checkpoints/flow-vla-imitation --set mixed=6000 --set half=true
    done
done
for scenes in 50 25 10; do
    gen3d study --jobs 2 --out "$out/study" --only "$scenes" --seeds 0 1 --set decisions=100000 \
        --set eyes=registry/checkpoints/flow-vla-imitation --set mixed=6000 --set half=true
done
gen3d study --jobs 2 --out "$out/study" --only handmade --set decisions=100000 \
    --set eyes=registry/checkpoints/flow-vla-imitation --set mixed=6000 --set half=true
