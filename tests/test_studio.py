"""The studio: scenes made, changed, measured, watched and kept, without a page and in a real browser."""

from __future__ import annotations

import dataclasses
import math
import os
import re
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from browser import Browser, Page
from helpers import run_python
from hypothesis import given, settings
from hypothesis import strategies as st

from gen3d_envs.assets.asset import Part, PartJoint
from gen3d_envs.build import BuiltScene
from gen3d_envs.cli import main
from gen3d_envs.design.rules import design
from gen3d_envs.env import Gen3DEnv
from gen3d_envs.errors import DesignError, FieldError, SceneError
from gen3d_envs.registration import scene_names
from gen3d_envs.robots import get_robot
from gen3d_envs.spec import read_card
from gen3d_envs.studio.joints import JointSliders
from gen3d_envs.studio.nearest import explain, nearest
from gen3d_envs.studio.session import Session
from gen3d_envs.studio.stage import Stage
from gen3d_envs.studio.worker import Worker

SENTENCE = "put the red cube in the bowl"


@pytest.fixture(scope="module")
def made() -> BuiltScene:
    return Session().make(SENTENCE)


@pytest.fixture
def session(made: BuiltScene, tmp_path: Path) -> Session:
    """A session with a certified scene of its own."""
    from gen3d_envs.author import save_scene

    opened = Session()
    opened.open(str(save_scene(made, tmp_path / "opened")))
    return opened


# Sentences that cannot be done


@pytest.mark.parametrize(
    ("sentence", "offer"),
    [
        ("pour the water into the cup", "pick up the cup"),
        ("stak the cube on the book", "put the cube on the book"),
        ("put the aple in the bwl", "put the apple in the bowl"),
        ("cut the carrot on the cutting board", "put the carrot on the cutting board"),
        ("rotate the drawers", "open the top drawer"),
        ("", "put the green apple in the bowl"),
    ],
)
def test_the_nearest_that_can_be_done_is_offered(sentence: str, offer: str) -> None:
    offers = nearest(sentence)
    assert offer in offers and len(offers) <= 3
    for text in offers:
        assert not any("unknown" in line for line in design(text).warnings)


@given(st.text(max_size=60) | st.lists(st.sampled_from(["put", "mug", "sofa", "öl", "in", "the", "qq"])).map(" ".join))
@settings(max_examples=60)
def test_whatever_is_typed_gives_offers_that_work(sentence: str) -> None:
    offers = nearest(sentence)
    assert 1 <= len(offers) <= 3 and len(set(offers)) == len(offers) and sentence not in offers
    assert all(design(offer) for offer in offers)


def test_errors_are_told_without_field_names_and_tracebacks() -> None:
    with pytest.raises(DesignError) as refused:
        design("open the mug")
    told = explain(refused.value)
    assert "mug" in told and "sentence =" not in told and "Traceback" not in told
    assert explain(ZeroDivisionError("division")) == (
        "Something went wrong inside (ZeroDivisionError). The scene is as it was before."
    )
    assert "No space left" in explain(OSError(28, "No space left on device"))
    assert explain(FieldError("place", (1.0, 2.0), "is beside the table", "Put it on the table")) == (
        "(1.0, 2.0) is beside the table. Put it on the table."
    )


# What can be done with a scene


def test_a_sentence_is_shown_while_it_becomes_a_scene() -> None:
    session, shown, said = Session(), list[str](), list[str]()
    assert not session.has_scene
    session.make(SENTENCE, show=lambda scene: shown.append(scene.hash), say=said.append)
    assert len(shown) == 2 and session.certificate is not None and session.certificate.passed
    assert said[0] == "Reading the sentence" and said[1].startswith("Making the objects: red cube, bowl")
    assert any(line == "Measuring: expert, episode 10 of 10" for line in said)
    before = session.scene
    with pytest.raises(DesignError):
        session.make("open the mug")
    assert session.scene is before, "what fails leaves the scene as it was"


def test_without_a_scene_everything_says_so() -> None:
    for act in (lambda s: s.measure(), lambda s: list(s.play()), lambda s: s.save(), lambda s: s.move("a", 0, 0, 0)):
        with pytest.raises(SceneError, match="Type a sentence first"):
            act(Session())


