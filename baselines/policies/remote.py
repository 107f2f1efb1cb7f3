"""What every connection to a policy somewhere else shares: the errors it knows and when it tries again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from gen3d_envs.errors import PolicyError

from .options import PolicyOptions

RETRIED = ("unreachable", "timeout", "dropped")
"""Kinds of :class:`PolicyError` that another try may cure."""


class Attempts:
    """Runs a request, again where it failed in a way that another try may cure, as the options say.

    Args:
        options: ``retries`` and ``retry_wait_s``.

    Attributes:
        retries: how often it was tried again so far.
    """

    def __init__(self, options: PolicyOptions) -> None:
        self._options = options
        self.retries = 0

    def run(self, request: Callable[[], Any]) -> Any:
        """The answer of ``request``.

        Raises:
            PolicyError: the last of its errors, with the number of tries.
        """
        for tried in range(self._options.retries + 1):
            try:
                return request()
            except PolicyError as error:
                if error.kind not in RETRIED or tried == self._options.retries:
                    error = PolicyError(
                        error.policy, error.step, error.problem, error.remedy, error.kind, error.detail, tried
                    )
                    raise error from None
            self.retries += 1
            time.sleep(self._options.retry_wait_s)
        raise AssertionError("unreachable")


def reported(name: str, text: str) -> PolicyError:
    """The error that a server reported, with the last line of its traceback in the message."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    last = lines[-1][:300] if lines else "no text"
    return PolicyError(name, None, f"the server reported an error: {last}", "See the server", "remote", text)


def late(name: str, timeout_s: float) -> PolicyError:
    """The error of a server that did not answer in time."""
    remedy = "Wait longer with timeout_s, or look whether the server hangs"
    return PolicyError(name, None, f"no answer within {timeout_s:g} s", remedy, "timeout")


def unreachable(name: str, error: Exception) -> PolicyError:
    """The error of a server that is not there."""
    problem = f"cannot be reached ({_words(error)})"
    return PolicyError(name, None, problem, "Start the server, and check host and port", "unreachable")


def dropped(name: str, error: Exception) -> PolicyError:
    """The error of a connection that ended before the answer came."""
    remedy = "See the server; retries=N tries again"
    return PolicyError(name, None, f"the connection was lost ({_words(error)})", remedy, "dropped")


def _words(error: Exception) -> str:
    text = (error.strerror if isinstance(error, OSError) and error.strerror else str(error)) or type(error).__name__
    return " ".join(text.split())[:200]
