"""Many environments of different scenes in worker processes; observations lie in shared memory. No torch in here.

Episode ``n`` of environment ``i`` has the number ``k = n * count + i``. Scenes are played in rounds: every one once, in
an order drawn anew, so that all are played equally often and no environment keeps to some of them. An episode's scene
and seed follow from ``k`` and the fleet's seed. So what is played depends on nothing but the actions, and any moment
can be restored: reset, then act again as before. That is how a dead worker is replaced and training resumes exactly.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import traceback
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.env import Gen3DEnv
from gen3d_envs.errors import FieldError, Gen3DError
from gen3d_envs.processes import follow

from ..vla.scenes import EnvSettings, observe, shapes  # noqa: TID252

START_S, STEP_S = 300.0, 600.0
"""Longest wait for a worker that starts or restores, and for one that steps."""

ROUNDS = 1
"""Sets the orders of scenes apart from the seeds of episodes."""


@dataclass(frozen=True)
class FleetSettings:
    """What a fleet plays.

    Attributes:
        env: environments and scenes.
        count: environments.
        jobs: worker processes; 0 plays in this process.
        chunk: control steps per decision.
        gamma: discount per control step, inside a chunk.
        shaping: reward for coming all the way closer to the goal than ever in the episode, added to the sparse 1 of
            success, which stays the only thing that is reported; 0 switches it off.
        seed: of all episodes.
    """

    env: EnvSettings
    count: int = 16
    jobs: int = 2
    chunk: int = 4
    gamma: float = 0.99
    shaping: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("count", 1), ("jobs", 0), ("chunk", 1)):
            if getattr(self, name) < least:
                raise FieldError(name, getattr(self, name), f"is below {least}", f"Give at least {least}")

    def scene(self, k: int) -> str:
        """The scene of episode ``k``."""
        scenes = self.env.scenes
        order = np.random.default_rng([self.seed, ROUNDS, k // len(scenes)]).permutation(len(scenes))
        return scenes[int(order[k % len(scenes)])]

    def episode_seed(self, k: int) -> int:
        """The seed of episode ``k``'s reset."""
        return int(np.random.SeedSequence([self.seed, k]).generate_state(1)[0])


@dataclass(frozen=True)
class Outcome:
    """What one decision of one environment led to.

    Attributes:
        reward: discounted inside the chunk.
        steps: control steps that were executed.
        done: the episode ended; the next one has begun, and the last observation is in ``fleet.terminal``.
        truncated: it ended because its time was over.
        success: whether the task is fulfilled.
        scene, k: of the episode of this decision.
        episode_steps: of this episode so far.
        total: undiscounted sum of the episode's rewards so far.
    """

    reward: float
    steps: int
    done: bool
    truncated: bool
    success: bool
    scene: str
    k: int
    episode_steps: int
    total: float


class Slot:
    """One environment of a worker."""

    def __init__(self, settings: FleetSettings, now: dict[str, NDArray[Any]], last: dict[str, NDArray[Any]]) -> None:
        self._settings, self._now, self._last = settings, now, last
        self._env: Gen3DEnv = settings.env.make(shaped=settings.shaping > 0.0)

    def begin(self, k: int, history: NDArray[np.float32]) -> None:
        """Start episode ``k`` and act as ``history``, ``(n, A)``, says."""
        self._k, self._steps, self._total, self._best = k, 0, 0.0, -1.0
        self._env.reset(seed=self._settings.episode_seed(k), options={"scene": self._settings.scene(k)})
        for action in history:
            self._act(action)
        observe(self._settings.env, self._env, self._now)

    def _act(self, action: NDArray[np.float32]) -> tuple[float, bool, bool, bool]:
        _, given, ended, _, info = self._env.step(action)
        self._steps += 1
        success = bool(info["is_success"])
        reward = float(success)
        if self._settings.shaping > 0.0:
            if self._best >= 0.0:
                reward += self._settings.shaping * max(0.0, given - self._best)
            self._best = max(self._best, given)
        self._total += reward
        return reward, bool(ended), self._steps >= self._settings.env.max_steps and not ended, success

    def decide(self, chunk: NDArray[np.float32]) -> Outcome:
        """Execute a chunk ``(H, A)``; where the episode ends, begin the next."""
        settings, total, played = self._settings, 0.0, 0
        for action in chunk:
            reward, ended, truncated, success = self._act(action)
            total += settings.gamma**played * reward
            played += 1
            if ended or truncated:
                break
        done = ended or truncated
        outcome = Outcome(
            total, played, done, truncated, success, settings.scene(self._k), self._k, self._steps, self._total
        )
        if done:
            observe(settings.env, self._env, self._last)
            self.begin(self._k + settings.count, np.zeros((0, 7), np.float32))
        else:
            observe(settings.env, self._env, self._now)
        return outcome

    def close(self) -> None:
        """Give the environment back."""
        self._env.close()


