"""What the studio does, without a page: a scene that is designed, changed, measured, watched and saved.

A :class:`Session` is used by one thread at a time. Every change gives a new scene; what fails leaves the old one.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gen3d_envs.assets.asset import Quaternion, Vector
from gen3d_envs.author import author, named, save_scene
from gen3d_envs.build import BuiltScene, build, seeded
from gen3d_envs.certify import certify
from gen3d_envs.design.layout import REACH, Placement, in_view, lay_out, vary
from gen3d_envs.design.rules import design
from gen3d_envs.env import Gen3DEnv
from gen3d_envs.errors import FieldError, LayoutError, SceneError
from gen3d_envs.pictures import FILM_END_S, FILM_HZ, make_policy
from gen3d_envs.registration import load_card, register_scene, released, user_folder
from gen3d_envs.sim.engines import DEFAULT
from gen3d_envs.spec import BACK_M, Certificate, ObjectSpec, PlacementSpec, Pose, SceneSpec, replace
from gen3d_envs.studio.changes import choices, free_name, overlaps, renamed, reworded, stand_in, with_object

Show = Callable[[BuiltScene], None]
Say = Callable[[str], None]

STAGES = {
    "design": "Reading the sentence", "assets": "Making the objects", "certify": "Measuring",
    "repair": "That did not pass; trying another arrangement",
}  # fmt: skip
"""Stages of the way from a sentence to a scene in plain words."""


@dataclass(frozen=True)
class Frame:
    """A moment of an episode: poses in the scene frame, position in m and orientation xyzw.

    Attributes:
        links: of the robot, in the model's order.
        objects: in the scene's order.
        parts: of each object, those of its parts.
        outcome: what one would write down if the episode ended now.
        last: whether the episode has ended.
    """

    links: tuple[tuple[Vector, Quaternion], ...]
    objects: tuple[tuple[Vector, Quaternion], ...]
    parts: tuple[tuple[tuple[Vector, Quaternion], ...], ...]
    outcome: str
    last: bool = False


@dataclass(frozen=True)
class Saved:
    """A scene that was kept: its card, its Gymnasium ID, and the lines of Python that make it."""

    path: Path
    env_id: str
    code: str


class Session:
    """One scene and what can be done with it.

    Args:
        physics: engine that scenes are measured and played in.

    Attributes:
        robot: who works in the scene.
    """

    def __init__(self, robot: str = "widowx", physics: str = DEFAULT) -> None:
        self.robot = robot
        self._physics = physics
        self._scene: BuiltScene | None = None
        self._folder: Path | None = None

    @property
    def scene(self) -> BuiltScene:
        """The scene as it is now.

        Raises:
            SceneError: there is none yet.
        """
        if self._scene is None:
            raise SceneError("scene", None, "There is no scene yet", "Type a sentence first")
        return self._scene

    @property
    def has_scene(self) -> bool:
        """Whether there is a scene."""
        return self._scene is not None

    @property
    def certificate(self) -> Certificate | None:
        """The certificate of the scene as it is now with this robot; None where it was not measured since a change."""
        for certificate in self.scene.spec.certificates:
            if certificate.robot == self.robot and certificate.scene_hash == self.scene.hash:
                return certificate
        return None

    # Making

    def make(self, sentence: str, seed: int = 0, show: Show | None = None, say: Say | None = None) -> BuiltScene:
        """Design, build and certify a scene.

        Args:
            sentence: what the robot is to do.
            seed: draws what the sentence leaves open.
            show: called with the scene as soon as it can be looked at, and again when it changed.
            say: called with what is being done, in plain words.

        Raises:
            DesignError: the sentence cannot be understood or built.
            CertificateError: nothing that was tried passed.
        """
        tell = say or (lambda text: None)
        tell(STAGES["design"])
        spec = design(sentence, seed=seed, robot=self.robot)
        tell(f"{STAGES['assets']}: {', '.join(item.description for item in spec.objects)}")
        if show is not None:
            with contextlib.suppress(LayoutError):  # The author below tries other arrangements.
                show(named(build(spec)))

        def progress(stage: str, text: str) -> None:
            stage = stage.partition(" ")[0]
            tell(STAGES[stage] if stage in ("design", "repair") else f"{STAGES.get(stage, stage)}: {text}")

        authored = author(sentence, seed, (self.robot,), self._physics, progress)
        self._scene, self._folder = authored.scene, None
        if show is not None:
            show(authored.scene)
        return authored.scene

    def open(self, scene: str) -> BuiltScene:
        """Open a scene by name, ID or path of a card; errors as in ``registration.load_card``."""
        card, path = load_card(scene)
        self._scene, self._folder = build(card, Path(path).parent), Path(path).parent
        self.robot = card.robot
        return self._scene

    # Changing

    def _change(self, spec: SceneSpec) -> BuiltScene:
        """Take a changed scene: other content has another name, and no certificate yet."""
        self._scene = named(build(replace(spec, certificates=()), self._folder))
        return self._scene

    def move(self, name: str, x_m: float, y_m: float, yaw_rad: float) -> BuiltScene:
        """Put an object elsewhere; x, y and yaw in the scene frame.

        Raises:
            FieldError: a number that is not finite, or a place that is not on the support.
        """
        spec = self.scene.spec
        if not all(math.isfinite(v) for v in (x_m, y_m, yaw_rad)):
            raise FieldError("place", (x_m, y_m, yaw_rad), "is no place", "Give three numbers")
        if not (-BACK_M <= x_m <= spec.support.depth_m - BACK_M and abs(y_m) <= spec.support.width_m / 2):
            raise FieldError("place", (round(x_m, 3), round(y_m, 3)), "is beside the table", "Put it on the table")
        pose = spec.object(name).pose
        assert pose is not None  # built scenes are laid out
        yaw = math.remainder(yaw_rad, 2 * math.pi)
        moved = Pose(x_m=round(x_m, 6), y_m=round(y_m, 6), z_m=pose.z_m, yaw_rad=round(yaw, 6))
        return self._change(with_object(spec, name, replace(spec.object(name), pose=moved)))

    def another(self, name: str) -> BuiltScene:
        """The same kind of thing, but another one: drawn anew from the next seed.

        Raises:
            SceneError: the object is a mesh file, of which there is one.
        """
        item = self.scene.spec.object(name)
        if item.mesh is not None:
            raise SceneError("object", item.description, "comes from a file", "Swap it for another kind of thing")
        return self._replace(name, replace(item, seed=(item.seed + 1) % 2**53, asset_sha256=None))

    def choices(self, name: str) -> list[str]:
        """Categories that an object could be swapped for so that the task stays one that can be done, sorted."""
        return choices(self.scene.spec, name)

    def swap(self, name: str, category: str) -> BuiltScene:
        """Put another kind of thing in the place of an object; the instruction follows.

        Raises:
            FieldError: the category is none of :meth:`choices`.
        """
        spec = self.scene.spec
        item = spec.object(name)
        if category not in self.choices(name):
            raise FieldError("swap", category, f"cannot stand in for the {item.description}", "Choose one of the list")
        new = stand_in(spec, item, category)
        return self._replace(name, new)

    def _replace(self, name: str, new: ObjectSpec) -> BuiltScene:
        """Put a new object in the place of an old one, and elsewhere where it does not fit there."""
        spec = self.scene.spec
        old = spec.object(name)
        if new.description != old.description:
            new = replace(new, name=free_name(spec, new.description, name))
            spec = renamed(reworded(spec, old, new), name, new.name)
        spec = with_object(spec, new.name, new)
        scene = build(replace(spec, certificates=()), self._folder)
        if any(new.name in pair for pair in overlaps(scene)):
            loose = with_object(scene.spec, new.name, replace(scene.spec.object(new.name), pose=None))
            spec = lay_out(loose, scene.assets, seeded("studio", new.name, new.seed, new.category))
        else:
            spec = scene.spec
        return self._change(spec)

    def spread(self, position_m: float, yaw_rad: float) -> BuiltScene:
        """Set how far each episode's start may differ from the card's; m and rad."""
        return self._change(
            replace(self.scene.spec, placement=PlacementSpec(position_m=position_m, yaw_rad=min(yaw_rad, math.pi)))
        )

    def draw(self, seed: int) -> list[Placement]:
        """Where things stand at the start of the episode of a seed: what ``reset(seed=...)`` gives."""
        scene = self.scene
        return vary(scene.spec, scene.footprints, np.random.default_rng(seed))

    def complaints(self) -> list[str]:
        """What is plainly wrong with where things stand, in plain words; the certificate measures the rest."""
        scene = self.scene
        spec = scene.spec
        words = {item.name: item.description for item in spec.objects}
        found = [f"The {words[a]} and the {words[b]} are inside each other." for a, b in overlaps(scene)]
        for item, footprint, at in zip(spec.objects, scene.footprints, scene.placements, strict=True):
            corners, _ = footprint.placed(*at)
            low, high = corners.min(axis=0), corners.max(axis=0)
            if high[0] > spec.support.depth_m - BACK_M or max(-low[1], high[1]) > spec.support.width_m / 2:
                found.append(f"The {item.description} sticks out over the edge of the table.")
            if item.role != "distractor" and not REACH.holds(at[0], at[1], -0.02):
                found.append(f"The {item.description} is out of the arm's reach.")
            elif not in_view(at[0], at[1]):
                found.append(f"The camera hardly sees the {item.description}.")
        return found

    # Measuring, watching, keeping

    def measure(self, say: Say | None = None) -> Certificate:
        """Certify the scene as it is; the certificate goes into its card."""
        scene = self.scene
        progress = None if say is None else (lambda text: say(f"{STAGES['certify']}: {text}"))
        certificate = certify(scene, self.robot, self._physics, progress)
        others = tuple(c for c in scene.spec.certificates if c.robot != self.robot and c.scene_hash == scene.hash)
        self._scene = BuiltScene(replace(scene.spec, certificates=(*others, certificate)), scene.assets)
        return certificate

    def play(self, policy: str = "expert", seed: int = 0) -> Iterator[Frame]:
        """An episode, ``FILM_HZ`` frames per simulated second; the world closes with the iterator.

        Args:
            policy: ``"expert"`` or ``"random"``.
            seed: of the reset.
        """
        scene = self.scene
        env = Gen3DEnv(scene=scene, robot=self.robot, physics=self._physics, obs_type="state", control_hz=FILM_HZ)
        try:
            observation, info = env.reset(seed=seed)
            actor = make_policy(policy, env, seed)
            actor.reset(info["instruction"])
            yield _frame(env, scene)
            done = False
            while not done:
                observation, _, terminated, truncated, _ = env.step(actor.act(observation))
                done = terminated or truncated
                yield _frame(env, scene)
            for _ in range(round(FILM_END_S * FILM_HZ)):
                env.hold(1.0 / FILM_HZ)
                yield _frame(env, scene)
            yield _frame(env, scene, last=True)
        finally:
            env.close()

    def save(self, folder: str | Path | None = None) -> Saved:
        """Keep the scene, measured or not, and register its ID.

        Args:
            folder: where to; the user's scene folder where None, so that the ID is there in every later program.

        Raises:
            OSError: the folder cannot be written.
        """
        scene = self.scene
        lines = "import gymnasium as gym, gen3d_envs\n\n{}\nobservation, info = env.reset(seed=0)"
        if released().get(scene.spec.name, {}).get("hash") == scene.hash:
            env_id = f"Gen3D/{scene.spec.name}-v0"
            return Saved(Path(), env_id, lines.format(f'env = gym.make("{env_id}")'))
        path = save_scene(scene, user_folder() if folder is None else folder)
        env_id = register_scene(path)
        if folder is None:
            made = f'env = gym.make("{env_id}")'
        else:
            made = f"env = gym.make(gen3d_envs.register_scene({str(path.resolve())!r}))"
        return Saved(path, env_id, lines.format(made))


def _frame(env: Gen3DEnv, scene: BuiltScene, last: bool = False) -> Frame:
    indices = range(len(scene.assets))
    objects = tuple(env.world.body_pose(index) for index in indices)
    parts = tuple(tuple(env.world.part_poses(index)) for index in indices)
    return Frame(tuple(env.world.link_poses()), objects, parts, env.status.outcome, last)
