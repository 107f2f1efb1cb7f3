"""FlowVLA: pictures, words and proprioception to a chunk of actions, by flow matching.

A path from noise to actions (rectified flow, Liu et al. 2022, arXiv:2209.03003): ``x_t = (1 - t) x_0 + t a`` with
``x_0 ~ N(0, 1)``, ``t`` from 0 (noise) to 1 (actions), and the network regresses the velocity ``a - x_0``. Note that
openpi runs its time the other way.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel
from transformers.utils import logging

from gen3d_envs.contract import require_same
from gen3d_envs.errors import FieldError
from gen3d_envs.evaluation.provenance import file_sha256

from .card import card
from .config import IGNORED, FlowVLAConfig
from .files import WEIGHTS, safetensors_into
from .labels import PLACES
from .symmetry import PLACES_SIGNS, TOOL_SIGNS, signs
from .text import BUCKETS, GROUPS, MAX_WORDS, tokens

TIME_FREQUENCIES = 8
NEAR_M = 0.02
"""Distances up to about this, a finger's width, are told finely."""

RELATIVE = 23
"""Numbers of :func:`relative`."""

PEAK = 3
"""How far around its highest pixel a map's peak is looked at, in pixels to each side."""

EYES = ("text", "tower", "locate")
"""Modules of a model that tell where things are."""

SEEN = 6
"""Numbers of :func:`peaks` in what a :class:`Tower` tells: right and down of two of them, and how sure each is."""

OPENING = 6
"""Which number of the proprioception is the gripper's opening, from 0 to 1."""


@dataclass(frozen=True)
class Inputs:
    """A batch of what the policy sees.

    Attributes:
        pixels: ``(B, cameras, 3, H, W)`` uint8.
        proprio: ``(B, P)`` float32, as observed.
        tokens: ``(B, TOKENS)`` integers, see :func:`gen3d_envs.baselines.vla.text.tokens`.
    """

    pixels: Tensor
    proprio: Tensor
    tokens: Tensor


