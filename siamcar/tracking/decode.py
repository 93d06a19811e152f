"""From the network's three maps to the target's next place: one rule a strategy, everything else shared.

All strategies rank the locations of the response map by the foreground score, weakened by the penalty on changes of
size and shape and weighted by centerness, mixed with the cosine window (Eq. 9). They differ in how the final place
and box follow from that:

`coarse`    the box at the best location q (Eq. 9 alone).
`average`   the boxes of the `top_k` best of q and its `top_k_neighbourhood` nearest neighbours, averaged
            (CVPR 2020 version).
`refine`    the highest centerness among the locations in the box of q, between the locations too (Eq. 10), and the
            size there (Eq. 11).
`released`  what the published code does: its centerness is spread over 0–1 in each frame instead of a sigmoid, it
            enlarges whole maps by cv2.resize, refines penalty · foreground · centerness in half the box, and smooths
            the size, which the others do when `smooth_size` is set.

A location of a map is (row, column). A place is counted in search pixels from the middle of the search region.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from siamcar.config import Strategy, TrackerConfig
from siamcar.model.grid import Grid
from siamcar.tracking.state import TargetState

__all__ = ["Decoded", "Explained", "compute_penalty", "decode", "explain", "upsampling_weights"]

Map = npt.NDArray[np.float64]

_SMALLEST_SIDE = 1e-9
"""Stands in for a predicted side of 0, so that ratios of sides stay finite."""

_REGION_SMALLEST, _REGION_LARGEST = 0.1, 0.44
"""`released`: limits of the region's half sides before halving, in units of the template's side."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What one frame's maps say.

    Attributes:
        state: the target's new centre and size in frame pixels.
        score: the foreground probability at the final place, neither penalised nor windowed, in [0, 1].
    """

    state: TargetState
    score: float


@dataclass(frozen=True, slots=True)
class Explained:
    """How one frame's maps were read, for pictures; places are search pixels from the middle of the search region.

    Attributes:
        foreground, centerness: (R, R) in [0, 1].
        distances: (4, R, R) left, top, right, bottom, in search pixels.
        penalty, window: (R, R) penalty on changes of size and shape, and the cosine window.
        ranking: (R, R) what the coarse peak is the peak of (Eq. 9).
        peak: row and column of the coarse location q.
        coarse: (4,) `xywh` the box at q.
        region: left, top, right, bottom of what the final place is looked for in; a point for `coarse`.
        final: (4,) `xywh` the final box, before its size is smoothed and limited.
    """

    foreground: Map
    centerness: Map
    distances: Map
    penalty: Map
    window: Map
    ranking: Map
    peak: tuple[int, int]
    coarse: Map
    region: tuple[float, float, float, float]
    final: Map


@dataclass(frozen=True, slots=True)
class _Place:
    """A final place and box, in search pixels from the middle of the search region, and the foreground score there.

    `region` is where it was looked for: left, top, right, bottom.
    """

    x: float
    y: float
    width: float
    height: float
    foreground: float
    region: tuple[float, float, float, float]

    @property
    def box(self) -> Map:
        """(4,) `xywh`."""
        return np.array([self.x - self.width / 2, self.y - self.height / 2, self.width, self.height])


@dataclass(frozen=True, slots=True)
class _Ranked:
    """One frame's maps, ready for a rule: each (R, R), `distances` (4, R, R) left, top, right, bottom."""

    foreground: Map
    distances: Map
    centerness: Map
    penalized: Map
    """penalty · foreground · centerness"""
    weights: Map
    """penalty · foreground: what `average` weighs boxes with"""
    windowed: Map
    """Eq. 9"""
    grid: Grid
    config: TrackerConfig

    @property
    def middle(self) -> float:
        """Search pixel in the middle of the search region."""
        return (self.config.search_size - 1) / 2

    def position(self, index: float) -> float:
        """Column (or row) → search pixels from the middle; fractions lie between locations."""
        return self.grid.offset + self.grid.stride * index - self.middle

    def peak(self) -> tuple[int, int]:
        """Row and column of the best location."""
        return _argmax(self.windowed)


