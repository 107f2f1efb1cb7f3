"""What can be done with a foreign shape: where to grasp it, what goes in it, what goes on it. Found by casting rays.

Rays are cast at the convex collision pieces, exactly, because those are what fingers and things will touch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.assets.asset import Cavity, Grasp, Surface, Vector
from gen3d_envs.errors import AssetError

Array = NDArray[np.float64]

FINGER_BREADTH_M = 0.016
"""Breadth of the strip that a finger touches: that of the robots' finger tips, rounded."""

OPENING_M = 0.004
"""How far each opened finger stays off the surface it will close on."""

FINGER_ROOM_M = 0.014
"""How far from that surface an opened finger reaches: the opening and its thickness."""

PALM_M = 0.045
"""Height of the palm above the finger tips; what stands higher between the fingers meets it (Franka hand, 45 mm)."""

PALM_HALF_WIDTH_M = 0.05
"""How far the palm reaches to either side along the closing direction."""

WIDEST_GRASP_M = 0.08
"""Opening of the widest gripper here (Franka hand, 80 mm)."""

MIN_ALIGNMENT = float(np.cos(np.radians(25.0)))
"""Cosine between closing direction and surface normal; fingers slide off beyond (25 deg; friction 0.5 holds to 27)."""

LOWEST_GRASP_M = 0.010
"""As for generated objects: the finger tips end below the grasp point and must not meet the table."""

TABLE_ROOM_M = 0.002

MOST_GRASPS = 12

SLOPE_COST = 2.0
"""A surface that looks up by 10 degrees counts as much against a grasp as a quarter of the object's reach of lever."""


@dataclass(frozen=True, eq=False)
class Columns:
    """The union of convex pieces as solid intervals of vertical columns.

    Attributes:
        x, y: (n,) centres of the columns, m.
        low, high: (n, k) bounds of up to k disjoint intervals per column, rising; NaN where there are fewer.
        step_m: distance between columns along x and y.
        shape: columns along x and y.
    """

    x: Array
    y: Array
    low: Array
    high: Array
    step_m: tuple[float, float]
    shape: tuple[int, int]

    @property
    def cell_m2(self) -> float:
        """Area of a column."""
        return self.step_m[0] * self.step_m[1]


def planes_of(pieces: Sequence[Array]) -> list[Array]:
    """Outward planes (nx, ny, nz, offset) of the hull of each piece: inside is ``n . p + offset <= 0``."""
    from scipy.spatial import ConvexHull

    return [np.unique(ConvexHull(piece).equations.round(12), axis=0) for piece in pieces]


def cast(planes: Sequence[Array], origins: Array, direction: Array) -> tuple[Array, Array]:
    """Entry and exit of lines through each convex piece, as signed distances along ``direction`` (3,) or (n, 3).

    Returns:
        (n, pieces) entry and exit; NaN where a line misses a piece.
    """
    directions = np.broadcast_to(direction, origins.shape)
    enters, leaves = [], []
    for plane in planes:
        slope = np.einsum("ni,pi->np", directions, plane[:, :3])
        height = np.einsum("ni,pi->np", origins, plane[:, :3]) + plane[:, 3]
        with np.errstate(divide="ignore", invalid="ignore"):
            at = -height / slope
        parallel = np.abs(slope) < 1e-12
        enter = np.where(~parallel & (slope < 0), at, -np.inf).max(axis=1)
        leave = np.where(~parallel & (slope > 0), at, np.inf).min(axis=1)
        missed = (enter >= leave) | (parallel & (height > 0)).any(axis=1)
        enters.append(np.where(missed, np.nan, enter))
        leaves.append(np.where(missed, np.nan, leave))
    return np.stack(enters, axis=1), np.stack(leaves, axis=1)


def union(enter: Array, leave: Array, gap: float = 1e-4) -> tuple[Array, Array]:
    """Disjoint rising intervals of each row, joined where less than ``gap`` apart; NaN fills up."""
    order = np.argsort(np.where(np.isnan(enter), np.inf, enter), axis=1, kind="stable")
    enter, leave = np.take_along_axis(enter, order, 1), np.take_along_axis(leave, order, 1)
    low, high = np.full_like(enter, np.nan), np.full_like(leave, np.nan)
    current = np.full(len(enter), -1)
    rows = np.arange(len(enter))
    for k in range(enter.shape[1]):
        valid = ~np.isnan(enter[:, k])
        top = np.where(current >= 0, high[rows, np.maximum(current, 0)], -np.inf)
        joins = valid & (current >= 0) & (enter[:, k] <= top + gap)
        high[rows[joins], current[joins]] = np.maximum(top, leave[:, k])[joins]
        fresh = valid & ~joins
        current[fresh] += 1
        low[rows[fresh], current[fresh]] = enter[fresh, k]
        high[rows[fresh], current[fresh]] = leave[fresh, k]
    return low, high


