"""Learning to see, and then to imitate.

First the tower and the words learn, from the simulator's labels over many scenes, where the thing that an instruction
names is and how to grasp it: what a large model brings along from its pretraining. Then everything learns, from few
demonstrations, which chunks of actions the expert would take: flow matching (see :mod:`.model`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from gen3d_envs.contract import Contract, require_same
from gen3d_envs.errors import FieldError

from .backend import FlowBackend, wording
from .batches import Batches, Frames
from .config import IGNORED, make_config
from .demos import DemoReader
from .files import replace_folder
from .labels import PLACES
from .learn import Progress, Recipe, fit
from .model import FlowVLA, Inputs, places
from .symmetry import TOOL_SIGNS, turned_actions, turned_places, turned_tool

SEEING = Recipe(steps=8000, batch=64, lr=3e-3)
COARSE = 0.6
"""Share of the steps of learning to see that look at pictures of half the size, which costs a quarter."""

PLACE = 5.5
"""Weight of the places beside that of the maps."""

FOCUSING = Recipe(steps=1500, batch=64, lr=5e-4)

IMITATING = Recipe(steps=6000, batch=128, lr=1e-3)
AUX = 0.2
"""Weight of the labels while imitating."""

DOUBT_M = 0.008
"""Standard deviation of what is added to the places in demonstrations, in height half as much: a policy that imitates
from exact places does nothing sensible about eyes that err, and learns few places by heart."""

TURN_RAD = 0.4
"""Largest angle about the base by which a frame of a demonstration is turned."""


def heat_loss(heat: Tensor, views: Tensor) -> Tensor:
    """Cross-entropy between where a map responds and where the thing is seen; what is out of the picture counts not.

    Args:
        heat: logits, ``(B, 2, h, w)``.
        views: right and down of target and goal in [-1, 1], ``(B, 2, 2)``.
    """
    height, width = heat.shape[-2:]
    across, down = places(width, heat.device), places(height, heat.device)
    inside = (views.abs() < 1.0).all(-1)

    def spread(at: Tensor, grid: Tensor) -> Tensor:
        weights = torch.exp(-0.5 * ((grid - at[..., None]) * (len(grid) / 2.0)) ** 2)
        return weights / weights.sum(-1, keepdim=True).clamp(min=1e-6)

    wanted = spread(views[..., 1], down)[..., :, None] * spread(views[..., 0], across)[..., None, :]
    log = functional.log_softmax(heat.flatten(2), -1).view_as(heat)
    each = -(wanted * log).sum((-1, -2))
    return (each * inside).sum() / inside.sum().clamp(min=1)


def see(
    model: FlowVLA, demos: DemoReader, folder: Path, recipe: Recipe = SEEING, seconds: float = math.inf
) -> Iterator[Progress]:
    """Train tower and words to tell where things are; the model is saved in ``folder/model`` when all steps are done.

    One episode in 20 is kept aside to measure with.

    Args:
        model: new; trained in place.
        demos: frames with labels.
        folder: of the training's state.
        recipe: how.
        seconds: stop, resumably, after so long.

    Yields:
        after every checkpoint; ``figures`` hold median errors on the frames kept aside: ``grasp_mm``, ``goal_mm``
        (in the plane of the table), ``yaw_deg``.
    """
    take_measure(model, demos)
    model.config.proprio_mean, model.config.proprio_std = _statistics(demos.arrays["agent_pos"])
    batches, probe = _kept_aside(demos, model, half=recipe.half)

    def loss(step: int, rng: np.random.Generator, noise: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        return _locating(model, batches, batches.draw(rng, recipe.batch), noise, step < COARSE * recipe.steps)

    def errors(step: int) -> dict[str, float]:
        return locating_errors(model, batches, probe, step <= COARSE * recipe.steps)

    yield from _to_the_end(model, folder, fit(model, loss, recipe, folder, seconds=seconds), errors)


def _to_the_end(
    model: FlowBackend[Any], folder: Path, learning: Iterator[Progress],
    measured: Callable[[int], dict[str, float]] = lambda step: {},
) -> Iterator[Progress]:  # fmt: skip
    """Passes a training on, and keeps the model in ``folder/model`` once all steps are done, never before.

    Args:
        model: that learns.
        folder: of the training.
        learning: see :func:`.learn.fit`.
        measured: at a checkpoint, by its step: figures beside those of the training.
    """
    done = False
    for progress in learning:
        done = progress.step == progress.steps
        yield replace(progress, figures={**progress.figures, **measured(progress.step)})
    if done:
        replace_folder(folder / "model", lambda path: model.save_pretrained(path))


def take_measure(model: FlowVLA, demos: DemoReader) -> None:
    """Have a new model know where the camera stands and between what its places lie, from the labels of frames.

    Args:
        model: whose weights have learned nothing yet: they mean something else afterwards.
        demos: frames with labels.
    """
    labels = np.array(demos.arrays["labels"], np.float64)
    labels, views = np.split(labels.reshape(-1, labels.shape[-1]), [len(PLACES)], axis=1)
    model.config.label_mean, model.config.label_std = _mean(labels), _std(labels)
    model.config.projection = projection(labels[:, :3], views[:, :2])


def focus(
    model: FlowVLA, demos: DemoReader, others: DemoReader, folder: Path, recipe: Recipe = FOCUSING,
    seconds: float = math.inf,
) -> Iterator[Progress]:  # fmt: skip
    """Go on learning to see, in the scenes of one training; what the policy does about places stays as it is.

    The model is saved in ``folder/model`` when all steps are done.

    Args:
        model: from :func:`imitate`; its tower, words and places are trained.
        demos: frames with labels of those scenes.
        others: of other scenes; half of every batch, so that those are not forgotten.
        folder: of the training's state.
        recipe: how; pictures are never coarse.
        seconds: stop, resumably, after so long.

    Yields:
        after every checkpoint; figures as :func:`see`'s, of frames of ``demos`` that are kept aside.

    Raises:
        ContractError: the frames are of other environments.
    """
    for each in (demos, others):
        require_same(model.config.made_for(), each.contract, IGNORED)
    # Episodes take the scenes in turn, so every twentieth would be of the same five of a hundred scenes.
    (batches, probe), (rest, _) = (
        _kept_aside(demos, model, 19, recipe.half),
        _kept_aside(others, model, half=recipe.half),
    )
    half = max(1, recipe.batch // 2)

    def loss(step: int, rng: np.random.Generator, noise: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        here, figures = _locating(model, batches, batches.draw(rng, half), noise)
        there, _ = _locating(model, rest, rest.draw(rng, half), noise)
        return 0.5 * (here + there), figures

    model.requires_grad_(False)
    model.train_eyes(True)
    learning = fit(model, loss, recipe, folder, seconds=seconds)
    yield from _to_the_end(model, folder, learning, lambda step: locating_errors(model, batches, probe))
    model.requires_grad_(True)


def _kept_aside(
    demos: DemoReader, model: FlowVLA, period: int = 20, half: bool = False
) -> tuple[Batches, NDArray[np.int64]]:
    """Batches of all episodes but each ``period``-th, and at most 1500 rows of the others to measure with.

    Raises:
        FieldError: there is one episode only.
    """
    episodes = np.array(demos.arrays["episodes"])
    aside = episodes % period == min(period - 1, int(episodes.max()))
    if aside.all():
        raise FieldError("demos", 1, "is too few episodes to learn from and measure with", "Collect more")
    batches = Batches(demos, model, np.flatnonzero(~aside), half)
    rows = batches.about(np.flatnonzero(aside))
    return batches, rows[:: max(1, len(rows) // 1500)]


def _locating(
    model: FlowVLA, batches: Batches, rows: NDArray[np.int64], noise: torch.Generator, coarsely: bool = False
) -> tuple[Tensor, dict[str, float]]:
    """The loss of where things are said to be, and its parts."""
    features, maps, views = batches.look(rows, noise, coarsely)
    heat = heat_loss(maps, views)
    found = model.find(features, batches.proprio(rows))
    place = functional.smooth_l1_loss(found, batches.labels(rows), beta=0.2)
    return heat + PLACE * place, {"heat": float(heat.detach()), "place": float(place.detach())}


@torch.no_grad()
def locating_errors(
    model: FlowVLA, batches: Batches, rows: NDArray[np.int64], coarsely: bool = False
) -> dict[str, float]:
    """Median errors of where the model believes the grasp and the goal to be."""
    found, wanted = [], []
    for start in range(0, len(rows), 250):
        part = rows[start : start + 250]
        features, *_ = batches.look(part, None, coarsely)
        found.append(model.find(features, batches.proprio(part)).cpu())
        wanted.append(batches.labels(part).cpu())
    a, b = model.in_metres(torch.cat(found)), model.in_metres(torch.cat(wanted))
    turn = torch.atan2(a[:, 4], a[:, 3]) - torch.atan2(b[:, 4], b[:, 3])
    turn = torch.rad2deg(torch.atan2(turn.sin(), turn.cos()).abs() / 2.0)
    return {
        "grasp_mm": 1e3 * float((a[:, :2] - b[:, :2]).norm(dim=1).median()),
        "grasp_p90_mm": 1e3 * float((a[:, :2] - b[:, :2]).norm(dim=1).quantile(0.9)),
        "goal_mm": 1e3 * float((a[:, 5:7] - b[:, 5:7]).norm(dim=1).median()),
        "yaw_deg": float(turn.median()),
    }


def imitate(
    model: FlowVLA, demos: DemoReader, folder: Path, recipe: Recipe = IMITATING, seconds: float = math.inf,
    train_tower: bool = True,
) -> Iterator[Progress]:  # fmt: skip
    """Flow matching on demonstrations. The model is saved in ``folder/model`` when all steps are done.

    Args:
        model: from :func:`see`, or new after :func:`take_measure`; trained in place.
        demos: of the same contract.
        folder: of the training's state.
        recipe: how.
        seconds: stop, resumably, after so long.
        train_tower: False keeps everything as it is that tells where things are: tower, words and places. Pictures are
            not looked at, then: actions are learned about the places of the labels, blurred and turned.

    Raises:
        ContractError: the demonstrations are of other environments.
    """
    _suit(model, demos, TOOL_SIGNS if model.config.mirrored else None)
    model.train_eyes(train_tower)
    batches = Batches(demos, model, half=recipe.half)

    def loss(step: int, rng: np.random.Generator, noise: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        rows = batches.draw(rng, recipe.batch)
        if train_tower:
            features, maps, views = batches.look(rows, noise)
            proprio = batches.proprio(rows)
            found = model.find(features, proprio)
            flow = flow_loss(model, model.relate(found, proprio), model.normalise(batches.chunks(rows)), noise)
            place = functional.smooth_l1_loss(found, batches.labels(rows), beta=0.2)
            figures = {"flow": float(flow.detach()), "place": float(place.detach())}
            return flow + AUX * (heat_loss(maps, views) + PLACE * place), figures
        found, proprio, chunk = _retold(model, batches, rows, noise)
        flow = flow_loss(model, model.relate(model.held(found, proprio), proprio), model.normalise(chunk), noise)
        return flow, {"flow": float(flow.detach())}

    yield from _to_the_end(model, folder, fit(model, loss, recipe, folder, seconds=seconds))
    model.requires_grad_(True)


def imitate_whole(
    model: FlowBackend[Any], demos: DemoReader, said: Iterable[str], folder: Path, recipe: Recipe = IMITATING,
    seconds: float = math.inf, train_eyes: bool = True,
) -> Iterator[Progress]:  # fmt: skip
    """Flow matching on whole observations, for a network that brings its eyes along, such as pi0: no label is needed.

    Args:
        model: trained in place, and saved in ``folder/model`` when all steps are done; with adapters only these and
            what acts learn.
        demos: of the same contract.
        said: all instructions of the demonstrations.
        folder: of the training's state.
        recipe: how.
        seconds: stop, resumably, after so long.
        train_eyes: False trains only what acts.

    Raises:
        ContractError: the demonstrations are of other environments.
    """
    _suit(model, demos)
    assert isinstance(model, nn.Module)
    frames, read = Frames(demos, model), wording(model, said)
    model.train_eyes(train_eyes)

    def loss(step: int, rng: np.random.Generator, noise: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        rows = frames.draw(rng, recipe.batch)
        inputs = Inputs(frames.pictures(rows, noise), frames.proprio(rows), read(frames.tokens(rows)))
        flow = flow_loss(model, model.encode(inputs), model.normalise(frames.chunks(rows)), noise)
        return flow, {"flow": float(flow.detach())}

    yield from _to_the_end(model, folder, fit(model, loss, recipe, folder, seconds=seconds))


def _suit(model: FlowBackend[Any], demos: DemoReader, sides: tuple[float, ...] | None = None) -> None:
    """Have a model remember contract and statistics of demonstrations; with ``sides`` see :func:`_statistics`.

    One that acts already keeps its statistics: to its weights, numbers mean something by them.
    """
    config = model.config
    require_same(config.made_for(), demos.contract, IGNORED)
    config.contract = demos.contract.to_json()
    if any(config.action_mean) or any(std != 1.0 for std in config.action_std):
        return
    config.action_mean, config.action_std = _statistics(demos.arrays["actions"], sides)
    config.proprio_mean, config.proprio_std = _statistics(demos.arrays["agent_pos"], sides)


def _retold(
    model: FlowVLA, batches: Batches, rows: NDArray[np.int64], noise: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Normalised places ``(B, 11)``, proprioception ``(B, P)`` and chunks of demonstrations, blurred and turned."""
    places, proprio, chunk = model.in_metres(batches.labels(rows)), batches.proprio(rows), batches.chunks(rows)
    doubt = DOUBT_M * torch.tensor([1.0, 1.0, 0.5, 0.0, 0.0, 1.0, 1.0, 0.5, 0.5, 1.0, 0.5])
    places = places + (doubt * torch.randn(places.shape, generator=noise)).to(places.device)
    if model.config.mirrored:
        angle = (TURN_RAD * (2.0 * torch.rand(len(rows), generator=noise) - 1.0)).to(places.device)
        places, proprio = turned_places(places, angle), turned_tool(proprio, angle)
        chunk = turned_actions(chunk, angle)
    return model.normalised(places), proprio, chunk


