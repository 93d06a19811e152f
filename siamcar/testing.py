"""A conformance test for trackers: ours, every adapter's and anybody's.

    from siamcar.testing import check_tracker

    def test_my_tracker():
        check_tracker(MyTracker)

It needs NumPy and OpenCV only, no test framework, and draws its few small frames itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from siamcar.boxes import BoxLike
from siamcar.errors import SiamCARError
from siamcar.protocol import Frame, Prediction, Tracker
from siamcar.seeding import seed_everything

__all__ = ["ConformanceError", "check_tracker", "list_checks"]

Factory = Callable[[], Tracker]
Boxes = npt.NDArray[np.float64]

_SIDE = 24
"""Side of the target that the scenes show, in pixels."""


class ConformanceError(SiamCARError, AssertionError):
    """A tracker breaks a rule of the `Tracker` protocol."""


def list_checks() -> list[str]:
    """Names of all checks, in the order in which they run."""
    return list(_CHECKS)


def check_tracker(factory: Factory) -> list[str]:
    """Check that a tracker keeps the rules of `siamcar.protocol.Tracker`.

    Every source of chance is seeded before each run (`siamcar.seeding.seed_everything`), so a tracker may draw
    from the global generators, but must not depend on anything else.

    Args:
        factory: makes a fresh tracker; called many times.

    Returns:
        The names of the checks, all of which passed.

    Raises:
        ConformanceError: the first rule that is broken: what was expected and what was found. An exception that the
            tracker raises is its cause.
    """

    def make() -> Tracker:
        seed_everything(0)  # a factory may draw, too
        return factory()

    for name, check in _CHECKS.items():
        try:
            check(make)
        except ConformanceError as error:
            raise ConformanceError(f"{name}: {error.message}", error.hint) from error.__cause__
        except Exception as error:  # a tracker may raise anything; each is a broken rule
            raise ConformanceError(
                f"{name}: the tracker raised {type(error).__name__}: {error}", "It should give an answer here."
            ) from error
    return list_checks()


def _scene(length: int = 4, size: tuple[int, int] = (160, 120), seed: int = 1) -> tuple[list[Frame], Boxes]:
    """Frames with a textured square on its way over a soft background, and its (length, 4) boxes; `size` (w, h)."""
    width, height = size
    rng = np.random.default_rng(seed)
    noise = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    background = cv2.GaussianBlur(noise, (0, 0), 3)
    target = cv2.resize(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8), (_SIDE, _SIDE))
    frames, boxes = [], []
    for index in range(length):
        x, y = width // 3 + 2 * index, height // 3 + index
        frame = background.copy()
        frame[y : y + _SIDE, x : x + _SIDE] = target
        frames.append(frame)
        boxes.append((x, y, _SIDE, _SIDE))
    return frames, np.array(boxes, dtype=np.float64)


def _run(tracker: Tracker, frames: Sequence[Frame], box: BoxLike) -> Boxes:
    """Seed, initialise on the first frame and track over the others: (len(frames) - 1, 4), each answer checked."""
    seed_everything(0)
    tracker.init(frames[0], box)
    return np.stack([_check_prediction(tracker.track(frame)) for frame in frames[1:]])


def _check_prediction(prediction: object) -> Boxes:
    if not isinstance(prediction, Prediction):
        raise ConformanceError(
            f"`track` should return a siamcar.Prediction; it returned a {type(prediction).__name__}.",
            "Return Prediction(box, score).",
        )
    box = prediction.box
    if box.shape != (4,) or not np.isfinite(box).all():
        raise ConformanceError(f"A predicted box is four finite numbers; found {box}.")
    if min(box[2:]) <= 0:
        raise ConformanceError(
            f"A predicted box has positive sides; found width {box[2]:g} and height {box[3]:g}.",
            "A tracker that has lost its target may repeat its last box with score 0.",
        )
    if not 0.0 <= prediction.score <= 1.0:
        raise ConformanceError(f"A score lies in [0, 1]; found {prediction.score}.")
    return box


def _require_equal(found: Boxes, expected: Boxes, rule: str, hint: str = "") -> None:
    if not np.array_equal(found, expected):
        frame = int(np.flatnonzero((found != expected).any(axis=1))[0]) + 1
        raise ConformanceError(
            f"{rule}; at frame {frame} found {found[frame - 1].tolist()} in place of {expected[frame - 1].tolist()}.",
            hint,
        )


def _check_has_methods(factory: Factory) -> None:
    tracker = factory()
    for method in ("init", "track"):
        if not callable(getattr(tracker, method, None)):
            raise ConformanceError(
                f"A tracker has the methods `init` and `track`; {type(tracker).__name__} lacks {method}."
            )


def _check_predicts(factory: Factory) -> None:
    frames, boxes = _scene(6)
    _run(factory(), frames, boxes[0])


def _check_keeps_inputs(factory: Factory) -> None:
    frames, boxes = _scene()
    given, box = [frame.copy() for frame in frames], boxes[0].copy()
    _run(factory(), given, box)
    if not np.array_equal(box, boxes[0]):
        raise ConformanceError("The box given to `init` should stay as it was; it was changed.", "Copy it first.")
    for index, (frame, original) in enumerate(zip(given, frames, strict=True)):
        if not np.array_equal(frame, original):
            raise ConformanceError(f"Frames should stay as they were; frame {index} was changed.", "Copy it first.")


def _check_keeps_answers(factory: Factory) -> None:
    frames, boxes = _scene()
    tracker = factory()
    seed_everything(0)
    tracker.init(frames[0], boxes[0])
    first = tracker.track(frames[1])
    before = _check_prediction(first).copy()
    for frame in frames[2:]:
        tracker.track(frame)
    _require_equal(first.box[None], before[None], "A prediction should not change later", "Return a new array.")


def _check_needs_no_old_frames(factory: Factory) -> None:
    frames, boxes = _scene()
    expected = _run(factory(), frames, boxes[0])
    buffer = frames[0].copy()
    tracker = factory()
    seed_everything(0)
    tracker.init(buffer, boxes[0])
    found = []
    for frame in frames[1:]:
        buffer[:] = frame
        found.append(_check_prediction(tracker.track(buffer)))
    _require_equal(np.stack(found), expected, "Frames may come in one buffer that is used again", "Copy what is kept.")


def _check_is_deterministic(factory: Factory) -> None:
    frames, boxes = _scene(6)
    expected = _run(factory(), frames, boxes[0])
    _require_equal(_run(factory(), frames, boxes[0]), expected, "Two fresh trackers with one seed should agree")


def _check_starts_afresh(factory: Factory) -> None:
    frames, boxes = _scene(seed=1)
    expected = _run(factory(), frames, boxes[0])
    tracker = factory()
    others, other_boxes = _scene(size=(200, 150), seed=2)
    _run(tracker, others, other_boxes[0])
    found = _run(tracker, frames, boxes[0])
    rule = "After `init` nothing of an earlier target should remain"
    _require_equal(found, expected, rule, "Set everything in `init`.")


def _check_shares_nothing(factory: Factory) -> None:
    frames, boxes = _scene(seed=1)
    others, other_boxes = _scene(seed=2)
    found = []
    for interleaved in (False, True):
        tracker, other = factory(), factory()
        seed_everything(0)
        tracker.init(frames[0], boxes[0])
        if interleaved:
            other.init(others[0], other_boxes[0])
        answers = []
        for index in range(1, len(frames)):
            seed_everything(index)
            answers.append(_check_prediction(tracker.track(frames[index])))
            if interleaved:
                other.track(others[index])
        found.append(np.stack(answers))
    _require_equal(found[1], found[0], "Two trackers should not disturb each other", "Keep state in the instance.")


def _check_takes_box_forms(factory: Factory) -> None:
    frames, boxes = _scene()
    expected = _run(factory(), frames, boxes[0])
    values = boxes[0].tolist()
    forms: list[BoxLike] = [values, tuple(values), boxes[0].astype(np.int64), boxes[0].astype(np.float32)]
    for form in forms:
        rule = (
            f"A box may be a list, a tuple or an array of any number type; a {type(form).__name__} gave another answer"
        )
        _require_equal(_run(factory(), frames, form), expected, rule)


def _check_takes_any_layout(factory: Factory) -> None:
    frames, boxes = _scene()
    expected = _run(factory(), frames, boxes[0])
    read_only = [frame.copy() for frame in frames]
    for frame in read_only:
        frame.setflags(write=False)
    hint = "Use np.ascontiguousarray or a copy."
    _require_equal(_run(factory(), read_only, boxes[0]), expected, "Frames may be read-only", hint)
    mirrored = [np.ascontiguousarray(frame[:, ::-1])[:, ::-1] for frame in frames]
    _require_equal(_run(factory(), mirrored, boxes[0]), expected, "Frames may have any memory layout", hint)
    planar = [np.ascontiguousarray(frame.transpose(2, 0, 1)).transpose(1, 2, 0) for frame in frames]
    _require_equal(_run(factory(), planar, boxes[0]), expected, "Frames may have any memory layout", hint)


def _check_takes_odd_boxes(factory: Factory) -> None:
    frames, _ = _scene()
    height, width = frames[0].shape[:2]
    odd = {
        "over the left and top border": (-10.0, -8.0, 24.0, 20.0),
        "over the right and bottom border": (width - 12.0, height - 9.0, 24.0, 20.0),
        "as large as the frame": (0.0, 0.0, float(width), float(height)),
        "larger than the frame": (-20.0, -20.0, width + 40.0, height + 40.0),
        "of 4 pixels": (60.0, 40.0, 4.0, 4.0),
        "of 1 pixel in the corner": (width - 1.0, height - 1.0, 1.0, 1.0),
        "long and thin": (10.0, 50.0, 100.0, 2.0),
        "between pixels": (53.37, 40.81, 23.4, 24.9),
    }
    for what, box in odd.items():
        try:
            _run(factory(), frames, box)
        except ConformanceError as error:
            raise ConformanceError(f"with a box {what}, {box}: {error.message}", error.hint) from error
        except Exception as error:  # a tracker may raise anything; each is a broken rule
            raise ConformanceError(
                f"with a box {what}, {box}, the tracker raised {type(error).__name__}: {error}",
                "Annotations hold such boxes: clip or enlarge them.",
            ) from error


def _check_takes_odd_frames(factory: Factory) -> None:
    frames, boxes = _scene()
    blank = [np.full_like(frames[0], value) for value in (0, 128, 255)]
    _run(factory(), blank, boxes[0])  # nothing to see from the start
    _run(factory(), [frames[0], *blank], boxes[0])  # the target vanishes
    tracker = factory()
    _run(tracker, frames, boxes[0])
    small, small_boxes = _scene(size=(96, 72), seed=3)
    _run(tracker, small, small_boxes[0])  # the next sequence has another size


_CHECKS: dict[str, Callable[[Factory], None]] = {
    "has the methods": _check_has_methods,
    "predicts finite boxes and scores in [0, 1]": _check_predicts,
    "does not change its inputs": _check_keeps_inputs,
    "does not change its answers": _check_keeps_answers,
    "needs no old frames": _check_needs_no_old_frames,
    "is deterministic under a seed": _check_is_deterministic,
    "starts afresh at init": _check_starts_afresh,
    "shares nothing between instances": _check_shares_nothing,
    "takes boxes in any form": _check_takes_box_forms,
    "takes frames in any layout": _check_takes_any_layout,
    "takes odd boxes": _check_takes_odd_boxes,
    "takes odd frames": _check_takes_odd_frames,
}
