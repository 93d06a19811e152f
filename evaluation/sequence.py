"""Sequences and benchmarks: what a tracker is run on and scored against."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from siamcar.boxes import Boxes, polygon_to_box
from siamcar.errors import DataError, UnknownNameError
from siamcar.protocol import Frame

if TYPE_CHECKING:
    from evaluation.run_record import Share

__all__ = ["AbsentFrames", "Benchmark", "BenchmarkSource", "FrameSource", "ImageFrames", "Sequence"]

Visible = npt.NDArray[np.bool_]
Cover = npt.NDArray[np.int64]


@runtime_checkable
class FrameSource(Protocol):
    """The frames of one sequence, read one by one. It is sent to worker processes, so it holds paths, not pixels."""

    def __len__(self) -> int:
        """Number of frames."""
        ...

    def path(self, index: int) -> Path | None:
        """File of frame `index`; None where frames are not files."""
        ...

    def read(self, index: int) -> Frame:
        """Frame `index` as (H, W, 3) uint8, BGR.

        Raises:
            DataError: the frame is missing or cannot be decoded.
        """
        ...


@dataclass(frozen=True, slots=True)
class ImageFrames:
    """Frames that are image files.

    Attributes:
        paths: one file a frame, in order.
    """

    paths: tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.paths)

    def path(self, index: int) -> Path:
        """File of frame `index`."""
        return self.paths[index]

    def read(self, index: int) -> Frame:
        """Decode frame `index` into (H, W, 3) uint8, BGR.

        Raises:
            DataError: the file is missing, empty, truncated or no image.
        """
        from siamcar.images import read_image

        return read_image(self.paths[index], f"Frame {index}")


@dataclass(frozen=True, slots=True)
class AbsentFrames:
    """Frames that are not at hand, where a benchmark is read from its annotations alone: enough to score results.

    Attributes:
        length: number of frames.
    """

    length: int

    def __len__(self) -> int:
        return self.length

    def path(self, index: int) -> Path | None:
        """None: there is no file."""
        return None

    def read(self, index: int) -> Frame:
        """There is nothing to read.

        Raises:
            DataError: always.
        """
        raise DataError(
            f"Frame {index} cannot be read: only annotations are at hand, which is enough to score results.",
            "To run a tracker, give the folder of the frames too: --data DIR.",
        )


@dataclass(frozen=True, eq=False)
class Sequence:
    """One target in one run of frames.

    Attributes:
        name: the benchmark's name of the sequence; result files carry it.
        frames: its frames; a source whose `read` fails where only annotations are at hand.
        ground_truth: (T, 4) `xywh` or (T, 2n) polygons, in the benchmark file's own numbers; NaN where there is none.
        visible: (T,) whether the target can be seen; None where the benchmark does not say.
        attributes: names of the attributes that the sequence has.
        frame_attributes: attribute → (T,) strength in [0, 1] a frame; empty where the benchmark does not say.
        cover: (T,) how much of the target can be seen, 0 (nothing) to 8 (all of it), as GOT-10k labels it; None
            where the benchmark does not say.
        size: (width, height) of its images in pixels; None where it is not known without opening one.
        hidden_truth: whether the benchmark gives the first box alone and keeps the others on its server; the other
            rows of `ground_truth` are NaN then.

    Raises:
        DataError: the parts do not fit together.
    """

    name: str
    frames: FrameSource
    ground_truth: Boxes
    visible: Visible | None = None
    attributes: frozenset[str] = frozenset()
    frame_attributes: Mapping[str, npt.NDArray[np.float64]] = field(default_factory=dict)
    cover: Cover | None = None
    size: tuple[int, int] | None = None
    hidden_truth: bool = False

    def __post_init__(self) -> None:
        truth = np.asarray(self.ground_truth, dtype=np.float64)
        if truth.ndim != 2 or not (truth.shape[1] == 4 or (truth.shape[1] >= 6 and truth.shape[1] % 2 == 0)):
            raise DataError(
                f"Sequence {self.name}: ground truth is four numbers a frame, or polygons of x, y pairs; "
                f"found an array of shape {truth.shape}."
            )
        if len(truth) != len(self.frames):
            side = "longer" if len(truth) > len(self.frames) else "shorter"
            raise DataError(
                f"Sequence {self.name}: the ground truth is {side} than the frames: "
                f"{len(truth)} rows for {len(self.frames)} frames.",
                "Complete the download of this sequence, or check that annotation and frames are of the same release.",
            )
        if len(truth) == 0:
            raise DataError(f"Sequence {self.name} has no frames.", "Complete the download of this sequence.")
        for what, array in {"visible": self.visible, "cover": self.cover, **self.frame_attributes}.items():
            if array is not None and np.shape(array) != (len(truth),):
                raise DataError(f"Sequence {self.name}: {what!r} has shape {np.shape(array)} for {len(truth)} frames.")
        if self.cover is not None and not np.isin(self.cover, range(9)).all():
            raise DataError(f"Sequence {self.name}: 'cover' is a whole number from 0 to 8 a frame, found others.")
        if self.size is not None and not (len(self.size) == 2 and min(self.size) > 0):
            raise DataError(f"Sequence {self.name}: a size is (width, height) in pixels, found {self.size}.")
        if self.hidden_truth and not np.isnan(truth[1:]).all():
            raise DataError(f"Sequence {self.name}: its truth is said to be hidden, yet there is more than one box.")
        truth = truth.copy()
        truth.setflags(write=False)
        object.__setattr__(self, "ground_truth", truth)

    def __len__(self) -> int:
        return len(self.frames)

    @cached_property
    def boxes(self) -> Boxes:
        """The ground truth as (T, 4) `xywh`; polygons as the boxes that enclose them."""
        return self.ground_truth if self.ground_truth.shape[1] == 4 else polygon_to_box(self.ground_truth)

    @cached_property
    def revision(self) -> str:
        """SHA-256 over name, length and ground truth."""
        # + 0.0 makes -0.0 and 0.0 one; NaN is written as one bit pattern.
        truth = np.where(np.isnan(self.ground_truth), np.nan, self.ground_truth + 0.0)
        digest = hashlib.sha256(f"{self.name}\0{truth.shape[0]}\0{truth.shape[1]}\0".encode())
        digest.update(np.ascontiguousarray(truth, dtype="<f8").tobytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class BenchmarkSource:
    """How a benchmark was loaded, so that another process or machine can load it again.

    Attributes:
        name: on the command line.
        root: folder of its data; None where there is none.
        options: what its loader was given beside.
    """

    name: str
    root: Path | None
    options: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Benchmark:
    """A named set of sequences and how they are scored.

    Attributes:
        name: name of its results folder, for example "OTB100".
        sequences: what it consists of, in the benchmark's order.
        convention: name of its official convention (`evaluation.conventions`).
        family: whose odd frames it has: "otb", "uav", "lasot", "got10k" or "trackingnet". Toolkits have rules of their
            own for some of them; "otb" stands for what has none, "vot" for what only VOT's experiments score.
        origin: coordinate of the first pixel in its files: 1 for OTB and UAV123 (MATLAB), 0 elsewhere.
        protocol: how trackers are run; "one_pass" starts once on the first frame.
        missing: names of official sequences that the folder does not hold.
        faults: name and message of every sequence that the folder holds but that cannot be used.
        short: names of those among them that lack frames or rows of their annotation.
        others: names of further sequences of it: not selected, or of another subset with the same results folder.
        notes: what whoever runs it should know.
        citation, url: where it comes from.
        source: how it was loaded by name; None where it was put together otherwise.
        share: which share of its sequences this is; None where it is no share.
    """

    name: str
    sequences: tuple[Sequence, ...]
    convention: str
    family: str = "otb"
    origin: int = 0
    protocol: str = "one_pass"
    missing: tuple[str, ...] = ()
    faults: tuple[tuple[str, str], ...] = ()
    short: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    citation: str = ""
    url: str = ""
    source: BenchmarkSource | None = None
    share: Share | None = None

    def __post_init__(self) -> None:
        names = Counter(sequence.name for sequence in self.sequences)
        repeated = sorted(name for name, count in names.items() if count > 1)
        if repeated:
            raise DataError(f"The benchmark {self.name} names sequences twice: {', '.join(repeated)}.")
        if not names:
            raise DataError(f"The benchmark {self.name} has no sequences.", "Check the folder given with --data.")

    def __len__(self) -> int:
        return len(self.sequences)

    def __iter__(self) -> Iterator[Sequence]:
        return iter(self.sequences)

    def __getitem__(self, name: str) -> Sequence:
        if name not in self._by_name:
            raise UnknownNameError.of("sequence", name, self._by_name)
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, Sequence]:
        return {sequence.name: sequence for sequence in self.sequences}

    @property
    def attributes(self) -> list[str]:
        """Every attribute of any sequence, sorted."""
        return sorted({attribute for sequence in self.sequences for attribute in sequence.attributes})

    @property
    def revision(self) -> str:
        """SHA-256 over the revisions of its sequences: two folders with one revision hold the same task."""
        revisions = sorted(sequence.revision for sequence in self.sequences)
        return hashlib.sha256("\n".join(revisions).encode()).hexdigest()

    @property
    def scorable(self) -> bool:
        """Whether the ground truth of any sequence is at hand; else a server scores."""
        return not all(sequence.hidden_truth for sequence in self.sequences)

    def require_truth(self) -> None:
        """Refuse to score where there is nothing to score against.

        Raises:
            DataError: the ground truth of every sequence is hidden.
        """
        if not self.scorable:
            raise DataError(
                f"{self.name}: the ground truth is hidden, all but the first box of each sequence: its server scores.",
                "Pack the results and send them there: siamcar submit. Scores are reported for sets with ground truth.",
            )

    def select(self, names: list[str] | None = None, limit: int | None = None) -> Benchmark:
        """The benchmark with some of its sequences: those named, then the first `limit` of them.

        Faults stay with the sequences that are asked for: those of others are left out.

        Raises:
            UnknownNameError: a name it does not have.
            DataError: a named sequence is not in the folder, or nothing is left.
        """
        if names is None:
            return self._keep(self.sequences[:limit])
        wanted = dict.fromkeys(names)
        faults = {name: message for name, message in self.faults if name in wanted}
        short = tuple(name for name in self.short if name in wanted)
        for name in wanted:
            if name in self.missing:
                raise DataError(
                    f"The sequence {name} belongs to {self.name}, and the folder does not hold it.",
                    f"Download it, or choose among: {', '.join(sequence.name for sequence in self.sequences)}.",
                )
        chosen = tuple(self[name] for name in wanted if name not in faults)
        if faults and not chosen:
            raise DataError("\n".join(faults.values()), "None of the sequences asked for can be used.")
        return replace(self._keep(chosen[:limit]), faults=tuple(faults.items()), short=short)

    def _keep(self, sequences: tuple[Sequence, ...]) -> Benchmark:
        kept = {sequence.name for sequence in sequences}
        left = [*(sequence.name for sequence in self.sequences), *(name for name, _ in self.faults)]
        others = dict.fromkeys((*self.others, *(name for name in left if name not in kept)))
        return replace(self, sequences=sequences, others=tuple(others))

    @property
    def known_names(self) -> tuple[str, ...]:
        """Names of all its sequences, whether or not they are here and can be used."""
        faulty = (name for name, _ in self.faults)
        here = (sequence.name for sequence in self.sequences)
        return tuple(dict.fromkeys((*here, *self.missing, *faulty, *self.others)))
