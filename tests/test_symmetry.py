"""Mirrored and turned scenes: the rules agree with rotation matrices, and a mirrored policy keeps to them exactly."""

from __future__ import annotations

import math

import numpy as np
import torch
from gen3d_envs.baselines.vla.config import make_config
from gen3d_envs.baselines.vla.labels import PLACES
from gen3d_envs.baselines.vla.model import FlowVLA
from gen3d_envs.baselines.vla.symmetry import (
    PLACES_SIGNS,
    TOOL_SIGNS,
    signs,
    turned_actions,
    turned_places,
    turned_tool,
)
from hypothesis import given
from hypothesis import strategies as st

from gen3d_envs.contract import make_contract
from gen3d_envs.geometry import from_euler

MIRROR = np.diag([1.0, -1.0, 1.0])
angles = st.tuples(st.floats(-0.4, 0.4), st.floats(-0.4, 0.4), st.floats(-3.0, 3.0))


def about_z(angle: float) -> np.ndarray:
    return np.array(from_euler(0.0, 0.0, angle))


def row(*values: float) -> torch.Tensor:
    return torch.tensor([values], dtype=torch.float64)


@given(angles)
def test_a_mirrored_tool_is_turned_as_the_mirror_shows_it(euler: tuple[float, float, float]) -> None:
    proprio = row(0.3, 0.1, 0.2, *euler, 0.5)
    x, y, z, roll, pitch, yaw, opening = (proprio * signs(TOOL_SIGNS, proprio))[0].tolist()
    assert (x, y, z, opening) == (0.3, -0.1, 0.2, 0.5)
    assert np.allclose(from_euler(roll, pitch, yaw), MIRROR @ np.array(from_euler(*euler)) @ MIRROR, atol=1e-12)


@given(angles, st.floats(-math.pi, math.pi))
def test_a_turned_tool(euler: tuple[float, float, float], angle: float) -> None:
    given_tool = row(0.3, 0.1, 0.2, *euler, 0.5)
    turned = turned_tool(given_tool, torch.tensor([angle], dtype=torch.float64))[0].numpy()
    assert np.allclose(turned[:3], about_z(angle) @ [0.3, 0.1, 0.2], atol=1e-12) and turned[6] == 0.5
    assert np.allclose(from_euler(*turned[3:6]), about_z(angle) @ np.array(from_euler(*euler)), atol=1e-9)
    assert -math.pi <= turned[5] <= math.pi


@given(st.floats(-1.5, 1.5), st.floats(-math.pi, math.pi))
def test_turned_and_mirrored_places(yaw: float, angle: float) -> None:
    across = np.array([-math.sin(yaw), math.cos(yaw), 0.0])  # the way the fingers close

    def told(grasp: np.ndarray, way: np.ndarray, goal: np.ndarray) -> np.ndarray:
        twice = 2.0 * math.atan2(way[1], way[0])
        return np.array([*grasp, math.cos(twice), math.sin(twice), *goal, 0.12, 0.04, 0.02])

    grasp, goal = np.array([0.3, 0.1, 0.02]), np.array([0.25, -0.15, 0.1])
    before = torch.from_numpy(told(grasp, across, goal))[None]
    assert before.shape[1] == len(PLACES)
    turn = about_z(angle)
    after = turned_places(before, torch.tensor([angle], dtype=torch.float64))[0].numpy()
    assert np.allclose(after, told(turn @ grasp, turn @ across, turn @ goal), atol=1e-9)
    mirrored = (before * signs(PLACES_SIGNS, before))[0].numpy()
    assert np.allclose(mirrored, told(MIRROR @ grasp, MIRROR @ across, MIRROR @ goal), atol=1e-9)


@given(st.lists(st.floats(-1e-4, 1e-4), min_size=3, max_size=3), st.floats(-math.pi, math.pi))
def test_turned_and_mirrored_actions(turns: list[float], angle: float) -> None:
    """A step turns about the axes of the base, so a turned one is the same turn about turned axes."""
    chunk = row(0.5, -0.2, 0.1, *turns, 1.0).view(1, 1, 7)
    turn, step = about_z(angle), np.array(from_euler(*turns))
    after = turned_actions(chunk, torch.tensor([angle], dtype=torch.float64))[0, 0].numpy()
    assert np.allclose(after[:3], turn @ [0.5, -0.2, 0.1], atol=1e-9) and after[6] == 1.0
    assert np.allclose(from_euler(*after[3:6]), turn @ step @ turn.T, atol=1e-7)
    mirrored = (chunk * signs(TOOL_SIGNS, chunk))[0, 0].numpy()
    assert np.allclose(mirrored[:3], MIRROR @ [0.5, -0.2, 0.1])
    assert np.allclose(from_euler(*mirrored[3:6]), MIRROR @ step @ MIRROR, atol=1e-7)


@torch.no_grad()
def test_a_mirrored_policy_does_the_mirrored_thing() -> None:
    torch.manual_seed(3)
    contract = make_contract("widowx", observation_width=32, observation_height=32)
    config = make_config("micro", contract)
    assert config.mirrored and not make_config("micro", make_contract("widowx", control="joint_delta")).mirrored
    model = FlowVLA(config).eval()
    torch.nn.init.normal_(model.flow.out.weight)
    places, proprio, x = torch.rand(5, 11) - 0.5, torch.rand(5, 7) - 0.5, torch.randn(5, model.size)
    sides, time = signs(TOOL_SIGNS, x, config.chunk), torch.rand(5)

    def velocity(where: torch.Tensor, tool: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
        found = model.held(model.normalised(where), tool)
        return model.velocity(at, time, model.relate(found, tool))

    ahead = velocity(places, proprio, x)
    mirrored = velocity(places * signs(PLACES_SIGNS, places), proprio * signs(TOOL_SIGNS, proprio), sides * x)
    assert torch.allclose(mirrored, sides * ahead, atol=1e-5) and float(ahead.abs().mean()) > 0.1
    actions = model.decode(x)
    assert torch.allclose(model.decode(sides * x), actions * signs(TOOL_SIGNS, x), atol=1e-6)