def decode(
    cls: npt.ArrayLike,
    loc: npt.ArrayLike,
    cen: npt.ArrayLike,
    *,
    grid: Grid,
    state: TargetState,
    scale: float,
    config: TrackerConfig,
    frame_size: tuple[int, int],
) -> Decoded:
    """Find the target's new state in the maps of one frame, by the rule of `config.strategy`.

    Maps with a value that is not finite say nothing: the state stays, with score 0. Peaks on the maps' borders are
    as good as others (the released code runs off its map there).

    Args:
        cls: (2, R, R) logits; 1 is the foreground.
        loc: (4, R, R) distances to the left, top, right and bottom side, in search pixels.
        cen: (R, R) centerness logits.
        grid: where the R × R locations lie.
        state: the target in the frame before, which the search region was cut around.
        scale: search pixels per frame pixel.
        config: strategy and hyper-parameters.
        frame_size: width and height of the frame.

    Raises:
        ValueError: maps of other shapes.
    """
    ranked = _read(cls, loc, cen, grid=grid, state=state, scale=scale, config=config)
    if ranked is None:
        return Decoded(state.clamp(frame_size, config.min_size), 0.0)
    place = _RULES[config.strategy](ranked)
    rate = _compute_smoothing_rate(place, (state.width * scale, state.height * scale), scale, config)
    new = TargetState(
        cx=state.cx + place.x / scale,
        cy=state.cy + place.y / scale,
        width=rate * place.width / scale + (1 - rate) * state.width,
        height=rate * place.height / scale + (1 - rate) * state.height,
    )
    return Decoded(new.clamp(frame_size, config.min_size), min(max(place.foreground, 0.0), 1.0))


def explain(
    cls: npt.ArrayLike,
    loc: npt.ArrayLike,
    cen: npt.ArrayLike,
    *,
    grid: Grid,
    state: TargetState,
    scale: float,
    config: TrackerConfig,
) -> Explained | None:
    """How `decode` reads the maps of one frame, given the same arguments; None where they are not finite.

    Raises:
        ValueError: maps of other shapes.
    """
    ranked = _read(cls, loc, cen, grid=grid, state=state, scale=scale, config=config)
    if ranked is None:
        return None
    final, window = _RULES[config.strategy](ranked), np.hanning(grid.size)
    left, top, right, bottom = ranked.distances
    target = (state.width * scale, state.height * scale)
    return Explained(
        foreground=ranked.foreground,
        centerness=ranked.centerness,
        distances=ranked.distances,
        penalty=compute_penalty(left + right, top + bottom, target, config.penalty_k),
        window=np.outer(window, window),
        ranking=ranked.windowed,
        peak=ranked.peak(),
        coarse=_place_coarse(ranked).box,
        region=final.region,
        final=final.box,
    )


def _read(
    cls: npt.ArrayLike,
    loc: npt.ArrayLike,
    cen: npt.ArrayLike,
    *,
    grid: Grid,
    state: TargetState,
    scale: float,
    config: TrackerConfig,
) -> _Ranked | None:
    """The maps, ready for a rule; None where a value is not finite."""
    size = grid.size
    logits, distances, centerness = (np.asarray(values, dtype=np.float64) for values in (cls, loc, cen))
    if logits.shape != (2, size, size) or distances.shape != (4, size, size) or centerness.shape != (size, size):
        raise ValueError(
            f"Maps are (2, {size}, {size}), (4, {size}, {size}) and ({size}, {size}); "
            f"found {logits.shape}, {distances.shape} and {centerness.shape}."
        )
    if not (np.isfinite(logits).all() and np.isfinite(distances).all() and np.isfinite(centerness).all()):
        return None
    target = (state.width * scale, state.height * scale)
    return _rank(logits, distances, centerness, target=target, grid=grid, config=config)


def _compute_smoothing_rate(place: _Place, target: tuple[float, float], scale: float, config: TrackerConfig) -> float:
    """How much of the new size is taken, the rest being the old one's: penalty · foreground · lr, or 1."""
    if config.strategy != "released" and not config.smooth_size:
        return 1.0
    # The released code compares a size in frame pixels with one in search pixels here, and is followed in that.
    unit = scale if config.strategy == "released" else 1.0
    sides = np.array([place.width, place.height]) / unit
    penalty = compute_penalty(sides[:1], sides[1:], target, config.penalty_k)
    return float(penalty[0]) * place.foreground * config.lr


def compute_penalty(width: Map, height: Map, target: tuple[float, float], strength: float) -> Map:
    """Penalty on changes of size and shape, exp(-strength · (r · s - 1)), in (0, 1].

    r is the change of the aspect ratio, s of the size sqrt((w + p)(h + p)) with p = (w + h) / 2, each as a factor ≥ 1
    (the paper takes it from SiamRPN).

    Args:
        width: predicted widths, any shape.
        height: predicted heights, of that shape.
        target: width and height of the target in the frame before, in the same unit.
        strength: `penalty_k`.
    """
    width, height = np.maximum(width, _SMALLEST_SIDE), np.maximum(height, _SMALLEST_SIDE)
    size_change = _as_factor(_padded_size(width, height) / _padded_size(np.array(target[0]), np.array(target[1])))
    ratio_change = _as_factor((target[0] / target[1]) / (width / height))
    penalty: Map = np.exp(-(ratio_change * size_change - 1.0) * strength)
    return penalty