class TextEncoder(nn.Module):
    """Words to one vector: letter groups to words, words with their places through one attention layer."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.groups = nn.Embedding(BUCKETS, width, padding_idx=0)
        self.places = nn.Parameter(torch.zeros(MAX_WORDS, width))
        self.query = nn.Parameter(torch.zeros(4, width))
        self.mix = nn.Conv1d(width, width, 3, padding=1)
        self.out = nn.Linear(4 * width, width)
        nn.init.normal_(self.groups.weight, std=0.5)
        nn.init.zeros_(self.groups.weight[0].detach())
        nn.init.normal_(self.places, std=0.1)
        nn.init.normal_(self.query, std=1.0 / math.sqrt(width))

    def forward(self, tokens: Tensor) -> Tensor:
        """``(B, TOKENS)`` to ``(B, width)``; an instruction without words gives a constant."""
        # Many rows of a batch say the same: each sentence is read once.
        unique, inverse = torch.unique(tokens.long(), dim=0, return_inverse=True)
        grouped = unique.view(-1, MAX_WORDS, GROUPS)
        counts = (grouped > 0).sum(-1, keepdim=True)
        words = self.groups(grouped).sum(2) / counts.clamp(min=1)
        present = counts > 0
        words = (words + self.places) * present
        mixed = words + functional.silu(self.mix(words.transpose(1, 2)).transpose(1, 2))
        scores = mixed @ self.query.T  # (U, words, 4)
        scores = scores.masked_fill(~present, -1e4)
        read = torch.softmax(scores, 1).transpose(1, 2) @ (mixed * present)  # (U, 4, width)
        return self.out(read.flatten(1))[inverse]


class Tower(nn.Module):
    """Convolutions led by the words (FiLM, Perez et al. 2018), and where each of their maps responds most.

    Three levels, each half as fine as the one before, and back up to the first: what a thing is shows coarsely, where
    it is shows finely. Two further maps, products of the fine ones with two queries made of the words, are trained to
    respond where the target and the receptacle are; and what the other maps say at these two places is read there, for
    how a thing lies shows only where it lies.
    """

    def __init__(self, channels: list[int], text_width: int) -> None:
        super().__init__()
        a, b, c, d = channels
        self.first = nn.Conv2d(3, a, 5, 2, 2)
        self.second = nn.Conv2d(a, b, 3, 1, 1)
        self.third = nn.Conv2d(b, c, 3, 2, 1)
        self.fourth = nn.Conv2d(c, c, 3, 1, 1)
        self.fifth = nn.Conv2d(c, d, 3, 2, 1)
        self.sixth = nn.Conv2d(d, d, 3, 1, 1)
        self.up = nn.Conv2d(d, c, 1)
        self.middle = nn.Conv2d(c, c, 3, 1, 1)
        self.down = nn.Conv2d(c, b, 1)
        self.fine = nn.Conv2d(b, b, 3, 1, 1)
        self.film = nn.ModuleList(nn.Linear(text_width, 2 * n) for n in (c, d, c, b))
        self.norms = nn.ModuleList(nn.GroupNorm(4, n, affine=False) for n in (c, d, c, b))
        self.key = nn.Conv2d(b, b, 1)
        self.query = nn.Linear(text_width, 2 * b)
        self.sharpness = nn.Parameter(torch.tensor(2.0))
        self.size = SEEN + 2 * (b + c) + d + 4 + 2 * (2 * b + c)

    def forward(self, pixels: Tensor, words: Tensor) -> tuple[Tensor, Tensor]:
        """Look.

        Args:
            pixels: ``(B, 3, H, W)`` uint8.
            words: ``(B, text_width)``.

        Returns:
            ``(B, size)``, the first :data:`SEEN` of them where target and receptacle are and how sure that is; and the
            logits of it, ``(B, 2, H / 2, W / 2)``.
        """
        x = pixels.float().div(127.5).sub(1.0).contiguous(memory_format=torch.channels_last)
        near = functional.silu(self.second(functional.silu(self.first(x))))
        mid = self._led(self.fourth(functional.silu(self.third(near))), words, 0)
        deep = self._led(self.sixth(functional.silu(self.fifth(mid))), words, 1)
        mid = mid + functional.interpolate(self.up(deep), size=mid.shape[-2:], mode="nearest")
        mid = self._led(self.middle(mid), words, 2)
        near = near + functional.interpolate(self.down(mid), size=near.shape[-2:], mode="nearest")
        near = self.norms[3](self.fine(near))
        fine = self._led(near, words, 3, normed=True)
        queries = self.query(words).view(len(words), 2, -1)
        keyed = functional.silu(near)
        heat = torch.einsum("bqc,bchw->bqhw", queries, self.key(keyed)).float()
        points = [_points(fine * self.sharpness), _points(mid * self.sharpness), _points(heat)]
        where, sure, here = peaks(heat)
        about = functional.avg_pool2d(here, 2, ceil_mode=True).flatten(2)
        about = about / about.sum(-1, keepdim=True)
        glimpses = [_glimpse(here.flatten(2), keyed), _glimpse(here.flatten(2), fine), _glimpse(about, mid)]
        return torch.cat([where.flatten(1), sure, *points, deep.mean((2, 3)), *glimpses], 1), heat

    def _led(self, x: Tensor, words: Tensor, index: int, normed: bool = False) -> Tensor:
        scale, shift = self.film[index](words)[..., None, None].chunk(2, 1)
        return functional.silu((x if normed else self.norms[index](x)) * (1.0 + scale) + shift)


def _points(maps: Tensor) -> Tensor:
    """Expected place of each map's response, in [-1, 1] (spatial softmax, Levine et al. 2016)."""
    height, width = maps.shape[-2:]
    weights = torch.softmax(maps.flatten(2).float(), -1).view_as(maps)
    down, right = places(height, maps.device), places(width, maps.device)
    return torch.cat([(weights.sum(3) * down).sum(2), (weights.sum(2) * right).sum(2)], 1)


