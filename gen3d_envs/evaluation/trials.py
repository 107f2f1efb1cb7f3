"""The protocol of trials on a robot: which scenes, how many, and what is written down of them.

Choi et al. (arXiv 2603.18532) try each policy ten times in each of twelve scenes on a WidowX and report success,
partial success, failures of dynamics and the time to finish. The same is done here on a simulated robot that no policy
was trained on; it is called what it is: transfer to an unseen simulator.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from gen3d_envs.evaluation.result import EpisodeRow, Result
from gen3d_envs.statistics import wilson_interval

TRIALS = 10
"""Of every scene."""

STOPPED = "stopped"
"""Outcome of a trial that the robot's safety layer ended."""

OTHER_FAILURES = ("untouched", "wrong_object", STOPPED)
"""Failures that are not of dynamics: nothing was done, or with the wrong thing, or it was not let happen."""


@dataclass(frozen=True)
class Share:
    """How many of all trials, with a 95 % interval (Wilson's)."""

    count: int
    of: int

    @property
    def share(self) -> float:
        """Between 0 and 1."""
        return self.count / self.of

    @property
    def interval(self) -> tuple[float, float]:
        """Ends of the interval."""
        return wilson_interval(self.count, self.of)


@dataclass(frozen=True)
class Trials:
    """What came of the trials of a policy.

    Attributes:
        success: the task was done.
        partial: the right thing was at least lifted or brought to the goal; successes count.
        dynamics: the right thing was touched and the trial failed all the same: pushed away, dropped, fallen, released
            beside the goal, or not in time.
        stopped: the safety layer ended the trial.
        time_s: mean time to finish of the successful ones; None without any.
    """

    success: Share
    partial: Share
    dynamics: Share
    stopped: Share
    time_s: float | None


def trials_of(result: Result) -> Trials:
    """The figures of the protocol."""
    rows, of = result.episodes, len(result.episodes)
    outcomes = Counter(row.outcome for row in rows)
    times = [row.time_to_success_s for row in rows if row.time_to_success_s is not None]
    return Trials(
        success=Share(outcomes["success"], of),
        partial=Share(sum(row.partial for row in rows), of),
        dynamics=Share(sum(_of_dynamics(row) for row in rows), of),
        stopped=Share(outcomes[STOPPED], of),
        time_s=sum(times) / len(times) if times else None,
    )


def _of_dynamics(row: EpisodeRow) -> bool:
    return not row.success and row.outcome not in OTHER_FAILURES


def trial_lines(result: Result) -> list[tuple[str, str, str]]:
    """The figures as text: name, value, interval."""
    found = trials_of(result)
    named = [("success", found.success), ("partial success", found.partial), ("dynamics failures", found.dynamics),
             ("stopped by the safety layer", found.stopped)]  # fmt: skip
    lines = [
        (name, f"{100 * each.share:.1f} %", "{:.1f} to {:.1f}".format(*(100 * end for end in each.interval)))
        for name, each in named
    ]
    return [*lines, ("time to finish", "-" if found.time_s is None else f"{found.time_s:.1f} s", "")]
