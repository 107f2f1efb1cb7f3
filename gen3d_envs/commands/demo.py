"""``gen3d demo``: a sentence becomes a certified scene, and a report shows it."""

from __future__ import annotations

import argparse
import json
import platform
import shlex
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import gymnasium

from gen3d_envs import __version__
from gen3d_envs.author import Authored, author, save_scene
from gen3d_envs.cameras import CAMERAS
from gen3d_envs.commands.console import Progress, say
from gen3d_envs.env import Gen3DEnv
from gen3d_envs.folders import appearing, check_replaceable
from gen3d_envs.pictures import FILM_HZ, Photographer, asset_picture, film, find_success, make_policy, png
from gen3d_envs.registration import register_scene, released, user_folder
from gen3d_envs.report import PolicyResult, Report, Shot, render_html
from gen3d_envs.robots import get_robot
from gen3d_envs.rollout import run_episode
from gen3d_envs.sim.engines import DEFAULT, ENGINES
from gen3d_envs.video import write_mp4

MARK = "demo.json"
"""Figures of a demo, and the sign that a folder is one of ours and may be replaced."""

RANDOM_EPISODES = 10


def run(args: argparse.Namespace) -> int:
    """Run the command; returns its exit code."""
    sentence, robot = args.sentence, args.robot or "widowx"
    get_robot(robot)
    if args.out is not None:
        check_replaceable(Path(args.out), MARK, "demo")
    progress = Progress()
    say(f"Gen3D {__version__}: {sentence!r}")
    authored = author(sentence, args.seed, (robot,), args.physics, progress.stage, args.designer)
    scene = authored.scene
    progress.end(f"passed {len(scene.spec.certificates[0].checks)} checks with the {robot}")
    out = Path(args.out) if args.out is not None else Path("demo") / scene.spec.name
    check_replaceable(out, MARK, "demo")
    with appearing(out) as work:
        card = save_scene(scene, work)
        env_id, code, kept = _register(authored, out / card.name, card, args.physics)
        say(f"  {'register':<16}          {env_id}")
        results = _evaluate(env_id, card, args.episodes, args.physics, progress)
        shots, caption = _film(authored, work, args.physics, progress)
        progress.stage("report", "pictures of the objects")
        asset_shots = tuple(png(asset_picture(asset)) for asset in scene.assets)
        command = _command(args, robot)
        report = Report(
            sentence=sentence, scene=scene, env_id=env_id, code=code, command=command,
            video=(work / "expert.mp4").read_bytes(), video_caption=caption, shots=shots, asset_shots=asset_shots,
            results=results, rejected=authored.rejected, versions=versions(),
        )  # fmt: skip
        (work / "report.html").write_text(render_html(report), encoding="utf-8")
        (work / MARK).write_text(json.dumps(_figures(report), indent=1) + "\n", encoding="utf-8")
    progress.end(f"{(out / 'report.html').stat().st_size / 1e6:.1f} MB, everything in one file")
    _summary(report, kept, progress)
    say(f"Open {out / 'report.html'}")
    return 0


def _register(authored: Authored, out_card: Path, card: Path, physics: str) -> tuple[str, str, bool]:
    """Register the scene, in the user's folder where that can be written. ID, lines of Python, and whether it lasts."""
    scene = authored.scene
    name = scene.spec.name
    lines = "import gymnasium as gym, gen3d_envs\n"
    engine = "" if physics == DEFAULT else f', physics="{physics}"'
    same = f'env = gym.make("{{}}"{engine})\nobs, info = env.reset(seed=0)'
    if released().get(name, {}).get("hash") == scene.hash:
        return f"Gen3D/{name}-v0", lines + same.format(f"Gen3D/{name}-v0"), True
    try:
        env_id = register_scene(save_scene(scene, user_folder()))
        return env_id, lines + same.format(env_id), True
    except OSError:
        env_id = register_scene(card)
        made = (
            f'env = gym.make(gen3d_envs.register_scene("{out_card.resolve()}"){engine})\nobs, info = env.reset(seed=0)'
        )
        return env_id, lines + made, False


