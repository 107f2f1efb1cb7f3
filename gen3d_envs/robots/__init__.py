"""Robots by name. Each is a fixed-base arm with a parallel gripper; see :class:`gen3d_envs.robots.base.Robot`."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from gen3d_envs.errors import FieldError
from gen3d_envs.robots.base import Robot


def _widowx() -> Robot:
    from gen3d_envs.robots.widowx import widowx

    return widowx()


def _panda() -> Robot:
    from gen3d_envs.robots.panda import panda

    return panda()


ROBOTS: dict[str, Callable[[], Robot]] = {"widowx": _widowx, "panda": _panda}
"""Every robot by the name used in scenes and in ``gym.make(..., robot=...)``."""


def get_robot(name: str) -> Robot:
    """The robot called ``name``, built once per process.

    Raises:
        FieldError: an unknown name.
    """
    if not isinstance(name, str) or name not in ROBOTS:
        raise FieldError("robot", name, "no robot has this name", f"Use one of {', '.join(sorted(ROBOTS))}")
    return _build(name)


@cache
def _build(name: str) -> Robot:
    return ROBOTS[name]()


__all__ = ["ROBOTS", "Robot", "get_robot"]
