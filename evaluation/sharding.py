"""Shares of a benchmark for job arrays: every job works at one share, and their results are merged afterwards.

Which sequence is in which share depends on the benchmark alone: no service is asked, and jobs need not see each other.
A share has results of its own, in `<results>/.shards/<I>-of-<N>`, so that jobs may share a disk.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from evaluation.run_record import Share
from evaluation.sequence import Benchmark
from siamcar.errors import ConfigError

__all__ = ["SHARDS_FOLDER", "Shard"]

SHARDS_FOLDER = ".shards"


@dataclass(frozen=True)
class Shard:
    """The share with number `index` (from 1) of `count`."""

    index: int
    count: int

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    @staticmethod
    def parse(text: str) -> Shard:
        """Read "I/N".

        Raises:
            ConfigError: it is not of that form, or I is not one of 1 to N.
        """
        found = re.fullmatch(r"(\d+)/(\d+)", text)
        if found is None or not 1 <= int(found[1]) <= int(found[2]):
            raise ConfigError(f"A shard is I/N with I from 1 to N; found {text!r}.", "For example: --shard 2/8")
        return Shard(int(found[1]), int(found[2]))

    def take(self, benchmark: Benchmark) -> Benchmark | None:
        """The benchmark with the sequences of this share; None where there are more shares than sequences.

        The longest sequence goes first, each to the share with the fewest frames. What the benchmark's folder holds
        and cannot be used goes with the first share.
        """
        loads = [(0, number) for number in range(1, self.count + 1)]
        mine = []
        for sequence in sorted(benchmark, key=lambda one: (-len(one), one.name)):
            frames, number = min(loads)
            loads[number - 1] = (frames + len(sequence), number)
            if number == self.index:
                mine.append(sequence.name)
        if not mine:
            return None
        whole = tuple(sequence.name for sequence in benchmark)
        kept = benchmark.select(mine)
        if self.index == 1:
            kept = replace(kept, faults=benchmark.faults, short=benchmark.short)
        return replace(kept, share=Share(self.index, self.count, whole))

    def place(self, results: Path, benchmark: str) -> Path:
        """Root of the results of this share; `results` is the root of all, or the benchmark's own folder in it."""
        root = results
        if results.resolve().name == benchmark:
            root = results.parent if results.name == benchmark else results.resolve().parent
        return root / SHARDS_FOLDER / f"{self.index}-of-{self.count}"
