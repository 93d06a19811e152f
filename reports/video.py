"""A video of several trackers on one sequence: boxes on the frames, and their overlaps running below."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from matplotlib.colors import to_rgb

from reports.plots.figure import MARKED, find_looks, shorten
from siamcar.boxes import Boxes
from siamcar.errors import ConfigError, import_extra
from siamcar.files import name_temporary
from siamcar.protocol import Frame
from siamcar.video import VideoSink, draw_box, put_text

__all__ = ["SequenceFilm", "render_frames", "write_video"]

Color = tuple[int, int, int]

SUFFIXES = (".mp4", ".mkv", ".mov")
TRUTH: Color = (255, 255, 255)
_SMALLEST_WIDTH = 640
_TICKS = (0.0, 0.5, 1.0)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_ROUNDS = 2
"""A video tells so many trackers of each colour apart."""


@dataclass(frozen=True, eq=False)
class SequenceFilm:
    """What is drawn.

    Attributes:
        title: what stands in the corner, in ASCII.
        boxes: tracker → (T, 4) `xywh`, first pixel at 0; NaN where there is none. Of 14 trackers at most.
        overlaps: tracker → (T,); NaN where a frame is not compared.
        truth: (T, 4) of the target; None where it is not drawn.
        facts: what stands above the trace: convention, …, in ASCII.
        first: number of the first frame.
    """

    title: str
    boxes: Mapping[str, Boxes]
    overlaps: Mapping[str, npt.NDArray[np.float64]] = field(default_factory=dict)
    truth: Boxes | None = None
    facts: str = ""
    first: int = 1


class _Pen(NamedTuple):
    """How a tracker is drawn: its colour on images, BGR, and whether it is the second one of that colour."""

    color: Color
    dashed: bool


def _find_pens(trackers: Iterable[str]) -> dict[str, _Pen]:
    looks = find_looks(trackers)
    if len(looks) > _ROUNDS * MARKED:
        raise ConfigError(
            f"A video tells at most {_ROUNDS * MARKED} trackers apart; found {len(looks)}.", "Choose some with -t."
        )
    pens = {}
    for name, look in looks.items():
        red, green, blue = (round(255 * part) for part in to_rgb(look.on_image))
        pens[name] = _Pen((blue, green, red), look.place >= MARKED)
    return pens


def render_frames(film: SequenceFilm, frames: Iterable[Frame], *, trace: bool = True) -> Iterator[Frame]:
    """Draw frame after frame, each of the same size.

    Small frames are enlarged by a whole factor to 640 pixels of width or more, so that names stay legible. From the
    eighth tracker on, boxes and traces are dashed, as the colours begin anew.

    Args:
        film: boxes and overlaps; rows belong to the frames in order.
        frames: (H, W, 3) uint8, BGR, as many as wanted of the film's T.
        trace: draw the overlaps below the frame.

    Yields:
        (H', W', 3) uint8, BGR.

    Raises:
        ConfigError: more trackers than can be told apart.
    """
    pens = _find_pens(film.boxes)
    n_frames = len(next(iter(film.boxes.values())))
    panel: Frame | None = None
    for index, frame in enumerate(frames):
        factor = max(1, math.ceil(_SMALLEST_WIDTH / frame.shape[1]))
        canvas = cv2.resize(frame, None, fx=factor, fy=factor, interpolation=cv2.INTER_NEAREST)
        drawn = np.ascontiguousarray(canvas, dtype=np.uint8)
        if film.truth is not None and _is_box(film.truth[index]):
            draw_box(drawn, film.truth[index] * factor, TRUTH)
        for name, boxes in film.boxes.items():
            if _is_box(boxes[index]):
                draw_box(drawn, boxes[index] * factor, pens[name].color, dashed=pens[name].dashed)
        put_text(drawn, f"{film.title}  frame {film.first + index}")
        if not trace:
            yield drawn
            continue
        if panel is None:
            panel = _make_panel(film, drawn.shape[1], n_frames)
        _extend_traces(panel, film, pens, index, n_frames)
        marked = panel.copy()
        _mark_now(marked, film, pens, index, n_frames)
        yield np.concatenate([drawn, marked])


def _is_box(box: Boxes) -> bool:
    return bool(np.isfinite(box).all() and (box[2:] > 0).all())


@dataclass(frozen=True)
class _Panel:
    """Where the trace lies in a panel of some width: left, right, top and bottom pixel, and its text's size."""

    left: int
    right: int
    top: int
    bottom: int
    text: float

    @classmethod
    def of(cls, width: int, n_trackers: int) -> _Panel:
        text = 0.42 * max(1.0, width / 960)
        row = round(36 * text)
        return cls(
            round(90 * text), round(width * 0.7), 2 * row, 2 * row + max(round(width * 0.13), n_trackers * row), text
        )

    def place(self, index: int, overlap: float, n_frames: int) -> tuple[int, int]:
        x = self.left + round((self.right - self.left) * index / max(1, n_frames - 1))
        return x, self.bottom - round((self.bottom - self.top) * overlap)


