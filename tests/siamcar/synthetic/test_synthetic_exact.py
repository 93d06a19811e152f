"""Hashes, angles and paths."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siamcar.synthetic.exact import Key, compute_cos_sin, smoothstep, spline


def test_key_is_splitmix64() -> None:
    # First output of SplitMix64 from the state 0, as published with the algorithm.
    assert Key(0).value == 0xE220A8397B1DCDAF


@given(st.integers(0, 2**62), st.integers(-50, 50), st.integers(1, 5000))
@settings(deadline=None)
def test_array_and_single_integers_agree(seed: int, low: int, span: int) -> None:
    key = Key(seed).child("some").child(3)
    array = key.integers(low, low + span, (3, 4))
    assert array.dtype == np.int32
    assert array.ravel().tolist() == [key.integer(low, low + span, i) for i in range(12)]
    assert array.min() >= low
    assert array.max() < low + span


def test_integers_are_even_and_labels_independent() -> None:
    counts = np.bincount(Key(5).integers(0, 10, (20000,)), minlength=10)
    assert (abs(counts - 2000) < 250).all()
    a, b = (Key(5).child(label).integers(0, 1000, (5000,)) for label in ("a", "b"))
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.06
    assert Key(1).child(12).value != Key(1).child(1).child(2).value


def test_unit_lies_in_zero_to_one() -> None:
    values = np.array([Key(9).unit(i) for i in range(4000)])
    assert values.min() >= 0.0
    assert values.max() < 1.0
    assert values.mean() == pytest.approx(0.5, abs=0.02)


@given(st.floats(-1e3, 1e3, allow_nan=False))
@settings(deadline=None)
def test_cos_sin(turns: float) -> None:
    cosine, sine = compute_cos_sin(turns)
    assert cosine == pytest.approx(math.cos(2 * math.pi * turns), abs=1e-11)
    assert sine == pytest.approx(math.sin(2 * math.pi * turns), abs=1e-11)


def test_cos_sin_of_quarters() -> None:
    assert [compute_cos_sin(q / 4) for q in range(4)] == [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)]


def test_smoothstep() -> None:
    assert [smoothstep(v) for v in (-1.0, 0.0, 0.5, 1.0, 7.0)] == [0.0, 0.0, 0.5, 1.0, 1.0]


@given(st.integers(0, 10**9), st.floats(0, 5000), st.floats(2, 80), st.booleans())
@settings(deadline=None)
def test_spline_is_bounded_and_continuous(seed: int, time: float, period: float, from_zero: bool) -> None:
    key = Key(seed)
    here = spline(key, time, period, from_zero=from_zero)
    assert -1.0 <= here <= 1.0
    near = spline(key, time + 1e-4, period, from_zero=from_zero)
    assert abs(near - here) < 1e-3
    assert spline(key, 0.0, period, from_zero=True) == 0.0
