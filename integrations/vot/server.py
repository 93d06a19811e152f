"""A TraX server for any registered tracker: what the VOT toolkit starts and talks to.

    python -m integrations.vot.server --tracker siamcar --option weights=/path/model.safetensors

The toolkit starts modules without arguments; it sets the environment that `siamcar vot init` writes into
`trackers.ini`: SIAMCAR_VOT_TRACKER, SIAMCAR_VOT_OPTIONS (a JSON object), SIAMCAR_VOT_OUTPUT, SIAMCAR_VOT_THREADS.
Arguments take precedence.

The model is loaded before the handshake, which nobody watches, so that no reply waits for it. One tracker an object:
they are kept and started again at every initialisation. What fails is written to the output, which the toolkit keeps
in its logs, and ends the server with its reason.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from integrations.vot.regions import box_to_mask, trax_to_box
from siamcar.boxes import Boxes
from siamcar.errors import ConfigError, SiamCARError, import_extra
from siamcar.protocol import Frame, Tracker

__all__ = ["FAULT", "ServerSettings", "Targets", "main", "read_settings", "serve"]

FAULT = "SiamCAR TraX server:"
"""How the line begins that says why a server ended; it is looked for in the toolkit's logs."""

OUTPUTS = ("box", "mask")


@dataclass(frozen=True)
class ServerSettings:
    """What is served.

    Attributes:
        tracker: registered name, or "package.module:factory".
        options: what its factory takes.
        output: "box" answers with rectangles, "mask" with the same pixels as a mask, which VOTS asks for.
        threads: of the tracker.

    Raises:
        ConfigError: a value that cannot be.
    """

    tracker: str
    options: dict[str, Any] = field(default_factory=dict)
    output: str = "box"
    threads: int = 1

    def __post_init__(self) -> None:
        if not self.tracker:
            raise ConfigError("No tracker was named.", "Set SIAMCAR_VOT_TRACKER, or give --tracker.")
        if self.output not in OUTPUTS:
            raise ConfigError(f"The output is box or mask; found {self.output!r}.")
        if self.threads < 1:
            raise ConfigError(f"A tracker has at least one thread; found {self.threads}.")


