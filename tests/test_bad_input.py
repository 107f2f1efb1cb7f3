"""Every bad input is an exception of ours that names the field, the value and the remedy, and leaves nothing behind."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import helpers
import msgspec
import numpy as np
import pytest
from helpers import PICK, PLACE, digest, make
from hypothesis import given, settings
from hypothesis import strategies as st

import gen3d_envs
from gen3d_envs.assets import store
from gen3d_envs.assets.store import AssetStore
from gen3d_envs.build import build
from gen3d_envs.errors import ActionError, AssetError, FieldError, Gen3DError, SceneError
from gen3d_envs.registration import load_card
from gen3d_envs.spec import SCHEMA_VERSION, SceneSpec, from_card, read_card, to_card

CARD = helpers.SCENES / "TestPlaceBallInBowl.json"


def changed(path: str, value: Any) -> bytes:
    """The test card with one field changed; ``objects.0.mass_kg`` style paths, ``...`` removes the field."""
    fields = msgspec.json.decode(CARD.read_bytes())
    *way, last = path.split(".")
    at = fields
    for key in way:
        at = at[int(key)] if key.isdigit() else at.setdefault(key, {})
    if value is ...:
        del at[last]
    else:
        at[int(last) if last.isdigit() else last] = value
    return msgspec.json.encode(fields)


SPOON = {"subject": "spoon", "predicate": "next_to", "object": "bowl"}
POSE = {"x_m": 0.3, "y_m": 0.0, "z_m": 0.0, "yaw_rad": 0.0}

CARDS: list[tuple[str, bytes, str]] = [
    # what, the card, words of the message
    ("empty", b"", "complete JSON"),
    ("no JSON", b"hello", "complete JSON"),
    ("truncated", CARD.read_bytes()[:200], "complete JSON.*Restore the file"),
    ("cut at the last brace", CARD.read_bytes().rstrip()[:-1], "complete JSON"),
    ("binary", bytes(range(256)), "complete JSON"),
    ("nested beyond sense", b"[" * 100_000, "complete JSON"),
    ("a list", b"[]", "JSON object"),
    ("null", b"null", "JSON object"),
    ("an empty object", b"{}", "missing required field"),
    ("huge", b" " * 5_000_000, "larger than"),
    ("future version", changed("schema_version", SCHEMA_VERSION + 1), "schema_version = 2.*version 1.*Upgrade gen3d"),
    ("past version", changed("schema_version", 0), "schema_version = 0.*Design the scene again"),
    ("version as text", changed("schema_version", "1"), "schema_version = '1'"),
    ("unknown field", changed("objects.0.colour", "red"), "colour"),
    ("missing field", changed("instruction", ...), "instruction"),
    ("name as a path", changed("name", "../../etc/passwd"), r"name = '../../etc/passwd'"),
    ("object name as a path", changed("objects.0.name", "../ball"), r"objects\[0\].name = '../ball'"),
    ("empty instruction", changed("instruction", ""), "instruction = ''"),
    ("endless instruction", changed("instruction", "a" * 401), "instruction"),
    ("negative seed", changed("seed", -1), "seed = -1"),
    ("fractional seed", changed("seed", 1.5), "seed = 1.5"),
    ("seed beyond JSON", changed("seed", 2**53), "seed"),
    ("no objects", changed("objects", []), r"objects = \[\]"),
    ("two of one name", changed("objects.2.name", "ball"), r"objects\[\].name = 'ball'.*two objects share"),
    ("unknown target", changed("task.target", "spoon"), r"task.target = 'spoon'.*ball, bowl, die"),
    ("unknown receptacle", changed("task.receptacle", "spoon"), "task.receptacle = 'spoon'"),
    ("target on itself", changed("task.receptacle", "ball"), "task.receptacle = 'ball'.*also the target"),
    ("place without a place", changed("task.receptacle", ...), "task.*needs a receptacle"),
    ("place without a predicate", changed("task.predicate", ...), "task.*predicate"),
    ("unknown task", changed("task.family", "juggle"), "task.family = 'juggle'"),
    ("unknown predicate", changed("task.predicate", "under"), "task.predicate = 'under'"),
    ("relation to nothing", changed("relations", [SPOON]), r"relations\[0\].subject = 'spoon'"),
    ("negative mass", changed("objects.0.mass_kg", -1.0), r"objects\[0\].mass_kg = -1.0"),
    ("no mass", changed("objects.0.mass_kg", 0.0), r"objects\[0\].mass_kg = 0.0"),
    ("absurd mass", changed("objects.0.mass_kg", 1e6), r"objects\[0\].mass_kg = 1000000.0"),
    ("mass as text", changed("objects.0.mass_kg", "heavy"), r"objects\[0\].mass_kg = 'heavy'"),
    ("negative friction", changed("objects.0.friction", -0.5), r"objects\[0\].friction = -0.5"),
    ("absurd grip", changed("objects.0.grip_width_m", 3.0), r"objects\[0\].grip_width_m = 3.0"),
    ("unknown size", changed("objects.0.size", "gigantic"), r"objects\[0\].size = 'gigantic'"),
    ("pose far away", changed("objects.0.pose", {**POSE, "x_m": 1e9}), r"objects\[0\].pose.x_m = 1000000000.0"),
    ("half a pose", changed("objects.0.pose", {"x_m": 0.1}), r"objects\[0\].pose"),
    ("a table of a kilometre", changed("support.depth_m", 1000.0), "support.depth_m = 1000.0"),
    ("a negative table", changed("support.width_m", -1.0), "support.width_m = -1.0"),
    ("placement beyond reason", changed("placement.position_m", 7.0), "placement.position_m = 7.0"),
    ("NaN", CARD.read_bytes().replace(b'"seed": 4', b'"mass_kg": NaN, "seed": 4'), "complete JSON"),
    ("infinity", CARD.read_bytes().replace(b'"seed": 4', b'"mass_kg": 1e999, "seed": 4'), "JSON|mass_kg"),
    ("a mesh without its category", changed("objects.0.mesh", {"file": "a.glb"}), r"objects\[0\].mesh"),
    ("a category without its mesh", changed("objects.0.category", "mesh"), r"objects\[0\].mesh.*category is 'mesh'"),
    ("bad hash of an asset", changed("objects.0.asset_sha256", "abc"), r"objects\[0\].asset_sha256 = 'abc'"),
]  # fmt: skip


@pytest.mark.parametrize(("card", "words"), [row[1:] for row in CARDS], ids=[row[0] for row in CARDS])
def test_cards(card: bytes, words: str, tmp_path: Path) -> None:
    with pytest.raises(SceneError, match=f"(?s){words}") as caught:
        from_card(card, "card.json")
    assert len(str(caught.value)) < 700 and str(caught.value).endswith(".")
    path = tmp_path / "card.json"
    path.write_bytes(card)
    before = set(gym.registry)
    with pytest.raises(SceneError):
        gen3d_envs.register_scene(path)
    assert set(gym.registry) == before
    with pytest.raises(SceneError):
        gym.make(PICK, scene=str(path))


BUILDS: list[tuple[str, bytes, type[Exception], str]] = [
    ("unknown category", changed("objects.0.category", "unicorn"), FieldError, "ball.category = 'unicorn'.*mug"),
    ("unknown colour", changed("objects.0.color", "octarine"), FieldError, "ball.color = 'octarine'"),
    ("unknown material", changed("objects.0.material", "adamantium"), FieldError, "ball.material = 'adamantium'"),
    ("unknown room", changed("background.style", "moon_base"), SceneError, "background.style = 'moon_base'.*office"),
    ("unknown support", changed("support.kind", "trampoline"), SceneError, "support.kind = 'trampoline'.*desk"),
    ("unknown robot", changed("robot", "hal_9000"), FieldError, "robot = 'hal_9000'.*widowx"),
    ("nothing to put it in", changed("objects.1.category", "ball"), FieldError, "ball"),
    ("another generator's asset", changed("objects.0.asset_sha256", "0" * 64), SceneError, "asset_sha256 = '000"),
    ("a mesh that is not there", msgspec.json.encode({
        **msgspec.json.decode(changed("objects.2.category", "mesh")),
        "objects": [*msgspec.json.decode(CARD.read_bytes())["objects"][:2],
                    {"name": "die", "role": "distractor", "category": "mesh", "seed": 0, "description": "die",
                     "mesh": {"file": "absent.glb"}}]}), Gen3DError, "absent.glb"),
    ("a mesh outside", msgspec.json.encode({
        **msgspec.json.decode(CARD.read_bytes()),
        "objects": [*msgspec.json.decode(CARD.read_bytes())["objects"][:2],
                    {"name": "die", "role": "distractor", "category": "mesh", "seed": 0, "description": "die",
                     "mesh": {"file": "../../../etc/passwd"}}]}), Gen3DError, r"\.\./\.\./\.\./etc/passwd"),
]  # fmt: skip


@pytest.mark.parametrize(("card", "kind", "words"), [row[1:] for row in BUILDS], ids=[row[0] for row in BUILDS])
def test_cards_that_cannot_be_built(card: bytes, kind: type[Exception], words: str, tmp_path: Path) -> None:
    path = tmp_path / "TestPlaceBallInBowl.json"
    path.write_bytes(card)

    def use() -> None:
        env = make(PICK, scene=str(path))
        env.reset(seed=0)
        env.picture("front", 32, 32)

    with pytest.raises(kind, match=words):
        use()


def test_a_tampered_card(tmp_path: Path) -> None:
    scene = read_card(CARD)
    path = tmp_path / "card.json"
    path.write_bytes(to_card(scene).replace(b"put the ball", b"put the bomb"))
    with pytest.raises(SceneError, match=r"hash = '[0-9a-f]{64}'.*hashes to.*restore it, or delete the hash"):
        read_card(path)


def test_a_tampered_released_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even one whose own hash was made to fit."""
    from gen3d_envs import registration

    scene = read_card(CARD)
    (tmp_path / "scenes").mkdir()
    (tmp_path / "scenes" / "Released-0001.json").write_bytes(
        to_card(msgspec.structs.replace(scene, name="Released-0001"))
    )
    row = {"Released-0001": {"family": "place", "hash": "0" * 64}}
    monkeypatch.setattr(registration, "registry_folder", lambda: tmp_path)
    monkeypatch.setattr(registration, "released", lambda: row)
    with pytest.raises(SceneError, match=r"differs from the released scene.*cards never change"):
        load_card("Gen3D/Released-0001-v0")


