"""Put a finished bank into the registry: ``python -m gen3d_envs.bank.release BANK``.

The bank must be one of a benchmark, whole, and each scene certified for every robot of ``release.ROBOTS``. Its assets
go into one pack. A released benchmark never changes: a folder that is there is only replaced by the same scenes.
"""

from __future__ import annotations

import sys
from pathlib import Path

from gen3d_envs.assets.pack import write_pack
from gen3d_envs.assets.store import encode, load, write_atomically
from gen3d_envs.bank.index import INDEX, PACK, BankFolder
from gen3d_envs.bank.plan import benchmark_plan
from gen3d_envs.errors import SceneError
from gen3d_envs.registration import registry_folder
from gen3d_envs.release import ROBOTS
from gen3d_envs.spec import read_card


def release(source: Path, registry: Path) -> Path:
    """Copy a bank into ``registry/banks/<benchmark>``.

    Args:
        source: the folder that ``gen3d generate --benchmark`` wrote.
        registry: the registry.

    Returns:
        The folder it is in now.

    Raises:
        SceneError: the bank is not whole, not certified for all robots, or differs from what was released.
        FieldError: it is the bank of no benchmark.
    """
    bank = BankFolder(source)
    index = bank.index()
    if index is None or not index.complete:
        raise SceneError("bank", str(source), "is no finished bank", "Run `gen3d generate` to its end")
    plan = benchmark_plan(index.settings.benchmark, index.settings.seed)
    if index.settings.plan != plan.sha256 or any(e.name is None for e in index.scenes):
        raise SceneError("bank", str(source), "does not hold the whole plan of this version", "Make it again")
    if len(index.scenes) != len(plan.requests) or set(index.settings.robots) != set(ROBOTS):
        raise SceneError("bank", index.settings.robots, "lacks scenes or robots", f"Certify it for {', '.join(ROBOTS)}")
    folder = registry / "banks" / index.settings.benchmark
    before = BankFolder(folder).index()
    if before is not None and [e.hash for e in before.scenes] != [e.hash for e in index.scenes]:
        raise SceneError("bank", str(source), "differs from what was released", "Give it another name and IDs")
    assets = {}
    for entry in index.scenes:
        card = read_card(source / f"{entry.name}.json")
        if {c.robot for c in card.certificates if c.passed} < set(ROBOTS) or not bank.intact(entry):
            raise SceneError(f"{entry.name}.json", entry.hash, "is damaged or not certified", "Make it again")
        for item in card.objects:
            sha256 = str(item.asset_sha256)
            assets[sha256] = encode(load(bank.assets, sha256))
        write_atomically(folder / f"{entry.name}.json", (source / f"{entry.name}.json").read_bytes())
    write_pack(folder / PACK, assets)
    write_atomically(folder / INDEX, (source / INDEX).read_bytes())
    return folder


if __name__ == "__main__":
    print(release(Path(sys.argv[1]), registry_folder()))  # noqa: T201  a program
