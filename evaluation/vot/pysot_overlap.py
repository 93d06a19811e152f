"""Overlap of regions as pysot has it: a rectangle is a polygon that reaches from x to x + width, and so on.

The VOT toolkit draws rectangles one pixel smaller. Polygons are drawn by the toolkit's raster, of which pysot holds an
older relative in C (toolkit/utils/src/region.c): they differ by some pixels of the outline.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from evaluation.vot.runs import SequenceRuns
from evaluation.vot.toolkit import load_toolkit
from siamcar.errors import DataError

__all__ = ["compute_pysot_overlaps"]


def compute_pysot_overlaps(runs: SequenceRuns, run: int) -> npt.NDArray[np.float64]:
    """(T,) overlap of each frame of a run with the ground truth; NaN where either is none.

    Raises:
        DataError: the ground truth holds masks, which pysot does not know.
    """
    calculate = load_toolkit().region.calculate_overlap
    size = runs.toolkit.size
    answers = [_as_polygon(region) for region in runs.trajectories[run].regions()]
    truth = [_as_polygon(region) for region in runs.toolkit.groundtruth()]
    return np.array(
        [
            calculate(answer, true, size) if answer is not None and true is not None else np.nan
            for answer, true in zip(answers, truth, strict=True)
        ],
        dtype=np.float64,
    )


def _as_polygon(region: Any) -> Any | None:
    """A region of the toolkit's as its polygon; None where there is none."""
    toolkit = load_toolkit()
    kinds = toolkit.region.RegionType
    if region.type == kinds.POLYGON:
        return region
    if region.type == kinds.SPECIAL:
        return None
    if region.type == kinds.MASK:
        raise DataError("pysot scores rectangles and polygons; this ground truth has masks.", "Use --convention vot.")
    x, y, right, bottom = region.x, region.y, region.x + region.width, region.y + region.height
    return toolkit.region.shapes.Polygon([(x, y), (right, y), (right, bottom), (x, bottom)])
