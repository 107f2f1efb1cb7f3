"""GLB bytes of somebody else's program or server: checked and made into an asset."""

from __future__ import annotations

from pathlib import Path

from gen3d_envs.assets.asset import Asset
from gen3d_envs.assets.generators.foreign import Source, fitted
from gen3d_envs.assets.mesh_file import parse_mesh
from gen3d_envs.errors import AssetError
from gen3d_envs.spec import ObjectSpec

MAX_GLB_BYTES = 64_000_000
"""Larger answers are cut off: a mesh of 100,000 textured faces takes some 10 MB."""


def asset_of(data: bytes, spec: ObjectSpec, note: str, field: str) -> Asset:
    """Make an asset of a GLB that nothing lies beside.

    Raises:
        AssetError: not a GLB, damaged, too large, or one that refers to other files.
        UnfitError: see :func:`~gen3d_envs.assets.generators.foreign.fitted`.
    """
    if len(data) > MAX_GLB_BYTES:
        raise AssetError(field, len(data), f"is more than {MAX_GLB_BYTES / 1e6:.0f} MB", "Ask it for fewer faces")
    if data[:4] != b"glTF":
        raise AssetError(field, data[:40], "is not a GLB", "Make it write binary glTF")
    nowhere = Path("/nonexistent")  # a GLB of its own holds its buffers and textures; nothing else is read
    return fitted(parse_mesh(data, ".glb", nowhere, field), spec, Source(note))