def test_moving_gives_another_scene_without_a_certificate(session: Session) -> None:
    before = session.scene
    assert session.certificate is not None and session.complaints() == []
    session.move("red_cube", 0.31, 0.05, 7.0)
    pose = session.scene.spec.object("red_cube").pose
    assert pose is not None and (pose.x_m, pose.y_m) == (0.31, 0.05) and abs(pose.yaw_rad) <= math.pi
    assert session.certificate is None and session.scene.spec.name != before.spec.name
    x, y, _ = before.placements[1]
    session.move("red_cube", x, y, 0.0)
    assert session.complaints() == ["The red cube and the bowl are inside each other."]
    session.move("red_cube", 0.545, 0.0, 0.0)
    assert "The red cube sticks out over the edge of the table." in session.complaints()
    assert "The red cube is out of the arm's reach." in session.complaints()


@pytest.mark.parametrize(
    ("x", "y", "yaw"), [(math.nan, 0.0, 0.0), (0.3, math.inf, 0.0), (5.0, 0.0, 0.0), (0.3, 0.7, 0.0)]
)
def test_places_that_are_none_are_refused(session: Session, x: float, y: float, yaw: float) -> None:
    before = session.scene
    with pytest.raises(FieldError, match="place"):
        session.move("red_cube", x, y, yaw)
    assert session.scene is before


def test_swapping_keeps_the_task_one_that_can_be_done(session: Session) -> None:
    assert "plate" not in session.choices("bowl") and "basket" in session.choices("bowl")
    assert "plate" not in session.choices("red_cube") and "lemon" in session.choices("red_cube")
    session.swap("red_cube", "lemon")
    spec = session.scene.spec
    assert spec.instruction == "put the lemon in the bowl" and spec.task.target == "lemon"
    assert spec.name.startswith("PutLemonInBowl-") and not session.complaints()
    session.swap("bowl", "basket")
    assert session.scene.spec.instruction == "put the lemon in the basket"
    assert session.measure().passed
    with pytest.raises(FieldError, match="cannot stand in"):
        session.swap("lemon", "plate")


def test_another_one_is_another_one(session: Session) -> None:
    before = session.scene.spec.object("bowl").asset_sha256
    session.another("bowl")
    after = session.scene.spec.object("bowl")
    assert after.asset_sha256 != before and after.category == "bowl" and not session.complaints()


def test_starts_are_those_of_the_environment(session: Session) -> None:
    session.spread(0.06, math.radians(90))
    env = Gen3DEnv(scene=session.scene, obs_type="state")
    try:
        for seed in (0, 3):
            env.reset(seed=seed)
            drawn = session.draw(seed)
            for index, (x, y, _) in enumerate(drawn):
                assert env.world.body_pose(index)[0][:2] == pytest.approx((x, y), abs=2e-3)
        assert session.draw(0) != session.draw(3)
    finally:
        env.close()


def test_an_episode_is_played_frame_by_frame(session: Session) -> None:
    frames = list(session.play("expert", 0))
    assert frames[-1].last and frames[-1].outcome == "success" and not any(frame.last for frame in frames[:-1])
    assert len(frames[0].objects) == len(session.scene.assets)
    cube = [frame.objects[0][0] for frame in frames]
    assert max(z for _, _, z in cube) > 0.05, "the cube is lifted on the way"
    stopped = session.play("random", 0)
    next(stopped)
    stopped.close()


def test_a_saved_scene_makes_in_a_new_process(session: Session, tmp_path: Path) -> None:
    session.move("red_cube", 0.31, 0.05, 0.0)
    saved = session.save(tmp_path / "kept")
    assert read_card(saved.path).hash == session.scene.hash
    code = saved.code + "\nprint(info['instruction']); env.close()"
    assert run_python(code).strip() == SENTENCE


def test_a_released_scene_is_kept_under_its_own_name() -> None:
    session = Session()
    session.open(scene_names()[0])
    assert session.save().env_id == f"Gen3D/{scene_names()[0]}-v0"


# The worker


