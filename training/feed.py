"""From pairs to batches: which pairs belong to which step, and the loader that brings them.

Pairs are counted through over the whole training: number = epoch · pairs_per_epoch + i. A step is a run of
consecutive numbers, so the position of the sampler is the step itself, whatever the number of processes or workers.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import cv2
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from siamcar.errors import ConfigError, SiamCARError

__all__ = ["Batch", "PairSource", "StepSampler", "make_loader"]


class Batch(NamedTuple):
    """Pairs of a step, of one process.

    Attributes:
        template: (B, 3, 127, 127) uint8, BGR.
        search: (B, 3, 255, 255) uint8, BGR.
        box: (B, 4) float32 xyxy in search pixels, continuous.
        present: (B,) bool: whether the template's target is in the search region.
    """

    template: Tensor
    search: Tensor
    box: Tensor
    present: Tensor

    def to(self, device: torch.device) -> Batch:
        """The batch on a device."""
        return Batch(*(values.to(device, non_blocking=True) for values in self))


class PairSource(Protocol):
    """What the loop needs of `training.pairs.PairDataset`."""

    def __len__(self) -> int:
        """Pairs of an epoch."""
        ...

    def make_pair(self, epoch: int, index: int) -> dict[str, Any]:
        """Pair `index` of an epoch: template, search, box, positive; it depends on the seed and these two alone."""
        ...

    def count_faults(self) -> Mapping[str, Mapping[str, int]]:
        """What could not be used so far: source → reason → how often, over all workers of this process."""
        ...


@dataclass(frozen=True)
class StepSampler(Sampler[list[int]]):
    """Numbers of the pairs of each step, for one process: every world-th pair of the batch from its rank on.

    Attributes:
        start, total: first step and the one after the last.
        steps_per_epoch: steps of an epoch.
        pairs_per_epoch: pairs of an epoch; those that fill no batch are left out.
        batch_size: pairs of a step, over all processes.
        rank, world: this process among all.
    """

    start: int
    total: int
    steps_per_epoch: int
    pairs_per_epoch: int
    batch_size: int
    rank: int = 0
    world: int = 1

    def __len__(self) -> int:
        return max(self.total - self.start, 0)

    def __iter__(self) -> Iterator[list[int]]:
        for step in range(self.start, self.total):
            epoch, place = divmod(step, self.steps_per_epoch)
            first = epoch * self.pairs_per_epoch + place * self.batch_size
            yield list(range(first + self.rank, first + self.batch_size, self.world))


class _Numbered(Dataset[Any]):
    """Pairs by their number in the whole training."""

    def __init__(self, pairs: PairSource) -> None:
        self._pairs = pairs

    def __getitem__(self, number: int) -> dict[str, Any] | SiamCARError:
        epoch, index = divmod(number, len(self._pairs))
        try:
            return self._pairs.make_pair(epoch, index)
        except SiamCARError as error:
            return error  # raised in a worker it would come out as the text of its traceback


def _collate(found: list[dict[str, Any] | SiamCARError]) -> Batch | SiamCARError:
    pairs: list[dict[str, Any]] = []
    for one in found:
        if isinstance(one, SiamCARError):
            return one
        pairs.append(one)
    return Batch(
        torch.stack([torch.as_tensor(pair["template"]) for pair in pairs]),
        torch.stack([torch.as_tensor(pair["search"]) for pair in pairs]),
        torch.stack([torch.as_tensor(pair["box"], dtype=torch.float32) for pair in pairs]),
        torch.tensor([bool(pair["positive"]) for pair in pairs]),
    )


class _Loader(DataLoader[Batch]):
    """Raises the errors that workers hand over."""

    def __iter__(self) -> Any:
        for batch in super().__iter__():
            if isinstance(batch, SiamCARError):
                raise batch
            yield batch


def _start_worker(_worker: int) -> None:
    # Ctrl-C reaches every process of the terminal, and a batch system may signal all of a job: the training process
    # alone decides, and workers end with it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    cv2.setNumThreads(0)  # workers are the parallelism; OpenCV's pool does not survive a fork either


def make_loader(pairs: PairSource, sampler: StepSampler, *, workers: int, pin: bool = False) -> DataLoader[Batch]:
    """A loader of `Batch`es, one a step; what keeps a pair from being made is raised here, whoever makes it.

    Args:
        pairs: the pairs.
        sampler: which belong to which step.
        workers: processes that make pairs; 0 makes them in this one.
        pin: put batches into page-locked memory, which CUDA copies from faster.

    Raises:
        ConfigError: the batch cannot be divided evenly among the processes.
    """
    if sampler.batch_size % sampler.world:
        raise ConfigError(
            f"A batch of {sampler.batch_size} pairs cannot be divided among {sampler.world} processes.",
            "Set batch_size to a multiple of their number.",
        )
    return _Loader(
        _Numbered(pairs),
        batch_sampler=sampler,
        num_workers=workers,
        collate_fn=_collate,
        worker_init_fn=_start_worker if workers else None,
        prefetch_factor=4 if workers else None,
        pin_memory=pin,
    )
