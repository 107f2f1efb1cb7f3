"""Mending what text-to-3D models make: crumbs in the air go, open shells become solids, thousands of faces fewer."""

from __future__ import annotations

import numpy as np

from gen3d_envs.assets.overlap import surface_points
from gen3d_envs.assets.simplify import Array, Index, cleaned, decimated, filled, is_watertight, merged, signed_volume
from gen3d_envs.errors import AssetError, EngineUnavailable

PIECE_CELLS = 96
"""Cells along the longest side in which pieces are told apart: what is closer than about two cells hangs together."""

SHELL_CELLS = 72
"""Cells along the longest side when a shell is made solid: its walls become some 3 % of the size thick."""


def main_piece(vertices: Array, faces: Index) -> tuple[Array, Index]:
    """The faces that hang together with the largest part of the surface, touching or nearly so."""
    labels, owners = _labels(vertices, faces)
    counts = np.bincount(labels)
    main = int(counts.argmax())
    keep = np.zeros(len(faces), dtype=bool)
    keep[owners[labels == main]] = True
    return (vertices, faces) if keep.all() else cleaned(vertices, faces[keep])


def _labels(vertices: Array, faces: Index) -> tuple[Index, Index]:
    """Piece of each sampled surface point, and the face it lies on."""
    from scipy.ndimage import label

    cell = float(np.ptp(vertices, axis=0).max()) / PIECE_CELLS
    points, owners = surface_points(vertices, faces, cell)
    index = np.floor((points - vertices.min(axis=0)) / cell).astype(np.int64)
    grid = np.zeros(index.max(axis=0) + 1, dtype=bool)
    grid[tuple(index.T)] = True
    labels, _ = label(grid, structure=np.ones((3, 3, 3)))
    return np.asarray(labels[tuple(index.T)], dtype=np.int64), owners


def closed(vertices: Array, faces: Index, most: int) -> tuple[Array, Index]:
    """A watertight mesh of at most ``most`` faces of nearly the same shape, faces outwards.

    Small holes are filled; what stays open, or opens when it is decimated, is sampled on a grid and meshed anew.

    Raises:
        AssetError: not even that gives a closed mesh.
        EngineUnavailable: it must be meshed anew and the extra ``mesh`` is not installed.
    """
    points, triangles = filled(vertices, faces)
    if is_watertight(triangles):
        found = _decimated(points, triangles, most)
        if found is not None:
            return found
    found = _decimated(*_solidified(points, triangles), most)
    if found is None:
        raise AssetError("mesh", len(faces), "is not closed and cannot be mended", "Give a watertight mesh")
    return found


def _decimated(vertices: Array, faces: Index, most: int) -> tuple[Array, Index] | None:
    """Decimated and still watertight; None where no number of faces up to ``most`` leaves it so."""
    for target in (most, int(0.8 * most), int(0.6 * most), int(0.4 * most)):
        points, triangles = merged(*decimated(vertices, faces, target))
        if len(triangles) >= 4 and is_watertight(triangles):
            volume = signed_volume(points, triangles)
            if abs(volume) > 1e-9 * float(np.ptp(points, axis=0).max()) ** 3:
                return points, triangles if volume > 0.0 else triangles[:, ::-1]
        if len(faces) <= target:
            break
    return None


def _solidified(vertices: Array, faces: Index) -> tuple[Array, Index]:
    """A closed mesh around a surface: shells get a thickness, what they enclose is filled."""
    try:
        from skimage.measure import marching_cubes
    except ImportError:
        raise EngineUnavailable(
            "A mesh that is not watertight must be meshed anew, and scikit-image is not installed. "
            "Install the extra: pip install 'gen3d-envs[mesh]'."
        ) from None
    from scipy.ndimage import binary_fill_holes, gaussian_filter

    low, cell = vertices.min(axis=0), float(np.ptp(vertices, axis=0).max()) / SHELL_CELLS
    points, _ = surface_points(vertices, faces, 0.5 * cell)
    index = np.rint((points - low) / cell).astype(np.int64) + 3
    grid = np.zeros(index.max(axis=0) + 4, dtype=bool)
    grid[tuple(index.T)] = True
    solid = binary_fill_holes(grid)
    # Half a cell of blur turns steps into slopes; 0.35 keeps walls of one cell.
    field = gaussian_filter(np.asarray(solid, dtype=np.float64), 0.8)
    found, triangles, _, _ = marching_cubes(field, 0.3, allow_degenerate=False)
    return merged((np.asarray(found, dtype=np.float64) - 3.0) * cell + low, np.asarray(triangles, dtype=np.int64))