def _write(panel: Frame, text: str, place: tuple[int, int], size: float, color: Color = (40, 40, 40)) -> None:
    cv2.putText(panel, text, place, _FONT, size, color, max(1, round(size * 1.6)), cv2.LINE_AA)


def _measure(text: str, size: float) -> int:
    width: int = cv2.getTextSize(text, _FONT, size, 1)[0][0]
    return width


def _make_panel(film: SequenceFilm, width: int, n_frames: int) -> Frame:
    layout = _Panel.of(width, len(film.boxes) + (film.truth is not None))
    height = layout.bottom + round(40 * layout.text)
    panel = np.full((height, width, 3), 255, dtype=np.uint8)
    for tick in _TICKS:
        left, y = layout.place(0, tick, n_frames)
        cv2.line(panel, (left, y), (layout.right, y), (215, 215, 215), 1)
        _write(panel, f"{tick:.1f}", (round(16 * layout.text), y + round(8 * layout.text)), layout.text * 0.9)
    heading = "Overlap a frame" + (f" ({film.facts})" if film.facts else "")
    _write(panel, heading, (layout.left, layout.top - round(20 * layout.text)), layout.text)
    if film.truth is not None:
        _draw_entry(panel, layout, len(film.boxes), "", "ground truth", _Pen(TRUTH, dashed=False))
    return panel


