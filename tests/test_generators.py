"""Generators of assets behind one protocol: each makes a usable thing, and each failure is a clear error."""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
import struct
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gen3d_envs.assets import decompose, quality
from gen3d_envs.assets.asset import Asset
from gen3d_envs.assets.generate import generate
from gen3d_envs.assets.generators import Fallback, Procedural, Remembered, get_generator
from gen3d_envs.assets.generators import glb as glb_module
from gen3d_envs.assets.generators.base import prompt_of
from gen3d_envs.assets.generators.command import Command
from gen3d_envs.assets.generators.folder import Folder
from gen3d_envs.assets.generators.foreign import Source, fitted
from gen3d_envs.assets.generators.http import Http
from gen3d_envs.assets.generators.repair import closed, main_piece
from gen3d_envs.assets.mesh_file import RawMesh
from gen3d_envs.assets.simplify import is_watertight, signed_volume
from gen3d_envs.author import author, save_scene
from gen3d_envs.build import build
from gen3d_envs.errors import AssetError, FieldError, UnfitError
from gen3d_envs.spec import ObjectSpec, read_card

trimesh = pytest.importorskip("trimesh")

GRIP_M = 0.042


def spec(category: str = "block", description: str = "", **fixed: Any) -> ObjectSpec:
    fields = {"name": "thing", "role": "target", "description": description or category, "seed": 3}
    return ObjectSpec(**{**fields, "category": category, **fixed})


def glb(*meshes: Any) -> bytes:
    return bytes(trimesh.Scene(list(meshes)).export(file_type="glb"))


def block_mesh(size: tuple[float, float, float] = (2.0, 1.0, 1.2), rgb: tuple[int, int, int] = (40, 80, 200)) -> Any:
    """A box of any unit, z up in the file's y as glTF has it."""
    mesh = trimesh.creation.box((size[0], size[2], size[1]))
    mesh.visual.vertex_colors = np.tile(np.array([*rgb, 255], np.uint8), (8, 1))
    return mesh


BLOCK = glb(block_mesh())


def usable(asset: Asset, wanted: ObjectSpec) -> None:
    assert asset.category == wanted.category
    assert [result for result in quality.check(asset, wanted) if not result.passed] == []


# ---- the way of all meshes -----------------------------------------------------------------------------------------


def raw(mesh: Any, rgb: tuple[int, int, int] = (120, 120, 120), colored: bool = True) -> RawMesh:
    faces = np.asarray(mesh.faces, np.int64)
    colors = np.tile(np.array(rgb, np.float64), (len(mesh.vertices), 1))
    return RawMesh(np.asarray(mesh.vertices, np.float64), faces, colors, colored, ((0, len(faces)),))


Z_UP = Source("test", up_axis="z")


def test_a_mesh_of_any_size_gets_the_real_one() -> None:
    for factor in (0.001, 1.0, 4000.0):
        mesh = trimesh.creation.box((2.0 * factor, factor, 1.2 * factor))
        wanted = spec("block")
        asset = fitted(raw(mesh), wanted, Z_UP)
        usable(asset, wanted)
        assert max(asset.size_m) == pytest.approx(max(generate(wanted).size_m), rel=0.04)
        assert asset.mass_kg == pytest.approx(generate(wanted).mass_kg, rel=0.2)


def test_sizes_follow_the_words() -> None:
    box = trimesh.creation.box((2.0, 1.0, 1.2))
    small, large = (fitted(raw(box), spec("block", size=size), Z_UP) for size in ("small", "large"))
    assert max(small.size_m) < 0.8 * max(large.size_m)


def test_real_size_is_kept_where_it_is_meant() -> None:
    box = trimesh.creation.box((0.066, 0.04, 0.04))
    assert max(fitted(raw(box), spec("block"), Source("x", "z", real_size=True)).size_m) == pytest.approx(0.066)


