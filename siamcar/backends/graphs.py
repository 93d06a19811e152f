"""The network as two ONNX graphs, template and search region, for one target.

    template   images (1, 3, 127, 127) → features (1, C, k, k)
    search     features (1, C, k, k), images (1, 3, 255, 255) → cls (1, 2, R, R), loc (1, 4, R, R), cen (1, 1, R, R)

Images are float32, BGR, 0–255, as everywhere; C counts the channels of all levels, one after another. Batch norm is
folded into the convolutions. The batch is one: then the template's features are the weights of a single depth-wise
convolution, which every runtime computes well, and on a processor a larger batch is not faster.

The layers are written down one by one. PyTorch's own exporter takes twenty seconds for what takes half a second here,
and has no way to write a grouped convolution whose number of groups depends on the batch.
"""

from __future__ import annotations

import copy
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from siamcar._version import __version__
from siamcar.backends.fusion import Convolution, fuse
from siamcar.backends.graph_writer import OPSET, GraphWriter, import_onnx
from siamcar.files import compute_sha256
from siamcar.model.network import SiamCAR

__all__ = ["CORRELATION", "DISTANCES", "FEATURES", "IMAGES", "MAPS", "Graphs", "build_graphs", "describe_graphs"]

IMAGES, FEATURES, MAPS = "images", "features", ("cls", "loc", "cen")
"""Names of the graphs' inputs and outputs."""

CORRELATION, DISTANCES = "correlation", "car_head.bbox_pred"
"""Names of two nodes of the search graph: where the branches meet, and whose result `loc` is the exponential of."""

_TEMPLATE_SIZE, _SEARCH_SIZE = 127, 255


@dataclass(frozen=True, slots=True)
class Graphs:
    """Two graphs, each the content of an ONNX file, weights included.

    Attributes:
        template: images → features.
        search: features and images → maps.
    """

    template: bytes
    search: bytes

    def compute_hash(self) -> str:
        """SHA-256 of both; equal networks have equal ones."""
        return hashlib.sha256(self.template + self.search).hexdigest()

    def with_metadata(self, metadata: dict[str, str]) -> Graphs:
        """The same graphs with metadata in both files."""
        onnx = import_onnx()

        def add(graph: bytes) -> bytes:
            proto = onnx.load_model_from_string(graph)
            onnx.helper.set_model_props(proto, metadata)
            content: bytes = proto.SerializeToString()
            return content

        return Graphs(add(self.template), add(self.search))


def describe_graphs(model: SiamCAR, weights: Path, precision: str) -> dict[str, str]:
    """What the metadata of exported graphs says.

    Args:
        model: the network.
        weights: the file that it was loaded from.
        precision: "fp32" or "int8".
    """
    grid = model.grid
    return {
        "format": "siamcar-graphs",
        "format_version": "1",
        "suite_version": __version__,
        "architecture": model.config.architecture,
        "model_config": json.dumps(model.config.model_dump(mode="json")),
        "weights": weights.name,
        "weights_sha256": compute_sha256(weights),
        "precision": precision,
        "opset": str(OPSET),
        "input": "float32, NCHW, batch 1, BGR, 0..255",
        "template_size": str(_TEMPLATE_SIZE),
        "search_size": str(_SEARCH_SIZE),
        "grid_size": str(grid.size),
        "grid_stride": str(grid.stride),
        "grid_offset": str(grid.offset),
    }


@torch.no_grad()
def build_graphs(model: SiamCAR) -> Graphs:
    """Write a network down as two graphs; it is not changed.

    Args:
        model: in evaluation, on the CPU.

    Raises:
        MissingExtraError: the package onnx is not installed.
        ConfigError: a layer that is not of the suite.
    """
    small, large = (torch.zeros(1, 3, side, side) for side in (_TEMPLATE_SIZE, _SEARCH_SIZE))
    levels = model.template(small)
    channels, side = sum(level.shape[1] for level in levels), levels[0].shape[-1]
    features = {FEATURES: (1, channels, side, side)}
    branches = {images: fuse(copy.deepcopy(_Branch(model)), images, _leave) for images in (small, large)}

    template = GraphWriter()
    found = template.add_fused(branches[small], IMAGES)
    found = template.add_crop("crop", found, side, whole=branches[small](small).shape[-1])

    search = GraphWriter()
    found_there = search.add_fused(branches[large], IMAGES)
    response = search.add_correlation(CORRELATION, found_there, FEATURES, channels=channels, side=side)
    response = search.add_layer("down", model.down, response)
    head, towers = model.car_head, {}
    for name in ("cls_tower", "bbox_tower"):
        towers[name] = response
        for number, layer in head.get_submodule(name).named_children():
            towers[name] = search.add_layer(f"car_head.{name}.{number}", layer, towers[name])
    maps = (
        search.add_layer("car_head.cls_logits", head.cls_logits, towers["cls_tower"]),
        search.add("Exp", "exp", search.add_layer(DISTANCES, head.bbox_pred, towers["bbox_tower"])),
        search.add_layer("car_head.centerness", head.centerness, towers["cls_tower"]),
    )
    cells = model.grid.size
    shapes = {name: (1, count, cells, cells) for name, count in zip(MAPS, (2, 4, 1), strict=True)}
    return Graphs(
        template.finish("template", {IMAGES: tuple(small.shape)}, features, [found]),
        search.finish("search", features | {IMAGES: tuple(large.shape)}, shapes, maps),
    )


class _Branch(nn.Module):
    """What template and search region have in common: images → features of all levels, side by side."""

    def __init__(self, model: SiamCAR) -> None:
        super().__init__()
        self.backbone, self.neck = model.backbone, model.neck

    def forward(self, images: Tensor) -> Tensor:
        return torch.cat(self.neck(self.backbone(images)), 1)


def _leave(convolution: Convolution) -> Convolution:
    """Fused convolutions as they are described; they are only written down."""
    return convolution
