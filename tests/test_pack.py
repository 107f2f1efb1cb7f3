"""Packs of assets: what goes in comes out, and whatever is damaged is refused."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gen3d_envs.assets.generate import generate
from gen3d_envs.assets.pack import pack_rows, read_from_pack, write_pack
from gen3d_envs.assets.store import AssetStore, encode, load
from gen3d_envs.errors import AssetError
from gen3d_envs.spec import ObjectSpec

ASSETS = [
    generate(ObjectSpec(name=name, role="distractor", category=name, description=name, seed=1))
    for name in ("cube", "mug", "die")
]


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    path = tmp_path / "assets.pack"
    write_pack(path, {asset.sha256: encode(asset) for asset in ASSETS})
    return path


def test_what_goes_in_comes_out(pack: Path) -> None:
    for asset in ASSETS:
        assert read_from_pack(pack, asset.sha256) == encode(asset)
        assert load(pack, asset.sha256).sha256 == asset.sha256
    assert pack.stat().st_size < sum(len(encode(asset)) for asset in ASSETS) / 2


def test_equal_assets_give_equal_packs_in_any_order(pack: Path, tmp_path: Path) -> None:
    write_pack(tmp_path / "other.pack", {asset.sha256: encode(asset) for asset in reversed(ASSETS)})
    assert (tmp_path / "other.pack").read_bytes() == pack.read_bytes()


def test_a_store_reads_packs_and_writes_to_its_folder(pack: Path, tmp_path: Path) -> None:
    store = AssetStore((tmp_path / "own", pack))
    found = store.get(ASSETS[0].sha256)
    assert found is not None and found.sha256 == ASSETS[0].sha256
    assert store.get("0" * 64) is None and not (tmp_path / "own").exists()
    store.put(ASSETS[1])
    assert [path.stem for path in (tmp_path / "own").iterdir()] == [ASSETS[1].sha256]


def test_an_empty_pack_holds_nothing(tmp_path: Path) -> None:
    write_pack(tmp_path / "empty.pack", {})
    with pytest.raises(AssetError, match="is not in"):
        load(tmp_path / "empty.pack", ASSETS[0].sha256)


def test_a_pack_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match="cannot be read"):
        load(tmp_path / "no.pack", ASSETS[0].sha256)


def test_a_pack_that_claims_too_much_unpacks_no_more_than_an_asset(tmp_path: Path) -> None:
    path = tmp_path / "bomb.pack"
    write_pack(path, {ASSETS[0].sha256: bytes(50_000_000)})
    assert path.stat().st_size < 100_000
    with pytest.raises(AssetError, match="too large"):
        load(path, ASSETS[0].sha256)


def test_an_asset_under_a_wrong_name_is_refused(tmp_path: Path) -> None:
    write_pack(tmp_path / "wrong.pack", {ASSETS[0].sha256: encode(ASSETS[1])})
    with pytest.raises(AssetError, match="was changed"):
        load(tmp_path / "wrong.pack", ASSETS[0].sha256)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255), cut=st.floats(0, 1))
def test_damage_is_noticed(pack: Path, at: float, byte: int, cut: float) -> None:
    """A changed byte or a missing end: the asset comes out as it was, or there is an error; never another asset."""
    whole = pack.read_bytes()
    data = bytearray(whole)
    data[int(at * len(data))] = byte
    damaged = pack.with_name("damaged.pack")
    damaged.write_bytes(data if cut > 0.5 else data[: int(2 * cut * len(data))])
    pack_rows.cache_clear()
    for asset in ASSETS:
        with contextlib.suppress(AssetError):
            assert load(damaged, asset.sha256).sha256 == asset.sha256