def test_a_worker_does_one_job_after_the_other_and_survives_errors() -> None:
    done: list[object] = []
    worker = Worker(lambda error: done.append(type(error)), lambda busy: None)
    worker.submit(lambda: done.append(1))
    worker.submit(lambda: done.append(1 // 0))
    worker.submit(lambda: done.append(threading.current_thread().name))
    idle = threading.Event()
    worker.submit(idle.set)
    assert idle.wait(5)
    assert done == [1, ZeroDivisionError, "studio"]
    worker.close()


def test_a_worker_can_be_interrupted() -> None:
    running, ended = threading.Event(), threading.Event()
    late: list[int] = []
    worker = Worker(lambda error: None, lambda busy: None)

    def long() -> None:
        running.set()
        while not worker.stopping:
            time.sleep(0.005)
        ended.set()

    worker.submit(long)
    worker.submit(lambda: late.append(1))
    assert running.wait(5)
    worker.interrupt()
    assert ended.wait(5)
    worker.close()
    assert late == []


# The stage and the sliders, on a viser that only remembers


class Node:
    """A node or a slider: what it was made with, where it is, and what it is connected to."""

    def __init__(self, *arguments: object, **options: object) -> None:
        self.arguments, self.options = arguments, options
        self.position = options.get("position", (0.0, 0.0, 0.0))
        self.wxyz = options.get("wxyz", (1.0, 0.0, 0.0, 0.0))
        self.value = arguments[-1] if arguments else None
        self.removed = False
        self.heard: list[Callable[[object], None]] = []

    def on_click(self, hear: Callable[[object], None]) -> None:
        self.heard.append(hear)

    on_update = on_click

    def remove(self) -> None:
        self.removed = True

    def move(self, value: float) -> None:
        """As by the hand of somebody at the page."""
        self.value = value
        for hear in self.heard:
            hear(SimpleNamespace(client=1))

    def __enter__(self) -> Node:
        return self

    def __exit__(self, *error: object) -> None:
        pass


class Viser:
    """Takes any ``add_...`` and keeps what it made by its first argument."""

    def __init__(self) -> None:
        self.made: dict[object, Node] = {}

    def __getattr__(self, name: str) -> Callable[..., Node]:
        def make(*arguments: object, **options: object) -> Node:
            node = Node(*arguments, **options)
            if arguments:
                self.made[arguments[0]] = node
            return node

        return make


def with_a_lid(scene: BuiltScene) -> BuiltScene:
    """The scene with a lid on its second object that turns about the y axis."""
    asset = scene.assets[1]
    joint = PartJoint("revolute", (0.0, 0.0, 0.1), (0.0, 1.0, 0.0), 0.0, math.pi / 2, 0.01, 0.01)
    lid = Part("lid", asset.vertices, asset.faces, asset.colors, asset.collision, 0.1, (0, 0, 0), (1, 1, 1), joint)
    return BuiltScene(scene.spec, (scene.assets[0], dataclasses.replace(asset, parts=(lid,)), *scene.assets[2:]))


def test_the_stage_follows_the_scene(made: BuiltScene) -> None:
    api, picked, placed = Viser(), list[str](), list[object]()
    stage = Stage(api, picked.append, lambda *at: placed.append(at))
    stage.empty("widowx")
    room = api.made["/room"]
    stage.show(made, "widowx")
    cube = api.made["/objects/red_cube"]
    x, y, yaw = made.placements[0]
    assert room.removed and cube.position == (x, y, 0.0) and cube.wxyz[0] == pytest.approx(math.cos(yaw / 2))
    api.made["/objects/red_cube/mesh"].move(0)
    assert picked == ["red_cube"]
    stage.select("red_cube")
    handles = api.made["/handles"]
    handles.position, handles.wxyz = (0.4, 0.1, 0.0), (math.cos(0.25), 0.0, 0.0, math.sin(0.25))
    handles.heard[0](SimpleNamespace(phase="end"))
    assert placed == [("red_cube", 0.4, 0.1, pytest.approx(0.5), True)]
    stage.show(made, "panda")
    assert api.made["/objects/red_cube"] is cube and not cube.removed, "what is the same stays"
    links = {f"/robot/{link.name}" for link in get_robot("panda").model.links}
    assert links <= {name for name, node in api.made.items() if not node.removed}


def test_joints_of_robot_and_things_are_sliders(made: BuiltScene, session: Session) -> None:
    session._scene = scene = with_a_lid(made)
    api, gui = Viser(), Viser()
    stage = Stage(api, lambda name: None, lambda *at: None)
    stage.show(scene, "widowx")
    joints = JointSliders(gui, Node(), stage)
    joints.show(session)
    assert list(gui.made)[:2] == ["waist, °", "shoulder, °"] and list(gui.made)[-1] == "bowl: lid, °"
    before = {name: node.position for name, node in api.made.items()}
    gui.made["waist, °"].move(45.0)
    assert {name: node.position for name, node in api.made.items()} != before
    gui.made["bowl: lid, °"].move(90.0)
    lid, bowl = api.made["/parts/bowl/lid"], api.made["/objects/bowl"]
    # A quarter turn about an axis 10 cm above the origin: 10 cm back along the bowl's own x, and 10 cm up.
    yaw = scene.placements[1][2]
    moved = np.subtract(lid.position, bowl.position)
    assert moved == pytest.approx((-0.1 * math.cos(yaw), -0.1 * math.sin(yaw), 0.1), abs=1e-6)
    joints.reset()
    assert lid.position == pytest.approx(bowl.position) and lid.wxyz == pytest.approx(bowl.wxyz)
    # A slider goes in steps, so that the robot is back but for half a millimetre.
    assert all(node.position == pytest.approx(before[name], abs=1e-3) for name, node in api.made.items())


# The page


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    pytest.importorskip("viser")
    from gen3d_envs.studio.page import Studio

    monkeypatch.setenv("GEN3D_SCENES", str(tmp_path / "scenes"))
    running = Studio(port=0)
    yield running
    running.close()


def test_the_studio_needs_its_extra(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "viser", None)
    assert main(["studio", "--no-browser"]) == 1
    assert "gen3d-envs[viewer]" in capsys.readouterr().err
    assert main(["view", "Nothing", "--no-browser"]) == 1


def test_the_studio_listens_to_this_computer_only(studio: object) -> None:
    address = studio.address  # type: ignore[attr-defined]
    match = re.fullmatch(r"http://127\.0\.0\.1:(\d+)", address)
    assert match
    port = int(match.group(1))
    with socket.create_connection(("127.0.0.1", port), timeout=5):
        pass
    others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), port, socket.AF_INET)} - {"127.0.0.1"}
    for other in sorted(str(o) for o in others if not str(o).startswith("127.")):
        with pytest.raises(OSError, match="refused"):
            socket.create_connection((other, port), timeout=5)


