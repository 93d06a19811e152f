"""Parsing numbers fast: the doubles that Python reads, and nothing read that is not there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.number_text import parse_numbers, parse_together

ROWS = st.lists(st.tuples(*[st.floats(width=64)] * 4), min_size=1, max_size=20)


@given(ROWS, st.sampled_from(",;\t"), st.sampled_from(["\n", "\r\n"]), st.sampled_from(["", "\n", "\n\n"]))
@settings(deadline=None, max_examples=100)
def test_every_double_comes_back(rows: list[tuple[float, ...]], separator: str, end: str, last: str) -> None:
    text = end.join(separator.join(repr(value) for value in row) for row in rows) + last
    numbers = parse_numbers(text.encode(), 4)
    assert numbers is not None
    np.testing.assert_array_equal(numbers, np.array(rows))


@pytest.mark.parametrize("text", [b"NaN,1,2,3", b"nan,1,2,3", b"\xef\xbb\xbfnan, 1 ,+2.0,3e0"])
def test_nan_signs_spaces_and_a_byte_order_mark_are_read(text: bytes) -> None:
    np.testing.assert_array_equal(parse_numbers(text, 4), [[np.nan, 1, 2, 3]])


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"1,2,3",
        b"1,2,3,4,5",
        b"1,,3,4",
        b"1,2,3,",
        b"1,2,3,4\n\n1,2,3,4",
        b"1,2,3,4\n1,2,3",
        b"1 2 3 4",
        b"1,2,3,x",
        b'"1",2,3,4',
        b"1_0,2,3,4",
        b"\xff\xfe1,2,3,4",
    ],
)
def test_what_is_not_plainly_numbers_is_left_to_others(text: bytes) -> None:
    assert parse_numbers(text, 4) is None


def test_columns_lie_one_after_the_other() -> None:
    numbers = parse_numbers(b"1,2\n3,4\n", 2)
    assert numbers is not None
    assert numbers.flags.f_contiguous
    assert numbers.dtype == np.float64


PLAIN = [b"1,2,3,4", b"1,2,3,4\r\n5,6,7,8\n", b"\xef\xbb\xbf1\t2\t3\t4\n\n", b"1;2;3;nan"]
ODD = [b"", b"\n1,2,3,4", b"1,2,3", b"1 2 3 4", b"1,2,3,4\n\n1,2,3,4", b"1,2,3,4\r5,6,7,8\n9,1,2,3", b"x"]
TEXTS = st.sampled_from([*PLAIN, *PLAIN, *ODD])


@given(st.lists(TEXTS, max_size=5))
@settings(deadline=None, max_examples=100)
def test_texts_parsed_together_are_read_as_each_alone(texts: list[bytes]) -> None:
    together = parse_together(texts, 4)
    assert len(together) == len(texts)
    for one, text in zip(together, texts, strict=True):
        alone = parse_numbers(text, 4)
        if alone is None:
            assert one is None
        else:
            np.testing.assert_array_equal(one, alone)
            assert one is not None and one.flags.f_contiguous
