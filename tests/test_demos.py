"""Recorded demonstrations: the data set that other codebases read, and its re-simulation."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import gymnasium
import msgspec
import numpy as np
import pytest
from helpers import ENGINE, PICK

from gen3d_envs.cli import main
from gen3d_envs.demos import record as recording_module
from gen3d_envs.demos.lerobot import DATA, EPISODES, VIDEO
from gen3d_envs.demos.lerobot import read_numbers as lerobot_numbers
from gen3d_envs.demos.minari import BATCH, dataset_id, env_spec, read_numbers, space_json
from gen3d_envs.demos.record import candidates, demo_seed, record
from gen3d_envs.demos.recording import RECORDING
from gen3d_envs.demos.replay import read_recording, replay
from gen3d_envs.demos.stats import PictureStats, VectorStats
from gen3d_envs.errors import FieldError
from gen3d_envs.evaluation.plan import Settings, make_plan

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

SETTINGS = Settings(
    policy="expert", target=PICK, physics=ENGINE, episodes=1, width=64, height=48, cameras=("front", "wrist")
)
KEYS = ("observation.images.front", "observation.images.wrist")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("demos") / "pick"
    record(SETTINGS, 2, out, "gen3d record")
    return out


def table(folder: Path) -> Any:
    return parquet.read_table(folder / DATA.format(chunk_index=0, file_index=0))


def frames(folder: Path, key: str) -> list[Any]:
    import av

    with av.open(str(folder / VIDEO.format(video_key=key, chunk_index=0, file_index=0))) as file:
        return [(frame.time, frame.key_frame, frame.to_ndarray(format="rgb24")) for frame in file.decode(video=0)]


def test_the_folder_is_laid_out_as_version_3_says(folder: Path) -> None:
    info = json.loads((folder / "meta" / "info.json").read_text())
    rows = table(folder)
    episodes = parquet.read_table(folder / EPISODES).to_pylist()
    assert info["codebase_version"] == "v3.0" and info["fps"] == 5 and info["robot_type"] == "widowx"
    assert (info["total_episodes"], info["total_frames"]) == (2, len(rows)) and info["splits"] == {"train": "0:2"}
    assert info["features"]["action"]["shape"] == [7] and len(info["features"]["observation.state"]["names"]) == 7
    assert info["features"][KEYS[0]]["dtype"] == "video" and info["features"][KEYS[0]]["shape"] == [48, 64, 3]
    numeric = {name for name, feature in info["features"].items() if feature["dtype"] != "video"}
    assert numeric == set(rows.column_names)
    assert rows.schema.field("action").type == pyarrow.list_(pyarrow.float32(), 7)
    assert rows["index"].to_pylist() == list(range(len(rows)))
    first = episodes[0]["length"]
    assert [(e["dataset_from_index"], e["dataset_to_index"]) for e in episodes] == [(0, first), (first, len(rows))]
    assert rows["frame_index"].to_pylist()[first] == 0 and rows["episode_index"].to_pylist()[first] == 1
    assert np.allclose(rows["timestamp"].to_numpy(), rows["frame_index"].to_numpy() / 5)
    done = rows["next.done"].to_pylist()
    assert [i for i, value in enumerate(done) if value] == [first - 1, len(rows) - 1]
    assert rows["next.success"].to_pylist()[-1] and rows["next.reward"].to_pylist()[-1] == 1.0


def test_tasks_are_texts_in_the_index_of_a_data_frame(folder: Path) -> None:
    tasks = parquet.read_table(folder / "meta" / "tasks.parquet")
    told = json.loads(tasks.schema.metadata[b"pandas"])
    assert told["index_columns"] == ["task"] and tasks["task"].to_pylist() == ["pick up the red cube"]
    assert parquet.read_table(folder / EPISODES)["tasks"].to_pylist() == [["pick up the red cube"]] * 2


def test_videos_hold_every_frame_where_the_table_says(folder: Path) -> None:
    episodes = parquet.read_table(folder / EPISODES).to_pylist()
    for key in KEYS:
        pictures = frames(folder, key)
        assert len(pictures) == len(table(folder)) and pictures[0][2].shape == (48, 64, 3)
        assert [time for time, _, _ in pictures] == pytest.approx([i / 5 for i in range(len(pictures))])
        keys = [index for index, (_, is_key, _) in enumerate(pictures) if is_key]
        assert keys[0] == 0 and max(np.diff(keys)) <= 2
        first, second = episodes
        assert first[f"videos/{key}/to_timestamp"] == second[f"videos/{key}/from_timestamp"] == first["length"] / 5
        assert second[f"videos/{key}/to_timestamp"] == len(pictures) / 5
    # The second episode begins with the arm at its start again, not where the first one ended.
    pictures, first = frames(folder, KEYS[0]), episodes[0]["length"]
    jump = np.abs(pictures[first][2].astype(int) - pictures[first - 1][2].astype(int)).mean()
    assert jump > 3 * np.abs(pictures[1][2].astype(int) - pictures[0][2].astype(int)).mean()


def test_statistics_are_those_of_the_data(folder: Path) -> None:
    stats = json.loads((folder / "meta" / "stats.json").read_text())
    actions = np.stack(table(folder)["action"].to_pylist())
    assert np.allclose(stats["action"]["mean"], actions.mean(0)) and np.allclose(stats["action"]["std"], actions.std(0))
    assert np.allclose(stats["action"]["q99"], np.quantile(actions, 0.99, axis=0))
    assert stats["action"]["count"] == [len(actions)] and stats["index"]["max"] == [len(actions) - 1]
    seen = np.stack([picture for _, _, picture in frames(folder, KEYS[0])]) / 255.0
    assert np.shape(stats[KEYS[0]]["mean"]) == (3, 1, 1)
    assert np.allclose(np.ravel(stats[KEYS[0]]["mean"]), seen.mean((0, 1, 2)), atol=0.01)  # the video is compressed


def test_picture_statistics_are_exact() -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (5, 8, 6, 3), np.uint8)
    counted, plain = PictureStats(), VectorStats()
    for picture in pictures:
        counted.add(picture)
    plain.add(pictures.reshape(-1, 3) / 255.0)
    found, wanted = counted.summary(), plain.summary()
    for name in ("min", "max", "mean", "std", "q10", "q50", "q90"):
        assert np.allclose(np.ravel(found[name]), wanted[name], atol=1.01 / 255), name
    assert found["count"] == [5]


def test_a_recording_is_simulated_again_bit_for_bit(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [each.difference for each in replay(folder)] == ["", ""]
    assert main(["replay", str(folder)]) == 0
    assert "2 of 2 episodes are the same, bit for bit" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "difference"),
    [({"start": "0" * 16}, "the state after the reset"), ({"end": "0" * 16}, "the state after the last step"),
     ({"outcome": "fell"}, "the outcome"), ({"seed": 1}, "the state after the reset")],
)  # fmt: skip
def test_what_was_changed_is_found(folder: Path, tmp_path: Path, change: dict[str, Any], difference: str) -> None:
    recording = read_recording(folder)
    row = msgspec.structs.replace(recording.episodes[0], **change)
    copy = tmp_path / "copy"
    for part in ("meta/episodes/chunk-000", "data"):
        (copy / part).parent.mkdir(parents=True, exist_ok=True)
        (copy / part).symlink_to(folder / part)
    changed = msgspec.structs.replace(recording, episodes=(row, *recording.episodes[1:]))
    (copy / RECORDING).write_bytes(msgspec.json.encode(changed))
    first, second = replay(copy)
    assert first.difference.startswith(difference) and second.difference == ""


def test_equal_recordings_are_equal_files(folder: Path, tmp_path: Path) -> None:
    record(SETTINGS, 2, tmp_path / "again", "gen3d record")
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != "gen3d.json":  # which says when it was made
            assert path.read_bytes() == (tmp_path / "again" / path.relative_to(folder)).read_bytes(), path


def test_failures_are_dropped_and_counted_and_a_hopeless_policy_leaves_nothing(tmp_path: Path) -> None:
    hopeless = msgspec.structs.replace(SETTINGS, policy="gives up")
    with pytest.raises(FieldError, match="succeeds in only 0 of 15 episodes"):
        record(hopeless, 1, tmp_path / "demos", factory="evaluation_policies:make")
    assert list(tmp_path.iterdir()) == []


def test_a_failure_between_two_successes_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_demo, calls = recording_module.run_demo, []

    def second_fails(runner: Any, planned: Any) -> Any:
        demo = run_demo(runner, planned)
        calls.append(planned.seed)
        assert demo is not None
        if len(calls) == 2:
            row = msgspec.structs.replace(demo.row, success=False, outcome="fell")
            demo = dataclasses.replace(demo, row=row)
        return demo

    monkeypatch.setattr(recording_module, "run_demo", second_fails)
    recording = record(SETTINGS, 2, tmp_path / "demos")
    assert recording.failures == 1 and [row.seed for row in recording.episodes] == [calls[0], calls[2]]


def test_a_new_file_is_begun_between_episodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gen3d_envs.demos.lerobot.FRAMES_PER_FILE", 20)
    record(SETTINGS, 2, tmp_path / "demos")
    episodes = parquet.read_table(tmp_path / "demos" / EPISODES).to_pylist()
    assert [e["data/file_index"] for e in episodes] == [0, 1]
    assert [e[f"videos/{KEYS[1]}/from_timestamp"] for e in episodes] == [0.0, 0.0]
    assert [each.difference for each in replay(tmp_path / "demos")] == ["", ""]


def test_recorded_episodes_are_never_those_of_an_evaluation() -> None:
    plan = make_plan(msgspec.structs.replace(SETTINGS, episodes=200))
    tested = {episode.seed for episode in plan.episodes}
    taken = [episode.seed for episode, _ in zip(candidates(plan, 0), range(200), strict=False)]
    assert len(set(taken)) == 200 and not tested & set(taken)
    assert taken[0] == demo_seed(0, plan.scenes[0].name, 0)


def test_bad_requests_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    for settings, episodes, out, field in (
        (SETTINGS, 1, "there", "out"),
        (SETTINGS, 0, "new", "episodes"),
        (msgspec.structs.replace(SETTINGS, obs_type="state"), 1, "new", "obs_type"),
        (msgspec.structs.replace(SETTINGS, width=63), 1, "new", "size"),
    ):
        with pytest.raises(FieldError) as refused:
            record(settings, episodes, tmp_path / out)
        assert refused.value.field == field
    with pytest.raises(FieldError, match="is no recording"):
        replay(tmp_path / "there")
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


# ---- Minari --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def minari_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("demos") / "gen3d" / "cube-v0"
    record(SETTINGS, 2, out, "gen3d record", format="minari")
    return out


def batch(folder: Path, episode: int) -> Any:
    with pyarrow.ipc.open_file(folder / "data" / str(episode) / BATCH) as file:
        assert file.num_record_batches == 1  # Minari reads one for each episode
        return file.get_batch(0)


def test_a_minari_data_set_has_a_row_for_every_observation(minari_folder: Path, folder: Path) -> None:
    about = json.loads((minari_folder / "data" / "metadata.json").read_text())
    lengths = [row.steps for row in read_recording(minari_folder).episodes]
    assert (about["total_episodes"], about["total_steps"], about["data_format"]) == (2, sum(lengths), "arrow")
    rows = batch(minari_folder, 1)
    assert rows.num_rows == lengths[1] + 1
    assert rows.column("truncations").to_pylist() == [False] * rows.num_rows
    assert rows.column("terminations").to_pylist() == [False] * (lengths[1] - 1) + [True, False]
    assert rows.column("infos").field("is_success").to_pylist()[-2:] == [False, True]
    assert set(rows.column("infos").field("instruction").to_pylist()) == {"pick up the red cube"}
    # The same episodes as in the other format: the same actions and, before compression, the same pictures.
    mine, theirs = (list(read(where)) for read, where in ((read_numbers, minari_folder), (lerobot_numbers, folder)))
    assert len(mine) == 2
    for (states, actions), (other_states, other_actions) in zip(mine, theirs, strict=True):
        assert np.array_equal(states, other_states) and np.array_equal(actions, other_actions)
    pixels = rows.column("observations").field("pixels")
    flat = np.asarray(pixels.field("front").flatten()).reshape(-1, 48, 64, 3)
    assert np.abs(flat[0].astype(int) - frames(folder, KEYS[0])[lengths[0]][2].astype(int)).mean() < 4


def test_its_metadata_make_the_spaces_and_the_environment_again(minari_folder: Path) -> None:
    about = json.loads((minari_folder / "data" / "metadata.json").read_text())
    spec = gymnasium.envs.registration.EnvSpec.from_json(about["env_spec"])
    assert spec.id == PICK and spec.kwargs["observation_width"] == 64 and spec.kwargs["robot"] == "widowx"
    env = gymnasium.make(spec)
    try:
        assert json.loads(about["observation_space"]) == space_json(env.observation_space)
        assert json.loads(about["action_space"]) == space_json(env.action_space)
    finally:
        env.close()
    other = make_plan(msgspec.structs.replace(SETTINGS, axes=("noise_weak",)))
    assert env_spec(other) is None  # no ID alone makes a condition
    assert about["dataset_id"] == "gen3d/cube-v0" and dataset_id("My demos") == "gen3d/my-demos-v0"


def test_a_minari_data_set_is_simulated_again_too(minari_folder: Path, tmp_path: Path) -> None:
    assert [each.difference for each in replay(minari_folder)] == ["", ""]
    (tmp_path / "meta").mkdir()
    (tmp_path / RECORDING).write_bytes((minari_folder / RECORDING).read_bytes())
    with pytest.raises(FieldError, match="is no whole data set"):
        replay(tmp_path)
    with pytest.raises(FieldError, match="is no format of data sets"):
        record(SETTINGS, 1, tmp_path / "x", format="csv")  # type: ignore[arg-type]