def test_what_is_too_wide_for_the_gripper_is_made_smaller_with_a_note() -> None:
    wanted = spec("ball", grip_width_m=GRIP_M, size="large")
    asset = fitted(raw(trimesh.creation.icosphere(subdivisions=3)), wanted, Z_UP)
    usable(asset, wanted)
    assert asset.size_m[2] <= GRIP_M and any(note.startswith("scaled to") for note in asset.notes)


def test_crumbs_in_the_air_are_dropped() -> None:
    crumbs = [trimesh.creation.box((0.1, 0.1, 0.1)).apply_translation((3.0, k, 0.0)) for k in (-1.0, 0.5)]
    mesh = trimesh.util.concatenate([trimesh.creation.box((2.0, 1.0, 1.2)), *crumbs])
    points, faces = main_piece(np.asarray(mesh.vertices), np.asarray(mesh.faces, np.int64))
    assert len(faces) == 12 and points[:, 0].max() == pytest.approx(1.0)
    usable(fitted(raw(mesh), spec("block"), Z_UP), spec("block"))


def test_parts_that_touch_are_one_piece() -> None:
    parts = [trimesh.creation.box((1.0, 1.0, 1.0)).apply_translation((x, 0.0, 0.0)) for x in (0.0, 1.005, 1.9)]
    mesh = trimesh.util.concatenate(parts)
    assert len(main_piece(np.asarray(mesh.vertices), np.asarray(mesh.faces, np.int64))[1]) == 36


def test_an_open_shell_becomes_a_solid() -> None:
    pytest.importorskip("skimage")
    mesh = trimesh.creation.icosphere(subdivisions=3)
    mesh.update_faces(mesh.triangles_center[:, 2] < 0.3)
    mesh.remove_unreferenced_vertices()
    points, faces = closed(np.asarray(mesh.vertices), np.asarray(mesh.faces, np.int64), 2500)
    assert is_watertight(faces) and len(faces) <= 2500 and signed_volume(points, faces) > 0
    low, high = np.asarray(mesh.vertices).min(axis=0), np.asarray(mesh.vertices).max(axis=0)
    assert np.abs(points.min(axis=0) - low).max() < 0.06 and np.abs(points.max(axis=0) - high).max() < 0.06


def test_a_dense_mesh_stays_closed() -> None:
    mesh = trimesh.creation.icosphere(subdivisions=5)
    points, faces = closed(np.asarray(mesh.vertices), np.asarray(mesh.faces, np.int64), 2500)
    assert is_watertight(faces) and len(faces) <= 2500
    assert signed_volume(points, faces) == pytest.approx(4 / 3 * np.pi, rel=0.02)


def test_colours_agree_with_the_description() -> None:
    box = trimesh.creation.box((2.0, 1.0, 1.2))
    for color in ("red", "white", "black"):
        wanted = spec("block", color=color)
        usable(fitted(raw(box, (40, 80, 200)), wanted, Z_UP), wanted)
    kept = fitted(raw(box, (40, 80, 200)), spec("block"), Z_UP)
    assert np.array_equal(np.unique(kept.colors, axis=0), [[40, 80, 200]])
    assert not np.array_equal(fitted(raw(box, colored=False), spec("block"), Z_UP).colors, kept.colors)


@pytest.mark.parametrize(
    ("mesh", "wanted", "problem"),
    [
        (trimesh.creation.box((2.0, 1.0, 1.2)), spec("bowl"), "affordances"),
        (trimesh.creation.box((1.0, 1.0, 0.0)), spec("block"), "flat"),
        (trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [0, 1, 1]], [[0, 1, 2]]), spec("block"), "too few faces"),
        (trimesh.creation.box((1.0, 1.0, 0.9)), spec("box", grip_width_m=0.02), "of its size|gripped|grasp"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason(mesh: Any, wanted: ObjectSpec, problem: str) -> None:
    with pytest.raises(UnfitError, match=problem) as caught:
        fitted(raw(mesh), wanted, Z_UP)
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value) and again.reason == caught.value.reason