def press(page: Page, label: str) -> None:
    """Press the button with this label, when it can be pressed."""
    found = f"[...document.querySelectorAll('button:not([disabled])')].find(e => e.innerText === {label!r})"
    page.wait(found)
    page.evaluate(f"{found}.click()")


def write(page: Page, sentence: str) -> None:
    """Type a sentence into the first line of the page."""
    field = "document.querySelector('form input[type=text], form input:not([type])')"
    page.wait(f"{field} && window.lettersFirst")
    page.evaluate(f"({field}.focus(), {field}.select())")
    page.type(sentence)
    assert page.evaluate(f"{field}.value") == sentence


def told(page: Page) -> str:
    return str(page.evaluate("document.querySelector('[role=status]').innerText"))


def test_what_is_not_understood_is_said_and_the_nearest_offered(browser: Browser, studio: object) -> None:
    page = browser.open(studio.address, 700, 500)  # type: ignore[attr-defined]
    write(page, "pour the water into the cup")
    page.press("Enter")
    page.wait("document.querySelector('[role=status]').innerText.includes('pour')")
    assert "liquid" in told(page) and "nearest" in told(page) and "Traceback" not in told(page)
    page.wait("[...document.querySelectorAll('button')].some(e => e.innerText === 'pick up the cup')")
    assert all(address.startswith(studio.address) for address in page.requests)  # type: ignore[attr-defined]
    # The one warning is the viewer library's own about a library of its own.
    assert [line for line in page.errors if "THREE.Clock" not in line] == []
    page.close()


@pytest.mark.slow
def test_a_sentence_becomes_a_scene_that_trains(browser: Browser, studio: object, tmp_path: Path) -> None:
    page = browser.open(studio.address, 900, 600)  # type: ignore[attr-defined]
    write(page, SENTENCE)
    press(page, "Build it")
    page.wait("document.querySelector('[role=status]').innerText.includes('works')", 60)
    picture = page.pixels("canvas")[:, :400]
    assert picture.std() > 25, "the scene is seen"
    press(page, "Play")
    page.wait("document.querySelector('[role=status]').innerText.includes('Playing')", 60)
    moving = page.pixels("canvas")[:, :400]
    page.wait("document.querySelector('[role=status]').innerText.includes('ended in')", 120)
    assert "success" in told(page)
    assert np.abs(moving.astype(int) - page.pixels("canvas")[:, :400]).mean() > 0.3
    press(page, "Save")
    page.wait("document.querySelector('[data-code]')", 60)
    code = page.text("[data-code]")
    assert "Saved as Gen3D/PutRedCubeInBowl-" in told(page)
    printed = run_python(code + "\nprint(info['instruction']); env.close()", GEN3D_SCENES=os.environ["GEN3D_SCENES"])
    assert printed.strip() == SENTENCE
    assert [line for line in page.errors if "THREE.Clock" not in line] == []
    page.close()