def read_settings(arguments: list[str], environment: Mapping[str, str]) -> ServerSettings:
    """What to serve, from the command line and the environment.

    Raises:
        ConfigError: a value that cannot be.
        SystemExit: the arguments are of another form.
    """
    parser = argparse.ArgumentParser(prog="python -m integrations.vot.server", description="TraX server of a tracker.")
    parser.add_argument("--tracker", default=environment.get("SIAMCAR_VOT_TRACKER", ""))
    parser.add_argument("--option", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--output", default=environment.get("SIAMCAR_VOT_OUTPUT", "box"), help="box or mask")
    parser.add_argument("--threads", default=environment.get("SIAMCAR_VOT_THREADS", "1"))
    given = parser.parse_args(arguments)
    options = _parse_json(environment.get("SIAMCAR_VOT_OPTIONS", "{}"))
    for pair in given.option:
        key, separator, value = pair.partition("=")
        if not separator:
            raise ConfigError(f"An option is key=value; found {pair!r}.")
        options[key.replace("-", "_")] = value
    if not given.threads.isdecimal():
        raise ConfigError(f"The number of threads is a whole number; found {given.threads!r}.")
    return ServerSettings(given.tracker, options, given.output, int(given.threads))


def _parse_json(text: str) -> dict[str, Any]:
    try:
        options = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(f"SIAMCAR_VOT_OPTIONS is a JSON object; found {text!r} ({error}).") from error
    if not isinstance(options, dict):
        raise ConfigError(f"SIAMCAR_VOT_OPTIONS is a JSON object; found {text!r}.")
    return options


class Targets:
    """The objects that are followed, a tracker each.

    Trackers are made when there are more objects than ever before, and used again after that.

    Args:
        make: makes a tracker; the first one is made at once.
    """

    def __init__(self, make: Callable[[], Tracker]) -> None:
        self._make = make
        self._trackers = [make()]
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def clear(self) -> None:
        """Forget all objects."""
        self._count = 0

    def track(self, frame: Frame) -> list[tuple[Boxes, float]]:
        """Box and score of each object, in the order in which they came."""
        found = [tracker.track(frame) for tracker in self._trackers[: self._count]]
        return [(prediction.box, prediction.score) for prediction in found]

    def add(self, frame: Frame, boxes: Iterable[Boxes]) -> None:
        """Begin to follow further objects, seen in this frame."""
        for box in boxes:
            if self._count == len(self._trackers):
                self._trackers.append(self._make())
            self._trackers[self._count].init(frame, box)
            self._count += 1


def serve(targets: Targets, settings: ServerSettings) -> None:
    """Shake hands, then answer requests until the toolkit says goodbye.

    Raises:
        SiamCARError: a frame cannot be read, or an object has no area; other errors are the tracker's own. In any
            case the toolkit has been told.
    """
    trax = import_extra("trax", extra="vot", purpose="the TraX server")
    formats = [trax.Region.RECTANGLE, trax.Region.POLYGON, trax.Region.MASK]
    name = settings.tracker
    with trax.Server(
        formats, [trax.Image.PATH], tracker_name=name, tracker_family="siamcar", multiobject=True
    ) as server:
        while True:
            request = server.wait()
            if request.type == trax.TraxStatus.QUIT:
                return
            path = Path(request.image["color"].path())
            try:
                answers = _answer(trax, targets, request, path, settings.output)
            except Exception as error:  # a tracker may raise anything; it is told before the toolkit closes the pipe
                _tell(f"{path}: {_describe(error)}")
                raise
            server.status(answers)


def _answer(trax: Any, targets: Targets, request: Any, path: Path, output: str) -> list[tuple[Any, dict[str, str]]]:
    """Regions and properties of all objects in a frame; a new object is answered with what was given."""
    from siamcar.images import read_image

    frame = read_image(path, "The frame")
    new = [(region, trax_to_box(region)) for region, _ in request.objects or ()]
    if request.type == trax.TraxStatus.INITIALIZE:
        targets.clear()
    found = [
        (_make_region(trax, box, frame, output), {"confidence": str(score)}) for box, score in targets.track(frame)
    ]
    targets.add(frame, [box for _, box in new])
    return [*found, *((region, {}) for region, _ in new)]


def _make_region(trax: Any, box: Boxes, frame: Frame, output: str) -> Any:
    if output == "box":
        return trax.Rectangle.create(*(float(value) for value in box))
    height, width = frame.shape[:2]
    mask, (x, y) = box_to_mask(box, (width, height))
    return trax.Mask.create(mask, x=x, y=y)


class _WholeLines(io.TextIOBase):
    """Passes on whole lines only: the protocol uses the same pipe, and its messages begin a line.

    Args:
        stream: what the lines go to.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._rest = ""

    def write(self, text: str) -> int:
        """Keep the end of a line that has not ended."""
        lines, separator, self._rest = (self._rest + text).rpartition("\n")
        if separator:
            self._stream.write(lines + separator)
            self._stream.flush()
        return len(text)

    def end(self) -> None:
        """End the last line."""
        if self._rest:
            self.write("\n")


def main(arguments: list[str] | None = None) -> int:
    """Serve; 0 after a goodbye, 1 after an error."""
    # What a tracker prints goes to the toolkit's log.
    printed = _WholeLines(sys.stderr)
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            return _run(arguments)
        finally:
            printed.end()


def _run(arguments: list[str] | None) -> int:
    try:
        settings = read_settings(sys.argv[1:] if arguments is None else arguments, os.environ)
        targets = _load(settings)
    except (
        Exception
    ) as error:  # whatever keeps a tracker from being made; the toolkit would only say "unable to connect"
        _tell(_describe(error))
        if not isinstance(error, SiamCARError):
            raise
        return 1
    serve(targets, settings)
    return 0


def _describe(error: Exception) -> str:
    if isinstance(error, SiamCARError):
        return f"{error.message} {error.hint}".rstrip()
    return f"the tracker raised {type(error).__name__}: {error}"


def _load(settings: ServerSettings) -> Targets:
    """Make the first tracker, before anybody waits for it."""
    from evaluation.executors.tasks import prepare_threads
    from siamcar.seeding import seed_everything
    from siamcar.trackers import create_tracker

    def make() -> Tracker:
        with prepare_threads(settings.threads):
            return create_tracker(settings.tracker, settings.options)

    seed_everything(0)
    return Targets(make)


def _tell(message: str) -> None:
    sys.stderr.write(f"\n{FAULT} {message}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
