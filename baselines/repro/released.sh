#!/usr/bin/env bash
# Success of the released policies on all splits, what instructions do to the best, and how well it sees; half an hour.
set -euo pipefail
out=${1:-repro_out}
mkdir -p "$out"
for policy in flow-vla-imitation flow-vla-1 flow-vla-handmade flow-vla-100; do
    for split in train heldout; do
        gen3d evaluate --policy "registry/checkpoints/$policy" --benchmark gen3d-100 --split "$split" --episodes 4 \
            --physics mujoco --obs-type pixels_agent_pos --size 96 --jobs 2 --out "$out/$policy-$split.json"
    done
    gen3d evaluate --policy "registry/checkpoints/$policy" --benchmark gen3d-100 --split handmade --episodes 50 \
        --physics mujoco --obs-type pixels_agent_pos --size 96 --jobs 2 --out "$out/$policy-handmade.json"
done
gen3d evaluate --policy registry/checkpoints/flow-vla-100 --benchmark gen3d-100 --split train --episodes 4 \
    --axes blank_instruction other_object --physics mujoco --obs-type pixels_agent_pos --size 96 --jobs 2 \
    --out "$out/flow-vla-100-controls.json"
for split in train heldout; do
    python -m gen3d_envs.baselines.vla.eyes registry/checkpoints/flow-vla-100 --split "$split"
done
python -m gen3d_envs.baselines.vla.hands registry/checkpoints/flow-vla-100 --split heldout --episodes 4
python -m gen3d_envs.baselines.vla.hands registry/checkpoints/flow-vla-100 --split train --episodes 2
