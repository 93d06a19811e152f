"""Graphs on disk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from siamcar.backends import export
from siamcar.backends.export import export_graphs, open_graphs
from siamcar.backends.measure import limit_torch_threads
from siamcar.backends.quantization import import_openvino
from siamcar.errors import ConfigError, DataError, SiamCARError, UnknownNameError
from siamcar.files import compute_sha256
from siamcar.model.network import SiamCAR
from siamcar.model.weights import load_model
from siamcar.weights_files import resolve_weights

WEIGHTS = resolve_weights("siamcar_mobilenetv2")


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    with limit_torch_threads(1):
        yield


@pytest.fixture(scope="module")
def model() -> SiamCAR:
    return load_model(WEIGHTS)


def run_onnx(folder: Path, template: np.ndarray, search: np.ndarray) -> list[np.ndarray]:
    """As someone who has nothing of ours but the files."""
    first, second = (onnxruntime.InferenceSession(folder / f"{name}.onnx") for name in ("template", "search"))
    (features,) = first.run(["features"], {"images": template})
    return second.run(["cls", "loc", "cen"], {"features": features, "images": search})


def run_openvino(folder: Path, template: np.ndarray, search: np.ndarray) -> list[np.ndarray]:
    core = import_openvino().Core()
    settings = {"INFERENCE_PRECISION_HINT": "f32"}
    first, second = (core.compile_model(folder / f"{name}.xml", "CPU", settings) for name in ("template", "search"))
    found = second({"features": first({"images": template})["features"], "images": search})
    return [found[name] for name in ("cls", "loc", "cen")]


@pytest.mark.parametrize(("format", "run"), [("onnx", run_onnx), ("openvino", run_openvino)])
def test_the_files_alone_give_the_networks_maps(model: SiamCAR, format: str, run: object, tmp_path: Path) -> None:
    done = export_graphs(model, WEIGHTS, tmp_path / "new" / "graphs", format=format)
    assert done.deviation.largest <= 1e-4
    assert sorted(path.name for path in done.folder.iterdir()) == list(done.files)
    generator = torch.Generator().manual_seed(0)
    template, search = (torch.rand(1, 3, side, side, generator=generator) * 255 for side in (127, 255))
    found = run(done.folder, template.numpy(), search.numpy())  # type: ignore[operator]
    with torch.inference_mode():
        expected = model.search(model.template(template), search)
    for one, other in zip(found, expected, strict=True):
        assert np.abs(one - other.numpy()).max() <= 1e-4 * other.abs().max().item()

    opened = open_graphs(done.folder, threads=1)
    assert opened.grid == model.grid and opened.info.label == f"{format} fp32"
    again = opened.search(opened.template(template), search)
    assert all(np.array_equal(one, other.numpy()) for one, other in zip(found, again, strict=True))


def test_metadata_is_in_the_graphs_and_beside_them(model: SiamCAR, tmp_path: Path) -> None:
    done = export_graphs(model, WEIGHTS, tmp_path / "onnx", format="onnx")
    about = json.loads((done.folder / "graphs.json").read_text())
    assert about == done.metadata
    assert about["weights_sha256"] == compute_sha256(WEIGHTS)
    assert (about["architecture"], about["precision"], about["grid_size"]) == ("mobilenetv2", "fp32", "25")
    for name in ("template", "search"):
        told = {entry.key: entry.value for entry in onnx.load(done.folder / f"{name}.onnx").metadata_props}
        assert told == about
    done = export_graphs(model, WEIGHTS, tmp_path / "openvino", format="openvino")
    graph = import_openvino().Core().read_model(done.folder / "search.xml")
    assert graph.get_rt_info(["siamcar", "weights_sha256"]).astype(str) == compute_sha256(WEIGHTS)


def test_graphs_that_deviate_are_not_written(model: SiamCAR, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Weights that change between writing and checking stand for a runtime that computes something else."""
    other = load_model(WEIGHTS)
    with torch.no_grad():
        other.car_head.cls_logits.bias += 1.0
    compare = export._compare
    monkeypatch.setattr(export, "_compare", lambda _, graphs: compare(other, graphs))
    with pytest.raises(SiamCARError, match="deviate"):
        export_graphs(model, WEIGHTS, tmp_path / "a" / "b", format="onnx")
    assert not list(tmp_path.iterdir())

    kept = tmp_path / "kept"
    monkeypatch.setattr(export, "_compare", compare)
    export_graphs(model, WEIGHTS, kept, format="onnx")
    before = {path.name: path.read_bytes() for path in kept.iterdir()}
    monkeypatch.setattr(export, "_compare", lambda _, graphs: compare(other, graphs))
    with pytest.raises(SiamCARError, match="deviate"):
        export_graphs(model, WEIGHTS, kept, format="onnx", overwrite=True)
    assert {path.name: path.read_bytes() for path in kept.iterdir()} == before


def test_an_export_is_replaced_when_asked_and_nothing_else_ever_is(model: SiamCAR, tmp_path: Path) -> None:
    folder = tmp_path / "graphs"
    folder.mkdir()
    export_graphs(model, WEIGHTS, folder, format="onnx")
    (folder / "search.onnx").rename(tmp_path / "search.onnx")
    with pytest.raises(DataError, match=r"search\.onnx is missing"):
        open_graphs(folder)
    with pytest.raises(ConfigError, match="holds graphs already"):
        export_graphs(model, WEIGHTS, folder, format="openvino")
    done = export_graphs(model, WEIGHTS, folder, format="openvino", overwrite=True)
    assert sorted(path.name for path in folder.iterdir()) == list(done.files)
    assert "search.xml" in done.files and "search.onnx" not in done.files
    (folder / "thesis.tex").write_text("mine")
    with pytest.raises(ConfigError, match=r"thesis\.tex"):
        export_graphs(model, WEIGHTS, folder, format="onnx", overwrite=True)
    with pytest.raises(ConfigError, match="is a file"):
        export_graphs(model, WEIGHTS, folder / "thesis.tex", format="onnx")


def test_an_export_that_was_killed_is_not_in_the_way(model: SiamCAR, tmp_path: Path) -> None:
    left_over = tmp_path / ".unfinished-0123abcd"
    left_over.mkdir()
    (left_over / "template.onnx").write_bytes(b"half of it")
    done = export_graphs(model, WEIGHTS, tmp_path, format="onnx")
    assert sorted(path.name for path in tmp_path.iterdir()) == list(done.files)


def test_what_cannot_be_written_is_explained(model: SiamCAR, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="tensorrt"):
        export_graphs(model, WEIGHTS, tmp_path / "a", format="tensorrt")
    with pytest.raises(ConfigError, match="bf16") as caught:
        export_graphs(model, WEIGHTS, tmp_path / "a", format="openvino", precision="bf16")
    assert "INFERENCE_PRECISION_HINT" in caught.value.hint
    with pytest.raises(ConfigError, match="for int8; found fp32"):
        export_graphs(model, WEIGHTS, tmp_path / "a", format="onnx", calibration=tmp_path)
    assert not list(tmp_path.iterdir())
    with pytest.raises(DataError, match="no exported graphs"):
        open_graphs(tmp_path)