Raw = dict[str, tuple[Any, tuple[int, ...], str]]


def _views(raw: Raw) -> dict[str, NDArray[Any]]:
    return {name: np.frombuffer(memory, kind).reshape(shape) for name, (memory, shape, kind) in raw.items()}


def work(pipe: Any, parent: int, settings: FleetSettings, ids: list[int], now: Raw, last: Raw, given: Raw) -> None:
    """What a worker process does until it is told to stop."""
    follow(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    slots: dict[int, Slot] = {}
    try:
        seen, ends, chunks = _views(now), _views(last), _views(given)["chunks"]
        for i in ids:
            mine = {name: array[i] for name, array in seen.items()}
            slots[i] = Slot(settings, mine, {name: array[i] for name, array in ends.items()})
        while True:
            what, argument = pipe.recv()
            if what == "stop":
                break
            if what == "begin":
                for i, (k, history) in argument.items():
                    slots[i].begin(k, history)
                pipe.send(("done", None))
            else:
                pipe.send(("done", {i: slots[i].decide(chunks[i]) for i in argument}))
    except (EOFError, BrokenPipeError):
        pass
    except BaseException:
        with contextlib.suppress(OSError):
            pipe.send(("failed", traceback.format_exc()))
    finally:
        for slot in slots.values():
            slot.close()


class Fleet:
    """Environments in worker processes.

    ``now`` and ``terminal`` are views of the shared memory: they change with the next decision, so copy what is to be
    kept. Keys, shapes and types are those of :func:`gen3d_envs.baselines.vla.scenes.shapes` behind one axis of
    ``count``.

    A worker that dies is replaced once, with a warning, and its episodes are played again to where they were; then it
    is an error.
    """

    def __init__(self, settings: FleetSettings) -> None:
        self.settings = settings
        probe = settings.env.make()
        kinds = shapes(settings.env, probe)
        self.action_size = len(probe.action_names)
        self.state_space = probe.state_terms.space
        self.proprio_space = probe.agent_pos_terms.space
        probe.close()
        count = settings.count
        self._context = multiprocessing.get_context("spawn")
        self._raw_now = {name: self._share((count, *shape), kind) for name, (shape, kind) in kinds.items()}
        self._raw_last = {name: self._share((count, *shape), kind) for name, (shape, kind) in kinds.items()}
        self._raw_given = {"chunks": self._share((count, settings.chunk, self.action_size), np.float32)}
        self.now, self.terminal = _views(self._raw_now), _views(self._raw_last)
        self._chunks = _views(self._raw_given)["chunks"]
        self._episode = list(range(count))
        self._history: list[list[NDArray[np.float32]]] = [[] for _ in range(count)]
        self._slots: dict[int, Slot] = {}
        self._workers: list[tuple[Any, Any]] = []
        self._ids: list[list[int]] = []
        self._words: list[str] = []  # the last ones of workers that were replaced
        if settings.jobs == 0:
            for i in range(count):
                mine = {name: array[i] for name, array in self.now.items()}
                self._slots[i] = Slot(settings, mine, {name: array[i] for name, array in self.terminal.items()})
        else:
            jobs = min(settings.jobs, count)
            self._ids = [list(range(w, count, jobs)) for w in range(jobs)]
            self._words = [""] * jobs
            self._workers = [self._start(w) for w in range(jobs)]

    def _share(self, shape: tuple[int, ...], kind: Any) -> tuple[Any, tuple[int, ...], str]:
        size = int(np.prod(shape)) * np.dtype(kind).itemsize
        return self._context.RawArray("B", size), shape, np.dtype(kind).str

    def _start(self, w: int) -> tuple[Any, Any]:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=work, daemon=True,
            args=(theirs, os.getpid(), self.settings, self._ids[w], self._raw_now, self._raw_last, self._raw_given),
        )  # fmt: skip
        process.start()
        theirs.close()
        return process, ours

    @property
    def processes(self) -> list[int]:
        """Process ids of the workers."""
        return [process.pid for process, _ in self._workers]

    @property
    def restarts(self) -> list[int]:
        """How often each worker was replaced."""
        return [int(bool(words)) for words in self._words]

    # ---- playing ---------------------------------------------------------------------------------------------------

    def reset(self) -> None:
        """Begin the first episode of every environment."""
        self.restore({"episodes": list(range(self.settings.count)), "history": None})

    def state(self) -> dict[str, Any]:
        """What :meth:`restore` needs: numbers of the running episodes and what was done in them."""
        return {
            "episodes": list(self._episode),
            "history": [np.array(h, np.float32).reshape(-1, self.action_size) for h in self._history],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go to a moment that :meth:`state` recorded, in this process or an earlier one."""
        self._episode = [int(k) for k in state["episodes"]]
        history = state["history"] or [[] for _ in self._episode]
        self._history = [[np.array(a, np.float32) for a in h] for h in history]
        for i, slot in self._slots.items():
            slot.begin(*self._moment(i))
        self._ask("begin", {w: {i: self._moment(i) for i in ids} for w, ids in enumerate(self._ids)}, START_S)

    def _moment(self, i: int) -> tuple[int, NDArray[np.float32]]:
        return self._episode[i], np.array(self._history[i], np.float32).reshape(-1, self.action_size)

    def decide(self, chunks: NDArray[np.float32], active: list[int] | None = None) -> list[Outcome | None]:
        """One decision in every environment.

        Args:
            chunks: ``(count, H, A)`` in [-1, 1].
            active: environments that decide; the others wait and give None. All where None.

        Raises:
            Gen3DError: a worker died twice.
        """
        self._chunks[:] = chunks
        asked = range(self.settings.count) if active is None else active
        if self._slots:
            found = {i: self._slots[i].decide(self._chunks[i]) for i in asked}
        else:
            work = {w: [i for i in ids if i in asked] for w, ids in enumerate(self._ids)}
            answers = self._ask("decide", {w: mine for w, mine in work.items() if mine}, STEP_S)
            found = {i: outcome for answer in answers for i, outcome in answer.items()}
        for i, outcome in found.items():
            if outcome.done:
                self._episode[i], self._history[i] = outcome.k + self.settings.count, []
            else:
                self._history[i].extend(self._chunks[i, : outcome.steps].copy())
        return [found.get(i) for i in range(self.settings.count)]

    # ---- workers ---------------------------------------------------------------------------------------------------

    def _ask(self, what: str, arguments: dict[int, Any], patience_s: float) -> list[Any]:
        for w, argument in arguments.items():
            with contextlib.suppress(OSError):  # the answer will tell
                self._workers[w][1].send((what, argument))
        return [self._answer(w, what, argument, patience_s) for w, argument in arguments.items()]

    def _answer(self, w: int, what: str, argument: Any, patience_s: float) -> Any:
        process, pipe = self._workers[w]
        try:
            if not pipe.poll(patience_s):
                raise TimeoutError(f"no answer for {patience_s:.0f} s")
            kind, answer = pipe.recv()
            if kind == "done":
                return answer
            problem = answer
        except (EOFError, OSError) as error:
            process.join(5.0)
            problem = f"exit code {process.exitcode} ({error or type(error).__name__})"
        process.kill()
        process.join()
        pipe.close()
        if self._words[w]:
            self.close()
            raise Gen3DError(
                f"Worker {w} of environments {self._ids[w]} died twice: look at its last words, then resume from the "
                f"last checkpoint.\nThe first time: {self._words[w]}\nThe second time: {problem}"
            )
        self._words[w] = problem
        warnings.warn(
            f"Worker {w} of environments {self._ids[w]} died and is replaced, once: {problem.strip().splitlines()[-1]}",
            RuntimeWarning, stacklevel=2,
        )  # fmt: skip
        self._workers[w] = self._start(w)
        process, pipe = self._workers[w]
        with contextlib.suppress(OSError):
            pipe.send(("begin", {i: self._moment(i) for i in self._ids[w]}))
        if what == "begin":
            return self._answer(w, "begin", None, START_S)
        self._answer(w, "begin", None, START_S)
        with contextlib.suppress(OSError):
            pipe.send((what, argument))
        return self._answer(w, what, argument, patience_s)

    def close(self) -> None:
        """End the workers. A second call does nothing."""
        for slot in self._slots.values():
            slot.close()
        for _, pipe in self._workers:
            with contextlib.suppress(OSError):
                pipe.send(("stop", None))
        for process, pipe in self._workers:
            process.join(10.0)
            if process.is_alive():
                process.kill()
                process.join()
            with contextlib.suppress(OSError):
                pipe.close()
        self._slots, self._workers = {}, []
