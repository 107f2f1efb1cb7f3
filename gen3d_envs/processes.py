"""Work for several processes: the one place that knows how they are started and what it means when one is gone."""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from gen3d_envs.errors import Gen3DError

WATCH_S = 0.5
"""How often a process looks whether anybody still waits for it."""

_T = TypeVar("_T")


def follow(parent: int) -> None:
    """End this process when its parent is gone, now or later: a killed parent cannot tell its workers to stop waiting.

    Args:
        parent: process id of the parent; called in a child of it.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCH_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def run_all(
    function: Callable[..., _T], items: Iterable[tuple[Any, ...]], jobs: int, lost: str, ordered: bool = False
) -> Iterator[_T]:
    """Call a function for many arguments in several processes, or in this one where ``jobs`` is 1.

    Args:
        function: importable by its name.
        items: the arguments of each call.
        jobs: processes.
        lost: what to say when a process was killed.
        ordered: results in the order of the items instead of as they come.

    Raises:
        Gen3DError: a process was killed.
    """
    if jobs <= 1:
        yield from (function(*item) for item in items)
        return
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    work = Parallel(
        n_jobs=jobs, backend="loky", return_as="generator" if ordered else "generator_unordered", batch_size=1,
        pre_dispatch="2*n_jobs", initializer=_begin, initargs=(os.getpid(),),
    )  # fmt: skip
    made = work(delayed(function)(*item) for item in items)
    try:
        for each in made:  # noqa: UP028
            yield each
    except TerminatedWorkerError as error:
        raise Gen3DError(f"{lost} ({error})" if str(error) else lost) from None
    finally:
        with warnings.catch_warnings():
            # Who stops in the middle, when the time is over, say, knows that something is left to do.
            warnings.filterwarnings("ignore", r"\d+ tasks", UserWarning)
            made.close()


def _begin(parent: int) -> None:
    """Of every process."""
    from joblib.externals.loky import process_executor

    # A process keeps what it loads of every scene, which is growth, and no leak that starting anew would mend.
    process_executor._USE_PSUTIL = False
    follow(parent)
