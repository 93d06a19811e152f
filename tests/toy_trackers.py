"""Trackers that do odd things, for the runner's tests; worker processes find them by name."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from pathlib import Path

import cv2
import numpy as np

from siamcar.protocol import Prediction


class Jitter:
    """Moves its box by draws from every global source of chance: it repeats itself only when all are seeded."""

    def __init__(self, step: float = 1.0) -> None:
        self.step = float(step)

    def init(self, frame: np.ndarray, box: np.ndarray) -> None:
        self.box = np.array(box, dtype=float)
        self.frames_seen = 0

    def track(self, frame: np.ndarray) -> Prediction:
        self.frames_seen += 1
        drawn = np.zeros((1, 1))
        cv2.randu(drawn, 0, 1)
        chance = random.random() + np.random.random() + drawn[0, 0]
        self.box = self.box + np.array([chance * self.step, frame.mean() / 100, 0, 0])
        return Prediction(self.box, 0.5)


class Failing(Jitter):
    """Raises on the third frame of targets that start at `x`."""

    def __init__(self, x: float, kill: bool = False) -> None:
        super().__init__()
        self.x, self.kill = float(x), kill

    def init(self, frame: np.ndarray, box: np.ndarray) -> None:
        super().init(frame, box)
        self.doomed = box[0] == self.x

    def track(self, frame: np.ndarray) -> Prediction:
        if self.doomed and self.frames_seen == 1:
            if self.kill:
                os.kill(os.getpid(), signal.SIGKILL)
            raise ValueError("a bad day")
        return super().track(frame)


class Remembering(Failing):
    """Carries what it has seen from one target to the next after it has raised, as a half-updated tracker would."""

    seen = 0

    def init(self, frame: np.ndarray, box: np.ndarray) -> None:
        super().init(frame, box)
        self.box = self.box + self.seen

    def track(self, frame: np.ndarray) -> Prediction:
        try:
            return super().track(frame)
        except ValueError:
            self.seen += 100
            raise


class Drawing(Jitter):
    """Draws in its constructor, as networks with random parts do."""

    def __init__(self) -> None:
        super().__init__(step=np.random.random())


class Gated(Jitter):
    """Tracks its first target, then waits at every other one until a file is there: a run stopped in the middle."""

    def __init__(self, gate: str) -> None:
        super().__init__()
        self.gate, self.targets = Path(gate), 0

    def init(self, frame: np.ndarray, box: np.ndarray) -> None:
        super().init(frame, box)
        self.targets += 1

    def track(self, frame: np.ndarray) -> Prediction:
        while self.targets > 1 and not self.gate.exists():
            time.sleep(0.02)
        return super().track(frame)


class Slow(Jitter):
    def track(self, frame: np.ndarray) -> Prediction:
        time.sleep(0.05)
        return super().track(frame)


def make_jitter(step: float = 1.0) -> Jitter:
    return Jitter(step)


def make_failing(x: float) -> Failing:
    return Failing(x)


def make_remembering(x: float) -> Remembering:
    return Remembering(x)


def make_drawing() -> Drawing:
    return Drawing()


def make_killed(x: float) -> Failing:
    return Failing(x, kill=True)


def make_gated(gate: str) -> Gated:
    return Gated(gate)


def make_slow() -> Slow:
    return Slow()


def make_impossible() -> Jitter:
    raise RuntimeError("no engine")


def make_once(x: float) -> Failing:
    """As `make_failing`, but a process can make one alone, as where its GPU is lost with the first."""
    if MADE_HERE:
        raise RuntimeError("the GPU is lost")
    MADE_HERE.append(Failing(x))
    return MADE_HERE[0]


MADE_HERE: list[Failing] = []


def make_limited(folder: str, most: int) -> Jitter:
    """As many as `most` in all processes together."""
    for number in range(int(most)):
        with contextlib.suppress(FileExistsError):
            (Path(folder) / str(number)).touch(exist_ok=False)
            return Jitter()
    raise RuntimeError("no memory left")


class Matching:
    """Looks for its first view around the last place: no chance in it, and it loses its target now and then."""

    def init(self, frame: np.ndarray, box: np.ndarray) -> None:
        x, y, w, h = (round(value) for value in box)
        x, y = max(x, 0), max(y, 0)
        self.view = frame[y : y + max(h, 4), x : x + max(w, 4)]
        self.box = np.array(box, dtype=float)

    def track(self, frame: np.ndarray) -> Prediction:
        rows, columns = self.view.shape[:2]
        left = int(np.clip(self.box[0] - 12, 0, max(frame.shape[1] - columns, 0)))
        top = int(np.clip(self.box[1] - 12, 0, max(frame.shape[0] - rows, 0)))
        window = frame[top : top + rows + 24, left : left + columns + 24]
        found = cv2.matchTemplate(window, self.view, cv2.TM_CCOEFF_NORMED)
        _, best, _, (dx, dy) = cv2.minMaxLoc(found)
        self.box = np.array([left + dx + 0.123456, top + dy - 0.043215, self.box[2], self.box[3]])
        return Prediction(self.box, float(np.clip(best, 0, 1)))


def make_matching() -> Matching:
    return Matching()


class Away(Jitter):
    """Answers with a corner of the image."""

    def track(self, frame: np.ndarray) -> Prediction:
        return Prediction([frame.shape[1] - 3, frame.shape[0] - 3, 2, 2], 0.0)


def make_away() -> Away:
    return Away()
