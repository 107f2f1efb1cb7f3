"""Pictures and films made for people: smoother and with a wider view than what policies see."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.assets.articulated import merged
from gen3d_envs.assets.asset import Asset
from gen3d_envs.cameras import camera_specs, scene_view
from gen3d_envs.env import Gen3DEnv
from gen3d_envs.experts.scripted import ScriptedExpert
from gen3d_envs.geometry import from_yaw
from gen3d_envs.rollout import Episode, Policy, RandomPolicy, run_episode
from gen3d_envs.sim.view import CameraSpec, LightSpec, SceneView, VisualMesh, VisualNode

OVERVIEW = CameraSpec(
    name="overview", position_m=(1.08, -0.84, 0.66), forward=(-0.684, 0.661, -0.316),
    fov_x_rad=math.radians(57.0), fov_y_rad=2 * math.atan(0.75 * math.tan(math.radians(28.5))),
)  # fmt: skip
"""Sees the whole of either arm, up to 0.75 m, and all objects, from ahead of the robot and to its right; 4:3."""

FILM_HZ = 20
"""Control and picture rate of films: 5 Hz control is choppy to look at."""

FILM_END_S = 1.0
"""The film goes on for this long after the episode's end, so that one sees that things stay where they are."""

PAPER = (236, 238, 241)
"""Background of the pictures of single assets, sRGB."""

Picture = NDArray[np.uint8]


class Photographer:
    """Takes pictures of an environment's current state, without its observation cameras being touched.

    Cameras: ``overview`` and those of the environment, ``front`` and ``wrist``.
    """

    def __init__(self, env: Gen3DEnv) -> None:
        from gen3d_envs.sim.camera import Camera

        self._env, self._scene = env, env.scene
        self._camera = Camera(scene_view(env.scene, env.robot, (OVERVIEW, *camera_specs(env.robot))))
        self.renderer = self._camera.renderer

    def shoot(self, camera: str, width: int, height: int, samples: int = 2) -> Picture:
        """A picture of the state now, ``(height, width, 3)`` uint8, with ``samples`` squared samples per pixel."""
        env = self._env
        for link, pose in zip(env.robot.model.links, env.world.link_poses(), strict=True):
            self._camera.set_pose(f"robot/{link.name}", *pose)
        for index, item in enumerate(self._scene.spec.objects):
            self._camera.set_pose(f"object/{item.name}", *env.world.body_pose(index))
        return self._camera.render(camera, width, height, samples)

    def film_frame(self) -> Picture:
        """One frame of a film, ``(480, 960, 3)`` uint8: the overview, and what the robot's two cameras see."""
        frame = np.empty((480, 960, 3), np.uint8)
        frame[:, :640] = self.shoot("overview", 640, 480)
        frame[:240, 640:] = self.shoot("front", 320, 240)
        # The wrist camera is square: keep its middle rather than squeeze it.
        frame[240:, 640:] = self.shoot("wrist", 320, 320)[40:280]
        frame[:, 639:641] = frame[239:241, 640:] = 24
        return frame

    def close(self) -> None:
        """Give the camera back."""
        self._camera.close()


def film(env: Gen3DEnv, policy: str, seed: int, photographer: Photographer | None = None) -> Iterator[Picture]:
    """Frames of one episode and of the second after it; ``env.control_hz`` of them per simulated second.

    Args:
        env: reset by this function.
        policy: see :func:`make_policy`.
        seed: of the reset.
        photographer: of this environment and scene; a new one where None.
    """
    # run_episode calls back; a film is pulled. Acting here keeps frames from piling up in memory.
    observation, info = env.reset(seed=seed)
    actor = make_policy(policy, env, seed)
    actor.reset(info["instruction"])
    own = photographer is None
    eye = photographer or Photographer(env)
    try:
        yield eye.film_frame()
        done = False
        while not done:
            observation, _, terminated, truncated, _ = env.step(actor.act(observation))
            done = terminated or truncated
            yield eye.film_frame()
        for _ in range(round(FILM_END_S * env.control_hz)):
            env.hold(1.0 / env.control_hz)
            yield eye.film_frame()
    finally:
        if own:
            eye.close()


def find_success(env: Gen3DEnv, policy: str = "expert", tries: int = 5) -> Episode:
    """The first successful episode of the seeds 0, 1, ...; the last one tried where none succeeds."""
    for seed in range(tries):
        episode = run_episode(env, make_policy(policy, env, seed), seed=seed)
        if episode.success:
            break
    return episode


def make_policy(name: str, env: Gen3DEnv, seed: int) -> Policy:
    """``"expert"`` or ``"random"``."""
    return ScriptedExpert(env) if name == "expert" else RandomPolicy(env.action_space, seed)


def asset_picture(asset: Asset, width: int = 320, height: int = 240, yaw_rad: float = -2.2) -> Picture:
    """An asset alone on paper, filling the picture, ``(height, width, 3)`` uint8.

    By default its longer side points to the right and a little towards the viewer, so that handles show.
    """
    from gen3d_envs.sim.camera import Camera

    asset = merged(asset)
    low, high = asset.vertices.min(axis=0).astype(float), asset.vertices.max(axis=0).astype(float)
    radius = max(0.01, float(np.linalg.norm(high - low)) / 2)
    fov_y = math.radians(24.0)
    distance = 1.02 * radius / math.sin(fov_y / 2)
    pitch = math.radians(32.0)
    middle_z = float(low[2] + high[2]) / 2
    eye = CameraSpec(
        name="eye",
        position_m=(-distance * math.cos(pitch), 0.0, middle_z + distance * math.sin(pitch)),
        forward=(math.cos(pitch), 0.0, -math.sin(pitch)),
        fov_x_rad=2 * math.atan(math.tan(fov_y / 2) * width / height),
        fov_y_rad=fov_y,
        near_m=distance / 50,
        far_m=distance * 20,
    )
    size = distance * 8
    floor = VisualMesh(
        np.array([(-size, -size, 0), (size, -size, 0), (size, size, 0), (-size, size, 0)], np.float32),
        np.array([(0, 1, 2), (0, 2, 3)], np.int32),
        np.full((4, 3), PAPER, np.uint8),
    )
    thing = VisualNode("asset", VisualMesh(asset.vertices, asset.faces, asset.colors), 2, casts_shadow=True)
    light = LightSpec(ambient=(0.48, 0.48, 0.48), directional=(0.62, 0.62, 0.62), direction=(0.45, -0.35, -0.84))
    view = SceneView(
        static=(VisualNode("paper", floor),), moving=(thing,), cameras=(eye,), light=light,
        sky=(PAPER[0] / 255, PAPER[1] / 255, PAPER[2] / 255),
    )  # fmt: skip
    camera = Camera(view)
    try:
        camera.set_pose("asset", (0.0, 0.0, 0.0), from_yaw(yaw_rad))
        return camera.render("eye", width, height, 4)
    finally:
        camera.close()


def png(picture: Picture) -> bytes:
    """A picture as the bytes of a PNG file."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", optimize=False, compress_level=7)
    return buffer.getvalue()
