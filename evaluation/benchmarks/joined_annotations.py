"""Join annotations that come apart from the frames to the sequences of a benchmark."""

from __future__ import annotations

from collections.abc import Sequence as SequenceOf

import numpy as np
import numpy.typing as npt

from evaluation.benchmarks.annotation_source import AnnotationFiles
from evaluation.benchmarks.layout import Layout, combine_absent, cut_ground_truth
from evaluation.benchmarks.sequence_facts import SequenceFacts
from evaluation.sequence import AbsentFrames, FrameSource, Sequence
from siamcar.errors import DataError

__all__ = ["open_annotated"]


def open_annotated(
    facts: SequenceFacts,
    layout: Layout,
    files: AnnotationFiles,
    frames: FrameSource | None,
    benchmark: str,
    flags: SequenceOf[str],
) -> Sequence | None:
    """One sequence whose annotation comes apart from its frames, or None where there is neither.

    Raises:
        DataError: there are frames and no annotation, or they do not fit.
    """
    generic = facts.annotation.startswith("groundtruth")
    own = [f"{facts.folder}/{facts.annotation}", *(() if generic else [facts.annotation]), f"{facts.name}.txt"]
    lengths = {len(facts), facts.last_frame - facts.annotated_from + 1}
    found = files.read_boxes(facts.name, own, benchmark, lambda rows: rows in lengths, polygons=layout.polygons)
    if found is None:
        if frames is None:
            return None
        raise DataError(f"{files.where} holds no annotation of {facts.name}.", "Complete the annotations.")
    return Sequence(
        name=facts.name,
        frames=frames or AbsentFrames(len(facts)),
        ground_truth=cut_ground_truth(*found, facts),
        visible=_find_visible(files, layout, facts, benchmark) if layout.absent else None,
        attributes=_find_attributes(files, facts, benchmark, flags),
    )


def _find_visible(
    files: AnnotationFiles, layout: Layout, facts: SequenceFacts, benchmark: str
) -> npt.NDArray[np.bool_]:
    """Visibility from `absent/<sequence>.txt`, the official files of the layout, or a JSON file.

    Raises:
        DataError: none of them is there, or they do not fit.
    """
    official = [f"{facts.folder}/{template.rpartition('/')[2]}" for template in layout.absent]
    for group in ([f"absent/{facts.name}.txt"], official):
        paths = [found[0] for found in (files.find(file, benchmark) for file in group) if found]
        if len(paths) == len(group):
            return combine_absent([(files.path(path), files.read(path)) for path in paths], facts)
    for entry in files.find_entries(facts.name):
        flags = np.array(entry.get("absent", ()))
        if len(flags) == len(facts):
            # pysot's files have 1 for a frame to evaluate, others 1 for one to leave out: the first one is visible.
            return np.asarray(flags == flags[0], dtype=np.bool_)
    raise DataError(
        f"{files.where} does not say in which frames of {facts.name} the target is absent.",
        f"Add absent/{facts.name}.txt, or {' and '.join(official)}: scores depend on them.",
    )


def _find_attributes(
    files: AnnotationFiles, facts: SequenceFacts, benchmark: str, flags: SequenceOf[str]
) -> frozenset[str]:
    """Attributes that `att/<sequence>.txt` flags; the known ones where there is none of the benchmark's own form."""
    for found in files.find(f"att/{facts.name}.txt", benchmark):
        values = files.read(found).replace(",", " ").split()
        if len(values) == len(flags) and set(values) <= {"0", "1"}:
            return frozenset(name for name, value in zip(flags, values, strict=True) if value == "1")
    return facts.attributes
