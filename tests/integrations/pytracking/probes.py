"""Trackers that show what pytracking has given them; subprocesses find them by name."""

from __future__ import annotations

import os

import numpy as np

from siamcar.protocol import Prediction


class Colors:
    """Answers with the mean blue, green and red of what it is shown."""

    def __init__(self, width: float = 1.0) -> None:
        self.width = float(width)

    def init(self, frame: np.ndarray, box: np.ndarray) -> None:
        self.box = np.array(box, dtype=float)

    def track(self, frame: np.ndarray) -> Prediction:
        blue, green, red = frame.mean(axis=(0, 1))
        return Prediction(np.array([blue, green, red, self.width]), 0.25)


class Process(Colors):
    """Answers with whether it is in a process of its own."""

    def track(self, frame: np.ndarray) -> Prediction:
        return Prediction(np.array([os.getpid() != int(os.environ["PARENT"]), 1, 1, 1]))


class Doomed(Colors):
    """Raises where the target starts at x = 7."""

    def track(self, frame: np.ndarray) -> Prediction:
        if self.box[0] == 7:
            raise ValueError("a bad day")
        return super().track(frame)


def make_colors(width: float = 1.0) -> Colors:
    return Colors(width)


def make_process() -> Process:
    return Process()


def make_doomed() -> Doomed:
    return Doomed()
