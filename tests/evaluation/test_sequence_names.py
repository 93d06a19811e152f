"""Which sequence a name in other people's results means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.sequence_names import NameResolver

OTB = ["Basketball", "BlurBody", "Human4-2", "Jogging-1", "Jogging-2", "Human3"]


@pytest.mark.parametrize(
    ("spelled", "sequence"),
    [
        ("Jogging-1", "Jogging-1"), ("Jogging_1", "Jogging-1"), ("jogging_1", "Jogging-1"), ("Jogging.1", "Jogging-1"),
        ("human4_2", "Human4-2"), ("human4-2", "Human4-2"), ("Human4", "Human4-2"), ("blurBody", "BlurBody"),
        ("Jogging", None), ("Human", None), ("uav_basketball", "Basketball"), ("Basketball_001", None),
    ],
)  # fmt: skip
def test_spellings_of_otb(spelled: str, sequence: str | None) -> None:
    assert NameResolver(OTB).resolve(spelled) == sequence


def test_uav_prefixes_do_not_swallow_sequences_named_uav() -> None:
    resolver = NameResolver(["uav1", "uav1_1", "bike1"])
    assert resolver.resolve("uav_uav1_1") == "uav1_1"
    assert resolver.resolve("uav_uav1") == resolver.resolve("uav1") == "uav1"
    assert resolver.resolve("uav_bike1") == "bike1"


def test_human4_is_an_alias_only_where_it_is_no_sequence() -> None:
    assert NameResolver(["Human4", "Human4-2"]).resolve("human4") == "Human4"
    assert NameResolver(["bird1"]).resolve("Human4") is None


def test_sequences_that_differ_in_case_alone_are_named_by_their_own_spelling() -> None:
    resolver = NameResolver(["aB_0", "ab_0"])
    assert resolver.resolve("aB_0") == "aB_0"
    assert resolver.resolve("AB_0") is None


def test_the_benchmarks_own_spelling_wins_and_doubles_are_told() -> None:
    match = NameResolver(OTB).match(["jogging_1", "Jogging-1", "jogging_2", "Jogging.2", "Bolt", "human3"])
    assert match.found == {"Jogging-1": "Jogging-1", "Human3": "human3"}
    assert match.ambiguous == {"Jogging-2": ("jogging_2", "Jogging.2")}
    assert match.doubled == {"Jogging-1": ("jogging_1",)} and match.extra == ("Bolt",)


@given(st.sets(st.text("abAB_-.1", min_size=1, max_size=6), max_size=8))
def test_every_sequence_names_itself(names: set[str]) -> None:
    resolver = NameResolver(names)
    assert {name: resolver.resolve(name) for name in names} == {name: name for name in names}
