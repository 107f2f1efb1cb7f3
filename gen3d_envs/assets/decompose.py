"""Foreign meshes as a few convex hulls: bodies that came with the mesh, or a cached decomposition by CoACD."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.assets import store
from gen3d_envs.assets.simplify import Array, Index, decimated, is_watertight, signed_volume
from gen3d_envs.errors import AssetError, EngineUnavailable

MAX_PIECES = 16
MAX_HULL_VERTICES = 32
COACD_FACES = 1500
"""CoACD's time grows faster than the number of faces: 75 s at 23,000, some 3 s at 1,500."""

COACD_THRESHOLD = 0.05
"""Concavity at which a piece is not cut any more, as a share of its size; CoACD's own default."""

CONVEX_SHARE = 0.97
"""A closed mesh that fills this share of its convex hull is one piece."""

_CACHE_VERSION = "1"


def hull_volume(points: Array) -> float:
    """Volume of the convex hull; 0 where the points are flat."""
    from scipy.spatial import ConvexHull, QhullError

    try:
        return float(ConvexHull(points).volume)
    except (QhullError, ValueError):
        return 0.0


def connected(vertices: Array, faces: Index) -> list[Array]:
    """The vertices of each connected component, in the order of their first face."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    pairs = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]]])
    graph = coo_matrix((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(len(vertices),) * 2)
    _, label = connected_components(graph, directed=False)
    of_face = label[faces[:, 0]]
    _, first = np.unique(of_face, return_index=True)
    return [vertices[np.unique(faces[of_face == of_face[k]])] for k in np.sort(first)]


def pieces_of(bodies: Sequence[Array], most: int = MAX_PIECES) -> list[Array]:
    """Convex bodies (any points of each) as at most ``most`` hulls of at most 32 vertices, large first.

    Too many bodies are merged pair by pair, always the pair whose common hull adds the least empty volume.

    Raises:
        AssetError: no body has a volume.
    """
    hulls = [reduced(body) for body in bodies if len(body) >= 4]
    sized = [(hull_volume(hull), hull) for hull in hulls]
    largest = max((volume for volume, _ in sized), default=0.0)
    sized = [(volume, hull) for volume, hull in sized if volume > 1e-6 * largest and volume > 0.0]
    if not sized:
        raise AssetError("collision", len(bodies), "has no body with a volume", "Give a solid mesh, not a flat one")
    if len(sized) > 4 * most:  # keeps the pairwise search below from growing with the square of a thousand crumbs
        sized.sort(key=lambda entry: -entry[0])
        sized = sized[: 12 * most]
    sized = _joined(sized, most)
    order = sorted(range(len(sized)), key=lambda k: (-sized[k][0], k))
    return [sized[k][1] for k in order]


def _joined(sized: list[tuple[float, Array]], most: int) -> list[tuple[float, Array]]:
    """Merge the cheapest pair until ``most`` are left."""
    cost: dict[tuple[int, int], tuple[float, Array]] = {}
    alive = list(range(len(sized)))
    entries = dict(enumerate(sized))
    boxes = {k: (hull.min(axis=0), hull.max(axis=0)) for k, (_, hull) in entries.items()}
    size = float(max(box[1].max() for box in boxes.values()) - min(box[0].min() for box in boxes.values()))

    def near(a: int, b: int) -> bool:
        gap = np.maximum(boxes[a][0] - boxes[b][1], boxes[b][0] - boxes[a][1])
        return bool(gap.max() < 0.01 * size)

    def price(a: int, b: int) -> None:
        both = np.concatenate([entries[a][1], entries[b][1]])
        volume = hull_volume(both)
        cost[a, b] = (volume - entries[a][0] - entries[b][0], both)

    while len(alive) > most:
        neighbours = [(a, b) for i, a in enumerate(alive) for b in alive[i + 1 :] if near(a, b)]
        for a, b in neighbours or [(a, b) for i, a in enumerate(alive) for b in alive[i + 1 :]]:
            if (a, b) not in cost:
                price(a, b)
        a, b = min(cost, key=lambda pair: (cost[pair][0], pair))
        fresh = max(entries) + 1
        hull = reduced(cost[a, b][1])
        entries[fresh] = (hull_volume(hull), hull)
        boxes[fresh] = (hull.min(axis=0), hull.max(axis=0))
        alive = [k for k in alive if k not in (a, b)] + [fresh]
        cost = {pair: value for pair, value in cost.items() if not {a, b} & {*pair}}
    return [entries[k] for k in alive]


def reduced(points: Array, most: int = MAX_HULL_VERTICES) -> Array:
    """At most ``most`` of the points, whose hull is nearly that of all: extremes, then always the farthest outside."""
    from scipy.spatial import ConvexHull, QhullError

    points = np.unique(points, axis=0)
    try:
        points = points[np.sort(ConvexHull(points).vertices)]
    except (QhullError, ValueError):
        return points[:most]
    if len(points) <= most:
        return points
    directions = np.array([[i, j, k] for i in (-1, 0, 1) for j in (-1, 0, 1) for k in (-1, 0, 1)], dtype=np.float64)
    chosen = list(dict.fromkeys(int(k) for k in (points @ directions.T).argmax(axis=0)))[: most - 4]
    while len(chosen) < most:
        try:
            planes = ConvexHull(points[chosen]).equations
        except (QhullError, ValueError):
            distance = np.linalg.norm(points[:, None] - points[chosen], axis=2).min(axis=1)
        else:
            distance = (points @ planes[:, :3].T + planes[:, 3]).max(axis=1)
        distance[chosen] = -np.inf
        farthest = int(distance.argmax())
        if distance[farthest] <= 0.0:
            break
        chosen.append(farthest)
    return points[sorted(chosen)]


def decomposed(vertices: Array, faces: Index, seed: int = 0, folder: Path | None = None) -> list[Array]:
    """Convex decomposition of a mesh, a few seconds the first time and from the cache afterwards.

    Args:
        vertices: (n, 3) of the mesh, m.
        faces: (m, 3) of the mesh.
        seed: of CoACD's tree search.
        folder: where decompositions are kept; the user's cache folder by default.

    Raises:
        AssetError: nothing with a volume was found.
        EngineUnavailable: not in the cache, and the extra ``mesh`` is not installed.
    """
    whole = hull_volume(vertices)
    if is_watertight(faces) and signed_volume(vertices, faces) > CONVEX_SHARE * whole:
        return pieces_of([vertices])
    vertices, faces = decimated(vertices, faces, COACD_FACES)
    digest = hashlib.sha256(f"{_CACHE_VERSION} {seed} {COACD_THRESHOLD} {len(vertices)} {len(faces)}".encode())
    digest.update(np.ascontiguousarray(vertices, "<f8").tobytes() + np.ascontiguousarray(faces, "<i8").tobytes())
    path = (store.cache_folder() if folder is None else folder) / "hulls" / f"{digest.hexdigest()}.npz"
    cached = _read(path)
    if cached is not None:
        return cached
    pieces = pieces_of(_run_coacd(vertices, faces, seed))
    _write(path, pieces)
    return pieces


def _run_coacd(vertices: Array, faces: Index, seed: int) -> list[Array]:
    try:
        import coacd
    except ImportError:
        raise EngineUnavailable(
            "A mesh without collision bodies must be decomposed, and coacd is not installed. "
            "Install the extra: pip install 'gen3d-envs[mesh]'."
        ) from None
    coacd.set_log_level("error")
    try:
        parts = coacd.run_coacd(
            coacd.Mesh(vertices, faces),
            threshold=COACD_THRESHOLD,
            max_convex_hull=MAX_PIECES,
            seed=seed,
            # A quarter of the default effort: 8 s instead of 37 s on an open mesh, with 11 % more volume.
            preprocess_resolution=30,
            resolution=1000,
            mcts_nodes=10,
            mcts_iterations=50,
        )
    except Exception as error:  # its bindings raise plain RuntimeErrors of many texts
        raise AssetError("mesh", len(faces), f"cannot be decomposed ({error})", "Give a closed solid mesh") from None
    return [np.asarray(part[0], dtype=np.float64) for part in parts]


_DTYPES = {"counts": "<i4", "points": "<f8"}
_COLUMNS = {"counts": None, "points": 3}


def _read(path: Path) -> list[Array] | None:
    try:
        arrays: dict[str, NDArray[np.float64]] = store.unpack_arrays(path.read_bytes(), _DTYPES, _COLUMNS)
    except (OSError, AssetError):
        return None
    ends = np.cumsum(arrays["counts"])
    if not len(ends) or ends[-1] != len(arrays["points"]):
        return None
    return np.split(arrays["points"], ends[:-1])


def _write(path: Path, pieces: list[Array]) -> None:
    counts = np.array([len(piece) for piece in pieces], dtype=np.int32)
    try:
        store.write_atomically(path, store.pack_arrays({"counts": counts, "points": np.concatenate(pieces)}))
    except OSError:
        return  # a cache that cannot be written costs time, nothing else
