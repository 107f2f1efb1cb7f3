"""Exceptions of Gen3D. Every message names the field, the value and the remedy."""

from __future__ import annotations

from typing import Any

MAX_DETAIL = 4000
"""How many characters of a remote traceback are kept."""


class Gen3DError(Exception):
    """Base class of every error Gen3D raises on purpose."""


class FieldError(Gen3DError, ValueError):
    """A value that cannot be used.

    Args:
        field: where the value stands, e.g. ``"objects[0].mass_kg"`` or ``"control_hz"``.
        value: the offending value; shortened in the message.
        problem: what is wrong with it, without a final full stop.
        remedy: what to do instead, without a final full stop.
    """

    def __init__(self, field: str, value: Any, problem: str, remedy: str) -> None:
        shown = repr(value)
        if len(shown) > 120:
            shown = shown[:117] + "..."
        super().__init__(f"{field} = {shown}: {problem}. {remedy}.")
        self.field = field
        self.value = value
        self.problem = problem
        self.remedy = remedy

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.field, self.value, self.problem, self.remedy)


class SceneError(FieldError):
    """A scene description that is malformed, inconsistent, tampered with or from the future."""


class AssetError(FieldError):
    """A mesh or an asset that cannot be used in a scene."""


class UnfitError(AssetError):
    """A generator worked, but has nothing that fits: no such label, or a mesh that the quality gate refuses.

    Args:
        field, value, problem, remedy: as for every :class:`FieldError`.
        reason: a short name to count it by: ``"no such mesh"``, ``"watertight"``.
    """

    def __init__(self, field: str, value: Any, problem: str, remedy: str, reason: str = "import") -> None:
        super().__init__(field, value, problem, remedy)
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.field, self.value, self.problem, self.remedy, self.reason)


class DesignError(FieldError):
    """A sentence that the designer could not turn into a scene."""


class LayoutError(FieldError):
    """Objects that could not be placed on the support without collision and within reach."""


class ActionError(FieldError):
    """An action of the wrong shape or with values that are not finite."""


class ContractError(FieldError):
    """A policy and an environment that do not mean the same by their numbers.

    Args:
        field, value, problem, remedy: as for every :class:`FieldError`.
        differences: one line each.
    """

    def __init__(
        self, field: str, value: Any, problem: str, remedy: str, differences: tuple[str, ...] = ()
    ) -> None:  # fmt: skip
        super().__init__(field, value, problem, remedy)
        self.differences = differences

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.field, self.value, self.problem, self.remedy, self.differences)


class RobotStop(Gen3DError, RuntimeError):
    """A robot that was stopped, or may not move: it holds where it is until a person resets it.

    Args:
        reason: a short name to count it by, e.g. ``"state_stale"`` or ``"not_finite"``.
        problem: what happened, without a final full stop.
        remedy: what to do, without a final full stop.
    """

    def __init__(self, reason: str, problem: str, remedy: str) -> None:
        super().__init__(f"Stopped ({reason}): {problem}. {remedy}.")
        self.reason, self.problem, self.remedy = reason, problem, remedy

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.reason, self.problem, self.remedy)


class CertificateError(FieldError):
    """A scene that did not pass its certificate."""


class EngineUnavailable(Gen3DError, ImportError):
    """A physics engine, renderer or optional package that is not installed here."""


class PolicyError(Gen3DError, RuntimeError):
    """A policy that gave no usable action: the episode cannot go on, earlier ones stand.

    Args:
        policy: the policy as it was asked for, e.g. ``"ws://localhost:8000"``.
        step: how many actions of the episode it had given before; None where no episode had begun.
        problem: what happened, without a final full stop.
        remedy: what to do, without a final full stop.
        kind: to count by: ``"unreachable"``, ``"timeout"``, ``"dropped"`` (the connection), ``"remote"`` (an error the
            server reported), ``"answer"`` (wrong shape, not finite, too large, malformed) or ``"raised"``.
        detail: more to read, such as the server's traceback; shortened to its last part.
        retries: how often it was tried again.
    """

    def __init__(
        self, policy: str, step: int | None, problem: str, remedy: str, kind: str = "raised", detail: str = "",
        retries: int = 0,
    ) -> None:  # fmt: skip
        where = "" if step is None else f" at step {step}"
        again = f" (tried {retries + 1} times)" if retries else ""
        super().__init__(f"Policy {policy}{where}: {problem}{again}. {remedy}.")
        self.policy, self.step, self.problem, self.remedy = policy, step, problem, remedy
        self.kind, self.detail, self.retries = kind, detail[-MAX_DETAIL:], retries

    def at(self, step: int) -> PolicyError:
        """The same error with the step of the episode filled in."""
        return type(self)(self.policy, step, self.problem, self.remedy, self.kind, self.detail, self.retries)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (
            self.policy, self.step, self.problem, self.remedy, self.kind, self.detail, self.retries
        )  # fmt: skip
