"""Data set of Minari, in its Arrow format, written with pyarrow alone.

Folders and columns as ``minari.load_dataset`` reads them: ``data/metadata.json`` with the spaces and the environment,
and for each episode a folder with one record batch, in which every column has a row for each observation (the last
row's action and reward are padding). Pictures are kept to the bit, not as JPEG. What is needed to simulate an episode
again stands beside it in ``meta/gen3d.json``.

Where the folder is ``ROOT/gen3d/NAME-v0`` and ``MINARI_DATASETS_PATH=ROOT``, Minari finds it as ``gen3d/NAME-v0``;
``minari.MinariDataset(FOLDER / "data")`` opens it anywhere.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from gen3d_envs.demos.recording import Demo, DemoRow, Recording, arrow, recording_of, write_recording
from gen3d_envs.env import Gen3DEnv
from gen3d_envs.evaluation.plan import Plan, condition
from gen3d_envs.evaluation.provenance import provenance

VERSION = "0.5.4"
"""Of Minari's layout, as its metadata calls it."""

NAMESPACE = "gen3d"
BATCH = "part-0.arrow"


class MinariWriter:
    """Writes episodes into a folder; nothing of it is of use before :meth:`finish`.

    Args:
        folder: empty.
        env: that the episodes come from.
        plan: scenes and settings.
        command: that made the data set.
        name: of the folder that it will be.
    """

    def __init__(self, folder: Path, env: Gen3DEnv, plan: Plan, command: str, name: str) -> None:
        from gen3d_envs.sim.camera import Camera

        self._pa = arrow()
        self._folder, self._plan, self._origin, self._name = folder, plan, provenance(command), name
        self._engine, self._renderer = env.world.engine, str(Camera.renderer)
        self._observations, self._actions = env.observation_space, env.action_space
        self._rows: list[DemoRow] = []
        self._bytes = 0

    def add(self, demo: Demo) -> None:
        """Write one episode."""
        pa, frames = self._pa, demo.frames
        observations = [frame["observation"] for frame in frames] + [demo.last]
        count = len(observations)
        ended = [frame["terminated"] for frame in frames]
        # Whoever gives up has cut the episode short.
        cut = [frame["done"] and not end for frame, end in zip(frames, ended, strict=True)]
        columns = {
            "observations": self._encoded(self._observations, observations),
            "actions": self._encoded(self._actions, [*(frame["action"] for frame in frames), frames[-1]["action"]]),
            "rewards": pa.array(np.array([*(float(frame["reward"]) for frame in frames), 0.0])),
            "terminations": pa.array([*ended, False]),
            "truncations": pa.array([*cut, False]),
            "infos": pa.StructArray.from_arrays(
                [pa.array([False, *(bool(f["success"]) for f in frames)]), pa.array([demo.row.instruction] * count)],
                names=["is_success", "instruction"],
            ),
        }
        folder = self._folder / "data" / str(len(self._rows))
        folder.mkdir(parents=True)
        batch = pa.RecordBatch.from_pydict(columns)
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        with pa.ipc.new_file(folder / BATCH, batch.schema, options=options) as file:
            file.write_batch(batch)
        about = {"id": len(self._rows), "total_steps": len(frames), "seed": demo.row.seed,
                 "options": {"scene": demo.row.scene}}  # fmt: skip
        _write(folder / "metadata.json", about)
        self._bytes += (folder / BATCH).stat().st_size
        self._rows.append(demo.row)

    def finish(self, failures: int) -> Recording:
        """Write what describes the episodes.

        Args:
            failures: how many episodes are not in the data set because they failed.
        """
        settings = self._plan.settings
        about: dict[str, Any] = {
            "total_episodes": len(self._rows), "total_steps": sum(row.steps for row in self._rows),
            "data_format": "arrow", "jpeg_encoding": False,
            "observation_space": json.dumps(space_json(self._observations)),
            "action_space": json.dumps(space_json(self._actions)),
            "dataset_id": dataset_id(self._name), "minari_version": VERSION, "algorithm_name": settings.policy,
            "description": f"Successful episodes of {settings.policy} on {settings.target}.",
            "dataset_size": round(self._bytes / 1e6, 1),
        }  # fmt: skip
        spec = env_spec(self._plan)
        if spec is not None:
            about["env_spec"] = spec.to_json()
        _write(self._folder / "data" / "metadata.json", about)
        return write_recording(
            self._folder,
            recording_of(self._plan, "minari", self._engine, self._renderer, failures, self._origin, self._rows),
        )

    def close(self) -> None:
        """Nothing is open."""

    def _encoded(self, space: spaces.Space[Any], values: list[Any]) -> Any:
        """Values of a space as an Arrow array with a row for each."""
        pa = self._pa
        if isinstance(space, spaces.Dict):
            parts = [self._encoded(part, [value[key] for value in values]) for key, part in space.spaces.items()]
            return pa.StructArray.from_arrays(parts, names=list(space.spaces))
        flat = np.stack(values).astype(space.dtype, copy=False).reshape(len(values), -1)
        return pa.FixedSizeListArray.from_arrays(pa.array(flat.reshape(-1)), flat.shape[1])


