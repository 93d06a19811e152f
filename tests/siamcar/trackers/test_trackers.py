from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from siamcar.errors import ConfigError, SiamCARError, UnknownNameError
from siamcar.protocol import Prediction
from siamcar.testing import check_tracker
from siamcar.trackers import TRACKERS, TrackerDescription, create_tracker, describe_tracker, described_by


class Third:
    """A third party's tracker, by its import path."""

    def __init__(self, speed: int = 1, *, path: Path | None = None) -> None:
        self.speed = speed

    def init(self, frame: np.ndarray, box: object) -> None: ...

    def track(self, frame: np.ndarray) -> Prediction:
        return Prediction(np.array([0.0, 0.0, float(self.speed), 1.0]))


@described_by(lambda options: TrackerDescription("told", {"speed": options.get("speed", 1)}))
def make_told(speed: int = 1) -> Third:
    return Third(speed)


NOT_A_FACTORY = 3


def test_names() -> None:
    builtin = ["siamcar", "static", "opencv:mil", "opencv:csrt", "opencv:kcf", "opencv:nano", "opencv:vit"]
    assert TRACKERS.names()[:7] == builtin


def test_a_third_party_s_factory_works_by_its_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "third_party", sys.modules[__name__])
    tracker = create_tracker("third_party:Third", {"speed": 4})
    assert tracker.track(np.zeros((2, 2, 3), np.uint8)).box[2] == 4
    description = describe_tracker("third_party:Third", {"speed": 4, "path": Path("a/b")})
    assert description.label == "third_party_Third"
    assert description.identity == {"options": {"path": str(Path("a/b")), "speed": 4}}
    json.dumps(description.identity)
    assert describe_tracker("third_party:make_told", {"speed": 2}) == TrackerDescription("told", {"speed": 2})
    with pytest.raises(ConfigError, match="should name a factory"):
        create_tracker("third_party:NOT_A_FACTORY")


def test_unknown_names_and_options_are_told() -> None:
    with pytest.raises(UnknownNameError, match="opencv:csrt"):
        create_tracker("opencv:csr")
    with pytest.raises(ConfigError, match="no option of the tracker 'static' named 'speed'"):
        create_tracker("static", {"speed": "3"})
    with pytest.raises(ConfigError, match=r"needs the option backbone, neckhead"):
        create_tracker("opencv:nano")
    with pytest.raises(ConfigError, match=r"needs the option net"):
        describe_tracker("opencv:vit")


def test_static() -> None:
    tracker = create_tracker("static")
    frame = np.zeros((10, 10, 3), np.uint8)
    with pytest.raises(SiamCARError, match="before `init`"):
        tracker.track(frame)
    tracker.init(frame, (1.5, 2, 3, 4))
    np.testing.assert_array_equal(tracker.track(frame).box, (1.5, 2, 3, 4))
    assert describe_tracker("static").label == "static"
    check_tracker(lambda: create_tracker("static"))


def test_listing_and_describing_load_no_torch() -> None:
    code = (
        "import sys; from siamcar.trackers import TRACKERS, describe_tracker; TRACKERS.names();"
        "assert not {'cv2', 'torch', 'yaml'} & set(sys.modules);"
        "import siamcar.trackers.siamcar, siamcar.trackers.opencv; describe_tracker('opencv:mil');"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