def columns(pieces: Sequence[Array], cells: int = 56) -> Columns:
    """Cast ``cells`` x ``cells`` vertical rays through the bounding box of the pieces."""
    points = np.concatenate(pieces)
    low, high = points.min(axis=0), points.max(axis=0)
    step = (high - low)[:2] / cells
    xs, ys = (low[k] + (np.arange(cells) + 0.5) * step[k] for k in (0, 1))
    x, y = (grid.ravel() for grid in np.meshgrid(xs, ys, indexing="ij"))
    origins = np.column_stack([x, y, np.zeros_like(x)])
    bottom, top = union(*cast(planes_of(pieces), origins, np.array([0.0, 0.0, 1.0])))
    return Columns(x, y, bottom, top, (float(step[0]), float(step[1])), (cells, cells))


def mass_properties(grid: Columns) -> tuple[float, Vector, Vector]:
    """Volume (m3), centre of mass (m) and moments of inertia about it per unit of mass (m2) of a uniform solid."""
    length = np.nan_to_num(grid.high - grid.low)
    middle = np.nan_to_num(grid.high + grid.low) / 2
    total = float(length.sum())
    if total <= 0.0:
        raise AssetError("mesh", 0.0, "has no volume", "Give a solid mesh, not a flat one")
    x, y = np.broadcast_to(grid.x[:, None], length.shape), np.broadcast_to(grid.y[:, None], length.shape)
    com = tuple(float((value * length).sum() / total) for value in (x, y, middle))
    # Each interval is a slender box: its own second moments are those of the cell and of its length.
    side = grid.cell_m2 / 12.0
    xx = float(((x - com[0]) ** 2 * length).sum() / total) + side
    yy = float(((y - com[1]) ** 2 * length).sum() / total) + side
    zz = float((((middle - com[2]) ** 2 + length**2 / 12.0) * length).sum() / total)
    return total * grid.cell_m2, (com[0], com[1], com[2]), (yy + zz, xx + zz, xx + yy)


def find_grasps(
    pieces: Sequence[Array], com: Vector, widest_m: float = WIDEST_GRASP_M, most: int = 12
) -> tuple[Grasp, ...]:
    """Top-down parallel-jaw grasps, best first.

    At several heights, angles and offsets from the centre of mass, the shape is cut into what stands between two
    fingers. A grasp is kept where both surfaces face the fingers, where the opened fingers come down from above
    without meeting the object, and where it is no wider than ``widest_m``. Good ones are near the centre of mass and
    face the fingers squarely.
    """
    planes = planes_of(pieces)
    points = np.concatenate(pieces)
    low, high = points.min(axis=0), points.max(axis=0)
    height, reach = float(high[2] - low[2]), float(np.linalg.norm((high - low)[:2])) / 2
    levels = low[2] + height * np.linspace(0.06, 0.97, 14)
    found: list[tuple[float, Grasp]] = []
    for yaw in np.arange(12) * (np.pi / 12):
        along = np.array([np.cos(yaw), np.sin(yaw), 0.0])
        across = np.array([-np.sin(yaw), np.cos(yaw), 0.0])
        for offset in np.array([0.0, 0.12, -0.12, 0.3, -0.3, 0.5, -0.5, 0.7, -0.7]) * reach:
            base = np.array([com[0], com[1], 0.0]) + across * offset
            rays = [
                base + across * side + np.array([0.0, 0.0, z])
                for z in levels
                for side in (-FINGER_BREADTH_M / 2, 0.0, FINGER_BREADTH_M / 2)
            ]
            enter, leave = cast(planes, np.array(rays), along)
            strips = union(enter.reshape(len(levels), -1), leave.reshape(len(levels), -1))
            for width, middle, level, depth, quality in _closings(planes, strips, rays, along, levels, widest_m):
                position = base + along * middle
                arm = float(np.hypot(position[0] - com[0], position[1] - com[1]))
                z = max(float(levels[level] - low[2]), LOWEST_GRASP_M)
                score = quality - 1.5 * arm / (reach + 0.02) - 0.3 * abs(levels[level] - com[2]) / height
                score -= 0.4 * width / widest_m
                yaw_half = float((yaw + np.pi / 2) % np.pi - np.pi / 2)
                found.append((score, Grasp((float(position[0]), float(position[1]), z), yaw_half, width, depth)))
    found.sort(key=lambda entry: (-entry[0], entry[1].yaw_rad, entry[1].position_m))
    chosen: list[Grasp] = []
    for _, grasp in found:
        if all(_differ(grasp, other, height, reach) for other in chosen):
            chosen.append(grasp)
        if len(chosen) == MOST_GRASPS:
            break
    return tuple(chosen)


