"""Passes: every video as often as its weight asks for, whoever asks."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from training.sampling import Share, draw_videos, make_generator


@given(
    counts=st.lists(st.integers(1, 30), min_size=1, max_size=3),
    sizes=st.lists(st.integers(1, 12), min_size=3, max_size=3),
    seed=st.integers(0, 2**63 - 1),
    start=st.integers(0, 200),
    length=st.integers(1, 120),
)
@settings(max_examples=60, deadline=None)
def test_any_stretch_is_a_piece_of_the_whole(
    counts: list[int], sizes: list[int], seed: int, start: int, length: int
) -> None:
    shares = [Share(count, np.ones(size)) for count, size in zip(counts, sizes, strict=False)]
    whole = draw_videos(shares, seed, 0, start + length)
    piece = draw_videos(shares, seed, start, start + length)
    assert all(np.array_equal(one[start:], other) for one, other in zip(whole, piece, strict=True))


@given(count=st.integers(1, 60), size=st.integers(1, 20), seed=st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_a_pass_repeats_no_video_before_all_were_drawn(count: int, size: int, seed: int) -> None:
    sources, videos = draw_videos([Share(count, np.ones(size)), Share(2, np.ones(1))], seed, 0, count + 2)
    assert np.count_nonzero(sources == 1) == 2
    drawn = np.bincount(videos[sources == 0], minlength=size)
    assert drawn.max() - drawn.min() <= 1


def test_weights_are_kept_on_average_and_zero_is_never() -> None:
    weights = np.array([1.0, 0.25, 0.0, 2.0])
    _, videos = draw_videos([Share(7, weights)], 1, 0, 7 * 500)
    np.testing.assert_allclose(np.bincount(videos, minlength=4) / 3500, weights / weights.sum(), atol=0.01)
    assert (videos != 2).all()


def test_passes_differ() -> None:
    share = [Share(20, np.ones(20))]
    _, videos = draw_videos(share, 1, 0, 40)
    assert sorted(videos[:20]) == sorted(videos[20:]) == list(range(20))
    assert not np.array_equal(videos[:20], videos[20:])


def test_generators_are_independent() -> None:
    draws = {make_generator(*key).random() for key in ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 0, 1))}
    assert len(draws) == 5
    assert make_generator(2, 3, 4).random() == make_generator(2, 3, 4).random()
