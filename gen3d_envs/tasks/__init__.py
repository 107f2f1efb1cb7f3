"""Task families: one file each, made by :func:`make_task` from the scene's task record.

The next family is a file with a class of :class:`Task`, a line in :data:`TASKS`, its name in ``spec.Family`` and
``registration.FAMILIES``, and a script in ``experts``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gen3d_envs.errors import SceneError
from gen3d_envs.spec import TaskSpec
from gen3d_envs.tasks.base import OUTCOMES, Stage, Status, Task
from gen3d_envs.tasks.opening import MovePart
from gen3d_envs.tasks.pick import Pick
from gen3d_envs.tasks.place import Place
from gen3d_envs.tasks.push import Push
from gen3d_envs.tasks.rearrange import Rearrange
from gen3d_envs.tasks.sort import Sort
from gen3d_envs.tasks.stack import Stack

__all__ = ["OUTCOMES", "TASKS", "Stage", "Status", "Task", "TaskFamily", "carries", "make_task"]


@dataclass(frozen=True)
class TaskFamily:
    """One family of tasks.

    Attributes:
        make: the task of a record of this family.
        weights: of the reward terms; the same for all its tasks.
        meaning: what is to be done, in a few words.
    """

    make: Callable[[TaskSpec], Task]
    weights: dict[str, float]
    meaning: str


def _place(spec: TaskSpec) -> Task:
    if spec.predicate is None:
        raise SceneError("task.predicate", None, "a place task needs one", "Use on or in")
    return Place(spec.predicate)


TASKS: dict[str, TaskFamily] = {
    "pick": TaskFamily(lambda spec: Pick(), Pick.weights, "lift the target 10 cm and hold it"),
    "place": TaskFamily(_place, Place.weights, "bring the target on or in the receptacle, let go, leave it at rest"),
    "stack": TaskFamily(lambda spec: Stack(), Stack.weights, "stand the target on another free thing"),
    "push": TaskFamily(
        lambda spec: Push(spec.all_goals[0]), Push.weights,
        "push the target to a mark or beside another thing, without lifting it",
    ),
    "sort": TaskFamily(lambda spec: Sort(spec.all_goals), Sort.weights, "several things, each to its receptacle"),
    "rearrange": TaskFamily(
        lambda spec: Rearrange(spec.all_goals), Rearrange.weights,
        "things beside others, or two that change places",
    ),
    "open": TaskFamily(
        lambda spec: MovePart(str(spec.part), opens=True), MovePart.weights,
        "pull a drawer, door, lid or screen open by 80 % of its way",
    ),
    "close": TaskFamily(
        lambda spec: MovePart(str(spec.part), opens=False), MovePart.weights, "shut it, to within 5 % of its way"
    ),
}  # fmt: skip
"""Every family by name."""


def make_task(spec: TaskSpec) -> Task:
    """The task that a scene's record names.

    Raises:
        SceneError: a family or predicate that does not exist.
    """
    family = TASKS.get(spec.family)
    if family is None:
        raise SceneError("task.family", spec.family, "no such task", f"Use one of {', '.join(TASKS)}")
    return family.make(spec)


def carries(spec: TaskSpec) -> int:
    """How often something has to be brought somewhere: one, or one for each of several goals.

    Two things that change places take three: one of them waits elsewhere.
    """
    goals = spec.all_goals
    exchanges = sum(goal.predicate == "at" for goal in goals) // 2
    return max(1, len(goals) + exchanges)
