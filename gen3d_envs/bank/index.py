"""A bank on disk: cards, assets, and ``bank.json`` that lists them; and the journal of one that is being made.

A bank is written by one process at a time (a lock of the operating system, which ends with the process). Every file is
written whole or not at all, assets before their card and the card before its line in the journal: whatever stops the
writing loses the scenes in flight and nothing else.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from gen3d_envs.assets import store
from gen3d_envs.assets.store import write_atomically
from gen3d_envs.bank.tables import Split
from gen3d_envs.errors import AssetError, FieldError, Gen3DError, SceneError
from gen3d_envs.sim.engines import DEFAULT
from gen3d_envs.spec import SCENE_NAME, Family, Seed, Sha256, Spec, read_card, to_json

INDEX = "bank.json"
PACK = "assets.pack"
JOURNAL = "journal"
INDEX_VERSION = 1
MAX_INDEX_BYTES = 200_000_000

SceneName = Annotated[str, msgspec.Meta(pattern=SCENE_NAME)]


class Settings(Spec, frozen=True, kw_only=True):
    """What a bank follows from, beside the versions of what makes it.

    Attributes:
        benchmark: its name, or ``"sentences"``.
        seed: of the bank.
        plan: hash of the plan.
        robots: each scene is certified for all of them and designed for the first.
        designer, assets, physics: who reads sentences, what makes assets, and the engine.
        name_digits: how much of its hash stands in a scene's name.
    """

    benchmark: str
    seed: Seed
    plan: Sha256
    robots: tuple[str, ...] = ("widowx",)
    designer: str = "rules"
    assets: str = "procedural"
    physics: str = DEFAULT
    name_digits: int = 4


class Entry(Spec, frozen=True, kw_only=True):
    """What came of one place of the plan.

    Attributes:
        index: the place, from 0.
        split: of the benchmark.
        name, hash, family: of the scene; None where the place stayed empty.
        spare: which request was made: 0 the planned one, from 1 a replacement.
        tries: attempts in all.
        assets_generated, assets_refused: assets made for it, and those that the quality gate refused.
        reasons, rejected: why each failed attempt failed: a reason to count by, and the words.
    """

    index: Annotated[int, msgspec.Meta(ge=0)]
    split: Split
    name: SceneName | None
    hash: Sha256 | None
    family: Family | None
    spare: int = 0
    tries: int = 1
    assets_generated: int = 0
    assets_refused: int = 0
    reasons: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()


class Figures(Spec, frozen=True, kw_only=True):
    """Counts over a whole bank.

    Attributes:
        scenes, empty: places of the plan with a scene and without.
        requests: requests tried, replacements included; of these
        first_try, after_repair: passed at the first attempt, and at any attempt.
        attempts_rejected: failed attempts by reason.
        assets_generated, assets_refused: assets made, and those that the quality gate refused.
        objects, unique_assets, categories: in the scenes.
    """

    scenes: int
    empty: int
    requests: int
    first_try: int
    after_repair: int
    attempts_rejected: dict[str, int]
    assets_generated: int
    assets_refused: int
    objects: int
    unique_assets: int
    categories: int


class BankIndex(Spec, frozen=True, kw_only=True):
    """``bank.json``: what the bank follows from, its scenes in order, and counts; no scenes while it is being made."""

    index_version: Literal[1] = 1
    settings: Settings
    scenes: tuple[Entry, ...] = ()
    figures: Figures | None = None

    @property
    def complete(self) -> bool:
        """Whether every place of the plan has been decided."""
        return self.figures is not None


class BankFolder:
    """The folder of a bank.

    Args:
        folder: cards ``<name>.json``, their assets in ``assets/`` or ``assets.pack``, and ``bank.json``.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def index(self) -> BankIndex | None:
        """The index; None where the folder holds no bank.

        Raises:
            SceneError: ``bank.json`` cannot be read.
        """
        path = self.folder / INDEX
        try:
            if path.stat().st_size > MAX_INDEX_BYTES:
                raise SceneError(str(path), path.stat().st_size, "is too large for an index", "It is no bank")
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            return msgspec.json.decode(data, type=BankIndex)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise SceneError(
                str(path), data[:40], f"is no index of a bank ({error})", "Delete it and make the bank again"
            ) from None

    def write_index(self, index: BankIndex) -> None:
        """Write ``bank.json``."""
        write_atomically(self.folder / INDEX, msgspec.json.format(to_json(index), indent=1) + b"\n")

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """The folder for this process alone, made where it is not there.

        Raises:
            FieldError: another process is writing to it.
        """
        from filelock import FileLock, Timeout

        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / ".lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise FieldError(
                "out", str(self.folder), "is being written to by another process", "Wait for it, or use another folder"
            ) from None
        try:
            yield
        finally:
            lock.release()

    def begin(self, settings: Settings) -> BankIndex:
        """Start or continue a bank; the lock must be held.

        Raises:
            FieldError: the folder holds another bank.
        """
        index = self.index()
        if index is not None and index.settings != settings:
            differing = [
                name for name in Settings.__struct_fields__ if getattr(index.settings, name) != getattr(settings, name)
            ]
            raise FieldError(
                "out", str(self.folder), f"holds another bank: it differs in {', '.join(differing)}",
                "Use another folder, or the options it was begun with",
            )  # fmt: skip
        for folder in (self.folder, self.folder / "assets", self.folder / JOURNAL):
            for path in folder.glob(".writing-*") if folder.is_dir() else ():
                path.unlink(missing_ok=True)  # left by a process that was killed
        if index is None:
            index = BankIndex(settings=settings)
            self.write_index(index)
        return index

    def write_scene(self, entry: Entry, card: bytes | None, assets: dict[str, bytes]) -> None:
        """Write the scene of one place, and then its line in the journal."""
        for sha256, data in assets.items():
            path = self.folder / "assets" / f"{sha256}.npz"
            if not path.is_file():
                write_atomically(path, data)
        if card is not None:
            write_atomically(self.folder / f"{entry.name}.json", card)
        write_atomically(self.folder / JOURNAL / f"{entry.index:06d}.json", to_json(entry))

    def journal(self) -> dict[int, Entry]:
        """The places that are done and whose files are whole, by index."""
        done = {}
        for path in sorted((self.folder / JOURNAL).glob("*.json")):
            try:
                entry = msgspec.json.decode(path.read_bytes(), type=Entry)
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue  # made again
            if entry.name is None or self.intact(entry):
                done[entry.index] = entry
        return done

    def intact(self, entry: Entry) -> bool:
        """Whether the card of an entry and all its assets are there and unchanged."""
        try:
            card = read_card(self.folder / f"{entry.name}.json")
            for item in card.objects:
                if item.asset_sha256 is not None:
                    store.load(self.assets, item.asset_sha256)
        except (SceneError, AssetError):
            return False
        return card.hash == entry.hash

    @property
    def assets(self) -> Path:
        """Where the assets are: a folder of files, or one pack."""
        pack = self.folder / PACK
        return pack if pack.is_file() else self.folder / "assets"

    def finish(self, settings: Settings, entries: list[Entry]) -> BankIndex:
        """Write the whole index and take the journal away.

        Raises:
            Gen3DError: two scenes have one name.
        """
        entries = sorted(entries, key=lambda entry: entry.index)
        names = [entry.name for entry in entries if entry.name is not None]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise Gen3DError(f"Two scenes of the bank are called {repeated[0]}: use another seed.")
        index = BankIndex(settings=settings, scenes=tuple(entries), figures=self._figures(entries))
        self.write_index(index)
        self.clear_journal()
        return index

    def clear_journal(self) -> None:
        """Take the journal away: all of it stands in the index."""
        folder = self.folder / JOURNAL
        for path in folder.glob("*.json") if folder.is_dir() else ():
            path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            folder.rmdir()

    def _figures(self, entries: list[Entry]) -> Figures:
        assets: set[str] = set()
        categories: set[str] = set()
        objects = 0
        for entry in entries:
            if entry.name is not None:
                items = read_card(self.folder / f"{entry.name}.json").objects
                objects += len(items)
                assets |= {str(item.asset_sha256) for item in items}
                categories |= {item.category for item in items}
        made = [entry for entry in entries if entry.name is not None]
        reasons = [reason for entry in entries for reason in entry.reasons]
        return Figures(
            scenes=len(made),
            empty=len(entries) - len(made),
            requests=sum(entry.spare + 1 for entry in entries),
            first_try=sum(entry.tries == 1 for entry in made),
            after_repair=len(made),
            attempts_rejected={reason: reasons.count(reason) for reason in sorted(set(reasons))},
            assets_generated=sum(entry.assets_generated for entry in entries),
            assets_refused=sum(entry.assets_refused for entry in entries),
            objects=objects,
            unique_assets=len(assets),
            categories=len(categories),
        )
