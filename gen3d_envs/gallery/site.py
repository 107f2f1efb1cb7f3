"""Writing the site: pages, pictures and 3D files of a bank into one folder that opens from disk."""

from __future__ import annotations

import base64
import gzip
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from gen3d_envs.build import BuiltScene, build
from gen3d_envs.env import Gen3DEnv
from gen3d_envs.errors import FieldError, Gen3DError
from gen3d_envs.export.glb import scene_glb
from gen3d_envs.folders import appearing, check_replaceable
from gen3d_envs.gallery.bank import RELEASED, Entry, read_bank
from gen3d_envs.gallery.page import TALL_M, Link, index_html, robot_height_m, scene_html
from gen3d_envs.gallery.three import three_js
from gen3d_envs.pictures import Photographer, Picture, asset_picture
from gen3d_envs.registration import BENCHMARK
from gen3d_envs.report_style import CSS

MARK = "gallery.json"
"""What the site shows, for programs, and the sign that a folder is a gallery and may be replaced."""

QUALITY = 82
"""Of the WebP pictures: flat shading hides nothing above it, and 150 scenes stay small."""

SIZE = (640, 480)
"""Width and height of a scene's pictures."""

WIDE, CUT = (864, 648), (146, 150)
"""The overview is drawn this large, and the part from this corner (column, row) is shown: the arm and the objects."""

Progress = Callable[[str, str], None]


@dataclass(frozen=True)
class SiteFacts:
    """What was written.

    Attributes:
        scenes: how many are shown.
        problems: why the others are not.
        size_bytes: of the whole site.
        page: the page to open.
    """

    scenes: int
    problems: tuple[str, ...]
    size_bytes: int
    page: Path


def write_site(bank: str, out: str | Path, progress: Progress | None = None) -> SiteFacts:
    """Write the gallery of a bank; the folder appears when it is complete, and replaces only an earlier gallery.

    Args:
        bank: a folder of scene cards with their assets, ``"released"``, or the name of the released benchmark.
        out: folder to write.
        progress: called with a stage and what is being done.

    Raises:
        FieldError: ``out`` holds something else.
        SceneError: nothing in the bank can be shown.
        EngineUnavailable: the 3D library is not installed as expected.
        OSError: the folder cannot be written.
    """
    say = progress or (lambda stage, text: None)
    out = Path(out)
    check_replaceable(out, MARK, "gallery", apart=Path(bank))
    entries, problems = read_bank(bank)
    title = {RELEASED: "Released scenes", BENCHMARK: BENCHMARK}.get(bank) or Path(bank).resolve().name
    with appearing(out) as work:
        for folder in ("scenes", "pictures", "objects"):
            (work / folder).mkdir()
        _write_shared(work)
        shown: list[Entry] = []
        scenes: list[BuiltScene] = []
        for entry in entries:
            say("scenes", f"{len(shown) + 1} of {len(entries)}: {entry.spec.name}")
            try:
                scene = build(entry.spec, entry.path.parent)
                _write_scene(work, scene)
            except Gen3DError as error:
                problems.append(f"{entry.spec.name}: {error}")
                continue
            shown.append(entry)
            scenes.append(scene)
        if not shown:
            raise FieldError("bank", bank, f"no scene can be built: {problems[0]}", "Repair or remove the cards")
        say("pages", f"{len(shown) + 1}")
        _write_pages(work, title, shown, scenes)
        size = sum(path.stat().st_size for path in work.rglob("*") if path.is_file())
    return SiteFacts(len(shown), tuple(problems), size, out / "index.html")


def _write_shared(work: Path) -> None:
    ours = files("gen3d_envs.gallery")
    for name in ("gallery.js", "viewer.js"):
        (work / name).write_bytes(ours.joinpath(name).read_bytes())
    (work / "gallery.css").write_text(CSS + ours.joinpath("gallery.css").read_text(encoding="utf-8"), encoding="utf-8")
    (work / "three.js").write_text(three_js(), encoding="utf-8")


def _write_scene(work: Path, scene: BuiltScene) -> None:
    """The pictures and the 3D file of one scene; all or an error."""
    name = scene.spec.name
    env = Gen3DEnv(scene=scene, robot=scene.spec.robot, obs_type="state")
    try:
        env.load(env.nominal(scene))
        eye = Photographer(env)
        try:
            pictures = {"overview": webp(_overview(eye, env)), "front": webp(eye.shoot("front", *SIZE))}
        finally:
            eye.close()
        script = scene_script(scene_glb(scene, env.robot))
    finally:
        env.close()
    for asset in scene.assets:
        path = work / "objects" / f"{asset.sha256[:16]}.webp"
        if not path.exists():
            path.write_bytes(webp(asset_picture(asset, 240, 180)))
    for camera, content in pictures.items():
        (work / "pictures" / f"{name}-{camera}.webp").write_bytes(content)
    (work / "scenes" / f"{name}.js").write_text(script, encoding="ascii")


def _overview(eye: Photographer, env: Gen3DEnv) -> Picture:
    """The arm and the objects: the whole view of a tall arm, and the middle of it for a small one."""
    if robot_height_m(env.robot) > TALL_M:
        return eye.shoot("overview", *SIZE)
    column, row = CUT
    return eye.shoot("overview", *WIDE)[row : row + SIZE[1], column : column + SIZE[0]]


def scene_script(glb: bytes) -> str:
    """A GLB as a script: pages that are opened from disk may run scripts, but not fetch files."""
    packed = base64.b64encode(gzip.compress(glb, 9, mtime=0)).decode("ascii")
    return f'window.gen3dScene="{packed}";\n'


def webp(picture: Picture) -> bytes:
    """A picture as the bytes of a WebP file."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "WEBP", quality=QUALITY, method=4)
    return buffer.getvalue()


def _write_pages(work: Path, title: str, entries: list[Entry], scenes: list[BuiltScene]) -> None:
    links = [Link(f"{entry.spec.name}.html", entry.spec.instruction) for entry in entries]
    for index, (entry, scene) in enumerate(zip(entries, scenes, strict=True)):
        before = links[index - 1] if index else None
        after = links[index + 1] if index + 1 < len(links) else None
        page = scene_html(entry, scene, title, before, after)
        (work / "scenes" / f"{entry.spec.name}.html").write_text(page, encoding="utf-8")
    (work / "index.html").write_text(index_html(title, entries), encoding="utf-8")
    rows = {
        entry.spec.name: {
            "id": entry.env_id, "family": entry.spec.task.family, "split": entry.split, "hash": entry.spec.hash,
            "instruction": entry.spec.instruction,
        }
        for entry in entries
    }  # fmt: skip
    text = json.dumps({"gen3d_gallery": 1, "title": title, "scenes": rows}, indent=1)
    (work / MARK).write_text(text + "\n", encoding="utf-8")
