"""Assets on disk: exact, deterministic, strict, and safe among processes and bad disks."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gen3d_envs.assets import store
from gen3d_envs.assets.asset import Asset, Box, Cavity, Grasp, Hull, Sphere, Surface
from gen3d_envs.errors import AssetError


def make_asset(seed: int = 0, faces: int = 2500) -> Asset:
    rng = np.random.default_rng(seed)
    n = faces // 2 + 2
    hulls = tuple(Hull(rng.normal(size=(k, 3)).astype(np.float32)) for k in (4, 32, 17))
    return Asset(
        category="mug",
        vertices=rng.normal(size=(n, 3)).astype(np.float32),
        faces=rng.integers(0, n, (faces, 3)).astype(np.int32),
        colors=rng.integers(0, 256, (n, 3)).astype(np.uint8),
        collision=(hulls[0], Box((0.1, 0.2, 0.3)), *hulls[1:], Sphere(0.1, (0.0, 0.0, 0.1))),
        mass_kg=1 / 3,
        com_m=(0.0, -0.0, 0.1),
        inertia_kgm2=(1e-5, 2e-5, 3e-300),
        friction=0.5,
        grasps=(Grasp((0.0, 0.0, 0.1), 0.25, 0.05, 0.01),),
        cavity=Cavity(0.0, 0.1, 0.03, 0.03),
        surface=Surface(0.1, 0.03, 0.03, True),
        notes=("scaled to fit a gripper", "µ"),
    )


ASSET = make_asset()
DATA = store.encode(ASSET)


def test_round_trip_keeps_every_bit() -> None:
    again = store.decode(DATA)
    assert again.sha256 == ASSET.sha256
    for part in dataclasses.fields(Asset):
        before, after = getattr(ASSET, part.name), getattr(again, part.name)
        if isinstance(before, np.ndarray):
            assert before.dtype == after.dtype and np.array_equal(before, after) and not after.flags.writeable
        elif part.name != "collision":
            assert before == after
    for before, after in zip(ASSET.collision, again.collision, strict=True):
        if isinstance(before, Hull):
            assert isinstance(after, Hull) and np.array_equal(before.vertices, after.vertices)
        else:
            assert before == after


def test_an_asset_of_boxes_alone() -> None:
    asset = dataclasses.replace(ASSET, collision=(Box((1.0, 1.0, 1.0)),), cavity=None, surface=None, grasps=())
    assert store.decode(store.encode(asset)).sha256 == asset.sha256


def test_bytes_are_the_same_in_another_process() -> None:
    code = "import sys, zlib; sys.path.insert(0, sys.argv[1]); import test_store as t; print(zlib.crc32(t.DATA))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(Path(__file__).parent)], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) == zlib.crc32(DATA)


def test_numpy_can_open_the_file(tmp_path: Path) -> None:
    with np.load(store.save(ASSET, tmp_path), allow_pickle=False) as arrays:
        assert np.array_equal(arrays["vertices"], ASSET.vertices)


@pytest.mark.parametrize(
    "changes",
    [
        {"mass_kg": np.float64(0.3)},
        {"mass_kg": 1},
        {"mass_kg": float("nan")},
        {"vertices": ASSET.vertices.astype(np.float64)},
        {"vertices": ASSET.vertices * np.float32("nan")},
        {"faces": ASSET.faces.astype(np.int64)},
        {"faces": ASSET.faces + np.int32(100_000)},
        {"colors": ASSET.colors[:-1]},
        {"com_m": [0.0, 0.0, 0.0]},
        {"collision": (Hull(np.zeros((3, 3), np.float32)),)},
        {"collision": (Hull(np.zeros((65, 3), np.float32)),)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_would_not_survive_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(AssetError):
        store.encode(dataclasses.replace(ASSET, **changes))  # type: ignore[arg-type]


def test_too_large() -> None:
    with pytest.raises(AssetError, match="larger than"):
        store.encode(make_asset(faces=600_000))
    with pytest.raises(AssetError, match="larger than"):
        store.decode(b"\0" * (store.MAX_ASSET_BYTES + 1))


def test_other_versions_are_refused() -> None:
    for version in (b"0", b"3", b"7"):
        changed = _repack(DATA, b'"version":1', b'"version":' + version)
        with pytest.raises(AssetError, match="upgrade"):
            store.decode(changed)


def test_header_is_strict() -> None:
    with pytest.raises(AssetError, match="header"):
        store.decode(_repack(DATA, b'"friction":0.5', b'"friction":"a"'))
    with pytest.raises(AssetError, match="header"):
        store.decode(_repack(DATA, b'"friction"', b'"fraction"'))


def _repack(data: bytes, old: bytes, new: bytes) -> bytes:
    arrays = store.unpack_arrays(data, store._DTYPES, store._COLUMNS)
    text = arrays["header"].tobytes()
    assert old in text
    return store.pack_arrays(arrays | {"header": np.frombuffer(text.replace(old, new), np.uint8)})


def test_compressed_archives_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        zipfile.ZipFile(store.save(ASSET, tmp_path)) as old,
    ):
        for name in old.namelist():
            archive.writestr(name, old.read(name))
    with pytest.raises(AssetError, match="compressed"):
        store.decode(path.read_bytes())


@settings(max_examples=150)
@given(st.integers(0, len(DATA) - 1), st.integers(0, 255), st.integers(1, len(DATA)))
def test_damaged_bytes_give_asset_error_or_the_same_kind_of_asset(at: int, byte: int, length: int) -> None:
    for damaged in (DATA[:at] + bytes([byte]) + DATA[at + 1 :], DATA[:length], DATA[at:]):
        try:
            assert isinstance(store.decode(damaged), Asset)
        except AssetError:
            assert damaged != DATA


@settings(max_examples=100)
@given(st.binary(max_size=2000))
def test_random_bytes_are_no_asset(data: bytes) -> None:
    with pytest.raises(AssetError):
        store.decode(data)


def test_save_and_load(tmp_path: Path) -> None:
    path = store.save(ASSET, tmp_path / "deep" / "folder")
    assert path.name == f"{ASSET.sha256}.npz"
    assert store.load(path.parent, ASSET.sha256).sha256 == ASSET.sha256
    assert store.save(ASSET, path.parent) == path
    assert [item.name for item in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64])
def test_load_of_bad_names(tmp_path: Path, name: str) -> None:
    with pytest.raises(AssetError):
        store.load(tmp_path, name)


def test_tampered_file_is_refused_and_replaced(tmp_path: Path) -> None:
    path = store.save(ASSET, tmp_path)
    path.write_bytes(store.encode(dataclasses.replace(ASSET, mass_kg=9.0)))
    with pytest.raises(AssetError, match="was changed"):
        store.load(tmp_path, ASSET.sha256)
    assets = store.AssetStore([tmp_path])
    assert assets.get(ASSET.sha256) is None
    assets.put(ASSET)
    assert store.load(tmp_path, ASSET.sha256).mass_kg == ASSET.mass_kg


def test_store_reads_all_folders_and_writes_the_first(tmp_path: Path) -> None:
    store.save(ASSET, tmp_path / "shipped")
    assets = store.AssetStore([tmp_path / "own", tmp_path / "shipped"])
    found = assets.get(ASSET.sha256)
    assert found is not None and assets.get(ASSET.sha256) is found
    other = make_asset(1)
    assert assets.put(other) == other.sha256
    assert (tmp_path / "own" / f"{other.sha256}.npz").is_file()
    assert assets.get("0" * 64) is None


def test_memory_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MEMORY_ENTRIES", 3)
    assets = store.AssetStore([tmp_path])
    names = [assets.put(make_asset(seed, faces=10)) for seed in range(6)]
    assert len(assets._memory) == 3
    assert all(assets.get(name) is not None for name in names)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")  # permissions do not stop root; a file in the place of a folder does
    assets = store.AssetStore([tmp_path / "file" / "assets"])
    name = assets.put(ASSET)
    assert assets.problem is not None and "memory only" in assets.problem
    assert assets.get(name) is ASSET


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="permissions do not stop root")
def test_a_read_only_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assets = store.AssetStore([tmp_path])
    assert assets.get(assets.put(ASSET)) is ASSET and assets.problem is not None


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def __init__(self, handle: int, mode: str) -> None:
            self._handle = handle

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None:
            os.close(self._handle)

        def write(self, data: bytes) -> None:
            os.write(self._handle, data[:100])
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(store.os, "fdopen", Full)
        assets = store.AssetStore([tmp_path])
        name = assets.put(ASSET)
    assert assets.problem is not None and "No space left" in assets.problem
    assert assets.get(name) is ASSET and list(tmp_path.iterdir()) == []
    assets.put(ASSET)  # the disk has room again
    assert assets.problem is None and store.load(tmp_path, name).sha256 == name


WRITER = """
import sys
sys.path.insert(0, sys.argv[1])
import test_store as t
from gen3d_envs.assets import store
print("ready", flush=True)
sys.stdin.readline()
while True:
    for seed in range(3):
        asset = t.SMALL[seed]
        store.write_atomically(t.Path(sys.argv[2]) / f"{asset.sha256}.npz", store.encode(asset))