def space_json(space: spaces.Space[Any]) -> dict[str, Any]:
    """A space as Minari writes it in its metadata."""
    if isinstance(space, spaces.Dict):
        return {"type": "Dict", "subspaces": {key: space_json(part) for key, part in space.spaces.items()}}
    assert isinstance(space, spaces.Box)  # Gen3DEnv has no others
    return {
        "type": "Box", "dtype": str(space.dtype), "shape": list(space.shape), "low": space.low.tolist(),
        "high": space.high.tolist(),
    }  # fmt: skip


def dataset_id(name: str) -> str:
    """What Minari calls the data set in a folder of this name: ``gen3d/pick-v0`` for ``pick-v0`` and for ``Pick``."""
    slug = re.sub(r"[^a-zA-Z0-9-]+", "-", name).strip("-") or "demos"
    return f"{NAMESPACE}/{slug}" if re.search(r"-v\d+$", slug) else f"{NAMESPACE}/{slug.lower()}-v0"


def env_spec(plan: Plan) -> gymnasium.envs.registration.EnvSpec | None:
    """What makes the environment again; None where no single ID does: of other scenes, or under a condition."""
    settings = plan.settings
    ids = {env_id.lower().removesuffix("-v0"): env_id for env_id in gymnasium.registry}
    env_id = settings.target if settings.target in gymnasium.registry else ids.get(settings.target)
    if env_id is None or any(condition(episode.axis).randomization for episode in plan.episodes):
        return None
    spec = copy.deepcopy(gymnasium.spec(env_id))
    spec.kwargs |= {
        "robot": settings.robot, "physics": settings.physics, "reality": settings.reality,
        "obs_type": settings.obs_type, "observation_width": settings.width, "observation_height": settings.height,
        "cameras": list(settings.cameras), "control": settings.control, "control_hz": settings.control_hz,
    }  # fmt: skip
    if settings.split is not None:
        spec.kwargs["split"] = settings.split
    return spec


def read_numbers(folder: Path) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """States and actions of every episode of a data set, in order, each ``(steps, d)`` float32.

    Raises:
        OSError, KeyError, ValueError, pyarrow.ArrowException: it is none, or not whole.
    """
    pa = arrow()
    about = json.loads((folder / "data" / "metadata.json").read_bytes())
    for index in range(int(about["total_episodes"])):
        with pa.ipc.open_file(folder / "data" / str(index) / BATCH) as file:
            batch = file.get_batch(0)
        steps = batch.num_rows - 1
        columns = (batch.column("observations").field("agent_pos"), batch.column("actions"))
        states, actions = (np.asarray(column.flatten()).reshape(batch.num_rows, -1)[:steps] for column in columns)
        yield states, actions


def _write(path: Path, value: Any) -> None:
    path.write_bytes(json.dumps(value, indent=1).encode() + b"\n")
