"""The TraX server as the toolkit meets it: a process, talked to by the client of vot-trax."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from integrations.vot.server import FAULT, ServerSettings, read_settings
from siamcar.boxes import polygon_to_area_box
from siamcar.errors import ConfigError
from siamcar.protocol import Prediction
from siamcar.testing import check_tracker

trax = pytest.importorskip("trax")
ROOT = Path(__file__).parents[3]

NOISY = """
import numpy as np
from siamcar.protocol import Prediction

class Noisy:
    def init(self, frame, box):
        print("begin", end="")
        self.box = np.array(box, dtype=float)

    def track(self, frame):
        print("no end of line", end="")
        if frame.max() > 250:
            raise ValueError("too bright")
        return Prediction(self.box, 0.25)

def make(shift="0"):
    return Noisy()
"""


@contextmanager
def client(tmp_path: Path, tracker: str = "static", **settings: str) -> Iterator[tuple[Any, list[str]]]:
    """A client of a fresh server, and what the server has printed, protocol included."""
    from trax.client import Client

    (tmp_path / "noisy.py").write_text(NOISY)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)]),
        "SIAMCAR_VOT_TRACKER": tracker,
        **{f"SIAMCAR_VOT_{key.upper()}": value for key, value in settings.items()},
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "integrations.vot.server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,
        cwd=tmp_path,
        env=environment,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    log: list[str] = []
    try:
        connection = Client(stream=(process.stdin.fileno(), process.stdout.fileno()), log=log.append)
        yield connection, log
        connection.quit()
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def frame(tmp_path: Path, name: str = "a.png", value: int = 90) -> dict[str, Any]:
    path = tmp_path / name
    cv2.imwrite(str(path), np.full((40, 60, 3), value, dtype=np.uint8))
    return {"color": trax.FileImage.create(str(path))}


def test_every_kind_of_truth_and_initialisation_again(tmp_path: Path) -> None:
    corners = [(10.0, 5.0), (30.0, 15.0), (25.0, 25.0), (5.0, 15.0)]
    mask = np.zeros((9, 12), dtype=np.uint8)
    mask[2:5, 3:8] = 1
    starts = [
        (trax.Rectangle.create(4.5, 6, 10, 8), [4.5, 6, 10, 8]),
        (trax.Polygon.create(corners), polygon_to_area_box(np.array(corners).ravel())),
        (trax.Mask.create(mask, x=20, y=10), [23, 12, 5, 3]),
    ]
    image = frame(tmp_path)
    with client(tmp_path) as (connection, _):
        assert set(connection.region_formats) == {"rectangle", "polygon", "mask"}
        assert connection.get("vot") is None  # it would have the toolkit start a process an initialisation
        for region, expected in starts:
            connection.initialize(image, [(region, {})], {})
            for _ in range(2):
                [(answer, properties)], seconds = connection.frame(image, {}, [])
                assert answer.type == "rectangle"
                np.testing.assert_allclose(answer.bounds(), expected, atol=1e-3)
                assert 0.0 <= float(properties["confidence"]) <= 1.0
                assert seconds > 0


def test_several_objects_as_masks(tmp_path: Path) -> None:
    image = frame(tmp_path)
    with client(tmp_path, output="mask") as (connection, _):
        assert connection.get("multiobject")
        first, second = trax.Rectangle.create(5, 5, 10, 6), trax.Rectangle.create(50, 30, 30, 30)
        assert len(connection.initialize(image, [(first, {})], {})[0]) == 1
        assert len(connection.frame(image, {}, [(second, {})])[0]) == 2
        (one, _), (other, _) = connection.frame(image, {}, [])[0]
        assert (one.offset(), one.size(), int(one.array().sum())) == ((5, 5), (10, 6), 60)
        assert (other.offset(), other.size()) == ((50, 30), (10, 10))  # cut at the border
        connection.initialize(image, [(second, {})], {})
        assert len(connection.frame(image, {}, [])[0]) == 1  # the objects of before are forgotten


def test_what_a_tracker_prints_does_not_disturb(tmp_path: Path) -> None:
    image = frame(tmp_path)
    with client(tmp_path, "noisy:make") as (connection, _):
        connection.initialize(image, [(trax.Rectangle.create(5, 5, 10, 6), {})], {})
        [(answer, properties)], _ = connection.frame(image, {}, [])
        np.testing.assert_allclose(answer.bounds(), [5, 5, 10, 6])
        assert properties["confidence"] == "0.25"


@pytest.mark.parametrize("fault", ["tracker", "file"])
def test_a_failing_frame_is_reported(tmp_path: Path, fault: str) -> None:
    image, bad = frame(tmp_path), frame(tmp_path, "bad.png", 255)
    if fault == "file":
        (tmp_path / "bad.png").write_bytes(b"")
    with pytest.raises(trax.TraxException), client(tmp_path, "noisy:make") as (connection, log):
        connection.initialize(image, [(trax.Rectangle.create(5, 5, 10, 6), {})], {})
        try:
            connection.frame(bad, {}, [])
        finally:
            [told] = [line for line in "".join(log).splitlines() if line.startswith(FAULT)]
            assert "bad.png" in told
            assert ("ValueError: too bright" if fault == "tracker" else "the file is empty") in told


def test_a_tracker_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "integrations.vot.server", "--tracker", "statik"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert f"{FAULT} There is no tracker named 'statik'." in done.stderr
    assert "@@TRAX" not in done.stdout  # no handshake before there is a tracker


class ThroughTraX:
    """A tracker on the other side of a server, as the toolkit uses it."""

    def __init__(self, connection: Any, folder: Path) -> None:
        self.connection, self.folder = connection, folder

    def _write(self, image: np.ndarray) -> dict[str, Any]:
        path = self.folder / f"{id(self)}.png"
        cv2.imwrite(str(path), np.ascontiguousarray(image))
        return {"color": trax.FileImage.create(str(path))}

    def init(self, image: np.ndarray, box: Any) -> None:
        region = trax.Rectangle.create(*(float(value) for value in box))
        self.connection.initialize(self._write(image), [(region, {})], {})

    def track(self, image: np.ndarray) -> Prediction:
        [(region, properties)], _ = self.connection.frame(self._write(image), {}, [])
        return Prediction(np.array(region.bounds()), float(properties["confidence"]))


def test_conformance_through_the_server(tmp_path: Path) -> None:
    with client(tmp_path) as (first, _), client(tmp_path) as (second, _):
        connections = cycle([first, second])  # two trackers at a time at most
        check_tracker(lambda: ThroughTraX(next(connections), tmp_path))


def test_settings_from_environment_and_arguments() -> None:
    environment = {
        "SIAMCAR_VOT_TRACKER": "siamcar",
        "SIAMCAR_VOT_OPTIONS": json.dumps({"weights": "a", "preset": "vot2018"}),
        "SIAMCAR_VOT_OUTPUT": "mask",
        "SIAMCAR_VOT_THREADS": "3",
    }
    expected = ServerSettings("siamcar", {"weights": "a", "preset": "vot2018"}, "mask", 3)
    assert read_settings([], environment) == expected
    given = read_settings(["--option", "weights=b", "--tracker", "x:y", "--output", "box"], environment)
    assert given == ServerSettings("x:y", {"weights": "b", "preset": "vot2018"}, "box", 3)


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({}, "No tracker"),
        ({"SIAMCAR_VOT_OPTIONS": "[1]"}, "JSON object"),
        ({"SIAMCAR_VOT_OPTIONS": "{"}, "JSON object"),
        ({"SIAMCAR_VOT_OUTPUT": "boxes"}, "box or mask"),
        ({"SIAMCAR_VOT_THREADS": "many"}, "whole number"),
        ({"SIAMCAR_VOT_THREADS": "0"}, "at least one"),
    ],
)
def test_settings_that_cannot_be(environment: dict[str, str], message: str) -> None:
    tracker = {"SIAMCAR_VOT_TRACKER": "static"} if environment else {}
    with pytest.raises(ConfigError, match=message):
        read_settings([], {**tracker, **environment})