def test_vertices_that_are_no_numbers() -> None:
    mesh = raw(trimesh.creation.box((1.0, 1.0, 1.0)))
    mesh.vertices[0] = np.nan
    with pytest.raises(UnfitError, match="not finite"):
        fitted(mesh, spec(), Z_UP)


def test_a_surface_of_endless_area_is_refused_in_time() -> None:
    rng = np.random.default_rng(0)
    mesh = RawMesh(rng.random((3000, 3)), np.arange(3000).reshape(-1, 3), np.zeros((3000, 3)), True, ((0, 1000),))
    mesh = RawMesh(mesh.vertices, np.tile(mesh.faces, (20, 1)) % 2999, mesh.colors, True, ((0, 20000),))
    start = time.process_time()
    with pytest.raises(UnfitError):
        fitted(mesh, spec(), Z_UP)
    assert time.process_time() - start < 20.0


# ---- choosing ------------------------------------------------------------------------------------------------------


def test_the_default_is_procedural() -> None:
    made = get_generator("procedural")(spec("mug"), 3)
    assert made.sha256 == generate(spec("mug")).sha256
    assert get_generator("procedural")(spec("mug"), 4).sha256 == generate(spec("mug", seed=4)).sha256


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "names no generator"),
        ("nonsense", "neither a generator nor a folder"),
        ("command:", "names no program"),
        ("command:no-such-program {prompt} {out}", "no program that can be run"),
        (f"command:{sys.executable} -c pass", "what to make and where"),
        (f"command:{sys.executable} '{{prompt}} {{out}}", "cannot be split"),
        ("http://", "no address"),
        ("http://host:99999/", "no address"),
        ("http://user:secret@host/", "user name or password"),
        ("ftp://host/x", "neither a generator nor a folder"),
    ],
)
def test_bad_choices(text: str, problem: str) -> None:
    with pytest.raises(AssetError, match=problem) as caught:
        get_generator(text)
    assert "secret" not in str(caught.value)


def test_a_fallback_makes_what_the_first_has_not(tmp_path: Path) -> None:
    (tmp_path / "block.glb").write_bytes(BLOCK)
    both = get_generator(f"{tmp_path},procedural")
    assert both(spec("mug"), 3).sha256 == generate(spec("mug")).sha256
    assert "library" in both(spec("block"), 3).notes[0]


def test_a_fallback_hides_no_failure() -> None:
    class Broken:
        name = "broken"

        def __call__(self, spec: ObjectSpec, seed: int) -> Asset:
            raise AssetError("assets", "broken", "does not work", "Mend it")

    with pytest.raises(AssetError, match="does not work"):
        Fallback(Broken(), Procedural())(spec(), 0)


def test_equal_objects_are_made_once() -> None:
    calls: list[int] = []

    class Counting(Procedural):
        def __call__(self, spec: ObjectSpec, seed: int) -> Asset:
            calls.append(seed)
            return super().__call__(spec, seed)

    generator = Remembered(Counting())
    first = generator(spec(), 1)
    assert generator(spec(name="other", role="distractor"), 1) is first and calls == [1]
    generator(spec(), 2)
    generator(spec(color="red"), 1)
    assert calls == [1, 2, 1]


def test_prompts_say_colour_and_material_once() -> None:
    assert prompt_of(spec("mug", "red mug", color="red", material="ceramic")) == "a ceramic red mug"
    assert prompt_of(spec("mug", "mug", color="dark_green")) == "a dark green mug"


# ---- a folder of meshes --------------------------------------------------------------------------------------------


@pytest.fixture
def library(tmp_path: Path) -> Path:
    for number, rgb in enumerate([(200, 38, 38), (42, 88, 200), (52, 150, 62)]):
        (tmp_path / f"block_{number}.glb").write_bytes(glb(block_mesh((2.0, 1.0, 1.0 + 0.2 * number), rgb)))
    labels = {
        "block_0.glb": {"category": "block", "description": "red wooden block"},
        "block_1.glb": {"category": "block", "description": "blue block"},
        "block_2.glb": "green block",
    }
    (tmp_path / "labels.json").write_text(json.dumps(labels))
    return tmp_path


