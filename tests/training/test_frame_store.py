"""Pictures in shared memory: what was put in comes out, and never more than was allowed."""

from __future__ import annotations

import multiprocessing

import numpy as np

from training.frame_store import FrameStore
from training.sources.base import Picture


def picture(seed: int) -> Picture:
    rng = np.random.default_rng(seed)
    height, width = rng.integers(4, 40, 2).tolist()
    frame = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Picture(frame, 0.5, (1.0, 2.0, 3.0, 4.5), frame.mean(axis=(0, 1)))


def test_what_fits_is_kept_as_it_was() -> None:
    pictures = {(n % 3, n, 1 + n % 2): picture(n) for n in range(200)}
    store = FrameStore(200_000)
    for key, value in pictures.items():
        assert store.get(key) is None
        store.put(key, value)
    kept = 0
    for key, value in pictures.items():
        found = store.get(key)
        if found is not None:
            kept += 1
            assert np.array_equal(found.pixels, value.pixels)
            assert (found.scale, found.region) == (value.scale, value.region)
            assert np.array_equal(found.color, value.color)
            assert not found.pixels.flags.writeable
    assert kept >= 10
    assert store.used <= 200_000


def test_a_full_store_takes_no_more() -> None:
    store = FrameStore(100)
    store.put((0, 0, 1), Picture.of_frame(np.zeros((10, 10, 3), dtype=np.uint8)))
    assert store.get((0, 0, 1)) is None
    assert store.used == 0


def _put(store: FrameStore, start: int) -> None:
    for number in range(start, 30):
        store.put((0, number, 1), picture(number))


def test_forked_processes_share_it() -> None:
    store = FrameStore(2_000_000)
    fork = multiprocessing.get_context("fork")
    workers = [fork.Process(target=_put, args=(store, start)) for start in (0, 5, 10)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    for number in range(30):
        found = store.get((0, number, 1))
        assert found is not None
        assert np.array_equal(found.pixels, picture(number).pixels)
    assert store.used == sum(picture(number).pixels.nbytes for number in range(30))