def _padded_size(width: Map, height: Map) -> Map:
    padding = (width + height) / 2
    size: Map = np.sqrt((width + padding) * (height + padding))
    return size


def _as_factor(ratio: Map) -> Map:
    return np.maximum(ratio, 1.0 / ratio)


def _rank(
    logits: Map, distances: Map, centerness: Map, *, target: tuple[float, float], grid: Grid, config: TrackerConfig
) -> _Ranked:
    foreground = _sigmoid(logits[1] - logits[0])  # the softmax of two
    if config.strategy == "released":
        spread = np.ptp(centerness)
        # A flat map prefers no location; the released code divides by zero here.
        centerness = (centerness - centerness.min()) / spread if spread > 0 else np.ones_like(centerness)
    else:
        centerness = _sigmoid(centerness)
    left, top, right, bottom = distances
    weights = compute_penalty(left + right, top + bottom, target, config.penalty_k) * foreground
    penalized = weights * centerness
    window = np.hanning(grid.size)
    influence = config.window_influence
    windowed = penalized * (1 - influence) + np.outer(window, window) * influence
    return _Ranked(foreground, distances, centerness, penalized, weights, windowed, grid, config)


def _sigmoid(logits: Map) -> Map:
    return 0.5 * (1.0 + np.tanh(0.5 * logits))


def _argmax(values: Map) -> tuple[int, int]:
    row, column = np.unravel_index(int(values.argmax()), values.shape)
    return int(row), int(column)


def _place_coarse(maps: _Ranked) -> _Place:
    row, column = maps.peak()
    left, top, right, bottom = maps.distances[:, row, column].tolist()
    x, y = maps.position(column), maps.position(row)
    return _Place(
        x=x + (right - left) / 2,
        y=y + (bottom - top) / 2,
        width=left + right,
        height=top + bottom,
        foreground=float(maps.foreground[row, column]),
        region=(x, y, x, y),
    )


def _place_average(maps: _Ranked) -> _Place:
    """Top-k average of the CVPR 2020 version (n = 8, k = 3), which no released code holds.

    Read as: of q and its n nearest neighbours, those inside the map, take the k with the highest penalty ·
    foreground; the result is the mean of their boxes, weighted by it.
    """
    rows, columns = _neighbours(maps.peak(), maps.grid.size, maps.config.top_k_neighbourhood)
    best = np.argsort(-maps.weights[rows, columns], kind="stable")[: maps.config.top_k]
    rows, columns = rows[best], columns[best]
    weights = maps.weights[rows, columns]
    total = weights.sum()
    # Where every weight has underflowed there is nothing to rank by: q, which comes first, stands alone.
    weights = weights / total if total > 0 else np.eye(1, len(weights))[0]
    left, top, right, bottom = maps.distances[:, rows, columns]
    coordinates = maps.grid.coordinates() - maps.middle
    return _Place(
        x=float(weights @ (coordinates[columns] + (right - left) / 2)),
        y=float(weights @ (coordinates[rows] + (bottom - top) / 2)),
        width=float(weights @ (left + right)),
        height=float(weights @ (top + bottom)),
        foreground=float(weights @ maps.foreground[rows, columns]),
        region=_find_region(maps, rows, columns, 1),
    )


def _find_region(
    maps: _Ranked, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp], stride: int
) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of locations that are counted in `stride`-ths of a map's."""
    first_row, last_row, first_column, last_column = (
        maps.position(int(index) / stride) for index in (rows.min(), rows.max(), columns.min(), columns.max())
    )
    return first_column, first_row, last_column, last_row


