"""The script of the Place family."""

from __future__ import annotations

from gen3d_envs.experts.skills import Actions, Skills


def script(skills: Skills) -> Actions:
    """Try until the episode ends; each attempt plans from where things are now."""
    scene, attempt = skills.env.scene, 0
    receptacle, predicate = scene.index(scene.spec.task.receptacle), scene.spec.task.predicate
    assert receptacle is not None and predicate is not None
    while True:
        yield from skills.pick(skills.plan_grasp(attempt))
        if skills.held():
            yield from skills.put_down(skills.destination(receptacle, predicate))
        yield from skills.retreat()
        attempt += 1
