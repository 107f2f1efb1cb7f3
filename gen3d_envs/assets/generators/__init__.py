"""Generators of assets behind one protocol, chosen by a word; see :func:`get_generator`."""

from __future__ import annotations

from pathlib import Path

from gen3d_envs.assets.generators.base import AssetGenerator, Fallback, Procedural, Remembered
from gen3d_envs.errors import AssetError

FALLBACK = ",procedural"
USAGE = "procedural, shap-e, shap-e:PATH, command:PROGRAM ARGUMENTS, http://HOST/PATH, or a folder of meshes"


def get_generator(text: str) -> AssetGenerator:
    """The generator that a text names.

    ============================ ===================================================================================
    ``procedural``               the built-in builders
    ``shap-e``, ``shap-e:PATH``  Shap-E from the hub or a local folder (extra ``shape``)
    ``command:ARGV``             a program that writes a GLB: ``command:python gen.py {prompt} {seed} {out}``
    ``http://...``, ``https://`` a server that answers ``{prompt, seed, size}`` with a GLB
    ``DIR``                      a folder of meshes with labels
    ============================ ===================================================================================

    Followed by ``,procedural`` it makes procedurally what it has nothing for. Equal objects are made once.

    Raises:
        AssetError: the text names none of these, or one that cannot work.
        EngineUnavailable: an extra is not installed.
    """
    if not isinstance(text, str) or not text.strip() or "\0" in text:
        raise AssetError("assets", text, "names no generator", f"Use {USAGE}")
    text = text.strip()
    if text == Procedural.name:
        return Procedural()
    if text.endswith(FALLBACK):
        return Remembered(Fallback(_named(text.removesuffix(FALLBACK).strip()), Procedural()))
    return Remembered(_named(text))


def _named(text: str) -> AssetGenerator:
    """One generator; each is imported when it is asked for."""
    kind, colon, rest = text.partition(":")
    if text == Procedural.name:
        return Procedural()
    if kind == "shap-e":
        from gen3d_envs.assets.generators.shap_e import HUB_NAME, ShapE

        return ShapE(rest if colon else HUB_NAME)
    if kind == "command":
        from gen3d_envs.assets.generators.command import Command

        return Command.parse(rest)
    if kind.lower() in ("http", "https"):
        from gen3d_envs.assets.generators.http import Http

        return Http(text)
    if not Path(text).is_dir():
        raise AssetError("assets", text, "is neither a generator nor a folder", f"Use {USAGE}")
    from gen3d_envs.assets.generators.folder import Folder

    return Folder(text)


__all__ = ["AssetGenerator", "Fallback", "Procedural", "Remembered", "get_generator"]
