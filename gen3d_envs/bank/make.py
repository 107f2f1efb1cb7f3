"""Making one scene of a bank: design, assets, gate, layout, certificate; repair where it does not pass.

What comes out depends on the request and the settings alone, so any process may make any scene in any order.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from gen3d_envs.assets.asset import Asset
from gen3d_envs.assets.generators import AssetGenerator, get_generator
from gen3d_envs.assets.store import AssetStore, encode
from gen3d_envs.bank.compose import compose, handmade_folder
from gen3d_envs.bank.index import Entry, Settings
from gen3d_envs.bank.plan import SceneRequest
from gen3d_envs.build import BuiltScene, build, build_asset
from gen3d_envs.certify import certify
from gen3d_envs.design.designer import Designer, get_designer
from gen3d_envs.errors import AssetError, DesignError, FieldError, LayoutError, UnfitError
from gen3d_envs.gate import inspect
from gen3d_envs.spec import Certificate, CheckResult, SceneSpec, replace, to_card

TRIES = 4
"""Attempts at one request: another layout of the same objects, then other objects."""

LAYOUTS = 2
"""Layouts tried of one set of objects."""


@dataclass(frozen=True)
class Made:
    """What came of one place of the plan.

    Attributes:
        entry: its line in the bank's index.
        card: the card's bytes; None where nothing passed.
        assets: encoded assets by hash.
        process, cpu_s: the process that made it, and all processor time that it has used so far.
    """

    entry: Entry
    card: bytes | None
    assets: dict[str, bytes]
    process: int
    cpu_s: float


class Refusal(NamedTuple):
    """Why an attempt failed: a reason to count by, and the words."""

    reason: str
    detail: str
    needs: str
    """``"layout"``: another arrangement may pass; ``"objects"``: other objects may; ``"nothing"``: none will."""


def make(candidates: Sequence[SceneRequest], settings: Settings) -> Made:
    """Make the first of several requests for one place of the plan that passes.

    Args:
        candidates: the request and its spares, in order.
        settings: of the bank.

    Raises:
        AssetError, EngineUnavailable: what makes assets does not work.
    """
    designer, generator = _tools(settings.designer, settings.assets)
    tries, generated, refused = 0, 0, 0
    rejected: list[str] = []
    reasons: list[str] = []
    for request in candidates:
        work = _Work(request, settings, designer, generator)
        scene = work.run()
        tries += work.tries
        generated, refused = generated + work.generated, refused + work.refused
        rejected += [refusal.detail[:400] for refusal in work.refusals]
        reasons += [refusal.reason for refusal in work.refusals]
        if scene is not None:
            break
    entry = Entry(
        index=request.index, split=request.split, spare=request.spare, tries=tries, assets_generated=generated,
        assets_refused=refused, reasons=tuple(reasons), rejected=tuple(rejected),
        name=scene.spec.name if scene else None, hash=scene.hash if scene else None,
        family=scene.spec.task.family if scene else None,
    )  # fmt: skip
    assets = {asset.sha256: encode(asset) for asset in scene.assets} if scene else {}
    return Made(entry, to_card(scene.spec) if scene else None, assets, os.getpid(), time.process_time())


@lru_cache(maxsize=4)
def _tools(designer: str, assets: str) -> tuple[Designer, AssetGenerator]:
    """Who reads sentences and what makes assets; loaded once per process, for some of them are large."""
    return get_designer(designer), get_generator(assets)


class _Work:
    """The attempts at one request."""

    def __init__(
        self, request: SceneRequest, settings: Settings, designer: Designer, generator: AssetGenerator
    ) -> None:
        self._request, self._settings = request, settings
        self._designer, self._generator = designer, generator
        self._folder = handmade_folder() if request.card is not None else None
        self._store = MemoryStore()
        self.tries = self.generated = self.refused = 0
        self.refusals: list[Refusal] = []

    def run(self) -> BuiltScene | None:
        """The certified scene, or None where no attempt passed."""
        draw, layout, spec = 0, 0, None
        while self.tries < (1 if self._request.card is not None else TRIES):
            self.tries += 1
            if spec is None:
                spec = self._objects(draw)
            scene = self._certified(spec, layout) if isinstance(spec, SceneSpec) else spec
            if isinstance(scene, BuiltScene):
                return scene
            self.refusals.append(scene)
            if scene.needs == "nothing":
                return None
            layout += 1
            if scene.needs == "objects" or layout == LAYOUTS:
                draw, layout, spec = draw + 1, 0, None
        return None

    def _objects(self, draw: int) -> SceneSpec | Refusal:
        """The scene with assets that pass the gate, not laid out yet."""
        request, settings = self._request, self._settings
        try:
            spec = compose(request, scene_seed(settings, request, draw), settings.robots[0], self._designer)
        except DesignError as error:
            return Refusal("design", str(error), "nothing")
        if draw > 0:
            spec = _roomier(spec)
        try:
            assets = tuple(build_asset(item, self._folder, self._store, self._generator) for item in spec.objects)
        except UnfitError as error:
            self.generated, self.refused = self.generated + 1, self.refused + 1
            return Refusal(f"asset {error.reason}", str(error), "objects")
        except AssetError:
            raise  # a generator that does not work, which other objects would not mend
        except FieldError as error:
            return Refusal("asset impossible", str(error), "objects")
        self.generated += len(assets)
        objects = tuple(replace(o, asset_sha256=a.sha256) for o, a in zip(spec.objects, assets, strict=True))
        spec = replace(spec, objects=objects)
        flaws = []
        for item, asset in zip(objects, assets, strict=True):
            failed = [check for check in inspect(asset, item, settings.physics) if not check.passed]
            self.refused += bool(failed)
            flaws += [(check.name, f"{item.name}: {_words(check)}") for check in failed]
        if flaws:
            return Refusal(f"asset {flaws[0][0]}", "; ".join(words for _, words in flaws), "objects")
        return spec

    def _certified(self, spec: SceneSpec, layout: int) -> BuiltScene | Refusal:
        """The scene laid out, named and with its certificates."""
        try:
            scene = build(replace(spec, seed=spec.seed + layout), self._folder, self._store)
        except LayoutError as error:
            return Refusal("layout", str(error), "layout")
        scene = _named(scene, self._settings.name_digits)
        certificates: list[Certificate] = []
        for robot in self._settings.robots:
            certificate = certify(scene, robot, self._settings.physics)
            failed = [check for check in certificate.checks if not check.passed]
            if failed:
                words = "; ".join(_words(check) for check in failed)
                return Refusal(f"certificate {failed[0].name}", f"{robot}: {words}", "layout")
            certificates.append(certificate)
        return BuiltScene(replace(scene.spec, certificates=tuple(certificates)), scene.assets)


def _words(check: CheckResult) -> str:
    return f"{check.name} {check.value:g} {check.unit} (limit {check.limit:g}) {check.detail}".strip()


def _roomier(spec: SceneSpec) -> SceneSpec:
    """The scene with a small target and a large receptacle where the sentence leaves the sizes open."""
    sizes = {spec.task.target: "small", spec.task.receptacle: "large"}
    if spec.task.receptacle is None:
        return spec
    objects = tuple(replace(o, size=o.size or sizes[o.name]) if o.name in sizes else o for o in spec.objects)
    roomier: SceneSpec = replace(spec, objects=objects)
    return roomier


def scene_seed(settings: Settings, request: SceneRequest, draw: int) -> int:
    """The seed of one set of objects: depends on the bank, the place in it and the attempt, never on other scenes."""
    # What a sentence gives must not change with the lines around it; what a benchmark gives, with its wording.
    place = request.index if request.around is not None else f"{request.sentence}#{request.copy}"
    text = f"{settings.benchmark}\n{settings.seed}\n{place}\n{request.spare}\n{draw}"
    return int(hashlib.sha256(text.encode()).hexdigest()[:13], 16)


def _named(scene: BuiltScene, digits: int) -> BuiltScene:
    """The scene with a name that ends in the start of the hash of its content."""
    base = scene.spec.name.partition("-")[0]
    name = f"{base}-{replace(scene.spec, name=base).hash[:digits]}"
    return BuiltScene(replace(scene.spec, name=name), scene.assets)


class MemoryStore(AssetStore):
    """A store without folders: an attempt that fails leaves nothing behind."""

    def __init__(self) -> None:
        super().__init__(("",))
        self._memory: OrderedDict[str, Asset] = OrderedDict()

    def get(self, sha256: str) -> Asset | None:
        """The asset with this hash where it was put."""
        return self._memory.get(sha256)

    def put(self, asset: Asset) -> str:
        """Keep the asset and return its hash."""
        self._memory[asset.sha256] = asset
        return asset.sha256