CALLS: list[tuple[str, Callable[[], Any], type[Exception], str]] = [
    # what, call, exception, words of the message
    ("unknown scene", lambda: make(PICK, scene="PutUnicornInBowl-1234"), SceneError, "scene = 'PutUnicornInBowl-1234'"),
    ("nearly a name", lambda: make(PICK, scene="TestPickCub"), SceneError, "Did you mean.*TestPickCube"),
    ("absent card", lambda: make(PICK, scene="/nowhere/card.json"), SceneError, "/nowhere/card.json.*cannot be read"),
    ("a folder as card", lambda: read_card(helpers.SCENES), SceneError, "cannot be read"),
    ("unknown family", lambda: make(PICK, scene=None, family="juggle"), FieldError, "family = 'juggle'.*pick.*place"),
    ("no scene at all", lambda: make(PICK, scene=None), FieldError, "scene = None.*scene, scenes or family"),
    ("scene and scenes", lambda: make(PICK, scenes=[PICK]), FieldError, "beside scene"),
    ("empty list of scenes", lambda: make(PICK, scene=None, scenes=[]), FieldError, "scenes = .*at least one"),
    ("unknown robot", lambda: make(PICK, robot="hal_9000"), FieldError, "robot = 'hal_9000'.*panda.*widowx"),
    ("robot that is none", lambda: make(PICK, robot=3), FieldError, "robot = 3"),
    ("unknown camera", lambda: make(PICK, cameras=("front", "rear")), FieldError, "cameras = 'rear'.*front.*wrist"),
    ("no camera", lambda: make(PICK, cameras=()), FieldError, "cameras = .*front"),
    ("one camera twice", lambda: make(PICK, cameras=("front", "front")), FieldError, "cameras"),
    ("unknown observations", lambda: make(PICK, obs_type="smell"), FieldError, "obs_type = 'smell'.*pixels_agent_pos"),
    ("unknown control", lambda: make(PICK, control="telepathy"), FieldError, "control = 'telepathy'.*ee_delta"),
    ("unknown reward", lambda: make(PICK, reward="bonus"), FieldError, "reward = 'bonus'.*sparse.*shaped"),
    ("unknown engine", lambda: make(PICK, physics="havok"), FieldError, "physics = 'havok'.*pybullet"),
    ("unknown render mode", lambda: make(PICK, render_mode="ascii"), FieldError, "render_mode = 'ascii'.*rgb_array"),
    ("rate that does not divide", lambda: make(PICK, control_hz=7), FieldError, "control_hz = 7.*divide.*5"),
    ("no rate", lambda: make(PICK, control_hz=0), FieldError, "control_hz = 0"),
    ("negative rate", lambda: make(PICK, control_hz=-5), FieldError, "control_hz = -5"),
    ("fractional rate", lambda: make(PICK, control_hz=2.5), FieldError, "control_hz = 2.5"),
    ("picture of nothing", lambda: make(PICK, observation_width=0), FieldError, "observation_width = 0.*8 to"),
    ("negative picture", lambda: make(PICK, observation_height=-3), FieldError, "observation_height = -3"),
    ("NaN picture", lambda: make(PICK, observation_height=float("nan")), FieldError, "observation_height = nan"),
    ("huge picture", lambda: make(PICK, observation_width=100_000), FieldError, "observation_width = 100000"),
    ("huge render", lambda: make(PICK, render_width=100_000), FieldError, "render_width = 100000"),
    ("true as a size", lambda: make(PICK, observation_width=True), FieldError, "observation_width = True"),
    ("short hash", lambda: store.load(helpers.SCENES, "../x"), AssetError, "sha256 = '../x'"),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:.*render_mode='ascii':UserWarning")  # Gymnasium's own word on it
@pytest.mark.parametrize(("call", "kind", "words"), [row[1:] for row in CALLS], ids=[row[0] for row in CALLS])
def test_calls(call: Callable[[], Any], kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=f"(?s){words}"):
        call()


def test_a_refused_environment_leaves_no_client_behind() -> None:
    """Bullet has some thousand clients per process at most; refusals must not use them up."""
    import pybullet

    before = _clients(pybullet)
    for _ in range(5):
        with pytest.raises(FieldError):
            make(PICK, control_hz=7)
        with pytest.raises(FieldError):
            make(PICK, obs_type="smell")
        with pytest.raises(FieldError):
            make(PICK, robot="hal_9000")
    assert _clients(pybullet) == before


def _clients(pybullet: Any) -> int:
    return sum(bool(pybullet.isConnected(client)) for client in range(64))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"scene": 3}, r"options\['scene'\] = 3"), ({"scene": "Absent"}, "scene = 'Absent'"),
        ({"secne": "x"}, "options = .*secne.*'scene'"),
    ],
)  # fmt: skip
def test_reset_options(options: dict[str, Any], words: str) -> None:
    env = make(PICK, obs_type="state")
    env.reset(seed=0)
    before = digest(env.step(np.zeros(7))[0])
    env.reset(seed=0)
    with pytest.raises(FieldError, match=words):
        env.reset(options=options)
    assert digest(env.step(np.zeros(7))[0]) == before  # the refused reset changed nothing
    env.close()


