"""Shares of a benchmark: together they are all of it, and each has about as many frames."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.sharding import Shard
from siamcar.errors import ConfigError
from tests.helpers import make_benchmark


@given(st.lists(st.integers(2, 60), min_size=1, max_size=14), st.integers(1, 9))
@settings(max_examples=40, deadline=None)
def test_shares_are_disjoint_complete_and_balanced(lengths: list[int], count: int) -> None:
    benchmark = make_benchmark({f"s{index}": length for index, length in enumerate(lengths)})
    shares = [Shard(index, count).take(benchmark) for index in range(1, count + 1)]
    names = [sequence.name for share in shares if share is not None for sequence in share]
    assert sorted(names) == sorted(sequence.name for sequence in benchmark)
    loads = [sum(len(sequence) for sequence in share) if share is not None else 0 for share in shares]
    assert max(loads) - min(loads) <= max(lengths)
    for index, share in enumerate(shares, start=1):
        if share is not None:
            assert share.share is not None
            assert (share.share.index, share.share.count) == (index, count)
            assert set(share.share.whole) == {sequence.name for sequence in benchmark}


def test_what_cannot_be_used_goes_with_the_first_share() -> None:
    benchmark = make_benchmark(faults=(("broken", "no frames"),))
    shares = [Shard(index, 2).take(benchmark) for index in (1, 2)]
    assert [share.faults for share in shares if share is not None] == [(("broken", "no frames"),), ()]


def test_shares_are_read_from_text() -> None:
    assert Shard.parse("2/8") == Shard(2, 8)
    for wrong in ("0/3", "4/3", "1", "a/b", "1/0", "-1/2", "1/2/3"):
        with pytest.raises(ConfigError, match="I/N"):
            Shard.parse(wrong)


def test_shares_have_folders_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Shard(2, 8).place(Path("results"), "Toy") == Path("results/.shards/2-of-8")
    assert Shard(2, 8).place(Path("results/Toy"), "Toy") == Path("results/.shards/2-of-8")
    (tmp_path / "Toy").mkdir()
    monkeypatch.chdir(tmp_path / "Toy")
    assert Shard(2, 8).place(Path(), "Toy") == tmp_path / ".shards" / "2-of-8"
