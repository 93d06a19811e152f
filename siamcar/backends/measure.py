"""What backends cost, side by side in one process: the network alone, and a whole tracker's frame."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from siamcar.backends import make_backend
from siamcar.backends.exact import compute_exactly
from siamcar.model.network import SiamCAR
from siamcar.tracker import SiamCARTracker
from siamcar.turns import Turns, take_turns

if TYPE_CHECKING:
    from siamcar.backends.base import BackendInfo
    from siamcar.boxes import BoxLike
    from siamcar.config import TrackerConfig
    from siamcar.protocol import Frame
    from siamcar.tracker import MapsLike, ModelLike

__all__ = [
    "EAGER",
    "RELEASED_LOOP",
    "Deviation",
    "compare_maps",
    "limit_torch_threads",
    "measure_network",
    "measure_tracker",
]

EAGER = "eager fp32"
"""The baseline: the network as it is, in float32, without autograd."""

RELEASED_LOOP = "eager fp32, autograd on"
"""The network as the released tracker runs it."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """How far a backend's maps are from those of `eager`.

    Attributes:
        cls, loc, cen: largest difference over the largest value, of each map.
    """

    cls: float
    loc: float
    cen: float

    @property
    def largest(self) -> float:
        """That of the map that deviates most."""
        return max(self.cls, self.loc, self.cen)


@contextmanager
def limit_torch_threads(threads: int) -> Iterator[None]:
    """PyTorch computes with so many threads meanwhile."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def compare_maps(expected: MapsLike, found: MapsLike) -> Deviation:
    """Compare maps of the same input."""

    def compare(name: str) -> float:
        one, other = (getattr(maps, name).detach().to("cpu", torch.float64) for maps in (expected, found))
        return float((one - other).abs().max() / one.abs().max())

    return Deviation(compare("cls"), compare("loc"), compare("cen"))


def measure_network(
    model: SiamCAR,
    backends: Mapping[str, ModelLike],
    template: Frame,
    search: Frame,
    *,
    rounds: int = 7,
    device: str = "cpu",
) -> tuple[Turns, dict[str, Deviation]]:
    """Time the search graph of the network and of backends on one search region, which lies where each computes.

    Args:
        model: the network, on the CPU; a copy of it is the baseline.
        backends: label → what stands in its place.
        template: (127, 127, 3) uint8, BGR.
        search: (255, 255, 3) uint8, BGR.
        rounds: how often each is timed.
        device: where the baseline runs; backends run where they were made for.

    Returns:
        Times, and each backend's deviation.
    """
    small, large = (torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() for image in (template, search))
    network = copy.deepcopy(model)
    candidates: dict[str, ModelLike] = {EAGER: make_backend(network, "eager", device=device), **backends}
    places = {label: _find_device(one) or "cpu" for label, one in candidates.items()}
    images = {label: large.to(place) for label, place in places.items()}
    with torch.inference_mode():
        features = {label: one.template(small.to(places[label])) for label, one in candidates.items()}

    def run(label: str) -> MapsLike:
        with torch.inference_mode():
            return _wait_for(candidates[label].search(features[label], images[label]))

    @contextmanager
    def as_released() -> Iterator[None]:
        with torch.inference_mode(False), torch.enable_grad(), compute_exactly(torch.device(device)):
            yield

    with as_released():
        with_autograd = network.template(small.to(device))

    def run_released() -> MapsLike:
        with as_released():
            return _wait_for(network.search(with_autograd, images[EAGER]))

    expected = run(EAGER)
    deviations = {label: compare_maps(expected, run(label)) for label in backends}
    works: dict[str, Callable[[], object]] = {EAGER: partial(run, EAGER), RELEASED_LOOP: run_released}
    works |= {label: partial(run, label) for label in backends}
    return take_turns("network, one search region", works, rounds=rounds, warm_up=2), deviations


def measure_tracker(
    models: Mapping[str, ModelLike],
    frames: Sequence[Frame],
    box: BoxLike,
    *,
    config: TrackerConfig | None = None,
    rounds: int = 3,
    device: str = "cpu",
) -> tuple[Turns, dict[str, float]]:
    """Time a tracker's frame: crop, network and decoding, over a video in memory.

    Args:
        models: label → network or backend; the first is the baseline.
        frames: the video, (H, W, 3) uint8 each, BGR.
        box: (4,) `xywh`, 0-based, the target in the first.
        config: the tracker's; None: its defaults.
        rounds: how often each tracks the whole video.
        device: where networks run, by `eager` and a copy each; backends run where they were made for.

    Returns:
        Times of one frame, and label → the largest difference of a box from the baseline's in any frame, pixels.
    """
    trackers = {}
    for label, model in models.items():
        made = make_backend(copy.deepcopy(model), device=device) if isinstance(model, SiamCAR) else model
        trackers[label] = SiamCARTracker(made, config=config, device=_find_device(made))
    boxes: dict[str, list[np.ndarray]] = {}

    def track(label: str) -> None:
        tracker = trackers[label]
        tracker.init(frames[0], box)
        boxes[label] = [tracker.track(frame).box for frame in frames[1:]]

    turns = take_turns("tracker, one frame", {label: partial(track, label) for label in trackers}, rounds=rounds)
    steps = len(frames) - 1
    a_frame = {label: tuple(one / steps for one in seconds) for label, seconds in turns.seconds.items()}
    reference = np.array(boxes[turns.baseline])
    differences = {label: float(np.abs(np.array(found) - reference).max()) for label, found in boxes.items()}
    return Turns(turns.name, a_frame), differences


def _find_device(model: ModelLike) -> str | None:
    """Where a backend takes its images; None of a network, which knows itself."""
    info: BackendInfo | None = getattr(model, "info", None)
    return info.device if info is not None else None


def _wait_for(maps: MapsLike) -> MapsLike:
    """The maps, computed; a GPU is waited for."""
    if maps.cls.device.type == "cuda":
        torch.cuda.synchronize(maps.cls.device)
    return maps
