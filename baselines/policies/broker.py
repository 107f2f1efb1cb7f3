"""Executes chunks of actions one by one, checks every one of them, and says what went wrong where."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.errors import FieldError, Gen3DError, PolicyError

from .conventions import ActionConverter
from .protocol import ChunkPolicy, close

MAX_HORIZON = 1000
"""Longest chunk."""

LARGEST = 1e6
"""Largest number in an action; beyond it something else was sent."""


class ChunkBroker:
    """A policy of single actions made of one that may give chunks; it follows :class:`gen3d_envs.rollout.Policy`.

    Without ensembling the first ``replan`` actions of a chunk are executed, then the policy is asked again. With
    temporal ensembling, the action of a step is the mean of what all chunks that reach it say, with weights
    ``exp(-m i)``, ``i = 0`` for the oldest chunk (ACT, Zhao et al. 2023, arXiv:2304.13705, section IV-B, where the
    policy is asked at every step, and ``m = 0.01`` in its code; ``m < 0`` prefers the newest).

    Every failure of the policy becomes a :class:`PolicyError` that names the policy, the step and what happened. After
    one, the next :meth:`reset` starts afresh.

    Args:
        policy: gives ``(A,)`` or ``(H, A)``.
        name: of the policy, for errors.
        size: numbers of one of our actions.
        replan: ask again after so many steps; None: when the chunk is used up, or at every step when ensembling.
        horizon: use only so many actions of a chunk.
        ensemble: ``m``; None executes the newest chunk alone.
        converter: turns what the policy says into our actions.

    Raises:
        FieldError: ``replan`` is longer than ``horizon``, or numbers that have no mean are to be ensembled.
    """

    def __init__(
        self, policy: ChunkPolicy, name: str, size: int, replan: int | None = None, horizon: int | None = None,
        ensemble: float | None = None, converter: ActionConverter | None = None,
    ) -> None:  # fmt: skip
        if replan is not None and horizon is not None and replan > horizon:
            raise FieldError("replan", replan, f"is longer than the horizon of {horizon}", "Ask again earlier")
        if ensemble is not None and converter is not None:
            for what in (converter.convention.rotation, converter.convention.gripper):
                if what in ("quaternion_xyzw", "relative"):
                    raise FieldError("ensemble", ensemble, f"{what} numbers have no mean", "Switch ensembling off")
        self._policy, self._name = policy, name
        self._size = size if converter is None else converter.convention.size
        self._replan, self._horizon, self._ensemble, self._converter = replan, horizon, ensemble, converter
        self._chunks: list[tuple[int, NDArray[np.float64]]] = []
        self._step, self._began = 0, False

    @property
    def policy(self) -> ChunkPolicy:
        """The policy behind it."""
        return self._policy

    @property
    def finished(self) -> bool:
        """Whether the policy wants the episode to end."""
        return bool(getattr(self._policy, "finished", False))

    @property
    def retries(self) -> int:
        """How often the policy's connection was tried again so far, in all episodes."""
        return int(getattr(self._policy, "retries", 0))

    def reset(self, instruction: str) -> None:
        """Start an episode.

        Raises:
            PolicyError: the policy cannot.
        """
        self._chunks, self._step, self._began = [], 0, True
        if self._converter is not None:
            self._converter.reset()
        try:
            self._policy.reset(instruction)
        except Exception as error:
            raise self._explain(error) from error

    def act(self, observation: Any) -> NDArray[np.float32]:
        """The next action, in the environment's action space up to clipping.

        Raises:
            PolicyError: the policy failed or gave no finite numbers of the right shape.
        """
        if not self._began:
            raise Gen3DError("act() was called before reset(): call reset() with the instruction first.")
        if self._due():
            try:
                answer = self._policy.act(observation)
            except Exception as error:
                raise self._explain(error) from error
            self._chunks.append((self._step, self._checked(answer)))
        action = self._now()
        if self._converter is not None:
            try:
                action = self._converter.to_ours(action)
            except FieldError as error:
                raise self._explain(error) from error
        self._step += 1
        return action.astype(np.float32)

    def close(self) -> None:
        """Give back what the policy holds."""
        close(self._policy)

    def _due(self) -> bool:
        """Whether the policy is to be asked now."""
        self._chunks = [(start, chunk) for start, chunk in self._chunks if self._step < start + len(chunk)]
        if not self._chunks:
            return True
        replan = self._replan or (1 if self._ensemble is not None else MAX_HORIZON)
        return self._step >= self._chunks[-1][0] + replan

    def _now(self) -> NDArray[np.float64]:
        """The action of this step."""
        said = [chunk[self._step - start] for start, chunk in self._chunks]
        if self._ensemble is None:
            return said[-1]
        exponents = -self._ensemble * np.arange(len(said))
        weights = np.exp(exponents - exponents.max())
        mean: NDArray[np.float64] = (weights / weights.sum()) @ np.array(said)
        return mean

    def _checked(self, answer: Any) -> NDArray[np.float64]:
        """The answer as a chunk ``(H, A)``; everything of it is checked, also what is not executed."""
        try:
            values = np.asarray(answer)
        except (TypeError, ValueError):
            values = np.asarray(None)
        want = f"({self._size},) or (H, {self._size})"
        if values.dtype.kind not in "fiu":
            raise self._answer(f"answered {_short(answer)}, which is no array of numbers", f"It must give {want}")
        if values.ndim not in (1, 2) or values.shape[-1] != self._size or not 0 < len(values) <= MAX_HORIZON:
            raise self._answer(f"answered with shape {values.shape}", f"It must give {want}, H at most {MAX_HORIZON}")
        chunk = np.atleast_2d(values).astype(np.float64)
        if not np.isfinite(chunk).all():
            row, column = (int(i) for i in np.argwhere(~np.isfinite(chunk))[0])
            raise self._answer(
                f"answered {chunk[row, column]} as number {column} of action {row}", "Check the policy for overflow"
            )
        if np.abs(chunk).max() > LARGEST:
            raise self._answer(f"answered {np.abs(chunk).max():.3g}", "Actions are numbers of about -1 to 1")
        return chunk[: self._horizon]

    def _answer(self, problem: str, remedy: str) -> PolicyError:
        return PolicyError(self._name, self._step, problem, remedy, "answer")

    def _explain(self, error: Exception) -> PolicyError:
        """What went wrong inside, with the step."""
        if isinstance(error, PolicyError):
            return error.at(self._step)
        problem = f"raised {type(error).__name__} ({_short(error, 200)})"
        return PolicyError(self._name, self._step, problem, "See the error before this one", "raised")


def _short(value: Any, limit: int = 60) -> str:
    text = " ".join((str(value) if isinstance(value, Exception) else repr(value)).split())
    return text if len(text) <= limit else text[: limit - 3] + "..."
