"""The page of the studio: what is typed and clicked, in viser. What it does is in :mod:`session`."""

from __future__ import annotations

import contextlib
import io
import math
import threading
import time
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from gen3d_envs.build import BuiltScene
from gen3d_envs.design.text import EXAMPLES
from gen3d_envs.errors import EngineUnavailable, FieldError, Gen3DError
from gen3d_envs.gallery.words import findings, robot_words, verdict
from gen3d_envs.geometry import from_yaw
from gen3d_envs.pictures import FILM_HZ
from gen3d_envs.robots import ROBOTS, get_robot
from gen3d_envs.studio.html import code_box, letters_first, message, table
from gen3d_envs.studio.joints import JointSliders
from gen3d_envs.studio.nearest import MOST, explain, nearest
from gen3d_envs.studio.session import Saved, Session
from gen3d_envs.studio.stage import EYE_M, FOV_RAD, LOOK_AT_M, Stage
from gen3d_envs.studio.worker import Worker
from gen3d_envs.tasks.base import OUTCOMES

HOST = "127.0.0.1"
"""The studio is for the person at this computer, nobody else."""

NO_EXAMPLE = "or choose an example"
NO_SWAP = "choose a thing"
STARTS = 100
"""How many starts can be chosen; each is the seed of a reset."""


