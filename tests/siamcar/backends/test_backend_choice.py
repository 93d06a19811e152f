from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from siamcar import backends
from siamcar.backends import BACKENDS, PRECISIONS, BackendStatus, check_backend, list_backends, make_backend
from siamcar.backends import auto as module
from siamcar.backends.base import BackendInfo, Support, require_modules
from siamcar.cli.app import app
from siamcar.config import ModelConfig
from siamcar.errors import ConfigError, UnknownNameError
from siamcar.model.network import SiamCAR
from siamcar.trackers import describe_tracker
from siamcar.trackers.siamcar import create_siamcar, settle_backend


def make_network() -> SiamCAR:
    torch.manual_seed(0)
    return SiamCAR(ModelConfig(architecture="alexnet", channels=32, head_convolutions=1)).eval()


def test_names_and_precisions() -> None:
    assert BACKENDS.names() == ["eager", "compiled", "onnx", "openvino", "cuda"]
    for one in list_backends():
        support = backends.SUPPORT[one.name]
        assert set(one.precisions) | set(one.obstacles) == set(support.precisions) <= set(PRECISIONS)
        assert not set(one.precisions) & set(one.obstacles)


@pytest.mark.parametrize(
    ("name", "precision", "device", "message"),
    [
        ("compilde", "fp32", "cpu", "Did you mean compiled"),
        ("eager", "fp8", "cpu", "fp32"),
        ("eager", "bf16", "cpu", "eager computes in fp32 on cpu or cuda or mps"),
        ("compiled", "fp32", "cuda:1", "compiled computes in fp32, bf16 on cpu"),
        ("cuda", "fp16", "cpu", "on cuda"),
        ("auto", "int8", "cpu", "keeps the boxes of fp32"),
    ],
)
def test_what_cannot_be_is_refused(name: str, precision: str, device: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_backend(name, precision, device)
    with pytest.raises(ConfigError):
        make_backend(make_network(), name, precision, device=device)


@pytest.mark.parametrize(("name", "precision"), [("onnx", "fp32"), ("auto", "fp32"), ("openvino", "bf16")])
def test_frames_to_calibrate_on_are_refused_where_nothing_is_calibrated(name: str, precision: str) -> None:
    with pytest.raises(ConfigError, match=f"for int8; found {precision}"):
        make_backend(make_network(), name, precision, calibration=Path("frames"))
    with pytest.raises(ConfigError, match="--precision int8"):
        describe_tracker("siamcar", {"backend": name, "precision": precision, "calibration": "frames"})


def test_what_this_machine_lacks_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    lacking = Support("a backend", ("fp32", "bf16"), ("cpu",), {"fp32": "no luck", "bf16": None}.__getitem__)
    monkeypatch.setitem(backends.SUPPORT, "compiled", lacking)
    with pytest.raises(ConfigError, match="no luck"):
        make_backend(make_network(), "compiled")
    status = next(one for one in list_backends() if one.name == "compiled")
    assert (status.precisions, status.obstacles) == (("bf16",), {"fp32": "no luck"})


def test_a_missing_module_names_its_extra() -> None:
    assert require_modules("onnx", "json", "csv") is None
    assert "siamcar-suite[onnx]" in str(require_modules("onnx", "json", "no_such_module"))


def test_listing_names_needs_no_pytorch() -> None:
    code = (
        "import sys; from siamcar.backends import check_backend; check_backend('compiled', 'bf16'); "
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_third_partys_backend_is_made_as_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "their_backends", SimpleNamespace(create=lambda model, **how: (model, how)))
    model = make_network()
    made: Any = make_backend(model, "their_backends:create", "int8", threads=2, calibration=Path("frames"))
    assert made == (model, {"precision": "int8", "device": "cpu", "threads": 2, "calibration": Path("frames")})


class Fake:
    def __init__(self, name: str, seconds: float, shift: float) -> None:
        self.info = BackendInfo(name, "fp32", 1, "cpu")
        self.seconds, self.shift = seconds, shift

    def template(self, images: torch.Tensor) -> list[torch.Tensor]:
        if self.info.name == "breaking":
            raise RuntimeError("out of luck")
        return []

    def search(self, features: list[torch.Tensor], images: torch.Tensor) -> Any:
        time.sleep(self.seconds)
        cls, loc, cen = torch.ones(1, 2, 3, 3), torch.ones(1, 4, 3, 3), torch.ones(1, 1, 3, 3)
        return SimpleNamespace(cls=cls + self.shift, loc=loc, cen=cen)


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Five backends, of which one is wrong, one breaks and one cannot be made; returns which were made."""
    monkeypatch.setenv("SIAMCAR_CACHE", str(tmp_path))
    kinds = {"eager": (0.03, 0.0), "right": (0.01, 0.0005), "wrong": (0.0, 0.01), "slow": (0.06, 0.0), "broken": None}
    kinds["breaking"] = (0.0, 0.0)
    made: list[str] = []

    def make(model: SiamCAR, name: str, **_: Any) -> Fake:
        made.append(name)
        kind = kinds[name]
        if kind is None:
            raise ConfigError("cannot be made")
        return Fake(name, *kind)

    statuses = [BackendStatus(name, "", ("fp32",), {}) for name in kinds]
    statuses.append(BackendStatus("absent", "", (), {"fp32": "not installed"}))
    monkeypatch.setattr(module, "list_backends", lambda: statuses)
    monkeypatch.setattr(module, "make_backend", make)
    return made


def test_auto_takes_the_fastest_that_is_right_and_keeps_its_choice(fakes: list[str]) -> None:
    backend = make_backend(make_network(), "auto")
    assert backend.info.name == "right"
    notes = backend.info.notes
    assert notes["asked_for"] == "auto"
    assert set(notes["milliseconds"]) == {"eager", "right", "slow"}
    assert notes["milliseconds"]["right"] < notes["milliseconds"]["eager"]
    assert set(notes["refused"]) == {"wrong", "broken", "breaking", "absent"}
    assert notes["refused"]["breaking"] == "RuntimeError: out of luck"
    fakes.clear()
    assert make_backend(make_network(), "auto").info.notes == notes
    assert fakes == ["right"]


def test_auto_measures_anew_for_another_network_or_without_a_cache(
    fakes: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    module.choose_backend(make_network())
    fakes.clear()
    module.choose_backend(SiamCAR(ModelConfig(architecture="alexnet", channels=64, head_convolutions=1)).eval())
    assert fakes
    for place in ("off", str(tmp_path / "file")):
        (tmp_path / "file").write_text("in the way")
        monkeypatch.setenv("SIAMCAR_CACHE", place)
        fakes.clear()
        assert module.choose_backend(make_network()).name == "right"
        assert fakes


def test_auto_needs_no_cache_that_can_be_written(fakes: list[str], tmp_path: Path) -> None:
    model = make_network()
    place = tmp_path / "backends" / f"{module._compute_key(model, 'cpu')}.lock"
    place.mkdir(parents=True)  # in the lock's way, as a folder without the right to write
    assert module.choose_backend(model).name == "right"
    place.rmdir()
    module.choose_backend(model)  # kept now
    place.unlink()
    place.mkdir()
    fakes.clear()
    assert module.choose_backend(model).name == "right"
    assert not fakes


def test_auto_fails_only_where_eager_does(fakes: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Fake, "search", None)
    with pytest.raises(TypeError):
        module.choose_backend(make_network())
    assert fakes == ["eager"]


def test_a_run_is_planned_with_what_auto_stands_for(fakes: list[str]) -> None:
    options, told = settle_backend({"backend": "auto", "strategy": "refine"}, device="cpu", threads=1)
    assert options == {"backend": "right", "strategy": "refine"}
    assert told is not None
    assert told.startswith("right (")
    assert settle_backend({"backend": "compiled"}, device="cpu", threads=1) == ({"backend": "compiled"}, None)


def test_backend_and_precision_belong_to_a_trackers_identity() -> None:
    plain, fast = (
        describe_tracker("siamcar", options) for options in ({}, {"backend": "compiled", "precision": "bf16"})
    )
    assert fast.label == f"{plain.label}_compiled_bf16"
    assert (plain.identity["backend"], plain.identity["precision"]) == ("eager", "fp32")
    assert (fast.identity["backend"], fast.identity["precision"]) == ("compiled", "bf16")
    with pytest.raises(UnknownNameError):
        describe_tracker("siamcar", {"backend": "fast"})


def test_a_tracker_is_made_with_its_backend() -> None:
    tracker: Any = create_siamcar(backend="compiled")
    assert tracker.model.info.label == "compiled fp32"
    assert create_siamcar(search_size=287).grid.size == create_siamcar().grid.size + 4
    with pytest.raises(ConfigError, match="127 and 255"):
        create_siamcar(backend="compiled", search_size=287)


def test_verbs_show_the_backend(tmp_path: Path) -> None:
    runner = CliRunner()
    listed = runner.invoke(app, ["list", "backends", "--json"])
    assert [one["backend"] for one in json.loads(listed.stdout)["backends"]] == [*BACKENDS.names(), "auto"]
    arguments = ["--backend", "compiled", "--precision", "fp32", "--json"]
    speed = runner.invoke(app, ["speed", "--frames", "2", "--limit", "1", *arguments])
    assert json.loads(speed.stdout)["backend"]["name"] == "compiled"
    run = runner.invoke(
        app,
        [
            "run",
            "-b",
            "synthetic",
            "-t",
            "siamcar",
            "--limit",
            "1",
            "--dry-run",
            "--results",
            str(tmp_path),
            *arguments,
        ],
    )
    plan = json.loads(run.stdout)[0]
    assert plan["tracker"].endswith("_compiled_fp32")
    assert plan["identity"]["backend"] == "compiled"
    wrong = runner.invoke(app, ["speed", "--backend", "eager", "--precision", "bf16"])
    assert wrong.exit_code != 0
