"""Numbers that summarise episodes, with the uncertainty they deserve."""

from __future__ import annotations

from gen3d_envs.errors import FieldError


def wilson_interval(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Confidence interval of a success rate, both ends in [0, 1].

    Wilson's score interval (E. B. Wilson, JASA 22, 1927): unlike the normal approximation it stays within [0, 1] and
    is honest at 0 of n and n of n.

    Raises:
        FieldError: no trials, more successes than trials, or a confidence that is none.
    """
    if trials < 1:
        raise FieldError("trials", trials, "a rate needs at least one trial", "Run more episodes")
    if not 0 <= successes <= trials:
        raise FieldError("successes", successes, f"is not between 0 and {trials}", "Count each episode once")
    if not 0.0 < confidence < 1.0:
        raise FieldError("confidence", confidence, "is not between 0 and 1", "Use e.g. 0.95")
    from scipy.stats import binomtest

    interval = binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)
