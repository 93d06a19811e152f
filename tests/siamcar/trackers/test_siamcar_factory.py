from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from siamcar.config import ModelConfig, TrackerConfig
from siamcar.errors import ConfigError, DataError, UnknownNameError, WeightsError
from siamcar.files import compute_sha256
from siamcar.model.network import SiamCAR
from siamcar.model.weights import save_weights
from siamcar.tracker import SiamCARTracker
from siamcar.trackers import create_tracker, describe_tracker
from siamcar.trackers import siamcar as module
from siamcar.weights_files import list_builtin_weights


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    model = SiamCAR(ModelConfig(architecture="alexnet", channels=32, head_convolutions=1))
    save_weights(model, path, tracker_config=TrackerConfig(strategy="refine", lr=0.99, penalty_k=0.5))
    return path


def test_makes_a_tracker_from_text_options(weights: Path) -> None:
    tracker = create_tracker(
        "siamcar", {"weights": str(weights), "preset": "got10k", "strategy": "coarse", "penalty_k": "0.125"}
    )
    assert isinstance(tracker, SiamCARTracker)
    assert tracker.config == TrackerConfig(strategy="coarse", lr=0.7, penalty_k=0.125, window_influence=0.1)
    frame = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    tracker.init(frame, (40, 30, 20, 20))
    assert np.isfinite(tracker.track(frame).box).all()


def test_describes_what_results_depend_on(weights: Path) -> None:
    description = describe_tracker("siamcar", {"weights": weights, "preset": "uav123", "device": "cuda:3"})
    assert description.label == "siamcar_alexnet_refine"  # the strategy that the weights were saved with
    assert description.identity == {
        "architecture": "alexnet",
        "weights_sha256": compute_sha256(weights),
        "strategy": "refine",
        "preset": "uav123",
        "config": TrackerConfig(strategy="refine", lr=0.4, penalty_k=0.2, window_influence=0.3).model_dump(mode="json"),
        "backend": "eager",
        "precision": "fp32",
    }
    assert json.loads(json.dumps(description.identity)) == description.identity


def test_without_a_preset_the_weights_own_configuration_counts(weights: Path) -> None:
    description = describe_tracker("siamcar", {"weights": weights, "lr": "0.5"})
    assert description.label == "siamcar_alexnet_refine"
    config = description.identity["config"]
    assert (config["lr"], config["penalty_k"], config["window_influence"]) == (0.5, 0.5, 0.4)


def test_the_default_preset_lies_under_what_the_weights_hold(weights: Path, tmp_path: Path) -> None:
    def look(**options: object) -> tuple[object, list[float]]:
        identity = describe_tracker("siamcar", {"weights": weights, "default_preset": "otb100"} | options).identity
        config = identity["config"]
        return identity["preset"], [config[key] for key in ("lr", "penalty_k", "window_influence")]

    assert look() == ("otb100", [0.99, 0.5, 0.45])
    assert look(preset="got10k") == ("got10k", [0.7, 0.06, 0.1])
    config = tmp_path / "config.yaml"
    config.write_text("HP_SEARCH: {OTB100: [0.1, 0.2, 0.3], GOT10K: [0.4, 0.5, 0.6]}\n")
    assert look(config=config) == ("otb100", [0.1, 0.2, 0.3])
    assert look(config=config, preset="got10k") == ("got10k", [0.4, 0.5, 0.6])
    whole = list_builtin_weights()["siamcar_mobilenetv2"]
    assert look(weights=whole) == (None, [0.3, 0.04, 0.4])  # they hold all fields: no preset is taken
    with pytest.raises(UnknownNameError):
        look(default_preset="otb")


@pytest.mark.parametrize("name", ["weights.bin", "weights.SAFETENSORS"])
def test_what_the_weights_hold_counts_whatever_the_file_is_called(weights: Path, tmp_path: Path, name: str) -> None:
    shutil.copyfile(weights, tmp_path / name)
    assert describe_tracker("siamcar", {"weights": tmp_path / name}) == describe_tracker(
        "siamcar", {"weights": weights}
    )


