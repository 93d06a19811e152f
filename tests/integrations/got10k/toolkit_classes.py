"""Trackers as people write them for the GOT-10k toolkit."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
from got10k.trackers import Tracker

from siamcar.protocol import Prediction


class Drift(Tracker):
    """Moves its box by steps that depend on what it sees."""

    def __init__(self, step: float = 1.0, grow: bool = False, net_path: str | None = None) -> None:
        super().__init__("Drift", is_deterministic=True)
        self.step, self.grow, self.net_path = step, grow, net_path

    def init(self, image: Any, box: Any) -> None:
        assert image.mode == "RGB"
        self.box = np.array(box, dtype=float)

    def update(self, image: Any) -> Any:
        red, _, blue = np.asarray(image).mean(axis=(0, 1))
        self.box = self.box + np.array([self.step, (red - blue) / 50, float(self.grow), 0])
        return self.box


class Gambler(Drift):
    """Draws from Python's generator."""

    def update(self, image: Any) -> Any:
        return super().update(image) + random.random()


class Scripted:
    """Does not inherit from the toolkit's class, and answers what it is told to."""

    answer: Any = None

    def __init__(self, **anything: Any) -> None:
        self.anything = anything

    def init(self, image: Any, box: Any) -> None: ...

    def update(self, image: Any) -> Any:
        return self.answer


class Half:
    def init(self, image: Any, box: Any) -> None: ...


def make_half() -> Half:
    return Half()


class Interrupted:
    """One of our own trackers: Ctrl-C arrives at its second target."""

    targets = 0

    def init(self, frame: np.ndarray, box: np.ndarray) -> None:
        self.targets += 1
        self.box = np.array(box, dtype=float)

    def track(self, frame: np.ndarray) -> Prediction:
        if self.targets == 2:
            raise KeyboardInterrupt
        return Prediction(self.box)


def make_interrupted() -> Interrupted:
    return Interrupted()