def peaks(heat: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Where logits ``(B, Q, h, w)`` are highest.

    The mean over a whole map lies between two things that look alike, where there is nothing. Around the highest pixel
    it is one of them, to a fraction of a pixel.

    Returns:
        Right and down in [-1, 1], ``(B, Q, 2)``; the share of all probability that lies within :data:`PEAK` pixels of
        the highest one, ``(B, Q)``; and the distribution there, which is 0 elsewhere, ``(B, Q, h, w)``.
    """
    height, width = heat.shape[-2:]
    highest = heat.flatten(2).argmax(-1)[..., None, None]
    row, column = highest // width, highest % width
    rows = torch.arange(height, device=heat.device)[:, None]
    columns = torch.arange(width, device=heat.device)
    near = ((rows - row).abs() <= PEAK) & ((columns - column).abs() <= PEAK)
    share = torch.softmax(heat.flatten(2), -1).view_as(heat) * near
    sure = share.sum((-1, -2))
    here = share / sure[..., None, None]
    right = (here.sum(-2) * places(width, heat.device)).sum(-1)
    down = (here.sum(-1) * places(height, heat.device)).sum(-1)
    return torch.stack([right, down], -1), sure, here


def _glimpse(weights: Tensor, maps: Tensor) -> Tensor:
    """Means of maps ``(B, C, h, w)`` under ``q`` weightings of their pixels ``(B, q, h * w)``: ``(B, q * C)``."""
    return torch.einsum("bqp,bcp->bqc", weights, maps.flatten(2)).flatten(1)


def places(count: int, device: torch.device) -> Tensor:
    """Middles of ``count`` pixels across a picture from -1 to 1."""
    return (torch.arange(count, device=device) + 0.5) * (2.0 / count) - 1.0


def relative(found: Tensor, proprio: Tensor) -> Tensor:
    """Places as the tool sees them.

    Args:
        found: :data:`PLACES`, ``(B, 11)``.
        proprio: as observed: the tool's position (m) in the robot's base frame, its Euler angles (rad), the opening.

    Returns:
        ``(B, RELATIVE)``: coarsely (in 10 cm) and finely (up to :data:`NEAR_M`) the ways to grasp and goal, how far the
        lowest point of a thing in the hand is above the goal and above its rim, and how far the hand is outside of the
        goal's room; in 10 cm that room, the rim above the goal, and the hang; cosine and sine of twice the angle by
        which the fingers are turned from the way they should close.
    """
    goal, rim, room, hang = found[:, 5:8], found[:, 8:9], found[:, 9:10], found[:, 10:11]
    to_goal = goal - proprio[:, :3]
    lowest = proprio[:, 2:3] - hang
    outside = to_goal[:, :2].norm(dim=1, keepdim=True) - room
    way = torch.cat([found[:, :3] - proprio[:, :3], to_goal, lowest - goal[:, 2:], lowest - rim, outside], 1)
    size = torch.cat([room, rim - goal[:, 2:], hang], 1)
    cos, sin = torch.cos(2.0 * proprio[:, 5]), torch.sin(2.0 * proprio[:, 5])
    along, across = found[:, 3] * cos + found[:, 4] * sin, found[:, 4] * cos - found[:, 3] * sin
    return torch.cat([way / 0.1, torch.tanh(way / NEAR_M), size / 0.1, along[:, None], across[:, None]], 1)


def in_hand(proprio: Tensor) -> Tensor:
    """The grasp in :data:`PLACES` of a thing between the fingers, ``(B, 5)``: they close along the tool's y axis."""
    twice = 2.0 * proprio[:, 5:6]
    return torch.cat([proprio[:, :3], -torch.cos(twice), -torch.sin(twice)], 1)


class FlowNet(nn.Module):
    """The velocity of a chunk on its way from noise, given what is seen."""

    def __init__(self, size: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.into = nn.Linear(size + hidden + 2 * TIME_FREQUENCIES, hidden)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(hidden), nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, hidden))
            for _ in range(layers)
        )
        self.out = nn.Linear(hidden, size)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor, time: Tensor, seen: Tensor) -> Tensor:
        """``(B, size)``, ``(B,)`` in [0, 1] and ``(B, hidden)`` to ``(B, size)``."""
        hidden = self.into(torch.cat([x, time_features(time), seen], 1))
        for block in self.blocks:
            hidden = hidden + block(hidden)
        return self.out(functional.silu(hidden))


