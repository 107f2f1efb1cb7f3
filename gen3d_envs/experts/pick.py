"""The script of the Pick family."""

from __future__ import annotations

from gen3d_envs.experts.skills import Actions, Skills


def script(skills: Skills) -> Actions:
    """Try until the episode ends; each attempt plans from where things are now."""
    attempt = 0
    while True:
        yield from skills.pick(skills.plan_grasp(attempt))
        if skills.held():
            yield from skills.hold_up()
        yield from skills.retreat()
        attempt += 1
