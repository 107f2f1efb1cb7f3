"""``gen3d axes``: the test conditions there are, as a table or as a page with a picture of each."""

from __future__ import annotations

import argparse
import html
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.assets.store import write_atomically
from gen3d_envs.axes import GROUPS, Axis, choose, episode_seed
from gen3d_envs.commands.console import Progress, say, table
from gen3d_envs.env import Gen3DEnv
from gen3d_envs.pictures import png
from gen3d_envs.registration import scene_names
from gen3d_envs.report_style import CSS
from gen3d_envs.scenes import load_scene

WIDTH, HEIGHT = 240, 180
AFTER_STEPS = 14
"""Control steps before the second picture of an axis in which something happens by itself."""

Picture = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Sample:
    """Two episodes under an axis, or the beginning and a later moment of one.

    Attributes:
        pictures: what the policy sees.
        instructions: what it is told.
        notes: below each picture.
    """

    pictures: tuple[Picture, ...]
    instructions: tuple[str, ...]
    notes: tuple[str, ...]


def run(args: argparse.Namespace) -> int:
    """Run the command; returns its exit code."""
    chosen = choose(args.axes or "all")
    if args.json:
        rows = [{"name": axis.name, "group": axis.group, "changes": axis.changes, **axis.arguments} for axis in chosen]
        say(json.dumps(rows, indent=1))
    else:
        say(table([(axis.name, axis.group, axis.changes) for axis in chosen], ("axis", "group", "what changes")))
    if args.out:
        folder = Path(args.out)
        scene = args.scene or scene_names("place")[0]
        progress = Progress()
        samples = {}
        for axis in chosen:
            progress.stage("pictures", axis.name)
            samples[axis.name] = sample(axis, scene, args.seed)
        progress.end(f"{len(chosen)} axes")
        say(f"Open {write(folder, chosen, samples)}")
    return 0


def sample(axis: Axis, scene: str, seed: int = 0) -> Sample:
    """Two looks at a scene under an axis (an axis of other scenes shows two of those).

    Args:
        axis: the test condition.
        scene: name of the scene.
        seed: of the evaluation that the episodes are from.
    """
    names = [scene, scene]
    if axis.split != "train":
        # A checkout without the benchmark has no such scenes.
        names = scene_names(load_scene(scene).spec.task.family, axis.split)[:2] or names
    moves = "move" in axis.randomization.get("layout", {})
    arguments: dict[str, Any] = {"observation_width": WIDTH, "observation_height": HEIGHT, "obs_type": "pixels"}
    arguments["randomization"] = axis.arguments.get("randomization")
    pictures, instructions, notes = [], [], []
    for index, name in enumerate(names[:1] if moves else names):
        env = Gen3DEnv(scene=name, **arguments)
        try:
            observation, info = env.reset(seed=episode_seed(seed, scene, index))
            shown = [(f"episode {index + 1}", observation["pixels"])]
            if moves:
                stay = np.zeros(env.action_space.shape or (), np.float32)
                stay[-1] = 1.0
                for _ in range(AFTER_STEPS):
                    observation = env.step(stay)[0]
                shown.append((f"after {AFTER_STEPS} steps", observation["pixels"]))
            for note, picture in shown:
                pictures.append(picture)
                instructions.append(info["instruction"])
                notes.append(note)
        finally:
            env.close()
    return Sample(tuple(pictures), tuple(instructions), tuple(notes))


def write(folder: Path, axes: tuple[Axis, ...], samples: dict[str, Sample]) -> Path:
    """Write the page, its pictures and one sheet of all of them; returns the page."""
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    for name, drawn in samples.items():
        for index, picture in enumerate(drawn.pictures):
            _put(folder / "pictures" / f"{name}_{index + 1}.png", png(picture))
    _put(folder / "sheet.png", png(sheet([samples[axis.name] for axis in axes])))
    page = folder / "index.html"
    _put(page, _page(axes, samples).encode())
    return page


def sheet(samples: list[Sample], columns: int = 4) -> Picture:
    """All pictures on one sheet, two beside each other for each axis, row by row."""
    cells = [np.concatenate(drawn.pictures, axis=1) for drawn in samples]
    height, width, _ = cells[0].shape
    rows = -(-len(cells) // columns)
    result = np.full((rows * (height + 4), columns * (width + 4), 3), 255, np.uint8)
    for index, cell in enumerate(cells):
        top, left = index // columns * (height + 4), index % columns * (width + 4)
        result[top : top + height, left : left + width] = cell
    return result


def _put(path: Path, data: bytes) -> None:
    write_atomically(path, data)
    path.chmod(0o644)


_STYLE = """
.axes{display:grid;grid-template-columns:repeat(auto-fill,minmax(300px,1fr));gap:16px;margin-top:10px}
.axes .two{display:grid;grid-template-columns:1fr 1fr}
.axes h3{padding:12px 14px 0}.axes p{margin:4px 14px 8px;font-size:14px}
.axes figcaption{padding:4px 8px 8px;font-size:12px}.axes figure{border:0;border-radius:0}
.axes details{margin:0 14px 12px;font-size:13px}.axes pre{font-size:12px;padding:8px 10px;white-space:pre-wrap}
main{max-width:1320px}"""


def _page(axes: tuple[Axis, ...], samples: dict[str, Sample]) -> str:
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>",
        f"<title>Gen3D test conditions</title><style>{CSS}{_STYLE}</style><main><p class=brand>Gen3D</p>",
        f"<h1>{len(axes)} test conditions</h1>",
        "<p class=soft>The same seeds under each: episodes differ in what the condition changes, and in nothing else."
        "</p>",
    ]
    for group in GROUPS:
        members = [axis for axis in axes if axis.group == group]
        if members:
            parts.append(f"<h2>{group.replace('_', ' ')}</h2><div class=axes>")
            parts += [_card(axis, samples[axis.name]) for axis in members]
            parts.append("</div>")
    return "".join([*parts, "</main></html>\n"])


def _card(axis: Axis, drawn: Sample) -> str:
    figures = []
    for index, (words, note) in enumerate(zip(drawn.instructions, drawn.notes, strict=True)):
        file, told = f"pictures/{axis.name}_{index + 1}.png", html.escape(words) or "(no words)"
        size = f"width={WIDTH} height={HEIGHT}"
        text = f"{axis.name}, {note}"
        figures.append(
            f"<figure><img src='{file}' alt='{html.escape(text)}' loading=lazy {size}>"
            f"<figcaption>{note}: {told}</figcaption></figure>"
        )
    settings = html.escape(json.dumps(axis.arguments, indent=1))
    return (
        f"<section class=card id='{axis.name}'><div class=two>{''.join(figures)}</div><h3>{axis.name}</h3>"
        f"<p class=soft>{html.escape(axis.changes)}</p>"
        f"<details><summary>arguments of gym.make</summary><pre>{settings}</pre></details></section>"
    )
