#!/usr/bin/env bash
# How long 1,000 evaluation episodes take, and that one process and two give the same table.
set -euo pipefail
out=${1:-repro_out}
mkdir -p "$out"
for jobs in 1 2; do
    gen3d evaluate --policy expert --benchmark gen3d-100 --split train --episodes 10 --jobs "$jobs" \
        --out "$out/speed-$jobs.json"
done
gen3d compare "$out/speed-1.json" "$out/speed-2.json"