@pytest.mark.slow
def test_an_object_is_picked_and_moved_by_hand(
    browser: Browser, made: BuiltScene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("viser")
    from gen3d_envs.author import save_scene
    from gen3d_envs.studio.page import Studio
    from gen3d_envs.studio.stage import HANDLES_ABOVE_M, handle_size

    monkeypatch.setenv("GEN3D_SCENES", str(tmp_path / "kept"))
    running = Studio(port=0, scene=str(save_scene(made, tmp_path)))
    try:
        page = browser.open(running.address, 900, 600)
        page.wait("document.querySelector('[role=status]')?.innerText.includes('This is')")
        browser.poll(2.0)
        x, y, yaw = made.placements[0]
        page.click_at(*pixel_of(page, (x, y, 0.02)))
        page.wait("[...document.querySelectorAll('input')].some(e => e.value === 'red cube')")
        browser.poll(1.0)
        # The square between the two arrows is moved along the table.
        a = 0.29 * handle_size(made, 0)
        z = made.assets[0].size_m[2] + HANDLES_ABOVE_M
        grip = (x + a * (math.cos(yaw) - math.sin(yaw)), y + a * (math.sin(yaw) + math.cos(yaw)), z)
        start, goal = pixel_of(page, grip), pixel_of(page, (grip[0] + 0.03, grip[1] - 0.05, z))
        page.drag(start, goal[0] - start[0], goal[1] - start[1])
        page.wait("document.querySelector('[role=status]').innerText.includes('is moved')")
        page.wait("document.body.innerText.includes('Not measured since it was changed')")
        press(page, "Save")
        page.wait("document.querySelector('[data-code]')", 60)
        (card,) = (Path(os.environ["GEN3D_SCENES"])).glob("PutRedCubeInBowl-*.json")
        pose = read_card(card).object("red_cube").pose
        assert pose is not None and (pose.x_m - x, pose.y_m - y) == pytest.approx((0.03, -0.05), abs=0.008)
        page.close()
    finally:
        running.close()


def pixel_of(page: Page, point: tuple[float, float, float]) -> tuple[float, float]:
    """Where a point of the scene, m, is on the canvas in the first view."""
    from gen3d_envs.studio.stage import EYE_M, FOV_RAD, LOOK_AT_M

    size = "(r => [r.width, r.height])(document.querySelector('canvas').getBoundingClientRect())"
    width, height = page.evaluate(size)
    eye = np.array(EYE_M)
    ahead = (np.array(LOOK_AT_M) - eye) / np.linalg.norm(np.array(LOOK_AT_M) - eye)
    right = np.cross(ahead, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    away = np.array(point) - eye
    scale = height / 2 / math.tan(FOV_RAD / 2) / (away @ ahead)
    return width / 2 + scale * (away @ right), height / 2 - scale * (away @ np.cross(right, ahead))


@pytest.mark.slow
def test_view_opens_on_one_scene_with_sliders(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("viser")
    from gen3d_envs.studio.page import Studio

    running = Studio(port=0, scene=scene_names()[0])
    try:
        page = browser.open(running.address, 900, 700)
        page.wait("document.body.innerText.includes('Joints')")
        page.wait("[...document.querySelectorAll('input')].length > 10")
        page.wait("document.querySelector('canvas')")
        for word in ("waist", "left finger", "Places, ± cm", "Turns, ± °"):
            assert word in page.evaluate("document.body.innerText"), word
        page.wait("document.querySelector('[role=status]').innerText.includes('This is')")
        browser.poll(2.0)
        before = page.pixels("canvas")[:, :400]
        assert before.std() > 25
        slider = "[...document.querySelectorAll('[role=slider]')].at(-8)"
        page.evaluate(f"{slider}.focus()")
        for _ in range(30):
            page.press("ArrowRight")
        browser.poll(2.0)
        assert np.abs(before.astype(int) - page.pixels("canvas")[:, :400]).mean() > 0.3, "the arm has turned"
        page.close()
    finally:
        running.close()
