#!/usr/bin/env bash
# Every row of the study's table, with the released eyes: 100,000 decisions each, then 300,000 in 100 scenes and in one;
# three seeds of the headline pair. Resumable; about ten hours.
set -euo pipefail
out=${1:-repro_out}
mkdir -p "$out"
for scenes in 100 1 50 25 10 handmade; do
    gen3d study --jobs 2 --out "$out/study" --only "$scenes" --set decisions=100000 \
        --set eyes=registry/checkpoints/flow-vla-imitation --set mixed=6000 --set half=true
done
for decisions in 100000 300000; do
    for scenes in 100 1; do
        gen3d study --jobs 2 --out "$out/study" --only "$scenes" --seeds 0 1 2 --set decisions="$decisions" \
            --set eyes=registry/checkpoints/flow-vla-imitation --set mixed=6000 --set half=true
    done
done
