"""The log of a run: JSON lines always, TensorBoard where it is wanted."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from siamcar.errors import import_extra
from siamcar.files import write_atomic

__all__ = ["MetricsLog", "read_metrics"]


class MetricsLog:
    """Writes records of a run, each a line of `metrics.jsonl` with its `kind` and `step`, and curves of their numbers.

    Opened at a step, it first drops what an earlier process wrote beyond it, so that a resumed run's log reads as if
    it had never stopped.

    Args:
        folder: of the run.
        step: that the run starts from.
        tensorboard: write event files to `<folder>/tensorboard` too.

    Raises:
        MissingExtraError: TensorBoard is asked for and not installed.
        OSError: the folder cannot be written.
    """

    def __init__(self, folder: Path, step: int, *, tensorboard: bool) -> None:
        self._path = folder / "metrics.jsonl"
        kept = [line for line in _lines(self._path) if _step_of(line) <= step]
        write_atomic(self._path, "".join(f"{line}\n" for line in kept).encode())
        self._file = self._path.open("a", encoding="utf-8")
        self._board: Any = None
        if tensorboard:
            import_extra("tensorboard", extra="train", purpose="TensorBoard curves")
            from torch.utils.tensorboard.writer import SummaryWriter

            self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1 if step else None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if self._board is not None:
            self._board.close()

    def add(self, kind: str, step: int, values: Mapping[str, Any]) -> None:
        """Add a record; numbers that are not finite become null."""
        record = {"kind": kind, "step": step, **{key: _plain(value) for key, value in values.items()}}
        self._file.write(json.dumps(record, ensure_ascii=False) + "\n")
        self._file.flush()
        if self._board is not None:
            for key, value in values.items():
                if isinstance(value, int | float) and math.isfinite(value):
                    self._board.add_scalar(f"{kind}/{key}", value, step)

    def add_picture(self, name: str, step: int, image: npt.NDArray[np.uint8]) -> None:
        """Add an (H, W, 3) uint8 BGR picture, where there is a TensorBoard."""
        if self._board is not None:
            self._board.add_image(name, np.ascontiguousarray(image[..., ::-1]), step, dataformats="HWC")
            self._board.flush()


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """The records of a run's log, in order; a line that a crash has cut short is left out."""
    return [json.loads(line) for line in _lines(folder / "metrics.jsonl")]


def _lines(path: Path) -> Iterable[str]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return
    for line in text.splitlines():
        try:
            json.loads(line)
        except ValueError:
            continue
        yield line


def _step_of(line: str) -> int:
    return int(json.loads(line)["step"])


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