def file_of(asset: Asset) -> str:
    return asset.notes[0].rpartition(" ")[2]


@pytest.fixture
def choices(library: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[ObjectSpec, int], str]:
    """The file that the library chooses, without making an asset of it."""
    monkeypatch.setattr("gen3d_envs.assets.generators.folder.fitted", lambda raw, spec, source, bodies: source.note)
    folder: Any = Folder(library)
    return lambda spec, seed: folder(spec, seed).rpartition(" ")[2]


def test_a_library_makes_a_usable_thing(library: Path) -> None:
    wanted = spec("block", "green block", color="green", grip_width_m=GRIP_M)
    asset = Folder(library)(wanted, 2)
    usable(asset, wanted)
    assert Folder(library).categories == ("block",) and file_of(asset) == "block_2.glb"


def test_words_choose_among_meshes(choices: Callable[[ObjectSpec, int], str]) -> None:
    for color, name in (("red", "block_0.glb"), ("blue", "block_1.glb"), ("green", "block_2.glb")):
        assert {choices(spec("block", f"{color} block", color=color), seed) for seed in range(6)} == {name}


def test_the_seed_chooses_among_equals(choices: Callable[[ObjectSpec, int], str]) -> None:
    found = [choices(spec("block"), seed) for seed in range(24)]
    assert set(found) == {"block_0.glb", "block_1.glb", "block_2.glb"}
    assert [choices(spec("block"), seed) for seed in reversed(range(24))] == found[::-1]


def test_a_moved_library_gives_the_same_assets(library: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "copy"
    shutil.copytree(library, elsewhere)
    assert Folder(elsewhere)(spec("block"), 5).sha256 == Folder(library)(spec("block"), 5).sha256


def test_file_names_are_labels_too(tmp_path: Path) -> None:
    (tmp_path / "red_toy_duck_2.glb").write_bytes(BLOCK)
    (tmp_path / "blue_block.glb").write_bytes(BLOCK)
    (tmp_path / "blue_block_collision.glb").write_bytes(BLOCK)
    (tmp_path / "readme.txt").write_text("not a mesh")
    (tmp_path / "whatsit.glb").write_bytes(BLOCK)
    assert Folder(tmp_path).categories == ("block", "toy_duck")


def test_collision_bodies_beside_a_mesh_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decompose, "decomposed", lambda *_: pytest.fail("it has bodies"))
    halves = [trimesh.creation.box((1.0, 1.2, 1.0)).apply_translation((x, 0.0, 0.0)) for x in (-0.5, 0.5)]
    (tmp_path / "block.glb").write_bytes(BLOCK)
    (tmp_path / "block_collision.glb").write_bytes(glb(*halves))
    assert len(Folder(tmp_path)(spec("block"), 0).collision) == 2


def test_another_mesh_is_tried_where_one_does_not_pass(tmp_path: Path) -> None:
    (tmp_path / "block_a.glb").write_bytes(glb(block_mesh((2.0, 1.0, 0.0001))))
    (tmp_path / "block_b.glb").write_bytes(BLOCK)
    assert {file_of(Folder(tmp_path)(spec("block"), seed)) for seed in range(2)} == {"block_b.glb"}


@pytest.mark.parametrize(
    ("labels", "problem"),
    [
        ("{", "is damaged"),
        ("[]", "is damaged"),
        ('{"block_0.glb": 3}', "is damaged"),
        ('{"block_0.glb": {"colour": "red"}}', "is damaged.*colour"),
        ('{"block_0.glb": {"category": "unicorn"}}', "no category of the catalogue"),
        ('{"block_0.glb": "a thing"}', None),
        ('{"x.glb": {"category": "block"}}', "is not there"),
        ('{"labels.json": {"category": "block"}}', "is no mesh file"),
        ('{"../x.glb": {"category": "block"}}', "climbs out|relative path"),
        ('{"/etc/passwd": {"category": "block"}}', "relative path"),
        ("{}", "holds no mesh"),
    ],
)
def test_wrong_labels(library: Path, labels: str, problem: str | None) -> None:
    (library / "labels.json").write_text(labels)
    if problem is None:
        assert Folder(library).categories == ("block",)
        return
    with pytest.raises(AssetError, match=problem):
        Folder(library)


