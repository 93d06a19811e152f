"""Locations of the cells of a response map."""

from __future__ import annotations

import numpy as np

from siamcar.model.grid import Grid


def test_locations_run_row_by_row_as_x_y() -> None:
    grid = Grid(size=3, stride=8, offset=31.0)
    np.testing.assert_array_equal(grid.coordinates(), [31, 39, 47])
    locations = grid.locations()
    assert locations.shape == (9, 2)
    np.testing.assert_array_equal(locations[1 * 3 + 2], [47, 39])  # row 1, column 2


def test_the_tracker_grid_is_symmetric_in_its_search_region() -> None:
    for grid in (Grid(25, 8, 31.0), Grid(17, 8, 63.0)):
        assert grid.coordinates()[0] + grid.coordinates()[-1] == 254
