"""The backend on ONNX Runtime; maps and boxes against `eager` are in test_parity.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import onnxruntime
import pytest
import torch

from siamcar.backends import make_backend
from siamcar.backends.measure import compare_maps, limit_torch_threads
from siamcar.backends.row_by_row import RowByRow
from siamcar.errors import DataError
from siamcar.model.network import SiamCAR
from siamcar.model.weights import load_model
from siamcar.synthetic import Scene, SceneConfig


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    with limit_torch_threads(1):
        yield


@pytest.fixture(scope="module")
def model() -> SiamCAR:
    return load_model("siamcar_mobilenetv2")


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few frames to calibrate on."""
    folder = tmp_path_factory.mktemp("frames")
    scene = Scene(SceneConfig(seed=1, n_frames=4))
    for index in range(len(scene)):
        cv2.imwrite(str(folder / f"{index}.png"), scene.read(index))
    return folder


def make_inputs(rows: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    template, search = (torch.rand(rows, 3, side, side, generator=generator) * 255 for side in (127, 255))
    return template, search


@pytest.mark.parametrize("name", ["onnx", "openvino"])
def test_a_row_has_the_same_maps_in_every_batch(model: SiamCAR, name: str) -> None:
    backend = make_backend(model, name, threads=1)
    assert (backend.info.threads, backend.info.label) == (1, f"{name} fp32")
    template, search = make_inputs(3)
    features = backend.template(template)
    together = backend.search(features, search)
    # The second target in the third search region, alone and with others.
    alone = backend.search([features[0][1:2]], search[2:])
    among = backend.search([features[0][[0, 1]]], search[[1, 2]])
    for one, other, whole, rows in zip(alone, among, together, (2, 4, 1), strict=True):
        assert torch.equal(one[0], other[1]) and not torch.equal(one[0], whole[2])
        assert whole.shape == (3, rows, 25, 25) and whole.dtype == torch.float32


def test_results_are_not_written_over_by_the_next_call(model: SiamCAR) -> None:
    for name in ("onnx", "openvino"):
        backend = make_backend(model, name)
        template, search = make_inputs(2)
        first = backend.template(template[:1])
        kept = first[0].clone()
        maps = backend.search(first, search[:1])
        before = maps.cls.clone()
        backend.search(backend.template(template[1:]), search[1:])
        assert torch.equal(first[0], kept) and torch.equal(maps.cls, before)


def test_as_many_templates_as_search_regions(model: SiamCAR) -> None:
    backend = make_backend(model, "onnx")
    template, search = make_inputs(2)
    with pytest.raises(ValueError, match="zip"):
        backend.search(backend.template(template[:1]), search)


def test_no_thread_spins_on_after_a_run(model: SiamCAR, monkeypatch: pytest.MonkeyPatch) -> None:
    given = []
    real = onnxruntime.InferenceSession

    def open_session(graph: bytes, options: onnxruntime.SessionOptions, **how: object) -> object:
        given.append(options.get_session_config_entry("session.force_spinning_stop"))
        return real(graph, options, **how)

    monkeypatch.setattr(onnxruntime, "InferenceSession", open_session)
    make_backend(model, "onnx")
    assert given == ["1", "1"]


@pytest.mark.parametrize("name", ["onnx", "openvino"])
def test_8_bits_are_calibrated_once_and_kept(
    model: SiamCAR, name: str, frames: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SIAMCAR_CACHE", str(tmp_path))
    first = make_backend(model, name, "int8", calibration=frames)
    assert isinstance(first, RowByRow) and first.info.notes["calibrated_on"] == str(frames)
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("search*")}
    assert kept and not [path for path in (tmp_path / "graphs").iterdir() if path.name.startswith(".")]
    template, search = make_inputs(1)
    expected = model.search(model.template(template), search)
    found = first.search(first.template(template), search)
    deviation = compare_maps(expected, found).largest
    assert 1e-3 < deviation < 0.5  # it is reduced, and it is not broken

    monkeypatch.setattr("siamcar.backends.quantization._read_inputs", None)  # nothing is calibrated again
    again = make_backend(model, name, "int8", calibration=frames)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("search*")} == kept
    assert torch.equal(again.search(again.template(template), search).cls, found.cls)


def test_8_bits_need_no_cache_that_can_be_written(
    model: SiamCAR, frames: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(path)

    monkeypatch.setenv("SIAMCAR_CACHE", str(tmp_path))
    monkeypatch.setattr("siamcar.backends.quantization.FileLock", refuse)
    assert make_backend(model, "onnx", "int8", calibration=frames).info.label == "onnx int8"
    assert not list((tmp_path / "graphs").iterdir())


def test_an_interrupted_calibration_leaves_nothing(
    model: SiamCAR, frames: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SIAMCAR_CACHE", str(tmp_path))
    cut_short = tmp_path / "frames"
    cut_short.mkdir()
    (cut_short / "0.jpg").write_bytes(b"\xff\xd8 and no end")
    with pytest.raises(DataError, match=r"0\.jpg"):
        make_backend(model, "onnx", "int8", calibration=cut_short)
    assert [path.suffix for path in (tmp_path / "graphs").iterdir()] == [".lock"]