def test_a_link_out_of_the_folder_is_not_followed(library: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "block.glb"
    outside.write_bytes(BLOCK)
    (library / "block_9.glb").symlink_to(outside)
    (library / "labels.json").write_text('{"block_9.glb": {"category": "block"}}')
    with pytest.raises(AssetError, match="climbs out"):
        Folder(library)


def test_a_kind_that_the_folder_has_not(library: Path) -> None:
    with pytest.raises(UnfitError, match=r"has no such mesh, only block.*,procedural") as caught:
        Folder(library)(spec("mug"), 0)
    assert caught.value.reason == "no such mesh"


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match="holds no mesh"):
        Folder(tmp_path)
    with pytest.raises(AssetError, match="not a folder"):
        Folder(tmp_path / "nowhere")


# ---- a command -----------------------------------------------------------------------------------------------------

PROGRAM = """
import json, os, shutil, subprocess, sys, time
mode, prompt, seed, out = sys.argv[1:5]
here = os.path.dirname(os.path.abspath(__file__))
json.dump([prompt, seed], open(os.path.join(here, "asked.json"), "w"))
if mode == "good":
    shutil.copy(os.path.join(here, "block.glb"), out)
elif mode == "fail":
    shutil.copy(os.path.join(here, "block.glb"), out)
    sys.stderr.write("x" * 100000 + "\\nout of \\x1b[31mmemory\\n")
    sys.exit(3)
elif mode == "garbage":
    open(out, "wb").write(b"hello" * 100)
elif mode == "half":
    open(out, "wb").write(open(os.path.join(here, "block.glb"), "rb").read()[:300])
elif mode == "slow":
    child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"])
    open(os.path.join(here, "child"), "w").write(str(child.pid))
    time.sleep(60)
elif mode == "huge":
    open(out, "wb").truncate(10**8)
    time.sleep(60)
"""


@pytest.fixture
def command(tmp_path: Path) -> Callable[..., Command]:
    (tmp_path / "block.glb").write_bytes(BLOCK)
    (tmp_path / "program.py").write_text(PROGRAM)

    def make(mode: str, timeout_s: float = 30.0) -> Command:
        script = str(tmp_path / "program.py")
        return Command((sys.executable, "-S", script, mode, "{prompt}", "{seed}", "{out}"), timeout_s)

    return make


def test_a_command_makes_a_usable_thing(command: Callable[..., Command], tmp_path: Path) -> None:
    wanted = spec("block", "blue {out} 'block'; rm -rf $HOME", grip_width_m=GRIP_M)
    asset = command("good")(wanted, 11)
    usable(asset, wanted)
    assert json.loads((tmp_path / "asked.json").read_text()) == [f"a {wanted.description}", "11"], "no shell saw it"
    assert asset.sha256 == command("good")(wanted, 11).sha256
    assert str(tmp_path) not in " ".join(asset.notes)


def test_a_command_line_is_split_but_never_given_to_a_shell(tmp_path: Path) -> None:
    (tmp_path / "block.glb").write_bytes(BLOCK)
    generator = get_generator(f"command:cp '{tmp_path}/block.glb' {{out}} --suffix={{prompt}}")
    usable(generator(spec("block", "$(touch x) block"), 0), spec("block"))
    assert generator.name == "command cp" and not (Path.cwd() / "x").exists()