def _neighbours(peak: tuple[int, int], size: int, count: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Rows and columns of a location and its `count` nearest neighbours, without those outside the map."""
    reach = math.isqrt(count) + 1
    offsets = [(r, c) for r in range(-reach, reach + 1) for c in range(-reach, reach + 1)]
    nearest = np.array(sorted(offsets, key=lambda offset: offset[0] ** 2 + offset[1] ** 2)[: count + 1], dtype=np.intp)
    locations = nearest + np.array(peak, dtype=np.intp)
    locations = locations[((locations >= 0) & (locations < size)).all(axis=1)]
    return locations[:, 0], locations[:, 1]


def _place_refine(maps: _Ranked) -> _Place:
    row, column = maps.peak()
    left, top, right, bottom = maps.distances[:, row, column].tolist()
    stride = maps.grid.stride
    weights = upsampling_weights(maps.grid.size, stride)
    fine_rows = stride * row + _reach_in_locations(row, top, bottom, maps.grid)
    fine_columns = stride * column + _reach_in_locations(column, left, right, maps.grid)
    centerness = weights[fine_rows] @ maps.centerness @ weights[fine_columns].T
    # Where centerness is saturated it has no single peak: of equal ones the nearest to q is taken.
    distance = np.add.outer((fine_rows - stride * row) ** 2, (fine_columns - stride * column) ** 2)
    equal = centerness >= centerness.max() - 1e-9
    fine_row, fine_column = _argmax(np.where(equal, -distance.astype(np.float64), -np.inf))
    row_weights, column_weights = weights[fine_rows[fine_row]], weights[fine_columns[fine_column]]
    left, top, right, bottom = (maps.distances @ column_weights @ row_weights).tolist()
    return _Place(
        x=maps.position(fine_columns[fine_column] / stride),
        y=maps.position(fine_rows[fine_row] / stride),
        width=left + right,
        height=top + bottom,
        # Bicubic weights overshoot, and a probability does not.
        foreground=min(max(float(row_weights @ maps.foreground @ column_weights), 0.0), 1.0),
        region=_find_region(maps, fine_rows, fine_columns, stride),
    )


def _reach_in_locations(index: int, before: float, after: float, grid: Grid) -> npt.NDArray[np.intp]:
    """Fine steps, relative to a location, between the first and the last location inside its box."""
    first = -min(int(max(before, 0.0) / grid.stride), index)
    last = min(int(max(after, 0.0) / grid.stride), grid.size - 1 - index)
    return np.arange(first * grid.stride, last * grid.stride + 1, dtype=np.intp)


@cache
def upsampling_weights(size: int, factor: int) -> Map:
    """Bicubic weights, ((size - 1) · factor + 1, size), that put `factor` steps between neighbours of a map.

    Row k of the result is at index k / factor of the map, exactly, so that it stands for search pixel
    offset + stride · k / factor. Keys' kernel with a = -0.5, which keeps linear maps (such as ideal distances)
    linear; indices beyond the map repeat its border.
    """
    position = np.arange((size - 1) * factor + 1) / factor
    nodes = np.floor(position).astype(np.intp)[:, None] + np.arange(-1, 3)
    distance = np.abs(position[:, None] - nodes)
    near = (1.5 * distance - 2.5) * distance**2 + 1
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    kernel = np.where(distance <= 1, near, np.where(distance < 2, far, 0.0))
    weights = np.zeros((len(position), size))
    np.add.at(weights, (np.arange(len(position))[:, None], np.clip(nodes, 0, size - 1)), kernel)
    weights.flags.writeable = False
    return weights


def _place_released(maps: _Ranked) -> _Place:
    """The published code's way, its quirks included; it clamps where that one runs off its map.

    Whole maps are resized to (R - 1) · 8 + 1, a factor of 7.72 for R = 25, whose results are then read as if the
    factor were 8.
    """
    size, stride = maps.grid.size, maps.grid.stride
    fine_size = (size - 1) * stride + 1
    fine_row, fine_column = _argmax(_resize(maps.windowed, fine_size))
    row, column = (min(round(index / (fine_size / size)), size - 1) for index in (fine_row, fine_column))
    smallest, largest = (int(part * maps.config.template_size) for part in (_REGION_SMALLEST, _REGION_LARGEST))
    left, top, right, bottom = np.clip(maps.distances[:, row, column], smallest, largest).tolist()
    first_row, first_column = fine_row - int(min(fine_row, top) / 2), fine_column - int(min(fine_column, left) / 2)
    last_row = fine_row + int(min(fine_size - fine_row, bottom) / 2)
    last_column = fine_column + int(min(fine_size - fine_column, right) / 2)
    region = _resize(maps.penalized, fine_size)[first_row : last_row + 1, first_column : last_column + 1]
    if region.max() > 0:  # where every weight has underflowed there is nothing to refine by
        inner_row, inner_column = _argmax(region)
        fine_row, fine_column = first_row + inner_row, first_column + inner_column
    left, top, right, bottom = (
        float(_resize(distances, fine_size)[fine_row, fine_column]) for distances in maps.distances
    )
    return _Place(
        x=maps.position(fine_column / stride),
        y=maps.position(fine_row / stride),
        width=left + right,
        height=top + bottom,
        foreground=float(_resize(maps.foreground, fine_size)[fine_row, fine_column]),
        region=(
            maps.position(first_column / stride),
            maps.position(first_row / stride),
            maps.position(last_column / stride),
            maps.position(last_row / stride),
        ),
    )


def _resize(values: Map, size: int) -> Map:
    resized: Map = cv2.resize(values, (size, size), interpolation=cv2.INTER_CUBIC)
    return resized


_RULES: dict[Strategy, Callable[[_Ranked], _Place]] = {
    "released": _place_released,
    "refine": _place_refine,
    "average": _place_average,
    "coarse": _place_coarse,
}
