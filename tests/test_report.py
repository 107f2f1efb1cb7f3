"""What people look at: reports, films, windows, tables, and the uncertainty of a rate."""

from __future__ import annotations

import base64
import html.parser
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import ROBOT_NAMES

from gen3d_envs.build import SEGMENT_ROBOT, BuiltScene, build
from gen3d_envs.cameras import scene_view
from gen3d_envs.design.rules import design
from gen3d_envs.env import Gen3DEnv
from gen3d_envs.errors import EngineUnavailable, FieldError
from gen3d_envs.pictures import OVERVIEW, Photographer, asset_picture, film, png
from gen3d_envs.report import PolicyResult, Report, Shot, quantity, render_html
from gen3d_envs.report_graph import scene_graph
from gen3d_envs.rollout import Episode
from gen3d_envs.sim.camera import Camera
from gen3d_envs.sim.window import Window
from gen3d_envs.spec import Certificate, CheckResult
from gen3d_envs.spec import replace as respec
from gen3d_envs.statistics import wilson_interval
from gen3d_envs.video import write_mp4

HOSTILE = 'put the <script>alert("x")</script> & "banana" in the bowl'
VOID = {"meta", "img", "br", "rect", "line", "path", "circle", "polygon", "input"}


@pytest.fixture(scope="module")
def scene() -> BuiltScene:
    built = build(design("put the red cube in the bowl next to the mug"))
    checks = (
        CheckResult(name="drift", passed=True, value=4e-6, limit=0.005, unit="m", detail="red_cube"),
        CheckResult(name="expert", passed=False, value=7, limit=9, unit="successes", detail="of 10 <episodes>"),
    )
    certificate = Certificate(
        scene_hash=built.hash, engine="engine 1", renderer="renderer 1", robot="widowx", checks=checks
    )
    return BuiltScene(respec(built.spec, certificates=(certificate,), warnings=("a <warning>",)), built.assets)


@pytest.fixture(scope="module")
def report(scene: BuiltScene) -> Report:
    picture = png(np.zeros((8, 8, 3), np.uint8))
    episodes = tuple(
        Episode(i, scene.spec.name, i > 0, "success" if i else "dropped", 30, float(i > 0)) for i in range(4)
    )
    return Report(
        sentence=HOSTILE, scene=scene, env_id="Gen3D/X-v0", code='env = gym.make("Gen3D/X-v0")',
        command=f"gen3d demo '{HOSTILE}'", video=b"film", video_caption="A <film>",
        shots=(Shot("Before <it>", picture),), asset_shots=(picture,) * len(scene.assets),
        results=(PolicyResult("Expert", "A <script>.", episodes),), rejected=("why <not>",), versions={"gen3d": "1"},
    )  # fmt: skip


