"""How a policy is to be run, and how that is written behind its name: ``ws://host:8000#convention=bridge&replan=4``."""

from __future__ import annotations

import dataclasses
import math
import re
from dataclasses import dataclass

from gen3d_envs.errors import FieldError

from .conventions import get_convention

_OPTIONS = re.compile(r"[a-z_]+=[^&#]*(&[a-z_]+=[^&#]*)*")

MAX_TEXT = 2000
"""Longest description of a policy."""


@dataclass(frozen=True)
class PolicyOptions:
    """Everything about a policy that is not the policy itself.

    Attributes:
        convention: name of what its numbers mean (:data:`conventions.CONVENTIONS`); None takes the kind's usual one.
        replan: ask again after so many steps; None uses a chunk up.
        horizon: use only so many actions of a chunk; None uses all.
        ensemble: ``m`` of temporal ensembling (see :class:`broker.ChunkBroker`); None switches it off.
        deterministic: take the mode of a policy that could draw its actions.
        trust_pickle: unpickle a Stable-Baselines3 file that cannot be read otherwise. Whoever made it can then run
            anything here.
        timeout_s: longest wait for an answer, and for the send before it.
        connect_timeout_s: longest wait for a connection and its greeting.
        retries: how often an unreachable, late or dropped connection is tried again, per action.
        retry_wait_s: pause before that.
        max_answer_mb: largest answer.
        unnorm_key: which statistics an OpenVLA server unnormalises by.
        size: width and height of the pictures sent; None takes the kind's usual size.
        image_key, wrist_key, state_key, prompt_key: names in the message; None takes the kind's usual one, ``"-"``
            leaves the thing out.
        api_key: sent as ``Authorization: Api-Key ...``. It is not part of the text form, which stands in results.
    """

    convention: str | None = None
    replan: int | None = None
    horizon: int | None = None
    ensemble: float | None = None
    deterministic: bool = True
    trust_pickle: bool = False
    timeout_s: float = 60.0
    connect_timeout_s: float = 10.0
    retries: int = 0
    retry_wait_s: float = 1.0
    max_answer_mb: float = 16.0
    unnorm_key: str | None = None
    size: int | None = None
    image_key: str | None = None
    wrist_key: str | None = None
    state_key: str | None = None
    prompt_key: str | None = None
    api_key: str | None = dataclasses.field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.convention is not None:
            get_convention(self.convention)
        for field, low, high in (("replan", 1, 1000), ("horizon", 1, 1000), ("retries", 0, 1000), ("size", 8, 2048)):
            value = getattr(self, field)
            if value is not None and not (isinstance(value, int) and low <= value <= high):
                raise FieldError(field, value, "is out of range", f"Give a whole number from {low} to {high}")
        for field in ("timeout_s", "connect_timeout_s", "max_answer_mb"):
            if not 0.0 < getattr(self, field) < math.inf:
                raise FieldError(field, getattr(self, field), "is no positive number", "Give one")
        if not 0.0 <= self.retry_wait_s < math.inf:
            raise FieldError("retry_wait_s", self.retry_wait_s, "is no waiting time", "Give seconds, 0 for none")
        if self.ensemble is not None and not math.isfinite(self.ensemble):
            raise FieldError("ensemble", self.ensemble, "is not finite", "0 weighs all alike, 0.01 is ACT's")

    @property
    def max_answer_bytes(self) -> int:
        """Largest answer in bytes."""
        return int(self.max_answer_mb * 1e6)


_TYPES = {field.name: str(field.type) for field in dataclasses.fields(PolicyOptions) if field.name != "api_key"}


def parse_policy(text: str) -> tuple[str, PolicyOptions]:
    """Split the description of a policy into what it is and how to run it.

    Args:
        text: what ``--policy`` takes: ``"WHAT"`` or ``"WHAT#option=value&option=value"``. Options are those of
            :class:`PolicyOptions`. What follows ``#`` in a URL is never sent to the server.

    Raises:
        FieldError: an unknown option or a value that does not fit.
    """
    if len(text) > MAX_TEXT:
        raise FieldError("policy", text, f"is longer than {MAX_TEXT} characters", "Name a policy")
    what, mark, tail = text.rpartition("#")
    if not mark or not _OPTIONS.fullmatch(tail):
        return text, PolicyOptions()
    values: dict[str, object] = {}
    for part in tail.split("&"):
        name, _, value = part.partition("=")
        if name not in _TYPES:
            raise FieldError("policy", part, "no such option", f"Options are {', '.join(_TYPES)}")
        if name in values:
            raise FieldError("policy", part, "is given twice", "Keep one")
        values[name] = _read(name, value)
    return what, dataclasses.replace(PolicyOptions(), **values)  # type: ignore[arg-type]


def _read(name: str, value: str) -> object:
    kind = _TYPES[name]
    if kind.startswith("bool"):
        if value not in ("0", "1"):
            raise FieldError(f"policy option {name}", value, "is neither 0 nor 1", "1 switches it on")
        return value == "1"
    if kind.startswith("str"):
        return value
    try:
        return int(value) if kind.startswith("int") else float(value)
    except ValueError:
        raise FieldError(f"policy option {name}", value, "is no number", "Give one") from None
