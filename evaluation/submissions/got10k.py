"""GOT-10k's server: 180 test sequences, `<sequence>/<sequence>_001.txt` and `<sequence>_time.txt`, zipped.

The layout is the toolkit's, whose `report()` on the test subset zips a tracker's folder as it is
(got10k/experiments/got10k.py); the server's own rules are those of its page "submit instructions".
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.benchmarks.got10k import list_got10k_names
from evaluation.formats.lines import describe_lines, parse_times
from evaluation.run_record import read_run_record
from evaluation.sequence import Benchmark
from evaluation.submissions.archive import (
    Expected,
    SubmissionFault,
    find_box_faults,
    get_expected,
    write_submission,
)
from siamcar.errors import DataError

__all__ = ["find_got10k_faults", "pack_got10k"]

_NAME = re.compile(r"GOT-10k_(Train|Val|Test)_\d{6}")
_NO_TIMES = "missing: there is no time file"
_WORDS = {"Train": "training", "Val": "validation", "Test": "test"}


def find_got10k_faults(home: Path, benchmark: Benchmark | None = None) -> list[SubmissionFault]:
    """Everything that is wrong with a submission to GOT-10k's server.

    Args:
        home: the tracker's folder, in GOT-10k's own layout.
        benchmark: the test subset, for frame counts and first boxes; without it, box files are held against the time
            files only.
    """
    _, faults = _survey(home, get_expected(benchmark))
    return faults


def pack_got10k(
    home: Path, out: Path, benchmark: Benchmark | None = None, *, tracker: str | None = None, overwrite: bool = False
) -> Path:
    """Pack a submission; returns the manifest's path.

    Args:
        home: the tracker's folder, in GOT-10k's own layout; it is only read.
        out: the zip file to write.
        benchmark: as in `find_got10k_faults`.
        tracker: its name in the manifest; by default the folder's.
        overwrite: replace a zip that is there.

    Raises:
        ResultsError: the submission has faults, or the zip is there already.
    """
    known = get_expected(benchmark)
    files, faults = _survey(home, known)
    names = list_got10k_names("test")
    manifest: dict[str, Any] = {
        "server": "got10k",
        "tracker": tracker or home.name,
        "sequences": len(names),
        "repetitions": max((sum(_is_run(name) for name in one) for one in _group(files).values()), default=0),
        "frame_counts_checked": sum(name in known and known[name].length is not None for name in names),
        "first_boxes_checked": sum(name in known for name in names),
    }
    if not known:
        manifest["note"] = "Frame counts were not checked: the test frames were not at hand (--data)."
    return write_submission(out, files, faults, manifest, overwrite=overwrite)


def _is_run(name: str) -> bool:
    return re.search(r"_\d{3}\.txt$", name) is not None


def _group(files: Mapping[str, Path]) -> dict[str, list[str]]:
    grouped = defaultdict(list)
    for name in files:
        grouped[name.partition("/")[0]].append(name)
    return grouped


def _survey(home: Path, known: Mapping[str, Expected]) -> tuple[dict[str, Path], list[SubmissionFault]]:
    """Files to pack under their names in the zip, and every fault."""
    names = list_got10k_names("test")
    found = {path.name: path for path in sorted(home.iterdir()) if not path.name.startswith(".")}
    faults = [*_find_strangers(found, set(names))]
    absent = [name for name in names if not (name in found and found[name].is_dir())]
    if len(absent) == len(names):
        faults.append(SubmissionFault("test subset", f"all 180 sequences are missing: {names[0]} to {names[-1]}"))
    else:
        faults.extend(SubmissionFault(name, "missing: there is no folder of this sequence") for name in absent)
    files: dict[str, Path] = {}
    for name in names:
        if name not in absent:
            packed, wrong = _survey_sequence(found[name], known.get(name, Expected()))
            files.update(packed)
            faults.extend(wrong)
    return files, _explain_missing_times(home, faults)


def _explain_missing_times(home: Path, faults: list[SubmissionFault]) -> list[SubmissionFault]:
    """The faults; where time files lack because the run was made in lockstep, that is said once in their place."""
    others = [fault for fault in faults if fault.message != _NO_TIMES]
    if len(others) == len(faults):
        return faults
    record = read_run_record(home.parent, home.name)
    if record is None or not any(one.lockstep for one in record.sequences.values()):
        return faults
    message = (
        f"missing for {len(faults) - len(others)} sequences: the run was made in lockstep, where no time is one "
        "stream's, and the server wants times; run the sequences one by one, without --lockstep, under another --name"
    )
    return [SubmissionFault("time files", message), *others]


def _find_strangers(found: Mapping[str, Path], names: set[str]) -> list[SubmissionFault]:
    """What does not belong to the test subset; the sequences of another subset are one fault together."""
    subsets: dict[str, list[str]] = defaultdict(list)
    faults = []
    for name, path in found.items():
        subset = _NAME.fullmatch(name)
        if name in names and path.is_dir():
            continue
        if subset is not None and subset[1] != "Test":
            subsets[subset[1]].append(name)
        else:
            what = "extra sequence" if path.is_dir() else "extra file"
            faults.append(SubmissionFault(name, f"{what}: the server takes the 180 sequences of the test subset only"))
    wrong = [
        SubmissionFault(
            f"{listed[0]}{f' to {listed[-1]}' if len(listed) > 1 else ''}",
            f"wrong subset: {len(listed)} sequences are of the {_WORDS[subset]} subset; the server takes "
            "GOT-10k_Test_000001 to GOT-10k_Test_000180",
        )
        for subset, listed in subsets.items()
    ]
    return wrong + faults


def _survey_sequence(folder: Path, expected: Expected) -> tuple[dict[str, Path], list[SubmissionFault]]:
    sequence = folder.name
    found = {path.name: path for path in sorted(folder.iterdir()) if not path.name.startswith(".")}
    runs = [name for name in found if re.fullmatch(rf"{re.escape(sequence)}_\d{{3}}\.txt", name)]
    times = f"{sequence}_time.txt"
    faults = [
        SubmissionFault(f"{sequence}/{name}", "extra file: it is no result of this sequence")
        for name in found
        if name not in runs and name != times
    ]
    if runs != [f"{sequence}_{number:03d}.txt" for number in range(1, len(runs) + 1)] or not runs:
        faults.append(
            SubmissionFault(
                sequence, f"missing: expected {sequence}_001.txt and on, found {', '.join(runs) or 'no box file'}"
            )
        )
    counts = set()
    for name in runs:
        wrong, rows = find_box_faults(found[name].read_bytes(), f"{sequence}/{name}", expected)
        faults.extend(wrong)
        if rows is not None:
            counts.add(len(rows))
    if len(counts) > 1:
        faults.append(
            SubmissionFault(sequence, f"frame count: its runs have {' and '.join(map(str, sorted(counts)))} rows")
        )
    if times in found:
        faults.extend(_find_time_faults(found[times], f"{sequence}/{times}", len(runs), counts))
    else:
        faults.append(SubmissionFault(f"{sequence}/{times}", _NO_TIMES))
    kept = [*runs, *([times] if times in found else [])]
    return {f"{sequence}/{name}": found[name] for name in kept}, faults


def _find_time_faults(path: Path, where: str, runs: int, counts: set[int]) -> list[SubmissionFault]:
    try:
        rows = parse_times(path.read_bytes(), where)
    except DataError as error:
        return [SubmissionFault(where, error.message.removeprefix(f"{where}, "))]
    if not len(rows):
        return [SubmissionFault(where, "the file is empty")]
    found = []
    seconds = rows.numbers
    if rows.separators - {","}:
        found.append(f"format: the server wants commas between columns, found {', '.join(sorted(rows.separators))}")
    if seconds.shape[1] != runs:
        found.append(f"{seconds.shape[1]} columns for {runs} runs")
    if counts and counts != {len(seconds)}:
        found.append(f"frame count: {len(seconds)} times for {' or '.join(map(str, sorted(counts)))} boxes")
    wrong = ~(np.isfinite(seconds) & (seconds >= 0)).all(axis=1)
    if wrong.any():
        found.append(f"NaN, infinite or negative in {describe_lines((np.flatnonzero(wrong) + 1).tolist())}")
    if not (seconds > 0).any():
        found.append("no time is positive, so that no speed can be computed")
    return [SubmissionFault(where, message) for message in found]