class Studio:
    """A running studio.

    Args:
        port: where to listen; 0 takes any free one.
        scene: name, ID or card to open; None starts with an empty table.
        robot: who works in the scenes; the opened scene's own where one is given.

    Raises:
        EngineUnavailable: viser is not installed.
        SceneError: the scene cannot be opened.
        OSError: no port is free.
    """

    def __init__(self, port: int = 8080, scene: str | None = None, robot: str = "widowx") -> None:
        try:
            import viser
        except ImportError:
            raise EngineUnavailable("The studio needs viser: pip install 'gen3d-envs[viewer]'") from None
        get_robot(robot)
        self._session = Session(robot)
        if scene is not None:
            self._session.open(scene)
        with contextlib.redirect_stdout(io.StringIO()):  # viser greets, whatever it is told
            self._server: Any = viser.ViserServer(host=HOST, port=port, label="Gen3D studio", verbose=False)
        self._worker = Worker(self._failed, self._set_busy)
        self._seed = 0
        self._selected: str | None = None
        self._saved: Saved | None = None
        self._server.gui.configure_theme(
            show_logo=False, show_share_button=False, brand_color=(36, 88, 214), control_width="large"
        )
        self._server.gui.main_panel.dock_right()
        camera = self._server.initial_camera
        camera.position, camera.look_at, camera.up, camera.fov = EYE_M, LOOK_AT_M, (0.0, 0.0, 1.0), FOV_RAD
        self._stage = Stage(self._server.scene, self._pick, self._hand)
        self._controls: list[Any] = []
        self._build_page(opened=scene is not None)
        if scene is not None:
            self._worker.submit(self._show)
            self._say("note", f"This is “{self._session.scene.spec.instruction}”.")
        else:
            self._worker.submit(lambda: self._stage.empty(robot))
            self._say("note", "Type what the robot should do, in English, and press <b>Build it</b>.", html=True)

    @property
    def address(self) -> str:
        """What to open in a browser."""
        return f"http://{HOST}:{self._server.get_port()}"

    def wait(self) -> None:
        """Serve until the program is interrupted."""
        self._server.sleep_forever()

    def close(self) -> None:
        """End the studio."""
        self._worker.close()
        # viser waits for seconds for pages that do not say goodbye; nobody else has to.
        ending = threading.Thread(target=self._server.stop, daemon=True)
        ending.start()
        ending.join(1.0)

    # The page

    def _build_page(self, opened: bool) -> None:
        gui = self._server.gui
        gui.add_html(letters_first())
        self._status = gui.add_html("")
        with gui.add_form("1. What should the robot do?", expand_by_default=not opened) as form:
            self._sentence = gui.add_text("In words", EXAMPLES[0])
            self._example = gui.add_dropdown("Examples", (NO_EXAMPLE, *EXAMPLES))
            self._robot = gui.add_dropdown(
                "Robot", tuple(robot_words(name) for name in ROBOTS), initial_value=robot_words(self._session.robot)
            )
            self._button("Build it", self._make, color="blue")
            self._button("Build another one", self._make_another, "The same sentence, other things in other places")
            self._offers = [gui.add_button("", visible=False, color="teal") for _ in range(MOST)]
        with gui.add_folder("2. Change it", expand_by_default=not opened):
            gui.add_html(message("Click a thing in the picture, then drag its arrows or its ring.", "note", bare=True))
            self._thing = gui.add_dropdown("Thing", ("none",))
            self._swap_for = gui.add_dropdown("Swap for", (NO_SWAP,))
            self._button("Another one like it", self._another)
            self._complaints = gui.add_html("")
        with gui.add_folder("3. Does it work?"):
            self._proof = gui.add_html("")
            self._button("Measure", self._measure, "At rest, reachable, visible, and done by a scripted robot")
        with gui.add_folder("4. Watch"):
            self._who = gui.add_dropdown("Who acts", ("scripted robot", "random motion"))
            self._start = gui.add_slider("Start", 0, STARTS - 1, 1, 0, hint="Every start puts things elsewhere")
            self._button("Play", self._play, color="blue")
            self._stop = gui.add_button("Stop", visible=False, color="red")
        with gui.add_folder("5. How different each start is", expand_by_default=opened):
            self._spread_m = gui.add_slider("Places, ± cm", 0.0, 15.0, 0.5, 3.0)
            self._spread_rad = gui.add_slider("Turns, ± °", 0, 180, 5, 180)
            self._button("Show the start", self._show_start)
            self._button("Put everything back", self._home)
        folder = gui.add_folder("6. Joints", expand_by_default=opened)
        self._joints = JointSliders(gui, folder, self._stage)
        with gui.add_folder("7. Keep it"):
            self._button("Save", self._save, color="green")
            self._code = gui.add_html("")
        form.on_submit(lambda event: self._worker.submit(self._make))  # Enter in the line
        self._connect()
        self._joints.show(self._session)

    def _button(self, label: str, job: Callable[[], None], hint: str | None = None, color: Any = None) -> None:
        button = self._server.gui.add_button(label, hint=hint, color=color)
        button.on_click(lambda event: self._worker.submit(job))
        self._controls.append(button)

    def _connect(self) -> None:
        """What happens when something is chosen. Values that the program sets itself come without a client."""

        def chosen(handle: Any, act: Callable[[Any], None]) -> None:
            handle.on_update(lambda event: act(handle.value) if event.client is not None else None)

        chosen(self._example, self._take_example)
        chosen(self._robot, lambda value: self._worker.submit(self._change_robot))
        chosen(self._thing, self._pick_by_words)
        chosen(self._swap_for, lambda value: self._worker.submit(self._swap))
        for handle in (self._spread_m, self._spread_rad):
            chosen(handle, lambda value: self._worker.submit(self._spread))
        self._stop.on_click(lambda event: self._worker.interrupt())
        for offer in self._offers:
            offer.on_click(lambda event: self._take_offer(event.target.label))

    # Messages

    def _say(self, tone: str, text: str, html: bool = False) -> None:
        self._status.content = message(text if html else escape(text), tone)

    def _failed(self, error: Exception) -> None:
        """Any error as a message; what the session held is as it was."""
        self._say("bad", explain(error))
        if self._session.has_scene and self._selected is not None:
            self._stage.show(self._session.scene, self._session.robot)

    def _set_busy(self, busy: bool) -> None:
        for control in self._controls:
            control.disabled = busy

    # Making

    def _take_example(self, value: str) -> None:
        if value != NO_EXAMPLE:
            self._sentence.value = value
            self._worker.submit(self._make)

    def _take_offer(self, label: str) -> None:
        self._sentence.value = label
        self._worker.submit(self._make)

    def _offer(self, sentences: Sequence[str]) -> None:
        for index, button in enumerate(self._offers):
            button.visible = index < len(sentences)
            if index < len(sentences):
                button.label = sentences[index]

    def _make(self) -> None:
        self._seed = 0
        self._build()

    def _make_another(self) -> None:
        self._seed += 1
        self._build()

    def _build(self) -> None:
        sentence = str(self._sentence.value)
        self._offer(())
        try:
            self._session.make(sentence, self._seed, self._preview, lambda text: self._say("busy", text + " …"))
        except Gen3DError as error:
            offers = nearest(sentence)
            self._offer(offers)
            ending = " The nearest I can do is below." if offers else ""
            self._say("bad", explain(error) + ending)
            return
        self._selected = None
        self._show()
        spec = self._session.scene.spec
        unsure = "".join(f"<br>I was not sure: {escape(line)}." for line in spec.warnings)
        self._say("good", f"Done: “{escape(spec.instruction)}” works. {unsure}", html=True)
        hints = [line for line in spec.warnings if "did you mean" in line]
        self._offer(nearest(sentence)[:1] if hints else ())

    def _preview(self, scene: BuiltScene) -> None:
        self._stage.show(scene, self._session.robot)

    def _show(self) -> None:
        """Bring everything on the page in line with the session."""
        session = self._session
        scene = session.scene
        self._stage.show(scene, session.robot)
        names = [item.description for item in scene.spec.objects]
        self._thing.options = ("none", *names)
        self._spread_m.value = round(100 * scene.spec.placement.position_m * 2) / 2
        self._spread_rad.value = round(math.degrees(scene.spec.placement.yaw_rad))
        self._show_selected()
        certificate = session.certificate
        certificates = (certificate,) if certificate is not None else ()
        words = verdict(certificates) if certificates else "Not measured since it was changed."
        tone = "note" if not certificates else "good" if certificates[0].passed else "bad"
        self._proof.content = message(escape(words), tone) + (table(findings(certificates[0])) if certificates else "")
        self._complaints.content = "".join(message(escape(line), "bad") for line in session.complaints())
        self._saved = None
        self._code.content = ""
        self._joints.show(session)

    # Changing

    def _pick(self, name: str) -> None:
        self._selected = name
        self._worker.submit(self._show_selected)

    def _pick_by_words(self, words: str) -> None:
        names = [item.name for item in self._session.scene.spec.objects if item.description == words]
        self._selected = names[0] if names else None
        self._worker.submit(self._show_selected)

    def _show_selected(self) -> None:
        spec = self._session.scene.spec
        if self._selected not in [item.name for item in spec.objects]:
            self._selected = None
        name = self._selected
        self._thing.value = "none" if name is None else spec.object(name).description
        options = [] if name is None else self._session.choices(name)
        self._swap_for.options = (NO_SWAP, *(option.replace("_", " ") for option in options))
        self._swap_for.value = NO_SWAP
        self._stage.select(name)

    def _hand(self, name: str, x_m: float, y_m: float, yaw_rad: float, released: bool) -> None:
        """An object is being moved in the picture."""
        self._stage.place(name, x_m, y_m, yaw_rad)
        if released:
            self._worker.submit(lambda: self._moved(name, x_m, y_m, yaw_rad))

    def _moved(self, name: str, x_m: float, y_m: float, yaw_rad: float) -> None:
        self._session.move(name, x_m, y_m, yaw_rad)
        self._show()
        self._say(
            "note", f"The {self._session.scene.spec.object(name).description} is moved. Measure to see if it works."
        )

    def _change_robot(self) -> None:
        self._session.robot = next(name for name in ROBOTS if robot_words(name) == self._robot.value)
        if self._session.has_scene:
            self._show()

    def _chosen(self) -> str:
        if self._selected is None:
            raise FieldError("thing", "Nothing", "is chosen", "Click a thing in the picture first")
        return self._selected

    def _another(self) -> None:
        index = self._session.scene.index(self._chosen())
        self._session.another(self._chosen())
        self._after_swap(index)

    def _swap(self) -> None:
        value = str(self._swap_for.value)
        if value != NO_SWAP:
            index = self._session.scene.index(self._chosen())
            self._session.swap(self._chosen(), value.replace(" ", "_"))
            self._after_swap(index)

    def _after_swap(self, index: int | None) -> None:
        spec = self._session.scene.spec
        self._selected = spec.objects[index or 0].name
        self._sentence.value = spec.instruction
        self._show()
        self._say("note", f"Now it is “{spec.instruction}”. Measure to see if it works.")

    def _spread(self) -> None:
        self._session.spread(self._spread_m.value / 100, math.radians(self._spread_rad.value))
        self._show()

    def _show_start(self) -> None:
        places = self._session.draw(int(self._start.value))
        heights = [item.pose.z_m for item in self._session.scene.spec.objects if item.pose is not None]
        self._stage.select(None)
        self._stage.pose(None, [((x, y, z), from_yaw(yaw)) for (x, y, yaw), z in zip(places, heights, strict=True)])
        self._say("note", f"This is how start {self._start.value} looks.")

    def _home(self) -> None:
        self._show()
        self._joints.reset()

    # Measuring, watching, keeping

    def _measure(self) -> None:
        certificate = self._session.measure(lambda text: self._say("busy", text + " …"))
        self._show()
        self._say("good" if certificate.passed else "bad", verdict((certificate,)))

    def _play(self) -> None:
        who = "expert" if self._who.value == "scripted robot" else "random"
        self._stage.select(None)
        self._stop.visible = True
        outcome, due = "", time.perf_counter()
        try:
            for frame in self._session.play(who, int(self._start.value)):
                outcome = frame.outcome
                with self._server.atomic():
                    self._stage.pose(frame.links, frame.objects, frame.parts)
                due = max(due + 1.0 / FILM_HZ, time.perf_counter() - 0.2)
                self._say("busy", f"Playing: {OUTCOMES.get(outcome, outcome)} …")
                if self._worker.stopping:
                    break
                time.sleep(max(0.0, due - time.perf_counter()))
        finally:
            self._stop.visible = False
        tone = "good" if outcome == "success" else "note"
        self._say(tone, f"It ended in: {outcome.replace('_', ' ')} ({OUTCOMES.get(outcome, '')}).")

    def _save(self) -> None:
        if self._session.certificate is None:
            self._measure()
        passed = self._session.certificate is not None and self._session.certificate.passed
        saved = self._saved = self._session.save()
        self._code.content = code_box(saved.code)
        where = f" in {saved.path.parent}" if saved.path.name else ""
        warning = "" if passed else " It does not pass its checks, so training in it may not work."
        self._say("good" if passed else "bad", f"Saved as {saved.env_id}{where}.{warning}")
