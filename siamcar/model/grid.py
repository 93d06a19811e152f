"""Where the cells of a response map lie in the search region. NumPy only: decoding needs it without a network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Grid"]


@dataclass(frozen=True, slots=True)
class Grid:
    """The sampling grid of a response map.

    Cell (row i, column j) sees the search region around pixel index (x, y) = (offset + stride·j, offset + stride·i):
    the centre of its receptive field, where pixel indices run from 0 to search size - 1.

    Attributes:
        size: cells along each side of the response map (R).
        stride: pixels between neighbouring cells.
        offset: pixel index under cell 0.
    """

    size: int
    stride: int
    offset: float

    def coordinates(self) -> npt.NDArray[np.float64]:
        """(R,) pixel indices under the cells of one row (or column)."""
        return self.offset + self.stride * np.arange(self.size, dtype=np.float64)

    def locations(self) -> npt.NDArray[np.float64]:
        """(R·R, 2) x, y of all cells, row by row: entry i·R + j belongs to row i, column j."""
        x, y = np.meshgrid(self.coordinates(), self.coordinates(), indexing="xy")
        return np.stack([x.ravel(), y.ravel()], axis=1)
