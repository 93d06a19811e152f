"""The network as ONNX graphs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from siamcar.backends.graph_writer import OPSET, GraphWriter
from siamcar.backends.graphs import CORRELATION, DISTANCES, FEATURES, IMAGES, MAPS, Graphs, build_graphs
from siamcar.backends.measure import limit_torch_threads
from siamcar.config import Architecture, ModelConfig
from siamcar.errors import ConfigError
from siamcar.model.network import SiamCAR


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    with limit_torch_threads(1):
        yield


def make_network(architecture: Architecture) -> SiamCAR:
    """Random weights, and batch norms that do something."""
    torch.manual_seed(0)
    model = SiamCAR(ModelConfig(architecture=architecture, channels=32, head_convolutions=1)).eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.8, 1.2)
    return model


def run(graph: bytes, *outputs: str, **inputs: Any) -> list[np.ndarray]:
    return onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"]).run(list(outputs), inputs)


@pytest.fixture(scope="module")
def small() -> SiamCAR:
    return make_network("mobilenetv2")


@pytest.fixture(scope="module")
def graphs(small: SiamCAR) -> Graphs:
    return build_graphs(small)


# The smaller ResNets have no layer that ResNet-50 does not have.
@pytest.mark.parametrize("architecture", ["alexnet", "mobilenetv2", "resnet50"])
def test_maps_are_those_of_the_network(architecture: Architecture) -> None:
    model = make_network(architecture)
    graphs = build_graphs(model)
    generator = torch.Generator().manual_seed(1)
    template, search = (torch.rand(1, 3, side, side, generator=generator) * 255 for side in (127, 255))
    (features,) = run(graphs.template, FEATURES, images=template.numpy())
    found = run(graphs.search, *MAPS, features=features, images=search.numpy())
    with torch.inference_mode():
        expected = model.search(model.template(template), search)
    for one, other in zip(found, expected, strict=True):
        assert one.shape == other.shape
        assert np.abs(one - other.numpy()).max() <= 1e-4 * other.abs().max().item()


def test_a_graph_tells_names_and_shapes_and_is_whole(graphs: Graphs) -> None:
    search = onnx.load_model_from_string(graphs.search)
    onnx.checker.check_model(search, full_check=True)
    shapes = {
        value.name: [size.dim_value for size in value.type.tensor_type.shape.dim]
        for value in (*search.graph.input, *search.graph.output)
    }
    assert shapes == {
        FEATURES: [1, 96, 7, 7],
        IMAGES: [1, 3, 255, 255],
        "cls": [1, 2, 25, 25],
        "loc": [1, 4, 25, 25],
        "cen": [1, 1, 25, 25],
    }
    assert [(one.domain, one.version) for one in search.opset_import] == [("", OPSET)]
    names = [node.name for node in search.graph.node]
    assert len(set(names)) == len(names) and {CORRELATION, DISTANCES} <= set(names)
    assert "BatchNormalization" not in {node.op_type for node in search.graph.node}  # folded


def test_the_same_network_gives_the_same_bytes_and_stays_as_it_is(graphs: Graphs) -> None:
    fresh = make_network("mobilenetv2")
    before = {name: value.clone() for name, value in fresh.state_dict().items()}
    assert build_graphs(fresh) == graphs
    after = fresh.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(value, before[name]) for name, value in after.items())
    assert build_graphs(make_network("alexnet")).compute_hash() != graphs.compute_hash()


def test_metadata_goes_into_both_files_and_changes_no_weight(graphs: Graphs) -> None:
    told = graphs.with_metadata({"architecture": "mobilenetv2"})
    for plain, one in ((graphs.template, told.template), (graphs.search, told.search)):
        proto = onnx.load_model_from_string(one)
        assert {entry.key: entry.value for entry in proto.metadata_props} == {"architecture": "mobilenetv2"}
        del proto.metadata_props[:]
        assert proto.SerializeToString() == plain


def test_a_layer_without_a_form_is_named() -> None:
    with pytest.raises(ConfigError, match=r"The layer head\.0 is a Softplus"):
        GraphWriter().add_layer("head.0", nn.Softplus(), "images")
