"""Simplifying foreign meshes: merge, clean, decimate, and carry the colours over."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.errors import EngineUnavailable

Array = NDArray[np.float64]
Index = NDArray[np.int64]


def merged(vertices: Array, faces: Index) -> tuple[Array, Index]:
    """Vertices at the same place become one (their mean would move nothing), degenerate faces and loose vertices go.

    Places are compared on a grid of a millionth of the mesh's size.
    """
    low = vertices.min(axis=0)
    cell = max(float((vertices.max(axis=0) - low).max()) * 1e-6, 1e-300)
    keys = np.rint((vertices - low) / cell).astype(np.int64)
    _, first, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    return cleaned(vertices[first], inverse.reshape(-1)[faces])


def cleaned(vertices: Array, faces: Index) -> tuple[Array, Index]:
    """Without faces that are a line or stand twice, and without vertices that no face uses."""
    a, b, c = vertices[faces[:, 0]], vertices[faces[:, 1]], vertices[faces[:, 2]]
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    size = float((vertices.max(axis=0) - vertices.min(axis=0)).max())
    faces = faces[area > 1e-14 * size * size]
    if len(faces):
        _, first = np.unique(np.sort(faces, axis=1), axis=0, return_index=True)
        faces = faces[np.sort(first)]
    used = np.unique(faces)
    place = np.zeros(len(vertices), dtype=np.int64)
    place[used] = np.arange(len(used))
    return vertices[used], place[faces]


def filled(vertices: Array, faces: Index, share: float = 0.35) -> tuple[Array, Index]:
    """Small holes closed by a fan about their centre; those with a rim longer than ``share`` of the size stay open.

    A few missing faces would otherwise turn a solid into a shell, and its decomposition from one second into twenty.
    """
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    count = len(vertices)
    forward, backward = edges[:, 0] * count + edges[:, 1], edges[:, 1] * count + edges[:, 0]
    rim = edges[~np.isin(backward, forward)]
    if len(rim) > 5000:  # a shell, not a solid with holes
        return vertices, faces
    following: dict[int, list[int]] = {}
    for start, end in rim.tolist():
        following.setdefault(end, []).append(start)  # the missing faces run against the rim's own edges
    points, triangles = [vertices], [faces]
    limit = share * float((vertices.max(axis=0) - vertices.min(axis=0)).max()) * np.pi
    for loop in _loops(following):
        corners = vertices[loop]
        if len(loop) < 3 or np.linalg.norm(corners - np.roll(corners, 1, axis=0), axis=1).sum() > limit:
            continue
        fan = [[loop[k], loop[(k + 1) % len(loop)], count] for k in range(len(loop))]
        points.append(corners.mean(axis=0, keepdims=True))
        triangles.append(np.array(fan, dtype=np.int64))
        count += 1
    return np.concatenate(points), np.concatenate(triangles)


def _loops(following: dict[int, list[int]]) -> Iterator[list[int]]:
    """Closed walks along directed edges, each vertex at most once in a walk; uses the edges up."""
    while following:
        walk = [next(iter(following))]
        while walk[-1] in following:
            choices = following[walk[-1]]
            after = choices.pop()
            if not choices:
                del following[walk[-1]]
            if after in walk:  # where two holes touch, the walk is cut into one loop for each
                start = walk.index(after)
                yield walk[start:]
                del walk[start + 1 :]
            else:
                walk.append(after)


def decimated(vertices: Array, faces: Index, most: int) -> tuple[Array, Index]:
    """At most ``most`` faces of nearly the same shape.

    Raises:
        EngineUnavailable: decimation is needed and the extra ``mesh`` is not installed.
    """
    if len(faces) <= most:
        return vertices, faces
    try:
        import fast_simplification
    except ImportError:
        raise EngineUnavailable(
            f"A mesh of {len(faces)} faces must be decimated, and fast-simplification is not installed. "
            "Install the extra: pip install 'gen3d-envs[mesh]'."
        ) from None
    target = most
    points, triangles = vertices, faces
    # It may return several times what was asked for where many small components resist: ask for less.
    for _ in range(6):
        found = fast_simplification.simplify(
            np.ascontiguousarray(vertices, np.float32), np.ascontiguousarray(faces, np.int32), target_count=target
        )
        points, triangles = cleaned(np.asarray(found[0], np.float64), np.asarray(found[1], np.int64))
        if 4 <= len(triangles) <= most:
            return points, triangles
        target = max(int(0.8 * target * min(most / max(len(triangles), 1), 1.0)), 16)
    return clustered(vertices, faces, most)


def clustered(vertices: Array, faces: Index, most: int) -> tuple[Array, Index]:
    """The coarse way that always ends: vertices of a grid cell become their mean; cells grow until it fits."""
    low, size = vertices.min(axis=0), float((vertices.max(axis=0) - vertices.min(axis=0)).max())
    cells = max(int(np.sqrt(most)), 4)
    while True:
        keys = np.floor((vertices - low) / size * cells * (1 - 1e-9)).astype(np.int64)
        _, inverse = np.unique(keys, axis=0, return_inverse=True)
        inverse = inverse.reshape(-1)
        weight = np.bincount(inverse)[:, None]
        means = np.column_stack([np.bincount(inverse, vertices[:, axis]) for axis in range(3)]) / weight
        points, triangles = cleaned(means, inverse[faces])
        if len(triangles) <= most or cells <= 2:
            return points, triangles[:most]
        cells = max(int(cells * 0.85), 2)


def transferred(colors: Array, source: Array, target: Array) -> NDArray[np.uint8]:
    """Colours of ``source`` vertices carried to ``target`` vertices.

    A target takes the mean of all sources that are nearest to it, which also keeps fine texture from flickering; one
    that is nearest to none takes its nearest source's colour.
    """
    from scipy.spatial import cKDTree

    _, owner = cKDTree(target).query(source)
    count = np.bincount(owner, minlength=len(target))
    sums = np.column_stack([np.bincount(owner, colors[:, k], minlength=len(target)) for k in range(3)])
    result = sums / np.maximum(count, 1)[:, None]
    lonely = count == 0
    if lonely.any():
        _, nearest = cKDTree(source).query(target[lonely])
        result[lonely] = colors[nearest]
    return np.clip(np.rint(result), 0, 255).astype(np.uint8)


def signed_volume(vertices: Array, faces: Index) -> float:
    """Volume by the divergence theorem; negative where the faces look inwards."""
    a, b, c = (vertices[faces[:, k]] - vertices.mean(axis=0) for k in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6.0)


def is_watertight(faces: Index) -> bool:
    """True where every edge is shared by exactly two faces that run along it in opposite directions."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    key = edges[:, 0] * (int(faces.max()) + 1) + edges[:, 1]
    back = edges[:, 1] * (int(faces.max()) + 1) + edges[:, 0]
    return len(np.unique(key)) == len(key) and bool(np.array_equal(np.sort(key), np.sort(back)))