class Page(html.parser.HTMLParser):
    """Checks that tags nest, and collects what a browser would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "data", "action", "poster")]
        assert not [name for name, _ in attrs if name.startswith("on")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_report_holds_everything_and_fetches_nothing(report: Report) -> None:
    text = render_html(report)
    page = Page()
    page.feed(text)
    assert not page.open
    assert page.tags.isdisjoint(
        {"script", "link", "iframe", "object", "embed", "warning", "film", "it", "not", "episodes"}
    )
    assert page.links and all(
        link.startswith(("data:image/png;base64,", "data:video/mp4;base64,")) for link in page.links
    )
    assert "http" not in text and "@import" not in text and "url(" not in text.replace("url(#", "")
    assert base64.b64encode(report.video).decode() in text
    words = " ".join(page.words)
    for expected in (
        HOSTILE, "a <warning>", "3 of 4", "Gen3D/X-v0", report.scene.hash, "engine 1", "renderer 1", "red cube",
        "dropped", "why <not>", "✗ Not certified", "✗ failed", "≥ 9 successes",
    ):  # fmt: skip
        assert expected in words
    assert 'name="viewport"' in text and "prefers-color-scheme:dark" in text


def test_report_is_deterministic(report: Report) -> None:
    assert render_html(report) == render_html(report)


def test_scene_graph_shows_roles_relations_and_goal(scene: BuiltScene) -> None:
    drawing = re.sub(r"<[^>]+>", " ", scene_graph(scene.spec))
    for word in (
        "red cube",
        "bowl",
        "mug",
        "target",
        "receptacle",
        "distractor",
        "goal: in",
        "support",
        "next to",
        "widowx",
    ):
        assert word in drawing
    assert "lift 10 cm" in scene_graph(build(design("pick up the red cube")).spec)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.005, "m", "5 mm"),
        (4e-6, "m", "&lt; 0.01 mm"),
        (0.0, "m", "0 mm"),
        (9.0, "successes", "9 successes"),
        (0.5, "m", "0.5 m"),
    ],
)
def test_quantities_read_well(value: float, unit: str, text: str) -> None:
    assert quantity(value, unit) == text


def test_outcomes_are_counted_in_a_fixed_order(report: Report) -> None:
    assert list(report.results[0].outcomes.items()) == [("success", 3), ("dropped", 1)]
    low, high = report.results[0].interval
    assert 0 < low < 0.75 < high < 1


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"), [(0, 10, 0.0, 0.27753), (20, 20, 0.83887, 1.0), (5, 10, 0.23659, 0.76341)]
)
def test_wilson_interval(successes: int, trials: int, low: float, high: float) -> None:
    assert wilson_interval(successes, trials) == pytest.approx((low, high), abs=1e-5)


@pytest.mark.parametrize("arguments", [(0, 0), (3, 2), (-1, 2), (1, 2, 1.0)])
def test_wilson_interval_refuses(arguments: Any) -> None:
    with pytest.raises(FieldError):
        wilson_interval(*arguments)


def test_films_of_noise_repeat_too(tmp_path: Path) -> None:
    blocks = np.random.default_rng(0).integers(0, 255, (10, 15, 30, 3), dtype=np.uint8)
    noise = [block.repeat(16, axis=0).repeat(16, axis=1) for block in blocks]
    files = [tmp_path / f"{index}.mp4" for index in range(3)]
    for file in files:
        write_mp4(file, noise, 20)
    assert len({file.read_bytes() for file in files}) == 1


def frames(count: int = 5, height: int = 49, width: int = 65) -> list[Any]:
    return [np.full((height, width, 3), 20 * i, np.uint8) for i in range(count)]


def test_films_play_and_repeat_bit_for_bit(tmp_path: Path) -> None:
    import av

    assert write_mp4(tmp_path / "deep" / "a.mp4", iter(frames()), 10) == 5
    write_mp4(tmp_path / "b.mp4", frames(), 10)
    assert (tmp_path / "deep" / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    with av.open(str(tmp_path / "b.mp4")) as file:
        stream = file.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (stream.width, stream.height, stream.average_rate) == (64, 48, 10)
        means = [frame.to_ndarray(format="gray").mean() for frame in file.decode(stream)]
    assert len(means) == 5 and np.all(np.diff(means) > 5)


@pytest.mark.parametrize(("pictures", "fps"), [([], 10), (frames(2) + frames(1, 24, 24), 10), (frames(), 0)])
def test_no_half_film_is_left(tmp_path: Path, pictures: Any, fps: int) -> None:
    with pytest.raises(FieldError):
        write_mp4(tmp_path / "a.mp4", pictures, fps)
    assert not list(tmp_path.iterdir())


def test_films_show_the_episode(scene: BuiltScene) -> None:
    env = Gen3DEnv(scene=scene, obs_type="state", control_hz=20)
    try:
        pictures = film(env, "expert", 0)
        first = next(pictures)
        later = [next(pictures) for _ in range(30)][-1]
        pictures.close()
        assert first.shape == (480, 960, 3) and first.dtype == np.uint8
        assert (first[:, :640] != later[:, :640]).any() and (first[:240, 640:] != later[:240, 640:]).any()
        eye = Photographer(env)
        assert (eye.shoot("overview", 64, 48) == eye.shoot("overview", 64, 48)).all()
        eye.close()
    finally:
        env.close()


@pytest.mark.parametrize("robot", ROBOT_NAMES)
def test_the_overview_shows_the_whole_robot(scene: BuiltScene, robot: str) -> None:
    env = Gen3DEnv(scene=scene, obs_type="state", robot=robot)
    camera = None
    try:
        env.reset(seed=0)
        camera = Camera(scene_view(env.scene, env.robot, (OVERVIEW,)))
        for link, pose in zip(env.robot.model.links, env.world.link_poses(), strict=True):
            camera.set_pose(f"robot/{link.name}", *pose)
        seen = camera.render_segmentation("overview", 160, 120) == SEGMENT_ROBOT
        assert seen.mean() > 0.02
        assert not np.concatenate(
            [seen[:3].ravel(), seen[-3:].ravel(), seen[:, :3].ravel(), seen[:, -3:].ravel()]
        ).any()
    finally:
        if camera is not None:
            camera.close()
        env.close()


def test_asset_pictures_are_filled(scene: BuiltScene) -> None:
    for asset in scene.assets:
        picture = asset_picture(asset, 160, 120)
        assert picture.shape == (120, 160, 3)
        corner = picture[0, 0].astype(int)
        rows, columns = np.nonzero((abs(picture.astype(int) - corner) > 40).any(axis=2))
        assert max(np.ptp(rows) / 120, np.ptp(columns) / 160) > 0.3
        assert rows.min() > 0 and rows.max() < 119 and columns.min() > 0 and columns.max() < 159


def test_a_window_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pygame", None)
    with pytest.raises(EngineUnavailable, match="pip install pygame"):
        Window("Gen3D", 64, 48)


def test_a_window_shows_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setenv("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    pytest.importorskip("pygame")
    window = Window("Gen3D", 64, 48)
    window.show(np.zeros((48, 64, 3), np.uint8))
    window.show(np.zeros((24, 32, 3), np.uint8))
    window.close()
    window.close()
    window.show(np.zeros((48, 64, 3), np.uint8))
    assert window.closed


def test_reports_can_be_varied(report: Report) -> None:
    assert "What the designer was not sure about" not in render_html(
        replace(report, scene=BuiltScene(respec(report.scene.spec, warnings=()), report.scene.assets))
    )
