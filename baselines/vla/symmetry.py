"""What does not change when a scene is mirrored or turned, so that a policy need not learn it twice.

A parallel gripper over a table knows no left and right, and no direction: mirrored at the plane ``y = 0`` of the
robot's base, or turned about its vertical axis, an episode is as good as before, as far as the arm reaches. Everything
here is for actions of the tool (``ee_delta``) and in the robot's base frame.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

PLACES_SIGNS = (1.0, -1.0, 1.0, 1.0, -1.0, 1.0, -1.0, 1.0, 1.0, 1.0, 1.0)
"""What a mirror does to :data:`gen3d_envs.baselines.vla.labels.PLACES`."""

TOOL_SIGNS = (1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0)
"""What it does to proprioception (x, y, z, roll, pitch, yaw, opening) and to actions: their steps."""


def signs(values: tuple[float, ...], like: Tensor, repeat: int = 1) -> Tensor:
    """One of the above as a tensor beside another."""
    return torch.tensor(values * repeat, dtype=like.dtype, device=like.device)


def turned_places(places: Tensor, angle: Tensor) -> Tensor:
    """Places as labels tell them, ``(B, 11)``, m, turned about the base by ``angle`` ``(B,)``, rad."""
    return torch.cat(
        [_turned(places[:, :2], angle), places[:, 2:3], _turned(places[:, 3:5], 2.0 * angle),
         _turned(places[:, 5:7], angle), places[:, 7:]], 1,
    )  # fmt: skip


def turned_tool(proprio: Tensor, angle: Tensor) -> Tensor:
    """Proprioception ``(B, 7)``, m and rad, turned likewise."""
    yaw = torch.remainder(proprio[:, 5] + angle + math.pi, 2.0 * math.pi) - math.pi
    return torch.cat([_turned(proprio[:, :2], angle), proprio[:, 2:5], yaw[:, None], proprio[:, 6:]], 1)


def turned_actions(chunk: Tensor, angle: Tensor) -> Tensor:
    """Actions ``(B, chunk, 7)`` turned likewise: the tool's way, and the axes that it is tilted about."""
    each = angle[:, None].expand(chunk.shape[:2])
    return torch.cat(
        [_turned(chunk[..., :2], each), chunk[..., 2:3], _turned(chunk[..., 3:5], each), chunk[..., 5:]], 2
    )


def _turned(pair: Tensor, angle: Tensor) -> Tensor:
    cos, sin = angle.cos(), angle.sin()
    x, y = pair[..., 0], pair[..., 1]
    return torch.stack([cos * x - sin * y, sin * x + cos * y], -1)
