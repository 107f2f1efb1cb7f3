"""Make the released scenes of ``registry/`` from their sentences: ``python -m gen3d_envs.release``.

A released card never changes. Running this again keeps every card that is there and adds those of new sentences; to
change a scene, give it a new sentence or seed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from gen3d_envs.assets.store import write_atomically
from gen3d_envs.author import author, save_scene
from gen3d_envs.errors import Gen3DError, SceneError
from gen3d_envs.registration import registry_folder, released
from gen3d_envs.spec import read_card

ROBOTS = ("widowx", "panda")
"""Every released scene is certified for each of these."""


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a released scene comes from; ``name`` is filled in when it is made."""

    sentence: str
    seed: int = 0
    name: str | None = None


def release(folder: Path, report: Callable[[str], None]) -> int:
    """Author what ``folder/sentences.json`` names and is not there yet, and write the index anew.

    Args:
        folder: the registry: ``sentences.json``, ``scenes/``, ``assets/``, ``index.json``.
        report: called with a line per scene.

    Returns:
        How many sentences could not be made into a certified scene.
    """
    path = folder / "sentences.json"
    sources = msgspec.json.decode(path.read_bytes(), type=list[Source])
    failures = 0
    for number, source in enumerate(sources):
        if source.name is not None:
            continue
        try:
            authored = author(source.sentence, source.seed, ROBOTS)
        except Gen3DError as error:
            failures += 1
            report(f"FAILED  {source.sentence!r}: {error}")
            continue
        card = save_scene(authored.scene, folder / "scenes", folder / "assets")
        sources[number] = Source(source.sentence, source.seed, card.stem)
        write_atomically(path, msgspec.json.format(msgspec.json.encode(sources), indent=1) + b"\n")
        report(f"{card.stem:44s} tries {authored.tries}  {'; '.join(authored.rejected)}")
    write_index(folder)
    return failures


def write_index(folder: Path) -> None:
    """Write ``index.json``: the family and hash of every card, in name order."""
    index = {}
    before = released()
    for path in sorted((folder / "scenes").glob("*.json")):
        card = read_card(path)
        if card.name in before and before[card.name]["hash"] != card.hash:
            raise SceneError(f"{path.name}: hash", card.hash, "differs from what was released", "Restore the card")
        index[card.name] = {"family": card.task.family, "hash": card.hash}
    write_atomically(folder / "index.json", msgspec.json.format(msgspec.json.encode(index), indent=1) + b"\n")


if __name__ == "__main__":
    sys.exit(min(1, release(registry_folder(), lambda line: print(line, flush=True))))  # noqa: T201  a program