@pytest.mark.parametrize("name", ["general_model.pth", "general_model.safetensors"])
def test_a_foreign_file_tells_its_architecture_by_its_tensors(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    torch.save({"state_dict": SiamCAR(ModelConfig(architecture="alexnet")).state_dict()}, path)
    assert describe_tracker("siamcar", {"weights": path}).label == "siamcar_alexnet_released"


def test_an_architecture_that_is_told_is_believed_until_the_weights_are_loaded(tmp_path: Path) -> None:
    path = tmp_path / "general_model.pth"
    path.write_bytes(b"not looked into")
    told = describe_tracker("siamcar", {"weights": path, "architecture": "resnet50"})
    assert told.label == "siamcar_resnet50_released"
    config = tmp_path / "config.yaml"
    config.write_text("BACKBONE: {TYPE: resnet18}\nHP_SEARCH: {LaSOT: [0.1, 0.2, 0.3]}\n")
    told = describe_tracker("siamcar", {"weights": path, "config": config, "preset": "lasot"})
    assert told.label == "siamcar_resnet18_released"
    assert told.identity["config"]["window_influence"] == 0.3


def test_in_8_bits_the_frames_count_and_not_their_place(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def describe(backend: str, **options: object) -> dict[str, object]:
        return describe_tracker(
            "siamcar", {"weights": weights, "backend": backend, "precision": "int8"} | options
        ).identity

    frame = tmp_path / "frames" / "0.png"
    frame.parent.mkdir()
    cv2.imwrite(str(frame), np.zeros((40, 60, 3), np.uint8))
    monkeypatch.chdir(tmp_path)
    first = describe("onnx", calibration="frames")
    assert describe("onnx", calibration=frame.parent) == first != describe("onnx")
    cv2.imwrite(str(frame), np.ones((40, 60, 3), np.uint8))
    assert describe("onnx", calibration="frames") != first
    with pytest.raises(DataError, match="does not exist"):
        describe("onnx", calibration="nowhere")
    assert describe("their_backends:create", calibration="ranges.bin")["calibration"] == str(tmp_path / "ranges.bin")
    assert "calibration" not in describe("their_backends:create")
    for has, precision in ((True, "bf16"), (False, "fp32")):
        monkeypatch.setattr("siamcar.backends.base.has_bfloat16", lambda has=has: has)
        assert describe("openvino")["in_float"] == precision
        assert "in_float" not in describe("onnx")


@pytest.mark.parametrize(
    ("options", "absent"),
    [({"preset": "otb100"}, {"torch", "cv2"}), ({"backend": "onnx", "precision": "int8"}, {"torch", "onnxruntime"})],
)
def test_describing_loads_no_torch(weights: Path, options: dict[str, str], absent: set[str]) -> None:
    code = (
        "import sys; from siamcar.trackers import describe_tracker;"
        f"describe_tracker('siamcar', { ({'weights': str(weights)} | options)!r});"
        f"assert not {absent} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_weights_the_built_in_ones_are_taken(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "list_builtin_weights", lambda: {"small": weights})
    assert describe_tracker("siamcar").identity["weights_sha256"] == compute_sha256(weights)
    assert describe_tracker("siamcar", {"architecture": "alexnet"}).label == "siamcar_alexnet_refine"
    with pytest.raises(WeightsError, match=r"no weights of a resnet50[\s\S]*--weights"):
        create_tracker("siamcar", {"architecture": "resnet50"})
    monkeypatch.setattr(module, "list_builtin_weights", dict)
    with pytest.raises(WeightsError, match="--weights"):
        create_tracker("siamcar")


def test_faults_are_told(weights: Path) -> None:
    with pytest.raises(ConfigError, match=r"no option penalty[\s\S]*weights[\s\S]*penalty_k"):
        create_tracker("siamcar", {"weights": weights, "penalty": "1"})
    with pytest.raises(ConfigError, match="penalty_k"):
        create_tracker("siamcar", {"weights": weights, "penalty_k": "much"})
    with pytest.raises(ConfigError, match="vgg"):
        create_tracker("siamcar", {"weights": weights, "architecture": "vgg"})
    with pytest.raises(UnknownNameError):
        create_tracker("siamcar", {"weights": weights, "preset": "otb"})
    with pytest.raises(WeightsError, match="does not exist"):
        create_tracker("siamcar", {"weights": "nowhere/model.safetensors"})
    with pytest.raises(ConfigError, match="not a device"):
        create_tracker("siamcar", {"weights": weights, "device": "gpu"})


def test_a_device_that_is_not_there_is_told(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="not available"):
        create_tracker("siamcar", {"weights": weights, "device": "cuda"})