def test_bad_seeds() -> None:
    env = make(PICK, obs_type="state")
    for seed in (-1, 1.5, "1"):
        with pytest.raises(gym.error.Error):
            env.reset(seed=seed)  # type: ignore[arg-type]
    env.close()


# ---- actions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (np.zeros(6), r"\(6,\).*wrong shape.*\(7,\)"), (np.zeros(8), r"\(8,\)"), (np.zeros((1, 7)), r"\(1, 7\)"),
        (np.float32(0), r"\(\)"), ([], r"\(0,\)"), (np.full(7, np.nan), "not finite.*NaN"),
        (np.array([0, 0, 0, np.nan, 0, 0, 0]), "not finite"), (np.full(7, np.inf), "not finite"),
        (np.array([np.inf, -np.inf, 0, 0, 0, 0, 0]), "not finite"), (None, "action"), ("up", "action"),
        ({"dx": 1}, "action"), ([0, 0, 0, 0, 0, 0, [1]], "action"), (["a"] * 7, "action"),
        (np.zeros(7, complex), "action"),
    ],
    ids=repr,
)  # fmt: skip
def test_bad_actions(action: Any, words: str) -> None:
    env = make(PICK, obs_type="state")
    env.reset(seed=0)
    with pytest.raises(ActionError, match=f"(?s){words}"):
        env.step(action)
    refused = digest(*env.step(np.zeros(7)))
    env.reset(seed=0)
    assert digest(*env.step(np.zeros(7))) == refused  # the world did not move
    env.close()


