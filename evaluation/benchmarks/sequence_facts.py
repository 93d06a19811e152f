"""The facts about a benchmark's sequences that its download does not hold: which frames, which files, which attributes.

They lie in `data/*.csv` beside this module; each file names its sources in its first lines.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

__all__ = ["SequenceFacts", "read_facts"]


@dataclass(frozen=True, slots=True)
class SequenceFacts:
    """What is known of one sequence before its files are opened.

    Attributes:
        name: the benchmark's name of the sequence.
        folder: name of the folder that holds its frames; sequences may share one.
        annotation: name of its annotation file.
        annotated_from: number of the image that the annotation's first row belongs to.
        first_frame, last_frame: numbers of the first and the last image that are run and scored.
        attributes: its attributes' abbreviations.
    """

    name: str
    folder: str
    annotation: str
    annotated_from: int
    first_frame: int
    last_frame: int
    attributes: frozenset[str]

    def __len__(self) -> int:
        return self.last_frame - self.first_frame + 1


@cache
def read_facts(file: str, subset: str) -> tuple[SequenceFacts, ...]:
    """Facts about the sequences of a subset, in the benchmark's order.

    Args:
        file: name of the CSV file in `data/`.
        subset: name of the results folder, for example "OTB50".
    """
    text = (files("evaluation.benchmarks") / "data" / file).read_text(encoding="utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return tuple(
        SequenceFacts(
            name=row["sequence"],
            folder=row["folder"],
            annotation=row["annotation"],
            annotated_from=int(row["annotated_from"]),
            first_frame=int(row["first_frame"]),
            last_frame=int(row["last_frame"]),
            attributes=frozenset(filter(None, row["attributes"].split("|"))),
        )
        for row in rows
        if subset in row["subsets"].split("|")
    )
