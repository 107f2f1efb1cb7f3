#!/usr/bin/env bash
# Imitation and PPOFlow in 100 scenes as on a robot: another engine, over ROS 2's wire, without and with a perturbed reality.
set -euo pipefail
out=${1:-repro_out}
mkdir -p "$out"
for policy in flow-vla-imitation flow-vla-100; do
    gen3d evaluate --policy "registry/checkpoints/$policy" --env Gen3D-RealRobot-v0 --physics pybullet \
        --transport cyclonedds --size 96 --out "$out/robot-$policy.json"
    gen3d evaluate --policy "registry/checkpoints/$policy" --env Gen3D-RealRobot-v0 --physics pybullet \
        --reality medium --transport cyclonedds --size 96 --out "$out/robot-$policy-medium.json"
done