def _evaluate(env_id: str, card: Path, episodes: int, physics: str, progress: Progress) -> tuple[PolicyResult, ...]:
    """Run both policies, in the environment that its ID makes."""
    results = []
    env = gymnasium.make(env_id, obs_type="state", physics=physics)
    try:
        base = env.unwrapped
        assert isinstance(base, Gen3DEnv)
        for name, title, count, text in (
            ("random", "Random policy", min(RANDOM_EPISODES, episodes), "Uniform actions, the floor."),
            ("expert", "Scripted expert", episodes, "A script that knows all positions, the ceiling for now."),
        ):
            done = []
            for seed in range(count):
                progress.stage(name, f"episode {seed + 1} of {count}")
                done.append(run_episode(env, make_policy(name, base, seed), seed=seed))
            results.append(PolicyResult(title, text, tuple(done)))
            progress.end(f"{results[-1].successes} of {count} episodes succeed")
    finally:
        env.close()
    return tuple(results)


def _film(authored: Authored, work: Path, physics: str, progress: Progress) -> tuple[tuple[Shot, ...], str]:
    """Film the expert and take the stills; writes them into ``work``."""
    robot = authored.scene.spec.robot
    env = Gen3DEnv(scene=authored.scene, robot=robot, obs_type="state", control_hz=FILM_HZ, physics=physics)
    try:
        progress.stage("film", "choosing an episode")
        episode = find_success(env)
        env.reset(seed=episode.seed)
        eye = Photographer(env)
        stills = {f"before_{camera}": _still(eye, camera) for camera in CAMERAS}
        count = write_mp4(work / "expert.mp4", _noted(film(env, "expert", episode.seed or 0, eye), progress), FILM_HZ)
        stills |= {f"after_{camera}": _still(eye, camera) for camera in CAMERAS}
        eye.close()
    finally:
        env.close()
    progress.end(f"{count} frames, {count / FILM_HZ:.0f} s of simulated time")
    for name, picture in stills.items():
        (work / f"{name}.png").write_bytes(picture)
    shots = tuple(
        Shot(f"{when.capitalize()}, {camera} camera", stills[f"{when}_{camera}"])
        for camera in CAMERAS
        for when in ("before", "after")
    )
    ending = "succeeds" if episode.success else f"ends in: {episode.outcome.replace('_', ' ')}"
    return shots, (
        f"The scripted expert {ending}. Seed {episode.seed}, {FILM_HZ} Hz control, real time. Left an overview; right "
        "what policies can see: the front and the wrist camera."
    )


def _still(eye: Photographer, camera: str) -> bytes:
    """A 4:3 PNG; of a square view the middle."""
    return png(eye.shoot(camera, 640, 640)[80:560] if camera == "wrist" else eye.shoot(camera, 640, 480))


def _noted(frames: Any, progress: Progress) -> Any:
    for index, frame in enumerate(frames):
        if index % FILM_HZ == 0:
            progress.stage("film", f"{index // FILM_HZ} s")
        yield frame


def _command(args: argparse.Namespace, robot: str) -> str:
    parts = [
        "gen3d",
        "demo",
        args.sentence,
        "--seed",
        str(args.seed),
        "--robot",
        robot,
        "--episodes",
        str(args.episodes),
    ]
    if args.physics != DEFAULT:
        parts += ["--physics", args.physics]
    if args.designer != "rules":
        parts += ["--designer", args.designer]
    return shlex.join(parts)


def versions() -> dict[str, str]:
    """Versions of what a demo depends on."""
    found = {"gen3d-envs": __version__, "Python": platform.python_version()}
    for name in ("gymnasium", *ENGINES, "panda3d", "numpy", "trimesh", "manifold3d", "av"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _figures(report: Report) -> dict[str, Any]:
    """What the report says, for programs."""
    return {
        "gen3d_demo": 1,
        "sentence": report.sentence,
        "id": report.env_id,
        "scene_hash": report.scene.hash,
        "command": report.command,
        "tries": len(report.rejected) + 1,
        "results": {
            result.name: {
                "successes": result.successes,
                "episodes": len(result.episodes),
                "interval_95": [round(end, 4) for end in result.interval],
                "outcomes": result.outcomes,
            }
            for result in report.results
        },
        "versions": dict(report.versions),
    }


def _summary(report: Report, kept: bool, progress: Progress) -> None:
    spec = report.scene.spec
    say()
    for line in spec.warnings:
        say(f"  note: {line}")
    for result in report.results:
        low, high = result.interval
        say(
            f"  {result.name:<16} {result.successes:>3} of {len(result.episodes)}  "
            f"(95 % interval {100 * low:.0f} to {100 * high:.0f} %)"
        )
    if not kept:
        say(f"  note: {user_folder()} cannot be written, so the ID is not there in other programs.")
    say(f"  done in {progress.elapsed_s:.1f} s. Use it anywhere:\n")
    say("".join(f"    {line}\n" for line in report.code.splitlines()))
