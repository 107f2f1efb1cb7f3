"""Fruit that lies on its side: kiwi, avocado, mango."""

from __future__ import annotations

import numpy as np

from gen3d_envs.assets.build import Draft, Params, Rgb, builder, mix
from gen3d_envs.assets.materials import MATERIALS
from gen3d_envs.assets.organic import (
    HALF_TURN,
    ROLLING_FRICTION_M,
    axis_of,
    long_grasps,
    lying,
    lying_hulls,
    mottled,
    speckled,
    tinted,
)
from gen3d_envs.assets.shapes import Mesh, lathe

_T = np.array([-1.0, -0.97, -0.88, -0.72, -0.5, -0.25, 0.0, 0.25, 0.5, 0.72, 0.88, 0.97, 1.0])


def _oval(p: Params, shape: np.ndarray, power: float = 2.0) -> tuple[Draft, Mesh, np.ndarray, np.ndarray]:
    """A lying oval whose radius is that of an ellipse times ``shape`` at each station."""
    length, radius = p.length("length_m"), p.length("diameter_m", grip=True) / 2
    length = min(max(length, 2.15 * radius), 3.4 * radius)
    r = radius * np.sqrt(np.clip(1.0 - np.abs(_T) ** power, 0.0, 1.0)) * shape
    r *= radius / r.max()
    centers = axis_of(_T * length / 2, r, droop=0.35)
    body = lying(centers, r, 16)
    draft = Draft()
    draft.collision.extend(lying_hulls(centers, r, [(0, 1, 2, 3, 5, 6), (6, 7, 9, 10, 11, 12)]))
    draft.rolling_friction_m = ROLLING_FRICTION_M
    return draft, body, centers, r


def _stub(draft: Draft, centers: np.ndarray, size: float, rgb: Rgb) -> None:
    """What is left of the stalk, at the -x end."""
    knob = lathe([(0.0, 0.0), (1.0, 0.0), (0.8, 0.9), (0.0, 0.9)], 6).scaled(size, size, size).turned("y", -HALF_TURN)
    draft.add(knob.moved(float(centers[0, 0]) + 0.25 * size, 0.0, float(centers[0, 2])), rgb, MATERIALS["wood"])


@builder("kiwi")
def kiwi(p: Params) -> Draft:
    """A kiwi fruit with its fuzzy skin."""
    draft, body, centers, r = _oval(p, np.ones(len(_T)), p.uniform(2.0, 2.5))
    body = mottled(speckled(body, p.rng, p.color, (82.0, 54.0, 30.0), 0.35, 0.5), p.rng, 0.05)
    draft.add(body, p.color, p.material)
    _stub(draft, centers, 0.16 * float(r.max()), (74.0, 52.0, 34.0))
    long_grasps(draft, body, centers, r, 0.05)
    return draft


@builder("avocado")
def avocado(p: Params) -> Draft:
    """An avocado: a pear's outline under a pebbled skin."""
    neck = p.uniform(0.62, 0.78)
    draft, body, centers, r = _oval(p, neck + (1.0 - neck) * (1.0 / (1.0 + np.exp(-5.0 * _T))))
    pale = mix(p.color, (110.0, 130.0, 60.0), 0.5)
    body = mottled(speckled(body, p.rng, p.color, pale, 0.3, 0.6), p.rng, 0.07)
    draft.add(body, p.color, p.material)
    _stub(draft, centers, 0.14 * float(r.max()), (96.0, 76.0, 44.0))
    long_grasps(draft, body, centers, r, 0.05)
    return draft


@builder("mango")
def mango(p: Params) -> Draft:
    """A mango, blushing on one side."""
    draft, body, centers, r = _oval(p, 1.0 + 0.13 * _T)
    side = np.clip(body.vertices[:, 1] / float(r.max()) + 0.3 * body.vertices[:, 0] / float(_T.max()), 0.0, 1.0)
    blush: Rgb = (206.0, 84.0, 44.0) if p.color_name != "red" else (232.0, 164.0, 58.0)
    body = mottled(tinted(body, p.color, blush, 0.65 * side), p.rng, 0.02)
    draft.add(body, p.color, p.material)
    _stub(draft, centers, 0.13 * float(r.max()), (92.0, 72.0, 40.0))
    long_grasps(draft, body, centers, r, 0.05)
    return draft