def _differ(a: Grasp, b: Grasp, height: float, reach: float) -> bool:
    turn = abs(a.yaw_rad - b.yaw_rad) % np.pi
    apart = max(abs(u - v) for u, v in zip(a.position_m[:2], b.position_m[:2], strict=True))
    return bool(
        min(turn, np.pi - turn) > 0.4 or apart > 0.25 * reach or abs(a.position_m[2] - b.position_m[2]) > 0.3 * height
    )


def _closings(
    planes: Sequence[Array],
    strips: tuple[Array, Array],
    rays: Sequence[Array],
    along: Array,
    levels: Array,
    widest_m: float,
) -> list[tuple[float, float, int, float, float]]:
    """What two fingers can close on in one vertical plane: (width, middle, level, depth below, quality)."""
    low, high = strips
    result = []
    for level in range(len(levels)):
        for start, end in zip(low[level], high[level], strict=True):
            if np.isnan(start) or not 0.002 <= end - start <= widest_m:
                continue
            free = [_room(low[k], high[k], start, end) for k in range(len(levels))]
            if not all(free[level:]):
                continue
            middle = float(start + end) / 2
            above = levels > levels[level] + PALM_M
            if ((low[above] < middle + PALM_HALF_WIDTH_M) & (high[above] > middle - PALM_HALF_WIDTH_M)).any():
                continue
            alignment, slope = _alignment(planes, rays[3 * level + 1], along, start, end)
            if alignment < MIN_ALIGNMENT:
                continue
            below = level
            while below > 0 and free[below - 1]:
                below -= 1
            bottom = levels[below] if below > 0 else levels[0] - (levels[1] - levels[0])
            depth = max(float(levels[level] - max(bottom, TABLE_ROOM_M)), 0.0)
            # Fingers slide up and off what narrows upwards, long before the friction angle.
            quality = alignment - SLOPE_COST * slope
            result.append((float(end - start), middle, level, depth, quality))
    return result


def _room(low: Array, high: Array, start: float, end: float) -> bool:
    """True where both opened fingers fit at one height: the object there does not reach into their strips."""
    for left, right in ((start - FINGER_ROOM_M, start - OPENING_M), (end + OPENING_M, end + FINGER_ROOM_M)):
        if bool(((low < right) & (high > left)).any()):
            return False
    return True


def _alignment(planes: Sequence[Array], ray: Array, along: Array, start: float, end: float) -> tuple[float, float]:
    """Where the fingers touch: the smaller cosine between closing direction and normal, and the larger upward slope."""
    worst, slope = 1.0, 0.0
    for distance, sign in ((start, -1.0), (end, 1.0)):
        point = ray + along * distance
        best, upward = 0.0, 0.0
        for plane in planes:
            height = plane[:, :3] @ point + plane[:, 3]
            if height.max() < 0.003:  # the point lies on this piece, or as near as the strip's breadth makes it
                normal = plane[int(height.argmax()), :3]
                facing = sign * float(normal @ along)
                if facing > best:
                    best, upward = facing, float(normal[2])
        worst, slope = min(worst, best), max(slope, upward)
    return worst, slope


