"""Reality profiles: worlds that differ from the simulated one as a robot on a table would.

A profile perturbs physics, timing and cameras at every reset, within ranges that stand in a table. It is the stand-in
for hardware: a policy that was trained in one engine is tried in another one, under a profile that it never saw. The
ranges are chosen for what calibration of low-cost arms and cameras may leave over; they model no particular robot.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.episode import Episode
from gen3d_envs.errors import FieldError
from gen3d_envs.geometry import Vector
from gen3d_envs.sim.view import CameraSpec, LightSpec
from gen3d_envs.sim.world import Dynamics

Range = tuple[float, float]


@dataclass(frozen=True)
class Profile:
    """How far a perturbed world may lie from the simulated one.

    Every pair is a range that is drawn from uniformly at each reset; factors are drawn evenly in their logarithm.

    Attributes:
        mass, friction: factors, per object.
        support_friction, pad_friction: factors.
        stiffness, damping: factors on the gains of the arm's drives.
        grip: factor on the gripper's force.
        joint_friction: dry friction as a share of each joint's largest torque.
        latency_s: how late commands reach the drives.
        camera_m, camera_rad: largest offset along each axis, largest turn about each axis, per camera.
        focal: factor on the focal length, per camera.
        brightness, white_balance: factors on all channels, on each channel.
        gamma: exponent of the picture's tone curve.
        noise: standard deviation of the pixel noise, of 255.
    """

    mass: Range
    friction: Range
    support_friction: Range
    pad_friction: Range
    stiffness: Range
    damping: Range
    grip: Range
    joint_friction: Range
    latency_s: Range
    camera_m: float
    camera_rad: float
    focal: Range
    brightness: Range
    white_balance: Range
    gamma: Range
    noise: Range


def _about(factor: float) -> Range:
    return 1.0 / factor, factor


PROFILES: dict[str, Profile] = {
    "mild": Profile(
        mass=_about(1.1), friction=_about(1.1), support_friction=_about(1.1), pad_friction=_about(1.1),
        stiffness=_about(1.1), damping=_about(1.1), grip=_about(1.1), joint_friction=(0.0, 0.01),
        latency_s=(0.0, 0.02), camera_m=0.005, camera_rad=math.radians(0.5), focal=_about(1.01),
        brightness=_about(1.05), white_balance=_about(1.02), gamma=_about(1.05), noise=(0.0, 2.0),
    ),
    "medium": Profile(
        mass=_about(1.3), friction=_about(1.25), support_friction=_about(1.25), pad_friction=_about(1.25),
        stiffness=_about(1.3), damping=_about(1.3), grip=_about(1.25), joint_friction=(0.0, 0.03),
        latency_s=(0.02, 0.06), camera_m=0.015, camera_rad=math.radians(1.5), focal=_about(1.03),
        brightness=_about(1.15), white_balance=_about(1.06), gamma=_about(1.15), noise=(2.0, 5.0),
    ),
    "strong": Profile(
        mass=_about(1.8), friction=_about(1.6), support_friction=_about(1.6), pad_friction=_about(1.5),
        stiffness=_about(1.8), damping=_about(1.8), grip=_about(1.6), joint_friction=(0.0, 0.06),
        latency_s=(0.04, 0.12), camera_m=0.03, camera_rad=math.radians(3.0), focal=_about(1.05),
        brightness=_about(1.35), white_balance=_about(1.12), gamma=_about(1.3), noise=(5.0, 10.0),
    ),
}  # fmt: skip
"""Strengths by name, weakest first."""


class Reality:
    """The variation of a profile, see :data:`gen3d_envs.episode.Variation`.

    Args:
        profile: a name of :data:`PROFILES`.

    Raises:
        FieldError: no profile of this name.
    """

    def __init__(self, profile: str) -> None:
        if profile not in PROFILES:
            raise FieldError("reality", profile, "no such profile", f"Use one of {', '.join(PROFILES)}")
        self.name, self._profile = profile, PROFILES[profile]

    def __call__(self, episode: Episode, rng: np.random.Generator) -> Episode:
        """The episode in a world of its own; everything drawn stands in ``drawn`` under ``reality``."""
        p, count = self._profile, len(episode.scene.spec.objects)
        dynamics = Dynamics(
            masses=tuple(_factor(rng, p.mass) for _ in range(count)),
            frictions=tuple(_factor(rng, p.friction) for _ in range(count)),
            support_friction=_factor(rng, p.support_friction),
            pad_friction=_factor(rng, p.pad_friction),
            stiffness=_factor(rng, p.stiffness),
            damping=_factor(rng, p.damping),
            grip=_factor(rng, p.grip),
            joint_friction=rng.uniform(*p.joint_friction),
        )
        latency_s = rng.uniform(*p.latency_s)
        cameras = tuple(_moved(spec, p, rng) for spec in episode.cameras)
        brightness, gamma = _factor(rng, p.brightness), _factor(rng, p.gamma)
        balance = tuple(_factor(rng, p.white_balance) for _ in range(3))
        sensor = Sensor(gamma, balance, rng.uniform(*p.noise), int(rng.integers(2**32)))
        drawn: dict[str, Any] = {
            "profile": self.name, "masses": dynamics.masses, "frictions": dynamics.frictions,
            "support_friction": dynamics.support_friction, "pad_friction": dynamics.pad_friction,
            "stiffness": dynamics.stiffness, "damping": dynamics.damping, "grip": dynamics.grip,
            "joint_friction": dynamics.joint_friction, "latency_s": latency_s, "brightness": brightness,
            "gamma": gamma, "white_balance": balance, "noise": sensor.noise,
            "cameras": {spec.name: (spec.position_m, spec.forward) for spec in cameras},
        }  # fmt: skip
        return replace(
            episode,
            dynamics=dynamics,
            latency_s=latency_s,
            cameras=cameras,
            light=_brighter(episode.light, brightness),
            effects=(*episode.effects, sensor),
            drawn={**episode.drawn, "reality": drawn},
        )


@dataclass(frozen=True)
class Sensor:
    """A camera's tone curve, white balance and noise, as one picture effect.

    Attributes:
        gamma: exponent on pixel values in [0, 1].
        balance: factor per channel.
        noise: standard deviation, of 255.
        seed: of the noise.
    """

    gamma: float
    balance: tuple[float, ...]
    noise: float
    seed: int

    def __call__(self, picture: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        """The picture as this sensor gives it: (h, w, 3) uint8."""
        levels = (np.arange(256) / 255.0)[:, None] ** self.gamma * 255.0 * np.array(self.balance)
        table = np.rint(levels).astype(np.int16)
        height, width, _ = picture.shape
        # One tile of noise, shifted from picture to picture, costs a tenth of drawing each pixel's anew.
        tile = _noise_tile(self.seed, self.noise, height, width)
        row, column = rng.integers(_SHIFT, size=2).tolist()
        changed = tile[row : row + height, column : column + width].copy()
        for channel in range(3):
            changed[..., channel] += table[:, channel][picture[..., channel]]
        return np.clip(changed, 0, 255).astype(np.uint8)


_SHIFT = 64
_TILES: dict[tuple[int, float, int, int], NDArray[np.int16]] = {}


def _noise_tile(seed: int, noise: float, height: int, width: int) -> NDArray[np.int16]:
    key = (seed, noise, height, width)
    tile = _TILES.get(key)
    if tile is None:
        while len(_TILES) >= 16:
            _TILES.pop(next(iter(_TILES)))
        shape = (height + _SHIFT, width + _SHIFT, 3)
        normal = np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)
        tile = _TILES[key] = np.rint(normal * np.float32(noise)).astype(np.int16)
    return tile


def _factor(rng: np.random.Generator, bounds: Range) -> float:
    return math.exp(rng.uniform(math.log(bounds[0]), math.log(bounds[1])))


def _brighter(light: LightSpec, factor: float) -> LightSpec:
    ambient, directional = ((r * factor, g * factor, b * factor) for r, g, b in (light.ambient, light.directional))
    return replace(light, ambient=ambient, directional=directional)


def _moved(spec: CameraSpec, profile: Profile, rng: np.random.Generator) -> CameraSpec:
    """The camera a little beside its place, turned a little, with another focal length."""
    dx, dy, dz = rng.uniform(-profile.camera_m, profile.camera_m, 3).tolist()
    turn = rng.uniform(-profile.camera_rad, profile.camera_rad, 3)
    focal = _factor(rng, profile.focal)
    x, y, z = spec.position_m
    return replace(
        spec,
        position_m=(x + dx, y + dy, z + dz),
        forward=turned(spec.forward, turn),
        up=turned(spec.up, turn),
        fov_x_rad=2.0 * math.atan(math.tan(spec.fov_x_rad / 2.0) / focal),
        fov_y_rad=2.0 * math.atan(math.tan(spec.fov_y_rad / 2.0) / focal),
    )


def turned(vector: Vector, turn: NDArray[np.float64]) -> Vector:
    """A vector turned by a small rotation vector (rad), by Rodrigues' formula."""
    angle = float(np.linalg.norm(turn))
    if angle == 0.0:
        return vector
    axis, v = turn / angle, np.array(vector)
    turned = v * math.cos(angle) + np.cross(axis, v) * math.sin(angle) + axis * (axis @ v) * (1.0 - math.cos(angle))
    x, y, z = turned.tolist()
    return x, y, z