@pytest.mark.parametrize(
    ("mode", "problem"),
    [
        ("fail", r"ended with status 3; it said: .*out of .*memory"),
        ("nothing", "wrote no GLB"),
        ("garbage", "is not a GLB"),
        ("half", "damaged"),
        ("huge", "more than 64 MB"),
    ],
)
def test_commands_that_fail(command: Callable[..., Command], mode: str, problem: str) -> None:
    with pytest.raises(AssetError, match=problem) as caught:
        command(mode)(spec("block"), 0)
    assert (
        not isinstance(caught.value, UnfitError) and len(str(caught.value)) < 1500 and "\x1b" not in str(caught.value)
    )


def test_a_command_that_hangs_is_killed_with_its_children(command: Callable[..., Command], tmp_path: Path) -> None:
    start = time.perf_counter()
    with pytest.raises(AssetError, match=r"did not end within 1 s"):
        command("slow", timeout_s=1.0)(spec("block"), 0)
    assert time.perf_counter() - start < 10.0
    child = int((tmp_path / "child").read_text())
    for _ in range(100):
        if not _runs(child):
            return
        time.sleep(0.05)
    pytest.fail("the child is still there")


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except (OSError, IndexError):
        return False


# ---- a server ------------------------------------------------------------------------------------------------------