"""

SMALL = tuple(make_asset(seed, faces=2000) for seed in range(3))


def test_writers_at_once_killed_at_any_moment(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(Path(__file__).parent), str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    try:
        for writer in writers:
            assert writer.stdout is not None and writer.stdout.readline() == "ready\n"
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write("\n")
            writer.stdin.flush()
        seen, end = 0, time.monotonic() + 1.0
        while time.monotonic() < end or not seen:
            for asset in SMALL:
                if (tmp_path / f"{asset.sha256}.npz").exists():
                    assert store.load(tmp_path, asset.sha256).sha256 == asset.sha256
                    seen += 1
    finally:
        for writer in writers:
            writer.send_signal(signal.SIGKILL)
            writer.communicate()
    assert seen > 10
    for path in tmp_path.glob("*.npz"):
        assert store.load(tmp_path, path.stem).sha256 == path.stem


def test_cache_folder_follows_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(store.CACHE_VARIABLE, str(tmp_path))
    assert store.cache_folder() == tmp_path
    monkeypatch.delenv(store.CACHE_VARIABLE)
    assert store.cache_folder().name == "gen3d"


def test_loading_is_quick(tmp_path: Path) -> None:
    store.save(ASSET, tmp_path)
    seconds = []
    for _ in range(50):
        start = time.perf_counter()
        store.load(tmp_path, ASSET.sha256)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) <= 1.5e-3
