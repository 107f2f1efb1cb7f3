"""The whole way from a sentence to a certified scene on disk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from gen3d_envs.assets.generators import AssetGenerator, get_generator
from gen3d_envs.assets.store import save, write_atomically
from gen3d_envs.build import BuiltScene, build
from gen3d_envs.certify import certify
from gen3d_envs.design.designer import Designer, get_designer
from gen3d_envs.errors import CertificateError, DesignError, LayoutError, UnfitError
from gen3d_envs.gate import GateReport, inspect
from gen3d_envs.sim.engines import DEFAULT
from gen3d_envs.spec import Certificate, SceneSpec, replace, to_card

RELAYOUTS = 3
"""Arrangements tried of one set of objects before other objects are drawn."""

REDESIGNS = 3
"""Sets of objects tried before a sentence is given up."""

Progress = Callable[[str, str], None]
"""Called with a stage (``design``, ``assets``, ``certify <robot>``, ``repair``) and what is being done."""


@dataclass(frozen=True, eq=False)
class Authored:
    """A scene that passed its certificate.

    Attributes:
        scene: the built scene; its spec holds one certificate per robot.
        tries: how many arrangements were needed, 1 when the first one passed.
        rejected: why each earlier one did not pass.
        gate: what the quality gate said of every asset that was made on the way; reports add up with ``merge``.
    """

    scene: BuiltScene
    tries: int
    rejected: tuple[str, ...]
    gate: GateReport = field(default_factory=GateReport)


def author(
    sentence: str,
    seed: int = 0,
    robots: tuple[str, ...] = ("widowx",),
    physics: str = DEFAULT,
    progress: Progress | None = None,
    designer: str | Designer = "rules",
    assets: str | AssetGenerator = "procedural",
) -> Authored:
    """Design, build and certify a scene; rearrange or redraw it a few times where it does not pass.

    Deterministic in the sentence, the seed and the robots with the rules; with a language model as designer, what it
    proposes may differ from call to call, and goes through the same layout, gate and certificate.

    Args:
        sentence: one instruction in English.
        seed: draws whatever the sentence leaves open.
        robots: which robots the scene must work with; it is designed for the first.
        physics: engine that the certificate is measured with.
        progress: told what is being done.
        designer: who reads the sentence: a designer, or its name for :func:`gen3d_envs.design.designer.get_designer`.
        assets: what makes the objects: a generator, or its name for :func:`gen3d_envs.assets.generators.get_generator`.

    Raises:
        DesignError: the sentence cannot be understood or built, or the designer cannot be used.
        AssetError: the generator cannot be used or does not work, or it has nothing that fits.
        CertificateError: nothing that was tried passed; the message names the last failures.
    """
    chosen = get_designer(designer) if isinstance(designer, str) else designer
    return author_spec(
        lambda draw: chosen.design(sentence, draw, robots[0]), sentence, seed, robots, physics, progress, assets
    )


def author_spec(
    designer: Callable[[int], SceneSpec],
    what: str,
    seed: int,
    robots: tuple[str, ...],
    physics: str = DEFAULT,
    progress: Progress | None = None,
    assets: str | AssetGenerator = "procedural",
) -> Authored:
    """As :func:`author`, from any designer: a function from a seed to a scene without poses."""
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**52:
        raise DesignError("seed", seed, "is no seed", "Use a whole number from 0 up")
    say = progress or (lambda stage, text: None)
    generator = get_generator(assets) if isinstance(assets, str) else assets
    gate, unfit = GateReport(), None
    rejected: list[str] = []
    for redesign in range(REDESIGNS):
        say("design", f"seed {seed + 1000 * redesign}")
        spec = designer(seed + 1000 * redesign)
        for relayout in range(RELAYOUTS):
            say("assets", ", ".join(item.description for item in spec.objects))
            try:
                scene = named(build(replace(spec, seed=spec.seed + relayout), generator=generator))
                unfit = None
            except LayoutError as error:
                rejected.append(str(error))
                say("repair", str(error))
                continue
            except UnfitError as error:
                unfit = error
                gate.add_broken(error.reason)
                rejected.append(str(error))
                say("repair", str(error))
                break  # other seeds may have something that fits
            flaws = asset_flaws(scene, physics, None if relayout else gate)
            if flaws:
                rejected.append("; ".join(flaws))
                say("repair", rejected[-1])
                break  # another arrangement has the same objects
            certificates = []
            for robot in robots:
                certificates.append(certify(scene, robot, physics, partial(say, f"certify {robot}")))
                if not certificates[-1].passed:
                    break
            failures = _failures(certificates)
            if not failures:
                spec = replace(scene.spec, certificates=tuple(certificates))
                return Authored(BuiltScene(spec, scene.assets), len(rejected) + 1, tuple(rejected), gate)
            rejected.append("; ".join(failures))
            say("repair", rejected[-1])
    if unfit is not None:
        raise unfit
    raise CertificateError(
        "scene", what, f"no arrangement passed; the last failed on {rejected[-1]}", "Use fewer or smaller objects"
    )


def asset_flaws(scene: BuiltScene, physics: str = DEFAULT, report: GateReport | None = None) -> list[str]:
    """What the quality gate has against the generated assets of a scene; empty when all pass.

    Foreign meshes that the scene itself names are not held to the catalogue's sizes and colours; what the import
    refuses is their gate.

    Args:
        scene: the built scene.
        physics: engine that assets are dropped in.
        report: counts every asset that is inspected.
    """
    flaws = []
    for item, asset in zip(scene.spec.objects, scene.assets, strict=True):
        if item.mesh is not None:
            continue
        results = inspect(asset, item, physics)
        if report is not None:
            report.add(results)
        flaws += [
            f"{item.name}: {check.name} {check.value:g} {check.unit} (limit {check.limit:g}) {check.detail}".strip()
            for check in results
            if not check.passed
        ]
    return flaws


def named(scene: BuiltScene) -> BuiltScene:
    """The scene with a name that ends in the hash of its content, so that no two different scenes share one."""
    base = scene.spec.name.partition("-")[0]
    name = f"{base}-{replace(scene.spec, name=base).hash[:4]}"
    return BuiltScene(replace(scene.spec, name=name), scene.assets)


def _failures(certificates: list[Certificate]) -> list[str]:
    return [
        f"{c.robot}: {check.name} {check.value:g} {check.unit} (limit {check.limit:g}) {check.detail}".strip()
        for c in certificates
        for check in c.checks
        if not check.passed
    ]


def save_scene(scene: BuiltScene, folder: str | Path, assets: str | Path | None = None) -> Path:
    """Write the card ``<folder>/<name>.json`` and its assets; each file whole or not at all.

    Args:
        scene: what to write.
        folder: where the card goes.
        assets: where the assets go; ``<folder>/assets`` where None.

    Raises:
        OSError: the folder cannot be written.
    """
    folder = Path(folder)
    for asset in scene.assets:
        save(asset, folder / "assets" if assets is None else assets)
    path = folder / f"{scene.spec.name}.json"
    write_atomically(path, to_card(scene.spec))
    return path