class Handler(BaseHTTPRequestHandler):
    """Answers as its path says; what it was asked stands in the server's ``asked``."""

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        self.server.asked.append(("GET", self.path, None))  # type: ignore[attr-defined]
        self._send(200, BLOCK)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        asked = self.server.asked  # type: ignore[attr-defined]
        asked.append(("POST", self.path, body))
        kind, _, rest = self.path.strip("/").partition("?")
        if kind == "good":
            self._send(200, BLOCK)
        elif kind == "flaky":
            self._send(200 if len(asked) > 2 else 503, BLOCK)
        elif kind.isdigit():
            self._send(int(kind), b"no")
        elif kind == "text":
            self._send(200, b"<html>busy</html>")
        elif kind == "gzip":
            self._send(200, zlib.compress(bytes(10**6)), {"Content-Encoding": "gzip"})
        elif kind == "declared":
            self._send(200, b"glTF", {"Content-Length": str(10**9)})
        elif kind == "short":
            self._send(200, BLOCK[:200], {"Content-Length": str(len(BLOCK))})
        elif kind == "bomb":
            self._send(200, picture_bomb())
        elif kind == "endless":
            self.send_response(200)
            self.end_headers()
            for _ in range(10**6):
                self.wfile.write(b"glTF" * 250_000)
        elif kind == "trickle":
            self.send_response(200)
            self.end_headers()
            for _ in range(100):
                self.wfile.write(b"glTF")
                time.sleep(0.1)
        elif kind == "silent":
            self.server.released.wait(20)  # type: ignore[attr-defined]
        elif kind == "hangup":
            self.connection.close()
        elif kind == "away":
            self._send(302, b"", {"Location": rest})
        elif kind == "loop":
            self._send(302, b"", {"Location": "/good"})

    def _send(self, status: int, data: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what is tested here."""


def picture_bomb() -> bytes:
    """A GLB with a texture of a few bytes that declares 9,000 x 9,000 pixels."""
    mesh = trimesh.creation.box((1.0, 1.0, 1.0))
    from PIL import Image

    material = trimesh.visual.material.PBRMaterial(baseColorTexture=Image.new("RGB", (4, 4)))
    mesh.visual = trimesh.visual.TextureVisuals(uv=np.zeros((8, 2)), material=material)
    data = bytearray(glb(mesh))
    start = data.index(b"IHDR")
    data[start + 4 : start + 12] = struct.pack(">II", 9_000, 9_000)
    data[start + 17 : start + 21] = struct.pack(">I", zlib.crc32(bytes(data[start : start + 17])))
    return bytes(data)


@pytest.fixture
def server() -> Iterator[Any]:
    server: Any = Server(("127.0.0.1", 0), Handler)
    server.asked, server.released = [], threading.Event()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{server.server_port}"
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()
    thread.join()


def ask(server: Any, path: str, pauses: list[float] | None = None, timeout_s: float = 10.0) -> Asset:
    wait = [] if pauses is None else pauses
    return Http(f"{server.url}/{path}", timeout_s=timeout_s, sleep=wait.append)(spec("block", "blue block"), 9)


def test_a_server_makes_a_usable_thing(server: Any) -> None:
    wanted = spec("block", "blue block", grip_width_m=GRIP_M)
    asset = get_generator(f"{server.url}/good")(wanted, 9)
    usable(asset, wanted)
    assert server.asked == [("POST", "/good", {"prompt": "a blue block", "seed": 9, "size": 0.14})]
    assert get_generator(f"{server.url}/good")(wanted, 9).sha256 == asset.sha256
    assert "127.0.0.1" not in " ".join(asset.notes), "the asset is the same wherever the server stands"


def test_a_server_that_is_busy_is_asked_again(server: Any) -> None:
    pauses: list[float] = []
    usable(ask(server, "flaky", pauses), spec("block"))
    assert len(server.asked) == 3 and pauses == [1.0, 2.0]


@pytest.mark.parametrize(
    ("path", "problem", "times"),
    [
        ("500", "status 500", 3),
        ("429", "status 429", 3),
        ("404", "status 404", 1),
        ("401", "status 401", 1),
        ("text", "is not a GLB", 1),
        ("gzip", "encoding 'gzip'", 1),
        ("declared", "more than 64 MB", 1),
        ("short", "breaks off", 3),
        ("hangup", "breaks off|cannot be reached", 3),
        ("bomb", "too large a texture", 1),
    ],
)
def test_servers_that_fail(server: Any, path: str, problem: str, times: int) -> None:
    with pytest.raises(AssetError, match=problem):
        ask(server, path)
    assert len(server.asked) == times


def test_an_answer_without_end_is_cut_off(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gen3d_envs.assets.generators.http.MAX_GLB_BYTES", 3_000_000)
    with pytest.raises(AssetError, match="more than 3 MB"):
        ask(server, "endless")


@pytest.mark.parametrize("path", ["silent", "trickle"])
def test_servers_that_never_end(server: Any, path: str) -> None:
    start = time.perf_counter()
    with pytest.raises(AssetError, match=r"does not answer within 0.3 s"):
        ask(server, path, timeout_s=0.3)
    assert time.perf_counter() - start < 5.0


def test_redirects_stay_on_the_host(server: Any) -> None:
    usable(ask(server, "loop"), spec("block"))
    assert [asked[:2] for asked in server.asked] == [("POST", "/loop"), ("GET", "/good")]


@pytest.mark.parametrize("target", ["http://example.org/x.glb", "http://127.0.0.1:1/x.glb", "file:///etc/passwd"])
def test_redirects_to_other_hosts_are_not_followed(server: Any, target: str) -> None:
    with pytest.raises(AssetError, match=r"redirects to another host|status 302"):
        ask(server, f"away?{target}")
    assert len(server.asked) == 1


def test_no_server() -> None:
    with pytest.raises(AssetError, match="cannot be reached"):
        Http("http://127.0.0.1:1/", timeout_s=1.0, sleep=lambda _: None)(spec(), 0)


def test_an_answer_over_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glb_module, "MAX_GLB_BYTES", 100)
    with pytest.raises(AssetError, match="is more than"):
        glb_module.asset_of(BLOCK, spec(), "x", "x")


def test_a_glb_that_refers_to_files_is_refused() -> None:
    text = BLOCK.replace(b'"byteLength"', b'"uri":"/etc/hostname","byteLength"', 1)
    length = struct.unpack("<I", text[12:16])[0] + len(text) - len(BLOCK)
    padded = -length % 4
    text = text[: 20 + length] + b" " * padded + text[20 + length :]
    text = text[:8] + struct.pack("<I", len(text)) + struct.pack("<I", length + padded) + text[16:]
    with pytest.raises(AssetError):
        glb_module.asset_of(text, spec(), "x", "x")


# ---- scenes --------------------------------------------------------------------------------------------------------


def test_a_scene_of_foreign_things_is_certified_and_loaded_again(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pybullet")
    authored = author("pick up the blue block", seed=1, assets=f"{library},procedural")
    target = authored.scene.assets[authored.scene.index(authored.scene.spec.task.target) or 0]
    assert file_of(target) == "block_1.glb"
    assert authored.gate.assets >= len(authored.scene.assets) and authored.gate.rate > 0
    path = save_scene(authored.scene, tmp_path / "scenes")
    # Neither the library nor the cache is needed any more.
    monkeypatch.setenv("GEN3D_CACHE", str(tmp_path / "empty"))
    shutil.move(library / "block_1.glb", tmp_path / "gone.glb")
    again = build(read_card(path), path.parent)
    assert [a.sha256 for a in again.assets] == [a.sha256 for a in authored.scene.assets]


def test_a_scene_that_the_library_cannot_furnish_says_so(library: Path) -> None:
    with pytest.raises(AssetError, match="has no such mesh"):
        author("put the apple in the bowl", assets=str(library))


def test_errors_of_the_spec_stay_errors_of_the_spec(library: Path) -> None:
    with pytest.raises(FieldError, match="mousepad cannot be picked"):
        fitted(raw(trimesh.creation.box((2.0, 1.0, 0.1))), spec("mousepad", grip_width_m=GRIP_M), Z_UP)


def test_bytes_that_are_no_mesh_are_no_crash() -> None:
    rng = np.random.default_rng(0)
    for k in range(60):
        data = bytearray(BLOCK)
        for place in rng.integers(12, len(data), 1 + k % 8):
            data[place] = int(rng.integers(256))
        try:
            asset = glb_module.asset_of(bytes(data), spec(), "x", "x")
        except AssetError:
            continue
        usable(asset, spec())


def test_what_a_buffer_holds() -> None:
    """The block of these tests is what it claims to be."""
    scene = trimesh.load_scene(io.BytesIO(BLOCK), file_type="glb")
    assert scene.extents == pytest.approx((2.0, 1.2, 1.0))


# ---- real generated meshes -----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_real_meshes_of_a_text_to_3d_model(shared_assets: Path, tmp_path: Path) -> None:
    """Textured GLBs that a large model made, by their file names alone."""
    pytest.importorskip("pybullet")
    from gen3d_envs.gate import inspect

    for name in ("basket", "knife", "salt_shaker"):
        shutil.copy(shared_assets / f"{name}.glb", tmp_path)
    folder = Folder(tmp_path)
    assert folder.categories == ("basket", "knife", "salt_shaker")
    for category in folder.categories:
        wanted = spec(category, category.replace("_", " "), grip_width_m=GRIP_M)
        asset = folder(wanted, 0)
        assert [result for result in inspect(asset, wanted) if not result.passed] == []
        assert asset.colors.std(axis=0).min() > 3, "the texture should show"
        assert (asset.cavity is not None) == (category == "basket")


@pytest.mark.slow
@pytest.mark.parametrize("category", ["mug", "bowl", "plate", "hammer", "toy_duck"])
def test_other_shapes_come_through(category: str, tmp_path: Path) -> None:
    """Meshes without collision bodies, in another unit and y up: they must be decomposed to be what they are."""
    pytest.importorskip("coacd")
    from gen3d_envs.gate import inspect

    made = generate(spec(category))
    mesh = trimesh.Trimesh(made.vertices * 17.0, made.faces, vertex_colors=made.colors, process=False)
    mesh.apply_transform(trimesh.transformations.rotation_matrix(-np.pi / 2, (1, 0, 0)))
    (tmp_path / f"{category}.glb").write_bytes(glb(mesh))
    wanted = spec(category, f"red {category}", color="red", seed=5)
    assert [result for result in inspect(Folder(tmp_path)(wanted, 1), wanted) if not result.passed] == []