def test_an_action_out_of_range_is_clipped() -> None:
    wild = np.array([7.0, -1e30, 1.0000001, -2.0, 1.5, 0.25, 400.0])
    found = []
    for action in (wild, np.clip(wild, -1.0, 1.0)):
        env = make(PICK, obs_type="state")
        env.reset(seed=0)
        found.append([digest(*env.step(action)) for _ in range(4)])
        env.close()
    assert found[0] == found[1]


@pytest.mark.parametrize("kind", [list, tuple, np.float32, np.float64, np.float16])
def test_actions_of_every_type(kind: Any) -> None:
    values = [0.5, -0.25, 0.125, 0.0, 0.0, 1.0, -1.0]  # exact in every type
    action = kind(values) if kind in (list, tuple) else np.array(values, kind)
    env, other = make(PICK, obs_type="state"), make(PICK, obs_type="state")
    env.reset(seed=0)
    other.reset(seed=0)
    assert digest(*env.step(action)) == digest(*other.step(np.array(values, np.float32)))
    env.close()
    other.close()


def test_the_action_is_not_changed() -> None:
    env = make(PICK, obs_type="state")
    env.reset(seed=0)
    action = np.full(7, 3.0, np.float32)
    env.step(action)
    assert (action == 3.0).all()
    env.close()


