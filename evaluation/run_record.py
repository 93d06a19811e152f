"""The record of a run (`run.json`): who ran what on which data, what is done, what failed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, computed_field

from evaluation.results import RUNS_FOLDER
from siamcar.config import describe_validation_error
from siamcar.errors import ResultsError

__all__ = [
    "RunRecord",
    "SequenceStatus",
    "Share",
    "describe_differences",
    "describe_run_differences",
    "read_run_record",
]


@dataclass(frozen=True)
class Share:
    """That a run was made of a share of the sequences alone (`evaluation.sharding`).

    Attributes:
        index: number of the share, from 1.
        count: number of shares.
        whole: names of the sequences of all shares.
    """

    index: int
    count: int
    whole: tuple[str, ...]


class SequenceStatus(BaseModel):
    """How one run of one sequence ended.

    Attributes:
        status: "complete" or "failed".
        frames: number of frames of the sequence.
        revision: revision of the sequence (`Sequence.revision`).
        seconds: the tracker's own time over all frames; None in lockstep.
        contended: workers × threads exceeded the physical cores: the speed is not the tracker's.
        lockstep: how many sequences advanced together in one batch; None where it was run alone.
        error: what went wrong, in one line.
        detail: the traceback of the failure.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    status: Literal["complete", "failed"]
    frames: int
    revision: str
    seconds: float | None = None
    contended: bool = False
    lockstep: int | None = None
    error: str | None = None
    detail: str | None = None


class RunRecord(BaseModel):
    """Everything one needs to know to trust, repeat or continue a run.

    Attributes:
        format: version of this document.
        benchmark: name of the benchmark.
        tracker: name of the results folder.
        identity: what the results depend on; a run goes on only with the same identity.
        origin: coordinate of the first pixel in the benchmark's files, which the results depend on as well; None in
            records of earlier versions.
        environment: versions, hardware, devices, workers: what only the speed depends on. On a cluster its `nodes`
            have their own; `earlier` lists those of other days, `merged` those of the folders that were joined.
        share: the share of the sequences that this folder is for; None where it is for all that were chosen.
        planned: names of the runs that were to be made, done or not; of repetitions that follow from others the first.
        sequences: name of a run (sequence, or sequence and repetition) → how it ended.
    """

    model_config = ConfigDict(extra="ignore")

    format: Literal[1] = 1
    benchmark: str
    tracker: str
    identity: dict[str, Any]
    origin: int | None = None
    environment: dict[str, Any] = Field(default_factory=dict)
    share: Share | None = None
    planned: tuple[str, ...] = ()
    sequences: dict[str, SequenceStatus] = Field(default_factory=dict)

    @computed_field  # type: ignore[prop-decorator]  # mypy knows no decorated properties
    @property
    def contended(self) -> bool:
        """Whether a speed in it was measured under contention."""
        return any(one.contended for one in self.sequences.values())

    @property
    def conditions(self) -> str:
        """What its speed was measured under, in words: backend and precision, threads, all hardware; or lockstep."""
        batches = [one.lockstep for one in self.sequences.values() if one.lockstep is not None]
        if batches:
            return f"lockstep, batches of up to {max(batches)}: no speed of one stream"
        backend = " ".join(str(self.identity[key]) for key in ("backend", "precision") if self.identity.get(key))
        threads = self.identity.get("threads")
        hardware = " / ".join(dict.fromkeys(one for one in _list_hardware(self.environment) if one))
        parts = (backend, f"threads: {threads}" if threads else "", hardware)
        return ", ".join(part for part in parts if part)

    @property
    def failures(self) -> dict[str, str]:
        """Run name → error of everything that failed."""
        return {name: one.error or "unknown" for name, one in self.sequences.items() if one.status == "failed"}

    def get_sequence(self, run: str) -> str:
        """The sequence of a run."""
        if "/" in run:
            return run.partition("/")[2].rpartition("_")[0]
        return run[:-4] if self.identity.get("repeated") else run


def _list_hardware(environment: Mapping[str, Any]) -> Iterator[str]:
    """What runs were made on: processors and GPUs, of all machines that an environment tells of."""
    devices = [str(one) for one in environment.get("devices") or ("cpu",)]
    nodes = list(environment.get("nodes", {}).values())
    for machine in [node for node in nodes if node.get("runs")] or nodes or [environment]:
        gpus = list(dict.fromkeys(machine.get("gpus", ())))
        for device in devices:
            if device == "cpu":
                yield machine.get("processor") or ""
            elif device.startswith("cuda") and len(gpus) == 1:
                yield gpus[0]
            else:  # which of several kinds has this number is the driver's affair
                yield f"{device} ({' or '.join(gpus)})" if device.startswith("cuda") and gpus else device
    for other in (*environment.get("earlier", ()), *environment.get("merged", ())):
        yield from _list_hardware(other)


def read_run_record(folder: Path, tracker: str) -> RunRecord | None:
    """The run record of a tracker in a benchmark's results folder; None where it was not run by us.

    Raises:
        ResultsError: the record is damaged.
    """
    path = folder / RUNS_FOLDER / tracker / "run.json"
    try:
        return RunRecord.model_validate_json(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValidationError as error:
        raise ResultsError(
            f"The run record {path} is damaged: {describe_validation_error(error)}.",
            "Run again with --overwrite always to start afresh.",
        ) from error


def describe_differences(old: Any, new: Any, path: str = "") -> list[str]:
    """Where two JSON values differ, as "path: old → new" lines."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            line
            for key in dict.fromkeys([*old, *new])
            for line in describe_differences(old.get(key), new.get(key), f"{path}.{key}" if path else str(key))
        ]
    return [] if old == new else [f"{path}: {json.dumps(old)} → {json.dumps(new)}"]


def describe_run_differences(old: RunRecord, new: RunRecord) -> list[str]:
    """Where two runs differ in what their results depend on; an origin that was not recorded contradicts none."""
    differing = describe_differences(old.identity, new.identity)
    if old.origin is not None and new.origin is not None:
        differing += describe_differences(old.origin, new.origin, "origin")
    return differing
