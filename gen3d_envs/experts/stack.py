"""The script of the Stack family."""

from __future__ import annotations

from gen3d_envs.experts.skills import Actions, Destination, Skills

RELEASE_M = 0.003
"""A stack is let go this close above what carries it: what falls further tips."""


def script(skills: Skills) -> Actions:
    """Try until the episode ends; each attempt plans from where things are now."""
    scene, attempt = skills.env.scene, 0
    below = scene.index(scene.spec.task.receptacle)
    assert below is not None  # the spec refuses a stack of one
    surface = scene.assets[below].surface
    assert surface is not None  # the task refuses what has no flat top
    x, y = surface.center_m
    while True:
        yield from skills.pick(skills.plan_grasp(attempt))
        if skills.held():
            yield from skills.put_down(Destination(below, x, y, surface.z_m, surface.z_m + RELEASE_M))
        yield from skills.retreat()
        attempt += 1