def time_features(time: Tensor) -> Tensor:
    """``(B,)`` to ``(B, 2 TIME_FREQUENCIES)``: sines and cosines of up to three turns."""
    rates = torch.linspace(0.25, 3.0, TIME_FREQUENCIES, device=time.device) * 2.0 * math.pi
    angles = time[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], 1)


class FlowVLA(PreTrainedModel):
    """The policy. Actions inside are normalised: ``(action - mean) / std``, flattened to ``chunk * action_dim``."""

    config_class = FlowVLAConfig
    config: FlowVLAConfig
    base_model_prefix = "vla"
    main_input_name = "pixels"

    def __init__(self, config: FlowVLAConfig) -> None:
        super().__init__(config)
        self.size = config.chunk * config.action_dim
        config.require_statistics("proprio", "action", "label")
        if len(config.label_mean) != len(PLACES):
            raise ValueError(f"label_mean {config.label_mean} is not that of {len(PLACES)} places")
        for name in ("chunk", "flow_steps"):
            if getattr(config, name) not in range(1, 65):
                raise ValueError(f"{name} {getattr(config, name)} is no whole number from 1 to 64")
        self._grip = tuple(config.grip)
        if self._grip and not (len(self._grip) == 2 and 0.0 <= self._grip[0] < self._grip[1] <= 1.0):
            raise ValueError(f"grip {config.grip} is no range within 0 to 1")
        self.text = TextEncoder(config.text_width)
        self.tower = Tower(config.channels, config.text_width)
        self.features = config.cameras * self.tower.size + config.text_width
        if len(config.projection) != 12 or not all(map(math.isfinite, config.projection)):
            raise ValueError(f"projection {config.projection} is not 12 finite numbers")
        self.locate = nn.Sequential(
            nn.Linear(self.features, config.hidden), nn.SiLU(), nn.Linear(config.hidden, len(PLACES))
        )
        self.join = nn.Sequential(
            nn.Linear(RELATIVE + len(config.proprio_mean), config.hidden), nn.SiLU(),
            nn.Linear(config.hidden, config.hidden), nn.SiLU(),
        )  # fmt: skip
        self.flow = FlowNet(self.size, config.hidden, config.layers)
        self.seen_size = (2 if config.mirrored else 1) * config.hidden
        self.post_init()

    def train_eyes(self, on: bool) -> None:
        """Whether everything learns that tells where things are: words, tower and places."""
        for name in EYES:
            getattr(self, name).requires_grad_(on)

    def take_eyes(self, other: FlowVLA) -> None:
        """See from now on as another model does: its words, tower and places, and what they are scaled by.

        Raises:
            ContractError: the other was made for other environments.
            FieldError: its layers are of other sizes.
        """
        require_same(self.config.made_for(), other.config.made_for(), IGNORED)
        for name in ("channels", "text_width", "hidden"):
            mine, theirs = getattr(self.config, name), getattr(other.config, name)
            if mine != theirs:
                raise FieldError("eyes", theirs, f"is not this model's {name} {mine}", "Use a model of the same size")
        for name in EYES:
            getattr(self, name).load_state_dict(getattr(other, name).state_dict())
        for name in ("projection", "label_mean", "label_std", "proprio_mean", "proprio_std"):
            setattr(self.config, name, list(getattr(other.config, name)))

    def _init_weights(self, module: nn.Module) -> None:
        """Modules drew their weights themselves."""

    def _like(self, values: list[float], other: Tensor) -> Tensor:
        return torch.tensor(values, dtype=torch.float32, device=other.device)

    def perceive(self, pixels: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """The costly part of seeing, which needs no proprioception.

        Returns:
            ``(B, features)``; and the logits of where the first camera sees target and receptacle, ``(B, 2, h, w)``.
        """
        words = self.text(tokens)
        count = pixels.shape[1]
        views, heat = self.tower(pixels.flatten(0, 1), words.repeat_interleave(count, 0))
        return torch.cat([views.view(len(words), -1), words], 1), heat[::count]

    def find(self, features: Tensor, proprio: Tensor) -> Tensor:
        """Where it believes things to be: normalised :data:`PLACES`, ``(B, 11)``, from :meth:`perceive`'s features."""
        return self.held(self.tell(features), proprio)

    def tell(self, features: Tensor) -> Tensor:
        """Normalised :data:`PLACES` as the picture shows them, ``(B, 11)``.

        Grasp and goal are where the rays through their peaks reach their heights, and what is said beside the heights
        is how far from there. To regress places in metres from those in pixels is to learn the camera by heart: it
        errs by twice as much.
        """
        said = self.locate(features)
        heights, points = self.in_metres(said), features[:, :4]
        mean, std = self._like(self.config.label_mean, said), self._like(self.config.label_std, said)
        rest = mean.expand_as(said)
        grasp, goal = self.reached(points[:, :2], heights[:, 2]), self.reached(points[:, 2:], heights[:, 7])
        return said + (torch.cat([grasp, rest[:, 2:5], goal, rest[:, 7:]], 1) - mean) / std

    def reached(self, point: Tensor, height_m: Tensor) -> Tensor:
        """Where rays of the first camera reach a height.

        Args:
            point: right and down in its picture in [-1, 1], ``(B, 2)``.
            height_m: in the robot's base frame, ``(B,)``.

        Returns:
            x and y there, ``(B, 2)``, m; at most 1 m away.
        """
        matrix = self._like(self.config.projection, point).view(3, 4)
        # (right w, down w, w) = matrix (x, y, z, 1): two linear equations in x and y.
        left = matrix[:2, :2] - point[..., None] * matrix[2, :2]
        right = point * (matrix[2, 2] * height_m + matrix[2, 3])[:, None]
        right = right - matrix[:2, 2] * height_m[:, None] - matrix[:2, 3]
        det = left[:, 0, 0] * left[:, 1, 1] - left[:, 0, 1] * left[:, 1, 0]
        det = torch.where(det.abs() < 1e-6, torch.full_like(det, 1e-6), det)
        x = (right[:, 0] * left[:, 1, 1] - right[:, 1] * left[:, 0, 1]) / det
        y = (right[:, 1] * left[:, 0, 0] - right[:, 0] * left[:, 1, 0]) / det
        return torch.stack([x, y], 1).clamp(-1.0, 1.0)

    def held(self, found: Tensor, proprio: Tensor) -> Tensor:
        """Normalised places where a thing in the hand is where the tool is.

        One camera cannot tell it from one on the table behind it, and hardly sees what is small; the opening of the
        fingers tells.
        """
        if not self._grip:
            return found
        opening, (low, high) = proprio[:, OPENING : OPENING + 1], self._grip
        held = self.normalised(torch.cat([in_hand(proprio), torch.zeros_like(found[:, 5:])], 1))
        grasp = torch.where((opening > low) & (opening < high), held[:, :5], found[:, :5])
        return torch.cat([grasp, found[:, 5:]], 1)

    def relate(self, found: Tensor, proprio: Tensor) -> Tensor:
        """What is seen, ``(B, seen_size)``, from normalised places ``(B, 11)``.

        Where the policy is mirrored: as it is, and as it would be on the other side. All that the
        actions know of a picture are the places in it: a few demonstrations teach what to do about places, and would be
        learned by heart from everything else.
        """
        places = self.in_metres(found)
        seen = [(places, proprio)]
        if self.config.mirrored:
            seen.append((places * signs(PLACES_SIGNS, places), proprio * signs(TOOL_SIGNS, proprio)))
        mean, std = self._like(self.config.proprio_mean, found), self._like(self.config.proprio_std, found)
        joined = [
            self.join(torch.cat([relative(where, tool), ((tool - mean) / std).clamp(-5.0, 5.0)], 1))
            for where, tool in seen
        ]
        return torch.cat(joined, 1)

    def in_metres(self, found: Tensor) -> Tensor:
        """Normalised :data:`PLACES`, ``(B, 11)``, as labels tell them: m in the robot's base frame."""
        return found * self._like(self.config.label_std, found) + self._like(self.config.label_mean, found)

    def normalised(self, places: Tensor) -> Tensor:
        """What :meth:`in_metres` turns back."""
        return (places - self._like(self.config.label_mean, places)) / self._like(self.config.label_std, places)

    def words(self, instruction: str) -> Tensor:
        """:func:`gen3d_envs.baselines.vla.text.tokens` of an instruction."""
        return torch.from_numpy(tokens(instruction).copy())

    def look(self, obs: Mapping[str, Tensor]) -> Tensor:
        """Normalised :data:`PLACES` as the picture shows them, ``(B, 11)``: as stored, or of ``pixels``."""
        if "places" in obs:
            return obs["places"]
        return self.tell(self.perceive(obs["pixels"], obs["tokens"])[0])

    def understand(self, looked: Tensor, proprio: Tensor) -> Tensor:
        """What is seen, ``(B, seen_size)``, from what :meth:`look` or :meth:`tell` found."""
        return self.relate(self.held(looked, proprio), proprio)

    def head(self) -> FlowVLA:
        """A frozen copy of this policy as it is now, without its eyes."""
        head = copy.deepcopy(self).requires_grad_(False)
        for name in EYES:
            delattr(head, name)
        return head

    def encode(self, inputs: Inputs) -> Tensor:
        """What is seen, ``(B, seen_size)``."""
        features, _ = self.perceive(inputs.pixels, inputs.tokens)
        return self.understand(self.tell(features), inputs.proprio)

    def velocity(self, x: Tensor, time: Tensor, seen: Tensor) -> Tensor:
        """Direction from noise to actions at ``x`` and ``time``; shapes as in :class:`FlowNet`.

        Where the policy is mirrored: the mean of the network's and of the mirror's, which makes the flow of a mirrored
        scene from mirrored noise the mirrored one, exactly.
        """
        if not self.config.mirrored:
            return self.flow(x, time, seen)
        here, there = seen.chunk(2, 1)
        sides = signs(TOOL_SIGNS, x, self.config.chunk)
        return 0.5 * (self.flow(x, time, here) + sides * self.flow(sides * x, time, there))

    def along(self, flows: Tensor, seen: Tensor) -> Tensor:
        """Velocities of flows ``(B, K, size)`` at their ``K`` steps, all at once."""
        rows, count, _ = flows.shape
        time = (torch.arange(count, device=seen.device) / count).repeat(rows)
        return self.velocity(flows.flatten(0, 1), time, seen.repeat_interleave(count, 0)).view_as(flows)

    def decode(self, x: Tensor) -> Tensor:
        """``(B, size)`` at the end of the flow to actions ``(B, chunk, action_dim)`` in [-1, 1].

        The last number, the gripper's, becomes open or closed: half open is what the expert never says, and a policy
        that is unsure would.
        """
        chunk = x.view(len(x), self.config.chunk, self.config.action_dim)
        actions = chunk * self._like(self.config.action_std, x) + self._like(self.config.action_mean, x)
        gripper = torch.where(actions[..., -1:] > 0.0, 1.0, -1.0)
        return torch.cat([actions[..., :-1].clamp(-1.0, 1.0), gripper], -1)

    def normalise(self, actions: Tensor) -> Tensor:
        """Actions ``(B, chunk, action_dim)`` to ``(B, size)``, which :meth:`decode` turns back inside the bounds."""
        mean, std = self._like(self.config.action_mean, actions), self._like(self.config.action_std, actions)
        return ((actions - mean) / std).flatten(1)

    @torch.no_grad()
    def plan(self, inputs: Inputs, steps: int | None = None, start: Tensor | None = None) -> Tensor:
        """The chunk that the flow leads to from the middle of the noise, or from ``start``, ``(B, size)``.

        Returns:
            ``(B, chunk, action_dim)`` in [-1, 1].
        """
        return self.act(self.encode(inputs), steps, start)

    @torch.no_grad()
    def act(self, seen: Tensor, steps: int | None = None, start: Tensor | None = None) -> Tensor:
        """The chunk of :meth:`plan` for what is seen, ``(B, seen_size)``."""
        count = self.config.flow_steps if steps is None else steps
        x = torch.zeros(len(seen), self.size, device=seen.device) if start is None else start
        for step in range(count):
            x = x + self.velocity(x, torch.full((len(x),), step / count, device=x.device), seen) / count
        return self.decode(x)

    def forward(self, pixels: Tensor, proprio: Tensor, tokens: Tensor) -> Tensor:
        """:meth:`plan`, for whoever calls a model."""
        return self.plan(Inputs(pixels, proprio, tokens))

    @classmethod
    def from_pretrained(  # type: ignore[override]
        cls, name: str | Path, *, revision: str | None = None, local_files_only: bool = False
    ) -> FlowVLA:
        """The model in a folder, or of that name on the hub: only safetensors are read, and they must fit exactly.

        Args:
            name: folder, or ``"OWNER/NAME"``.
            revision: branch, tag or commit on the hub.
            local_files_only: whether to fetch nothing.

        Raises:
            FieldError: no such folder or name, or what :func:`.policy.load_flow_vla` refuses.
        """
        from .policy import load_flow_vla

        if not Path(name).is_dir():
            from huggingface_hub import snapshot_download

            try:
                name = snapshot_download(
                    str(name), revision=revision, local_files_only=local_files_only,
                    allow_patterns=["config.json", WEIGHTS],
                )  # fmt: skip
            except (OSError, ValueError) as error:
                problem = f"is no folder and cannot be fetched ({str(error).splitlines()[0]})"
                raise FieldError("policy", str(name), problem, "Give a folder, or OWNER/NAME on the hub") from None
        return load_flow_vla(Path(name))

    def save_pretrained(self, save_directory: Any, **arguments: Any) -> None:  # type: ignore[override]
        """Write configuration, weights as safetensors and a model card.

        Raises:
            OSError: the folder cannot be written.
        """
        shown = logging.is_progress_bar_enabled()
        logging.disable_progress_bar()
        try:
            with safetensors_into(Path(save_directory)):
                super().save_pretrained(save_directory, **arguments)
            if (weights := Path(save_directory, WEIGHTS)).is_file():  # not in shards
                self.config.weights_sha256 = file_sha256(weights)
                self.config.save_pretrained(save_directory)
        finally:
            if shown:
                logging.enable_progress_bar()
        Path(save_directory, "README.md").write_text(card("FlowVLA", self.config, count_parameters(self)))


def count_parameters(module: nn.Module) -> int:
    """How many numbers are learned."""
    return sum(parameter.numel() for parameter in module.parameters())
