"""MuJoCo behind the world protocol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gen3d_envs.assets.articulated import part_pose
from gen3d_envs.assets.asset import Quaternion, Vector
from gen3d_envs.geometry import rotate
from gen3d_envs.sim.mujoco_model import CONTACT_GAP_M, PHYSICS_HZ, Compiled, compiled, mujoco, perturbed
from gen3d_envs.sim.world import NOMINAL, WorldSetup


class MujocoWorld:
    """One MuJoCo simulation. See :class:`gen3d_envs.sim.world.World` for the contract."""

    physics_hz = PHYSICS_HZ

    def __init__(self) -> None:
        self.engine = f"mujoco {mujoco.__version__}, {PHYSICS_HZ} Hz"
        self._compiled: Compiled | None = None
        self._model: Any = None
        self._data: Any = None
        self._found: list[tuple[str, str, float]] | None = None

    def load(self, setup: WorldSetup) -> None:
        """See :meth:`World.load`."""
        scene = compiled(setup)
        model = scene.model if setup.dynamics == NOMINAL else perturbed(scene, setup.dynamics)
        if model is not self._model:
            self._compiled, self._model = scene, model
            self._data = mujoco.MjData(model)
            self._probe = mujoco.MjData(model)
        else:
            mujoco.mj_resetData(self._model, self._data)
        data, count = self._data, scene.joints
        self._joints = count
        data.qpos[:count] = setup.robot.joints
        self._places = scene.bodies
        self._states = setup.bodies
        for place, body in zip(scene.bodies, setup.bodies, strict=True):
            x, y, z, w = body.orientation_xyzw
            if place.mocap < 0:
                data.qpos[place.qpos : place.qpos + 7] = (*body.position_m, w, x, y, z)
            else:
                data.mocap_pos[place.mocap] = body.position_m
                data.mocap_quat[place.mocap] = (w, x, y, z)
            for address, value in zip(place.part_qpos, body.openings, strict=False):
                data.qpos[address] = value
        self._row = np.array(self._controls(setup.robot.joints))
        data.ctrl[:] = self._row
        self._names = tuple(body.name for body in setup.bodies)
        mujoco.mj_forward(self._model, data)
        self._views()
        self._found = None

    def _views(self) -> None:
        data = self._data
        self._qpos, self._qvel, self._ctrl = data.qpos, data.qvel, data.ctrl

    def _controls(self, targets: Sequence[float]) -> list[float]:
        assert self._compiled is not None
        return [targets[drive[0]] for drive in self._compiled.drives]

    def drive(self, targets: Sequence[float], steps: int) -> None:
        """See :meth:`World.drive`."""
        model, data, step, ctrl = self._model, self._data, mujoco.mj_step, self._ctrl
        goal = np.array(self._controls(targets))
        start = self._row
        if (goal == start).all():
            step(model, data, steps)
        else:
            ramp = start + np.arange(1, steps + 1)[:, None] * ((goal - start) / steps)
            for row in ramp:
                ctrl[:] = row
                step(model, data)
            ctrl[:] = goal
        self._row = goal
        self._found = None
        mujoco.mj_kinematics(model, data)

    def joint_states(self) -> tuple[list[float], list[float]]:
        """See :meth:`World.joint_states`."""
        count = self._joints
        return self._qpos[:count].tolist(), self._qvel[:count].tolist()

    def link_poses(self) -> list[tuple[Vector, Quaternion]]:
        """See :meth:`World.link_poses`."""
        assert self._compiled is not None
        links = list(self._compiled.links)
        positions, turns = self._data.xpos[links].tolist(), self._data.xquat[links].tolist()
        return [((x, y, z), (qx, qy, qz, qw)) for (x, y, z), (qw, qx, qy, qz) in zip(positions, turns, strict=True)]

    def body_pose(self, index: int) -> tuple[Vector, Quaternion]:
        """See :meth:`World.body_pose`."""
        row = self._places[index].qpos
        if row < 0:
            mocap = self._places[index].mocap
            x, y, z = self._data.mocap_pos[mocap].tolist()
            qw, qx, qy, qz = self._data.mocap_quat[mocap].tolist()
        else:
            x, y, z, qw, qx, qy, qz = self._qpos[row : row + 7].tolist()
        return (x, y, z), (qx, qy, qz, qw)

    def body_velocity(self, index: int) -> tuple[Vector, Vector]:
        """See :meth:`World.body_velocity`."""
        place = self._places[index]
        if place.qvel < 0:
            return (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)
        _, orientation = self.body_pose(index)
        vx, vy, vz, *spin = self._qvel[place.qvel : place.qvel + 6].tolist()
        wx, wy, wz = rotate(orientation, (spin[0], spin[1], spin[2]))
        cx, cy, cz = rotate(orientation, tuple(self._model.body_ipos[place.body].tolist()))
        return (vx + wy * cz - wz * cy, vy + wz * cx - wx * cz, vz + wx * cy - wy * cx), (wx, wy, wz)

    def set_body_pose(self, index: int, position_m: Vector, orientation_xyzw: Quaternion) -> None:
        """See :meth:`World.set_body_pose`."""
        x, y, z, w = orientation_xyzw
        place = self._places[index]
        if place.qpos < 0:
            self._data.mocap_pos[place.mocap] = position_m
            self._data.mocap_quat[place.mocap] = (w, x, y, z)
        else:
            self._qpos[place.qpos : place.qpos + 7] = (*position_m, w, x, y, z)
            self._qvel[place.qvel : place.qvel + 6] = 0.0
        self._found = None
        mujoco.mj_kinematics(self._model, self._data)

    def set_body_velocity(self, index: int, linear: Vector, angular: Vector) -> None:
        """See :meth:`World.set_body_velocity`."""
        place = self._places[index]
        if place.qvel < 0:
            return
        _, (x, y, z, w) = self.body_pose(index)
        cx, cy, cz = rotate((x, y, z, w), tuple(self._model.body_ipos[place.body].tolist()))
        wx, wy, wz = angular
        origin = (linear[0] - wy * cz + wz * cy, linear[1] - wz * cx + wx * cz, linear[2] - wx * cy + wy * cx)
        local = rotate((-x, -y, -z, w), angular)
        self._qvel[place.qvel : place.qvel + 6] = (*origin, *local)

    def part_poses(self, index: int) -> list[tuple[Vector, Quaternion]]:
        """See :meth:`World.part_poses`."""
        parts = self._states[index].asset.parts
        if not parts:
            return []
        pose, values = self.body_pose(index), self.part_positions(index)
        return [part_pose(part.joint, value, *pose) for part, value in zip(parts, values, strict=True)]

    def part_positions(self, index: int) -> list[float]:
        """See :meth:`World.part_positions`."""
        return [float(self._qpos[address]) for address in self._places[index].part_qpos]

    def part_velocities(self, index: int) -> list[float]:
        """See :meth:`World.part_velocities`."""
        return [float(self._qvel[address]) for address in self._places[index].part_qvel]

    def set_part_positions(self, index: int, positions: Sequence[float]) -> None:
        """See :meth:`World.set_part_positions`."""
        place = self._places[index]
        for at, speed, value in zip(place.part_qpos, place.part_qvel, positions, strict=True):
            self._qpos[at], self._qvel[speed] = value, 0.0
        self._found = None
        mujoco.mj_kinematics(self._model, self._data)

    def contacts(self, index: int) -> set[str]:
        """See :meth:`World.contacts`."""
        return {name for name, _ in self._touching(index)}

    def penetration_m(self, index: int) -> float:
        """See :meth:`World.penetration_m`."""
        return max((-distance for _, distance in self._touching(index)), default=0.0)

    def _touching(self, index: int) -> list[tuple[str, float]]:
        name, found = self._names[index], []
        for first, second, distance in self._contacts():
            if first == name:
                found.append((second, distance))
            elif second == name:
                found.append((first, distance))
        return found

    def _contacts(self) -> list[tuple[str, str, float]]:
        """Everything that touches at the present poses.

        Found in a second, always wakeful data: the step's own list leaves out what sleeps and is a step old.
        """
        if self._found is None:
            assert self._compiled is not None
            model, probe, owner = self._model, self._probe, self._compiled.owner
            probe.qpos[:] = self._qpos
            if model.nmocap:
                probe.mocap_pos[:], probe.mocap_quat[:] = self._data.mocap_pos, self._data.mocap_quat
            mujoco.mj_kinematics(model, probe)
            mujoco.mj_comPos(model, probe)
            mujoco.mj_collision(model, probe)
            contact = probe.contact
            self._found = [
                (owner[first], owner[second], distance)
                for (first, second), distance in zip(contact.geom.tolist(), contact.dist.tolist(), strict=True)
                if distance <= CONTACT_GAP_M
            ]
        return self._found

    def close(self) -> None:
        """See :meth:`World.close`."""
        self._data = None