# ---- order of calls ------------------------------------------------------------------------------------------------


def test_step_before_reset() -> None:
    env = make(PICK, obs_type="state")
    with pytest.raises(Gen3DError, match=r"before reset.*call reset"):
        env.step(np.zeros(7))
    env.close()


def test_render_before_reset() -> None:
    env = make(PICK, render_mode="rgb_array")
    with pytest.raises(Gen3DError, match="reset"):
        env.render()
    env.close()


@pytest.mark.parametrize("obs_type", ["state", "pixels_agent_pos"])
def test_after_close(obs_type: str) -> None:
    env = make(PICK, obs_type=obs_type, render_mode="rgb_array")
    env.reset(seed=0)
    env.close()
    env.close()
    for call in (lambda: env.step(np.zeros(7)), lambda: env.reset(seed=0), env.render, lambda: env.hold(0.1)):
        with pytest.raises(Gen3DError, match=r"closed.*make a new one"):
            call()


def test_close_before_reset() -> None:
    env = make(PICK)
    env.close()
    env.close()


def test_steps_after_the_end_go_on_without_success_again() -> None:
    """Gymnasium leaves it open; nothing breaks."""
    env = make(PICK, obs_type="state")
    env.reset(seed=0)
    for action in helpers.expert_actions(PICK):
        env.step(action)
    env.step(np.zeros(7))
    env.reset()
    env.close()


# ---- disks ---------------------------------------------------------------------------------------------------------

EPISODE = (
    f"import sys; sys.path.insert(0, {str(helpers.REPOSITORY / 'tests')!r})\n"
    "import helpers\n"
    f"env = helpers.make({PLACE!r}, observation_width=32, observation_height=32)\n"
    f"print(helpers.digest(*env.reset(seed=0)))\n"
)


def normal() -> str:
    return helpers.run_python(EPISODE).strip()


