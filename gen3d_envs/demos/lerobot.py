"""LeRobot data set, version 3, written with pyarrow and PyAV alone.

Folders and columns as LeRobot's ``LeRobotDataset`` reads them (codebase version v3.0): many episodes to a file, vectors
as fixed-size lists, pictures as H.264 with a key frame every second frame, the task's text as a pandas index. What is
needed to simulate an episode again stands beside it in ``meta/gen3d.json``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.demos.recording import Demo, DemoRow, Recording, arrow, recording_of, write_recording
from gen3d_envs.demos.stats import PictureStats, VectorStats
from gen3d_envs.demos.video import VideoFile
from gen3d_envs.env import Gen3DEnv
from gen3d_envs.evaluation.plan import Plan
from gen3d_envs.evaluation.provenance import provenance
from gen3d_envs.observations import ObservationTerm

FRAMES_PER_FILE = 20_000
"""A new file of data and of each camera is begun when this many frames are in one."""

CHUNK = 1000
"""Files in a folder."""

DATA = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
VIDEO = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
EPISODES = "meta/episodes/chunk-000/file-000.parquet"


class LeRobotWriter:
    """Writes episodes into a folder; nothing of it is of use before :meth:`finish`.

    Args:
        folder: empty.
        env: that the episodes come from, with ``obs_type="pixels_agent_pos"``.
        plan: scenes and settings.
        command: that made the data set.
    """

    def __init__(self, folder: Path, env: Gen3DEnv, plan: Plan, command: str) -> None:
        self._pa = arrow()
        self._folder, self._plan, self._origin = folder, plan, provenance(command)
        self._engine, self._renderer = env.world.engine, ""
        self._fps, self._robot = env.control_hz, env.robot_name
        self._cameras = plan.settings.cameras
        state = [name for term in env.agent_pos_terms.terms for name in _names(term)]
        self._vectors = {"observation.state": state, "action": list(env.action_names)}
        self._size = plan.settings.height, plan.settings.width
        self._tasks: dict[str, int] = {}
        self._rows: list[DemoRow] = []
        self._episodes: list[dict[str, Any]] = []
        self._frames, self._file, self._in_file = 0, 0, 0
        self._table: list[Any] = []
        self._videos: dict[str, VideoFile] = {}
        self._stats: dict[str, VectorStats | PictureStats] = {}
        from gen3d_envs.sim.camera import Camera

        self._renderer = str(Camera.renderer)

    def add(self, demo: Demo) -> None:
        """Write one episode."""
        count = len(demo.frames)
        if self._in_file and self._in_file + count > FRAMES_PER_FILE:
            self._close_files()
            self._file += 1
        task = self._tasks.setdefault(demo.row.instruction, len(self._tasks))
        columns = self._columns(demo, task)
        self._table.append(self._pa.table(columns, schema=self._schema()))
        chunk, file = divmod(self._file, CHUNK)
        episode: dict[str, Any] = {
            "episode_index": len(self._rows), "tasks": [demo.row.instruction], "length": count,
            "dataset_from_index": self._frames, "dataset_to_index": self._frames + count,
            "data/chunk_index": chunk, "data/file_index": file,
        }  # fmt: skip
        for camera in self._cameras:
            key = f"observation.images.{camera}"
            video = self._videos.get(key)
            if video is None:
                path = self._folder / VIDEO.format(video_key=key, chunk_index=chunk, file_index=file)
                video = self._videos[key] = VideoFile(path, self._fps, self._size)
            begin = video.frames
            stats = self._stats.setdefault(key, PictureStats())
            assert isinstance(stats, PictureStats)
            for frame in demo.frames:
                picture = self._picture(frame["observation"], camera)
                video.add(picture)
                stats.add(picture)
            episode |= {
                f"videos/{key}/chunk_index": chunk, f"videos/{key}/file_index": file,
                f"videos/{key}/from_timestamp": begin / self._fps,
                f"videos/{key}/to_timestamp": video.frames / self._fps,
            }  # fmt: skip
        episode |= {"meta/episodes/chunk_index": 0, "meta/episodes/file_index": 0}
        self._episodes.append(episode)
        self._rows.append(demo.row)
        self._frames += count
        self._in_file += count

    def finish(self, failures: int) -> Recording:
        """Write what describes the episodes.

        Args:
            failures: how many episodes are not in the data set because they failed.
        """
        self._close_files()
        meta = self._folder / "meta"
        meta.mkdir(exist_ok=True)
        self._write_episodes()
        self._write_tasks(meta / "tasks.parquet")
        stats = {key: value.summary() for key, value in self._stats.items()}
        (meta / "stats.json").write_bytes(_json(stats))
        (meta / "info.json").write_bytes(_json(self._info()))
        return write_recording(
            self._folder,
            recording_of(self._plan, "lerobot", self._engine, self._renderer, failures, self._origin, self._rows),
        )

    def close(self) -> None:
        """Let go of the files that are open."""
        for video in self._videos.values():
            video.close()
        self._videos = {}

    def _picture(self, observation: Any, camera: str) -> NDArray[np.uint8]:
        pixels = observation["pixels"]
        picture: NDArray[np.uint8] = pixels if len(self._cameras) == 1 else pixels[camera]
        return picture

    def _columns(self, demo: Demo, task: int) -> dict[str, Any]:
        count, frames = len(demo.frames), demo.frames
        numbers: dict[str, NDArray[Any]] = {
            "observation.state": np.stack([frame["observation"]["agent_pos"] for frame in frames]).astype(np.float32),
            "action": np.stack([frame["action"] for frame in frames]).astype(np.float32),
            "next.reward": np.array([frame["reward"] for frame in frames], np.float32),
            "next.done": np.array([frame["done"] for frame in frames]),
            "next.success": np.array([frame["success"] for frame in frames]),
            "timestamp": (np.arange(count) / self._fps).astype(np.float32),
            "frame_index": np.arange(count), "episode_index": np.full(count, len(self._rows)),
            "index": np.arange(self._frames, self._frames + count), "task_index": np.full(count, task),
        }  # fmt: skip
        for name, values in numbers.items():
            stats = self._stats.setdefault(name, VectorStats())
            assert isinstance(stats, VectorStats)
            stats.add(values)
        pa = self._pa
        return {
            name: pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), values.shape[1])
            if values.ndim == 2
            else pa.array(values)
            for name, values in numbers.items()
        }

    def _schema(self) -> Any:
        pa = self._pa
        fields = [pa.field(name, pa.list_(pa.float32(), len(names))) for name, names in self._vectors.items()]
        fields += [
            pa.field("next.reward", pa.float32()), pa.field("next.done", pa.bool_()),
            pa.field("next.success", pa.bool_()), pa.field("timestamp", pa.float32()),
        ]  # fmt: skip
        fields += [pa.field(name, pa.int64()) for name in ("frame_index", "episode_index", "index", "task_index")]
        return pa.schema(fields)

    def _close_files(self) -> None:
        self.close()
        if self._table:
            chunk, file = divmod(self._file, CHUNK)
            path = self._folder / DATA.format(chunk_index=chunk, file_index=file)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._pa.parquet.write_table(self._pa.concat_tables(self._table), path, compression="snappy")
        self._table, self._in_file = [], 0

    def _write_episodes(self) -> None:
        path = self._folder / EPISODES
        path.parent.mkdir(parents=True, exist_ok=True)
        self._pa.parquet.write_table(self._pa.Table.from_pylist(self._episodes), path, compression="snappy")

    def _write_tasks(self, path: Path) -> None:
        pa = self._pa
        table = pa.table({"task_index": pa.array(list(self._tasks.values()), pa.int64()), "task": list(self._tasks)})

        def column(name: str, kind: str, numpy: str) -> dict[str, Any]:
            return {"name": name, "field_name": name, "pandas_type": kind, "numpy_type": numpy, "metadata": None}

        # Its reader takes the text from the data frame's index, which is a convention of pandas in the schema.
        pandas = {
            "index_columns": ["task"], "column_indexes": [],
            "columns": [column("task_index", "int64", "int64"), column("task", "unicode", "object")],
            "creator": {"library": "pyarrow", "version": pa.__version__}, "pandas_version": "2.2.3",
        }  # fmt: skip
        table = table.replace_schema_metadata({b"pandas": json.dumps(pandas).encode()})
        pa.parquet.write_table(table, path, compression="snappy")

    def _info(self) -> dict[str, Any]:
        height, width = self._size
        scalars = {
            "next.reward": "float32", "next.done": "bool", "next.success": "bool", "timestamp": "float32",
            "frame_index": "int64", "episode_index": "int64", "index": "int64", "task_index": "int64",
        }  # fmt: skip
        features: dict[str, Any] = {
            name: {"dtype": "float32", "shape": [len(names)], "names": names} for name, names in self._vectors.items()
        }
        for camera in self._cameras:
            features[f"observation.images.{camera}"] = {
                "dtype": "video", "shape": [height, width, 3], "names": ["height", "width", "channels"],
                "info": {
                    "video.height": height, "video.width": width, "video.codec": "h264", "video.pix_fmt": "yuv420p",
                    "video.is_depth_map": False, "video.fps": self._fps, "video.channels": 3, "has_audio": False,
                },
            }  # fmt: skip
        features |= {name: {"dtype": dtype, "shape": [1], "names": None} for name, dtype in scalars.items()}
        return {
            "codebase_version": "v3.0", "robot_type": self._robot, "total_episodes": len(self._rows),
            "total_frames": self._frames, "total_tasks": len(self._tasks), "chunks_size": CHUNK,
            "data_files_size_in_mb": 100, "video_files_size_in_mb": 200, "fps": self._fps,
            "splits": {"train": f"0:{len(self._rows)}"}, "data_path": DATA, "video_path": VIDEO, "features": features,
        }  # fmt: skip


def _names(term: ObservationTerm) -> list[str]:
    return [f"{term.name}.{label}" for label in term.labels]


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=4).encode() + b"\n"


def read_numbers(folder: Path) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """States and actions of every episode of a data set, in order, each ``(steps, d)`` float32.

    Raises:
        OSError, KeyError, ValueError, pyarrow.ArrowException: it is none, or not whole.
    """
    tables: dict[tuple[int, int], dict[str, NDArray[Any]]] = {}
    for episode in arrow().parquet.read_table(folder / EPISODES).to_pylist():
        place = int(episode["data/chunk_index"]), int(episode["data/file_index"])
        if place not in tables:
            tables = {place: _read(folder / DATA.format(chunk_index=place[0], file_index=place[1]))}
        columns = tables[place]
        mine = columns["episode_index"] == episode["episode_index"]
        yield columns["observation.state"][mine], columns["action"][mine]


def _read(path: Path) -> dict[str, NDArray[Any]]:
    table = arrow().parquet.read_table(path, columns=["episode_index", "observation.state", "action"])
    columns = {"episode_index": table["episode_index"].to_numpy()}
    for name in ("observation.state", "action"):
        column = table[name].combine_chunks()
        columns[name] = np.asarray(column.flatten()).reshape(len(table), -1)
    return columns