def flow_loss(model: FlowBackend[Any], seen: Any, wanted: Tensor, noise: torch.Generator) -> Tensor:
    """Squared error of the velocity at a random moment of the way from noise to the wanted chunk."""
    start = torch.randn(wanted.shape, generator=noise).to(wanted.device)
    time = torch.rand(len(wanted), generator=noise).to(wanted.device)
    x = start + time[:, None] * (wanted - start)
    return functional.mse_loss(model.velocity(x, time, seen), wanted - start)


def new_model(size: str, contract: Contract, seed: int, flow_steps: int = 4) -> FlowVLA:
    """A model with weights drawn from a seed, for environments of a contract.

    Raises:
        FieldError: an unknown size.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return FlowVLA(make_config(size, contract, flow_steps=flow_steps))


def projection(points_m: NDArray[np.float64], views: NDArray[np.float64]) -> list[float]:
    """The camera that sees points where they are seen.

    The direct linear transform (Hartley and Zisserman, *Multiple View Geometry*, 2004, section 7.1).

    Args:
        points_m: ``(n, 3)``.
        views: right and down, ``(n, 2)``; what is not in the picture does not count.

    Returns:
        Three rows of four numbers, as in :class:`.config.FlowVLAConfig`; of length 1.
    """
    inside = (np.abs(views) < 1.0).all(1)
    points_m, views = points_m[inside], views[inside]
    ones = np.concatenate([points_m, np.ones((len(points_m), 1))], 1)
    none = np.zeros_like(ones)
    across = np.concatenate([ones, none, -views[:, :1] * ones], 1)
    down = np.concatenate([none, ones, -views[:, 1:] * ones], 1)
    # The direction in which all of it is smallest; QR first, as squares would lose half of the digits.
    matrix = np.linalg.svd(np.linalg.qr(np.concatenate([across, down]), "r"))[2][-1]
    ahead = np.sign((ones @ matrix[8:]).sum())
    return [round(float(number), 9) for number in matrix * ahead]


def _mean(values: NDArray[np.float64]) -> list[float]:
    return [round(float(v), 6) for v in values.mean(0)]


def _std(values: NDArray[np.float64]) -> list[float]:
    return [round(max(float(v), 1e-3), 6) for v in values.std(0)]


def _statistics(
    values: NDArray[np.floating], sides: tuple[float, ...] | None = None
) -> tuple[list[float], list[float]]:
    """Mean and deviation; with ``sides`` those of the values and of their mirror image together."""
    if len(values) == 0:
        raise FieldError("demos", len(values), "holds no frame", "Collect some")
    wide = np.array(values, np.float64)
    if sides is not None:
        wide = np.concatenate([wide, wide * sides])
    # What hardly varies in the demonstrations must not be blown up where it varies later.
    return _mean(wide), [max(s, 0.05) for s in _std(wide)]