def find_cavity(grid: Columns) -> Cavity | None:
    """The room that things can be put in from above, found by pouring water on the lowest solid layer; None without.

    A handle above the opening does not count as a lid: only the lowest interval of each column holds water.
    """
    nx, ny = grid.shape
    bottom = float(np.nanmin(grid.low))
    top = float(np.nanmax(grid.high))
    height = np.where(np.isnan(grid.high[:, 0]), bottom, grid.high[:, 0]).reshape(nx, ny)
    water = _poured(height)
    need = max(0.010, 0.12 * (top - bottom))
    region = _largest(water - height > need)
    if region.sum() < 0.12 * (height > bottom + 1e-6).sum():
        return None
    rim = float(np.median(water[region]))
    floor = float(np.quantile(height[region], 0.25))
    inner = _largest(region & (height < floor + 0.5 * (rim - floor)))
    shape = _inscribed(grid, inner)
    if shape is None or rim - floor < need or min(shape[0], shape[1]) < 0.012:
        return None
    half_x, half_y, is_round, center = shape
    return Cavity(floor, rim, half_x, half_y, is_round, center)


def find_surface(grid: Columns) -> Surface | None:
    """A flat top of at least 30 mm and a third of the footprint; None without."""
    top = np.where(np.isnan(grid.high), -np.inf, grid.high).max(axis=1).reshape(grid.shape)
    level = float(top.max())
    flat = _largest(top > level - 0.003)
    shape = _inscribed(grid, flat)
    if shape is None or min(shape[:2]) < 0.015 or flat.sum() < 0.33 * np.isfinite(top).sum():
        return None
    return Surface(level, *shape)


def find_dish(grid: Columns) -> Surface | None:
    """A flat middle, such as the inside of a plate or the top of a small block; None without.

    A third of the footprint, within 3 mm, at least 16 mm wide; unlike :func:`find_surface` it may lie below a rim.
    """
    top = np.where(np.isnan(grid.high), -np.inf, grid.high).max(axis=1).reshape(grid.shape)
    nx, ny = grid.shape
    level = float(np.median(top[nx // 3 : -(nx // 3), ny // 3 : -(ny // 3)]))
    flat = _largest(np.abs(top - level) < 0.003)
    shape = _inscribed(grid, flat)
    if shape is None or min(shape[:2]) < 0.008 or flat.sum() < 0.33 * np.isfinite(top).sum():
        return None
    return Surface(level, *shape)


def _poured(height: Array) -> Array:
    """Water level of each cell when rain runs off at the border (priority flood, Barnes et al. 2014)."""
    nx, ny = height.shape
    water = np.full(height.shape, np.inf)
    border = [(i, j) for i in range(nx) for j in range(ny) if i in (0, nx - 1) or j in (0, ny - 1)]
    heap = [(float(height[cell]), cell) for cell in border]
    for level, cell in heap:
        water[cell] = level
    heapify(heap)
    while heap:
        level, (i, j) = heappop(heap)
        for a, b in ((i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1)):
            if 0 <= a < nx and 0 <= b < ny and np.isinf(water[a, b]):
                water[a, b] = max(level, float(height[a, b]))
                heappush(heap, (float(water[a, b]), (a, b)))
    return water


def _largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest 4-connected region of a mask."""
    from scipy.ndimage import label

    labels, count = label(mask)
    if count == 0:
        return np.zeros_like(mask)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return np.asarray(labels == int(sizes.argmax()))


def _inscribed(grid: Columns, mask: NDArray[np.bool_]) -> tuple[float, float, bool, tuple[float, float]] | None:
    """A large ellipse or rectangle inside a region: half axes, whether it is round, and its centre."""
    inside = mask.ravel()
    if inside.sum() < 12:
        return None
    x, y = grid.x[inside], grid.y[inside]
    center = (float(x.max() + x.min()) / 2, float(y.max() + y.min()) / 2)
    half = (float(x.max() - x.min() + grid.step_m[0]) / 2, float(y.max() - y.min() + grid.step_m[1]) / 2)
    best: tuple[float, float, float, bool] | None = None
    for is_round in (True, False):
        for scale in np.linspace(1.0, 0.4, 25):
            a, b = half[0] * scale, half[1] * scale
            u, v = np.abs(grid.x - center[0]) / a, np.abs(grid.y - center[1]) / b
            covered = (u * u + v * v <= 1.0) if is_round else ((u <= 1.0) & (v <= 1.0))
            if covered.any() and inside[covered].mean() >= 0.97:
                area = a * b * (np.pi if is_round else 4.0)
                if best is None or area > best[0]:
                    best = (area, a, b, is_round)
                break
    return None if best is None else (float(best[1]), float(best[2]), best[3], center)
