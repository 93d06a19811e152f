"""Pictures of pairs: what the network is shown, what it should say, what it says."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from siamcar.model.head import Maps
from training.feed import Batch
from training.targets import Targets

__all__ = ["draw_batch"]

Picture = npt.NDArray[np.uint8]

_TRUE, _SAID, _CELL = (80, 220, 80), (60, 60, 240), (240, 180, 40)
"""Colours of the true box, the predicted box and the positive cells, BGR."""


def draw_batch(
    batch: Batch,
    targets: Targets,
    maps: Maps | None,
    coordinates: Tensor,
    *,
    labels: Sequence[str] = (),
    limit: int = 8,
    columns: int = 2,
) -> Picture:
    """A sheet of pairs: template, search region with the true box (green), positive cells (blue dots) and the box of
    the best cell (red), and, where there are maps, the foreground probability over the region.

    Args:
        batch: the pairs.
        targets: their targets.
        maps: what the network says; None leaves prediction and probability out.
        coordinates: (R,) pixel indices of the cells.
        labels: a short text a pair.
        limit: the first so many pairs.
        columns: pairs side by side.

    Returns:
        (H, W, 3) uint8, BGR.
    """
    cells = coordinates.cpu().numpy()
    count = min(limit, len(batch.template))
    tiles = []
    for index in range(count):
        text = labels[index] if index < len(labels) else ""
        one = Maps(*(values[index].detach().float().cpu() for values in maps)) if maps is not None else None
        tiles.append(_draw_pair(batch, targets, one, cells, index, text))
    blank = np.full_like(tiles[0], 255)
    tiles += [blank] * (-count % columns)
    rows = [np.hstack(tiles[start : start + columns]) for start in range(0, len(tiles), columns)]
    return np.vstack(rows)


def _draw_pair(
    batch: Batch, targets: Targets, maps: Maps | None, cells: npt.NDArray[np.float32], index: int, text: str
) -> Picture:
    template, search = (values[index].permute(1, 2, 0).cpu().numpy() for values in (batch.template, batch.search))
    size = search.shape[0]
    region = np.ascontiguousarray(search)
    if bool(batch.present[index]):
        _draw_box(region, batch.box[index].cpu().numpy() - 0.5, _TRUE)
    for row, column in torch.nonzero(targets.positive[index].cpu()).tolist():
        cv2.circle(region, (round(float(cells[column])), round(float(cells[row]))), 1, _CELL, -1)
    parts = [_pad(np.ascontiguousarray(template), size), region]
    if maps is not None:
        foreground = torch.softmax(maps.cls, dim=0)[1]
        best = divmod(int((foreground * torch.sigmoid(maps.cen[0])).argmax()), len(cells))
        left, top, right, bottom = maps.loc[:, best[0], best[1]].tolist()
        x, y = float(cells[best[1]]), float(cells[best[0]])
        _draw_box(region, np.array([x - left, y - top, x + right, y + bottom]), _SAID)
        parts.append(_draw_heat(np.ascontiguousarray(search), foreground.numpy(), cells))
    tile = np.hstack(parts)
    if text:
        (width, height), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.4, 1)
        cv2.rectangle(tile, (0, size - height - below - 4), (width + 8, size), (0, 0, 0), -1)
        cv2.putText(tile, text, (4, size - below - 1), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 255), 1, cv2.LINE_AA)
    return np.ascontiguousarray(cv2.copyMakeBorder(tile, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=(255, 255, 255)))


def _draw_box(picture: Picture, box: npt.NDArray[np.float64], color: tuple[int, int, int]) -> None:
    limit = 4.0 * picture.shape[0]
    x0, y0, x1, y1 = (round(float(value)) for value in np.clip(np.nan_to_num(box), -limit, limit))
    cv2.rectangle(picture, (x0, y0), (x1, y1), color, 1)


def _draw_heat(picture: Picture, values: npt.NDArray[np.float32], cells: npt.NDArray[np.float32]) -> Picture:
    """The map laid over the region, each cell at its place."""
    stride = float(cells[1] - cells[0])
    transform = np.array([[stride, 0, float(cells[0])], [0, stride, float(cells[0])]])
    levels = np.clip(np.nan_to_num(values) * 255, 0, 255).astype(np.uint8)
    side = picture.shape[0]
    heat = cv2.warpAffine(levels, transform, (side, side), flags=cv2.INTER_LINEAR)
    return np.ascontiguousarray(cv2.addWeighted(picture, 0.5, cv2.applyColorMap(heat, cv2.COLORMAP_JET), 0.5, 0))


def _pad(picture: Picture, height: int) -> Picture:
    below = height - picture.shape[0]
    return np.ascontiguousarray(cv2.copyMakeBorder(picture, 0, below, 0, 0, cv2.BORDER_CONSTANT, value=(255, 255, 255)))
