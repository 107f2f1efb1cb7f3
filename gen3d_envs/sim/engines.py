"""The engines behind the world protocol, by name. Each is imported when first asked for."""

from __future__ import annotations

from importlib import import_module

from gen3d_envs.errors import FieldError
from gen3d_envs.sim.world import BodyState, RobotState, World, WorldSetup

__all__ = ["DEFAULT", "ENGINES", "FASTEST", "BodyState", "RobotState", "World", "WorldSetup", "make_world"]

DEFAULT = "pybullet"
"""The engine that an ID means; any other is asked for by name, and every result says which one ran."""

FASTEST = "mujoco"
"""The engine that takes the least time for a step: the default where many episodes are needed, as in training."""

ENGINES = {"pybullet": "gen3d_envs.sim.bullet:BulletWorld", "mujoco": "gen3d_envs.sim.mujoco:MujocoWorld"}


def make_world(engine: str) -> World:
    """A fresh world of an engine.

    Raises:
        FieldError: no engine of this name.
        EngineUnavailable: the engine is not installed here.
    """
    if engine not in ENGINES:
        raise FieldError("physics", engine, "no such physics engine", f"Use one of {', '.join(ENGINES)}")
    module, _, name = ENGINES[engine].partition(":")
    world: World = getattr(import_module(module), name)()
    return world
