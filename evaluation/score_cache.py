"""Scores of long benchmarks, kept by the hash of everything they depend on, beside the parsed texts.

An entry belongs to one tracker's result files over one benchmark under some conventions. Its key covers the texts,
the ground truth with its flags, and the code that scores: another text, truth or version is another entry.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

import evaluation.conventions
import evaluation.metrics
import siamcar.boxes
from evaluation.conventions import Convention, SequenceScores
from evaluation.result_files import ResultBoxes
from evaluation.sequence import Benchmark
from evaluation.sequence import Sequence as BenchmarkSequence
from evaluation.text_cache import write_entry
from siamcar.boxes import Boxes
from siamcar.files import get_cache_folder

__all__ = ["SMALLEST_BENCHMARK", "RunScores", "compute_key", "read_scores", "write_scores"]

SMALLEST_BENCHMARK = 200_000
"""Frames below which scoring is as fast as looking."""

RunScores = dict[str, list[list[SequenceScores]]]
"""Sequence → runs → one entry a convention."""

_CURVES = ("success_curve", "precision_curve", "norm_precision_curve")


@cache
def _hash_code() -> bytes:
    """Hash of the sources that scores depend on: an entry must not outlive a rule."""
    digest = hashlib.sha256(f"numpy {np.__version__}\0".encode())
    for module in (evaluation.conventions, evaluation.metrics, siamcar.boxes):
        home = Path(str(module.__file__))
        for path in sorted(home.parent.glob("*.py")) if home.name == "__init__.py" else [home]:
            digest.update(path.read_bytes())
    return digest.digest()


_HASHES: WeakKeyDictionary[BenchmarkSequence, bytes] = WeakKeyDictionary()


def _hash_sequence(sequence: BenchmarkSequence) -> bytes:
    known = _HASHES.get(sequence)
    if known is None:
        digest = hashlib.sha256(f"{sequence.revision}\0{sequence.size}\0{sequence.hidden_truth}\0".encode())
        for flags in (sequence.visible, sequence.cover):
            digest.update(b"none" if flags is None else np.asarray(flags, dtype=np.int64).tobytes())
        known = _HASHES[sequence] = digest.digest()
    return known


def compute_key(
    benchmark: Benchmark, boxes: Mapping[str, Sequence[Boxes]], conventions: Sequence[Convention]
) -> str | None:
    """The key of a tracker's scores; None where looking is not worth it, or the user wants no cache."""
    if get_cache_folder() is None or sum(len(sequence) for sequence in benchmark) < SMALLEST_BENCHMARK:
        return None
    digest = hashlib.sha256(_hash_code())
    digest.update(" ".join(f"{one.name}/{one.family}" for one in conventions).encode())
    for sequence in benchmark:
        runs = _hash_runs(boxes, sequence.name) if sequence.name in boxes else []
        digest.update(f"\0{sequence.name}\0{len(runs)}\0".encode() + _hash_sequence(sequence))
        digest.update(" ".join(runs).encode())
    return digest.hexdigest()


def _hash_runs(boxes: Mapping[str, Sequence[Boxes]], sequence: str) -> list[str]:
    """A hash that stands for every run: of the text it is in, or else of the numbers themselves."""
    known = boxes.get_digests(sequence) if isinstance(boxes, ResultBoxes) else [None] * len(boxes[sequence])
    if None not in known:
        return [str(digest) for digest in known]
    return [_hash_numbers(run) for run in boxes[sequence]]


def _hash_numbers(numbers: Boxes) -> str:
    content = f"{numbers.shape}\0".encode() + np.ascontiguousarray(numbers).tobytes()
    return f"numbers {hashlib.sha256(content).hexdigest()}"


def _locate(key: str) -> Path | None:
    folder = get_cache_folder()
    return None if folder is None else folder / f"{key}.npz"


def read_scores(key: str, conventions: Sequence[Convention]) -> RunScores | None:
    """What `write_scores` kept under a key; None where there is nothing, or nothing whole."""
    path = _locate(key)
    if path is None or not path.is_file():
        return None
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            counts = dict(zip(file["names"].tolist(), file["runs"].tolist(), strict=True))
            kept = [
                _pick({name: file[f"{number}/{name}"] for name in _name_parts(one)}, one)
                for number, one in enumerate(conventions)
            ]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    rows = iter(zip(*kept, strict=True))
    return {name: [list(next(rows)) for _ in range(count)] for name, count in counts.items()}


def _name_parts(convention: Convention) -> list[str]:
    defined = {"success_curve", *(f"{metric}_curve" for metric in convention.metrics)}
    return ["metrics", "n_frames", *(curve for curve in _CURVES if curve in defined)]


def _pick(part: Mapping[str, npt.NDArray[np.float64]], convention: Convention) -> list[SequenceScores]:
    """One entry a run, in their order."""
    metrics, n_frames = part["metrics"].tolist(), part["n_frames"].tolist()
    success, precision, norm_precision = (part.get(curve, [None] * len(metrics)) for curve in _CURVES)
    return [
        SequenceScores(dict(zip(convention.metrics, values, strict=True)), *curves, n_frames=int(frames))
        for values, frames, curves in zip(
            metrics, n_frames, zip(success, precision, norm_precision, strict=True), strict=True
        )
    ]


def write_scores(key: str, scores: RunScores, conventions: Sequence[Convention]) -> None:
    """Keep scores under a key; in silence, whether or not the folder can be written."""
    path = _locate(key)
    if path is None:
        return
    arrays: dict[str, npt.NDArray[Any]] = {
        "names": np.array(list(scores), dtype=np.str_),
        "runs": np.array([len(runs) for runs in scores.values()], dtype=np.int64),
    }
    rows = [run for runs in scores.values() for run in runs]
    for number, convention in enumerate(conventions):
        ours = [row[number] for row in rows]
        for part in _name_parts(convention):
            values = [list(one.metrics.values()) if part == "metrics" else getattr(one, part) for one in ours]
            arrays[f"{number}/{part}"] = np.asarray(values, dtype=np.float64)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    write_entry(path, buffer.getvalue())