@pytest.mark.parametrize("kind", ["under a file", "in /proc", "a dangling link"])
def test_a_cache_that_cannot_be_written(kind: str, tmp_path: Path) -> None:
    """Works all the same. A folder without write permission would not do: root writes into it."""
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "link").symlink_to(tmp_path / "file" / "nothing")
    cache = {
        "under a file": tmp_path / "file" / "cache",
        "in /proc": Path("/proc/gen3d"),
        "a dangling link": tmp_path / "link",
    }
    if kind == "in /proc" and not Path("/proc").is_dir():
        pytest.skip("no /proc here")
    found = helpers.run_python(EPISODE, GEN3D_CACHE=str(cache[kind]), TMPDIR=str(tmp_path)).strip()
    assert found == normal()
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_read_only_cache(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    cache.chmod(0o555)
    try:
        assert helpers.run_python(EPISODE, GEN3D_CACHE=str(cache), TMPDIR=str(tmp_path)).strip() == normal()
    finally:
        cache.chmod(0o755)


def test_no_folder_at_all_for_the_engine(tmp_path: Path) -> None:
    """PyBullet reads hulls from files: without any folder the message says which variable helps."""
    (tmp_path / "file").write_text("")
    code = EPISODE.replace(
        "import helpers\n",
        "import helpers, tempfile\ntempfile.gettempdir = lambda: " + repr(str(tmp_path / "file" / "tmp")) + "\n",
    ).replace("print(", "try:\n    print(").rstrip() + (
        "\nexcept Exception as error:\n    print(type(error).__name__, error)"
    )
    found = helpers.run_python(code, GEN3D_CACHE=str(tmp_path / "file" / "cache"))
    assert found.startswith("Gen3DError") and "GEN3D_CACHE" in found


def test_a_full_disk_keeps_assets_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    cache = AssetStore([tmp_path])
    built = build(read_card(CARD), CARD.parent, cache)
    assert cache.problem is not None and "No space left" in cache.problem
    assert list(tmp_path.iterdir()) == []
    assert build(read_card(CARD), CARD.parent, cache).hash == built.hash


def test_a_full_disk_leaves_no_half_written_scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gen3d_envs.author import save_scene

    built = build(read_card(CARD), CARD.parent)

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        save_scene(built, tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file sizes are POSIX")
def test_a_disk_that_fills_up_in_the_middle_of_a_file(tmp_path: Path) -> None:
    """No file may grow beyond 2 kB: a write really stops half-way, as on a full disk."""
    code = (
        f"import sys, resource, pathlib; sys.path.insert(0, {str(helpers.REPOSITORY / 'tests')!r})\n"
        "import helpers\n"
        "from gen3d_envs.author import save_scene\nfrom gen3d_envs.build import build\n"
        "from gen3d_envs.spec import read_card\n"
        f"built = build(read_card({str(CARD)!r}))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
        "try:\n"
        f"    save_scene(built, {str(tmp_path / 'scenes')!r})\n"
        "except OSError as error:\n"
        "    print(error.strerror)\n"
        f"print([str(p) for p in pathlib.Path({str(tmp_path / 'scenes')!r}).rglob('*') if p.is_file()])"
    )
    assert helpers.run_python(code, GEN3D_CACHE=str(tmp_path / "cache")).splitlines()[-2:] == ["File too large", "[]"]


def test_processes_that_write_one_cache_at_once(tmp_path: Path) -> None:
    expected = normal()
    children = [
        subprocess.Popen(
            [sys.executable, "-c", EPISODE], env={**os.environ, "GEN3D_CACHE": str(tmp_path)}, stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]  # fmt: skip
    assert {child.communicate(timeout=120)[0].strip() for child in children} == {expected}
    assert not list(tmp_path.rglob(".writing-*"))


def test_damaged_cache_files_are_replaced(tmp_path: Path) -> None:
    first = helpers.run_python(EPISODE, GEN3D_CACHE=str(tmp_path))
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    for path in files:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert helpers.run_python(EPISODE, GEN3D_CACHE=str(tmp_path)) == first


# ---- anything at all -----------------------------------------------------------------------------------------------

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=30)
    | st.sampled_from(["ball", "bowl", "pick", "place", "in", "support", "mesh"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


def accepted_or_refused(data: bytes) -> None:
    try:
        scene = from_card(data)
    except SceneError:
        return
    assert isinstance(scene, SceneSpec) and from_card(to_card(scene)) == scene


@settings(max_examples=300)
@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    accepted_or_refused(data)


@settings(max_examples=300)
@given(st.data())
def test_mutated_cards(data: st.DataObject) -> None:
    """One place of a good card replaced by anything."""
    fields = msgspec.json.decode(to_card(read_card(CARD)))
    at: Any = fields
    while True:
        keys = sorted(at) if isinstance(at, dict) else list(range(len(at)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(at[key], dict | list) or not at[key] or data.draw(st.booleans()):
            break
        at = at[key]
    if data.draw(st.booleans()):
        at[key] = data.draw(values)
    elif isinstance(at, dict):
        at[data.draw(st.text(max_size=12))] = at.pop(key)
    else:
        at.append(at[key])
    import json

    # Python's json writes NaN and numbers beyond float, which a hostile or careless writer may as well.
    accepted_or_refused(json.dumps(fields).encode("utf-8", "surrogatepass"))


@settings(max_examples=200)
@given(st.data())
def test_cut_and_flipped_cards(data: st.DataObject) -> None:
    card = bytearray(to_card(read_card(CARD)))
    for _ in range(data.draw(st.integers(1, 4))):
        card[data.draw(st.integers(0, len(card) - 1))] = data.draw(st.integers(0, 255))
    accepted_or_refused(bytes(card[: data.draw(st.integers(0, len(card)))]))


@settings(max_examples=100)
@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=7, max_size=7))
def test_any_action(action: list[float]) -> None:
    env = _shared()
    if np.isfinite(action).all():
        observation, *_ = env.step(np.array(action))
        assert env.observation_space.contains(observation)
    else:
        with pytest.raises(ActionError):
            env.step(np.array(action))


_SHARED: list[Any] = []


def _shared() -> Any:
    if not _SHARED:
        _SHARED.append(make(PICK, obs_type="state"))
        _SHARED[0].reset(seed=0)
    return _SHARED[0]