def _draw_entry(panel: Frame, layout: _Panel, row: int, value: str, name: str, pen: _Pen) -> None:
    """A row of the legend, right of the trace; a name that is too long is cut in its middle."""
    step = round(36 * layout.text)
    x, y = layout.right + round(30 * layout.text), layout.top + round((row + 0.6) * step)
    size = round(16 * layout.text)
    if pen.dashed:
        for left in (x, x + round(0.8 * size)):
            cv2.rectangle(panel, (left, y - size), (left + size // 2, y), pen.color, -1)
    else:
        cv2.rectangle(panel, (x, y - size), (x + size, y), pen.color, -1)
        cv2.rectangle(panel, (x, y - size), (x + size, y), (90, 90, 90), 1)
    # The widest value, so that a name is cut alike in all frames.
    room = panel.shape[1] - x - 2 * size - (_measure("0.00 ", layout.text) if value else 0)
    cuts = (shorten(name, length, "...") for length in range(len(name), 0, -1))
    cut = next((cut for cut in cuts if _measure(cut, layout.text) <= room), "")
    _write(panel, value + cut, (x + 2 * size, y), layout.text)


def _draw_step(panel: Frame, start: tuple[int, int], end: tuple[int, int], pen: _Pen, layout: _Panel) -> None:
    """A piece of a trace; the dashes of several pieces join."""
    width = max(1, round(2 * layout.text))
    if not pen.dashed:
        cv2.line(panel, start, end, pen.color, width, cv2.LINE_AA)
        return
    dash = round(14 * layout.text)
    slope = (end[1] - start[1]) / max(1, end[0] - start[0])
    for x in range(start[0] - start[0] % (2 * dash), end[0] + 1, 2 * dash):
        low, high = max(x, start[0]), min(x + dash, end[0])
        if low <= high:
            low_y, high_y = (start[1] + round(slope * (place - start[0])) for place in (low, high))
            cv2.line(panel, (low, low_y), (high, end[1] if high == end[0] else high_y), pen.color, width, cv2.LINE_AA)


def _extend_traces(panel: Frame, film: SequenceFilm, pens: Mapping[str, _Pen], index: int, n_frames: int) -> None:
    """Add the step from the frame before to the traces; what is drawn already stays."""
    layout = _Panel.of(panel.shape[1], len(film.boxes) + (film.truth is not None))
    for name, values in film.overlaps.items():
        pair = values[max(0, index - 1) : index + 1]
        if np.isfinite(pair).all():
            ends = [layout.place(max(0, index - 1) + step, float(value), n_frames) for step, value in enumerate(pair)]
            _draw_step(panel, ends[0], ends[-1], pens[name], layout)


def _mark_now(panel: Frame, film: SequenceFilm, pens: Mapping[str, _Pen], index: int, n_frames: int) -> None:
    layout = _Panel.of(panel.shape[1], len(film.boxes) + (film.truth is not None))
    x, _ = layout.place(index, 0.0, n_frames)
    cv2.line(panel, (x, layout.top), (x, layout.bottom), (150, 150, 150), 1)
    for row, name in enumerate(film.boxes):
        value = film.overlaps[name][index] if name in film.overlaps else math.nan
        _draw_entry(panel, layout, row, f"{value:.2f} " if math.isfinite(value) else " -   ", name, pens[name])


class _Encoder:
    """An H.264 video through PyAV, with the methods that `VideoSink` asks of OpenCV's writer."""

    def __init__(self, path: Path, rate: float, size: tuple[int, int]) -> None:
        self._av = import_extra("av", extra="video", purpose="writing videos")
        self._container = self._av.open(str(path), "w")
        self._stream = self._container.add_stream("libx264", rate=Fraction(rate).limit_denominator(1000))
        self._stream.width, self._stream.height = size
        self._stream.pix_fmt = "yuv420p"
        # One thread and a fixed quality: the same frames give the same bytes.
        self._stream.options = {"crf": "20", "preset": "veryfast", "threads": "1"}

    def write(self, frame: Frame) -> None:
        """Add a (H, W, 3) uint8 BGR frame."""
        for packet in self._stream.encode(
            self._av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="bgr24")
        ):
            self._container.mux(packet)

    def release(self) -> None:
        """Finish the file."""
        for packet in self._stream.encode():
            self._container.mux(packet)
        self._container.close()


class _H264Sink(VideoSink):
    """A `VideoSink` whose videos any browser plays: H.264."""

    def _open(self, size: tuple[int, int]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._temporary = name_temporary(self.path, self.path.suffix.lower())
        self._writer: Any = _Encoder(self._temporary.absolute(), self._rate, size)


def write_video(
    film: SequenceFilm,
    frames: Iterable[Frame],
    path: Path,
    *,
    rate: float = 25.0,
    trace: bool = True,
    overwrite: bool = False,
) -> int:
    """Write a video of a sequence with several trackers; it is whole or not there.

    Args:
        film: what is drawn.
        frames: as in `render_frames`.
        path: .mp4, .mkv or .mov; its folder is made.
        rate: frames a second.
        trace: draw the overlaps below the frames.
        overwrite: replace an existing file.

    Returns:
        How many frames were written.

    Raises:
        ConfigError: another ending, the file exists, or there are more trackers than can be told apart.
        MissingExtraError: the package av is not installed.
        DataError: a frame cannot be read; what was done is kept.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ConfigError(f"{path} does not end like a video that can be written.", f"Known: {', '.join(SUFFIXES)}.")
    import_extra("av", extra="video", purpose="writing videos")
    with _H264Sink(path, rate, overwrite=overwrite) as sink:
        for frame in render_frames(film, frames, trace=trace):
            sink.write(frame)
        return sink.count
