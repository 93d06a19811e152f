"""Names of sequences in other people's results: which sequence of a benchmark does a file mean?

The toolkits spell OTB's second Jogging target Jogging-2, Jogging_2, jogging_2 or Jogging.2, pytracking puts "uav_"
before UAV123's names, and the got10k toolkit calls OTB's Human4-2 Human4. A benchmark's own spelling always wins.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["NameMatch", "NameResolver"]

_ALIASES = {"human4": "human4_2"}  # got10k's OTB names this sequence by its images' folder; OTB has no Human4-1


@dataclass(frozen=True)
class NameMatch:
    """Which names mean which sequences.

    Attributes:
        found: sequence → the name that means it.
        ambiguous: sequence → several names that mean it, none of them its own.
        doubled: sequence → further names that mean it, passed over for its own spelling, which is there too.
        extra: names that mean no sequence.
    """

    found: Mapping[str, str]
    ambiguous: Mapping[str, tuple[str, ...]]
    doubled: Mapping[str, tuple[str, ...]]
    extra: tuple[str, ...]


class NameResolver:
    """Finds the sequence that a name means.

    Args:
        sequences: names of the benchmark's sequences.
    """

    def __init__(self, sequences: Iterable[str]) -> None:
        self._exact = dict.fromkeys(sequences)
        plain: dict[str, list[str]] = defaultdict(list)
        for name in self._exact:
            plain[_simplify(name)].append(name)
        # Where two sequences differ in case or punctuation alone, only their own spelling names them.
        self._plain = {key: names[0] for key, names in plain.items() if len(names) == 1}

    def resolve(self, name: str) -> str | None:
        """The sequence that a name means; None where it means none.

        Case, and which of "-", "_", "." and blanks stand between words, do not matter; neither does a leading "uav_".
        """
        if name in self._exact:
            return name
        key = _simplify(name)
        for candidate in (key, key.removeprefix("uav_")):
            found = self._plain.get(candidate) or self._plain.get(_ALIASES.get(candidate, candidate))
            if found is not None:
                return found
        return None

    def match(self, names: Iterable[str]) -> NameMatch:
        """Resolve all names of a folder; a sequence takes its own spelling before any other."""
        meant: dict[str, list[str]] = defaultdict(list)
        extra = []
        for name in dict.fromkeys(names):
            sequence = self.resolve(name)
            if sequence is None:
                extra.append(name)
            else:
                meant[sequence].append(name)
        found, ambiguous, doubled = {}, {}, {}
        for sequence, spelled in meant.items():
            if len(spelled) == 1:
                found[sequence] = spelled[0]
            elif sequence in spelled:
                found[sequence] = sequence
                doubled[sequence] = tuple(name for name in spelled if name != sequence)
            else:
                ambiguous[sequence] = tuple(spelled)
        return NameMatch(found, ambiguous, doubled, tuple(extra))


@lru_cache(maxsize=32_768)  # the names of GOT-10k, asked for once a tracker
def _simplify(name: str) -> str:
    return re.sub(r"[-._ ]+", "_", name).casefold()
