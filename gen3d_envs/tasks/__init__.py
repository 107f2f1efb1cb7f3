"""Task families: one file each, made by :func:`make_task` from the scene's task record."""

from __future__ import annotations

from gen3d_envs.errors import SceneError
from gen3d_envs.spec import TaskSpec
from gen3d_envs.tasks.base import OUTCOMES, Stage, Status, Task
from gen3d_envs.tasks.pick import Pick
from gen3d_envs.tasks.place import Place

__all__ = ["OUTCOMES", "Stage", "Status", "Task", "make_task"]


def make_task(spec: TaskSpec) -> Task:
    """The task that a scene's record names.

    Raises:
        SceneError: a family or predicate that does not exist.
    """
    if spec.family == "pick":
        return Pick()
    if spec.family == "place" and spec.predicate is not None:
        return Place(spec.predicate)
    raise SceneError("task.family", spec.family, "no such task", "Use 'pick' or 'place'")
