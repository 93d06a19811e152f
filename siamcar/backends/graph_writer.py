"""Layers of the network as nodes of an ONNX graph."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, fx, nn

from siamcar.backends.fusion import Convolution
from siamcar.errors import ConfigError, import_extra

__all__ = ["OPSET", "GraphWriter", "import_onnx"]

OPSET = 21
"""The first one whose group normalisation is the network's: with a scale and a bias for each channel."""

_IR_VERSION = 10  # the file format of the time of this opset; a newer one would shut out runtimes that know it

Shapes = Mapping[str, tuple[int, ...]]


def import_onnx() -> Any:
    """The package onnx, with which graphs are written.

    Raises:
        MissingExtraError: it is not installed.
    """
    return import_extra("onnx", extra="onnx", purpose="graphs of the network")


class GraphWriter:
    """A graph, written node by node. Nodes and weights have the names of their layers.

    Every method returns the name of the result, which goes into the next one.
    """

    def __init__(self) -> None:
        self._onnx = import_onnx()
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}

    def add(self, operation: str, name: str, *inputs: str, **attributes: Any) -> str:
        """Add an operation of ONNX; its result has the name."""
        self._nodes.append(self._onnx.helper.make_node(operation, list(inputs), [name], name=name, **attributes))
        return name

    def add_layer(self, name: str, layer: nn.Module, source: str) -> str:
        """Add a layer of the network.

        Raises:
            ConfigError: a layer that is not of the suite.
        """
        match layer:
            case nn.Conv2d():
                return self._add_convolution(name, layer.weight, layer.bias, source, layer)
            case nn.ConvTranspose2d(kernel_size=(1, 1), stride=(1, 1)):
                # A transposed 1×1 convolution is a plain one of the transposed weight.
                return self._add_convolution(name, layer.weight.transpose(0, 1), layer.bias, source)
            case nn.GroupNorm():
                scale, bias = self._weigh(f"{name}.weight", layer.weight), self._weigh(f"{name}.bias", layer.bias)
                groups = {"num_groups": layer.num_groups, "epsilon": layer.eps}
                return self.add("GroupNormalization", name, source, scale, bias, **groups)
            case nn.ReLU():
                return self.add("Relu", name, source)
            case nn.MaxPool2d():
                geometry = {
                    "kernel_shape": _pair(layer.kernel_size),
                    "strides": _pair(layer.stride),
                    "pads": _pair(layer.padding) * 2,
                }
                return self.add("MaxPool", name, source, **geometry)
        raise ConfigError(f"The layer {name} is a {type(layer).__name__}, which has no form in a graph.")

    def add_fused(self, module: fx.GraphModule, source: str) -> str:
        """Add a module of one input and one output that `siamcar.backends.fusion.fuse` has rewritten."""
        names: dict[fx.Node, str] = {}
        for node in module.graph.nodes:
            given = [names[one] for one in node.all_input_nodes]
            match node.op:
                case "placeholder":
                    names[node] = source
                case "output":
                    return given[0]
                case "call_module":
                    names[node] = self._add_fused_layer(str(node.target), module.get_submodule(node.target), given)
                case _ if node.target is torch.cat and len(given) == 1:
                    names[node] = given[0]
                case _ if node.target is torch.cat:
                    names[node] = self.add("Concat", node.name, *given, axis=1)
                case _ if node.target is operator.add:
                    names[node] = self.add("Add", node.name, *given)
                case _:
                    raise ConfigError(f"The network computes {node.target}, which has no form in a graph.")
        raise ConfigError("The network has no output.")

    def _add_fused_layer(self, name: str, layer: nn.Module, given: Sequence[str]) -> str:
        if not isinstance(layer, Convolution):
            return self.add_layer(name, layer, *given)
        result = self.add_layer(name, layer.conv, given[0])
        if layer.residual:
            result = self.add("Add", f"{name}.sum", result, given[1])
        if layer.activation == "relu":
            return self.add("Relu", f"{name}.relu", result)
        if layer.activation == "relu6":
            limits = (self._store(f"{name}.{limit}", np.float32(limit)) for limit in (0, 6))
            return self.add("Clip", f"{name}.relu6", result, *limits)
        return result

    def add_crop(self, name: str, source: str, side: int, *, whole: int) -> str:
        """Cut the central `side` × `side` out of features of `whole` × `whole`."""
        first = (whole - side) // 2
        limits = {"starts": [first] * 2, "ends": [first + side] * 2, "axes": [2, 3]}
        names = [self._store(f"{name}.{key}", np.array(value)) for key, value in limits.items()]
        return self.add("Slice", name, source, *names)

    def add_correlation(self, name: str, search: str, template: str, *, channels: int, side: int) -> str:
        """Correlate (1, channels, …) search features with (1, channels, side, side) ones, channel by channel."""
        shape = self._store(f"{name}.shape", np.array([channels, 1, side, side]))
        weight = self.add("Reshape", f"{name}.weight", template, shape)
        return self.add("Conv", name, search, weight, kernel_shape=[side, side], group=channels)

    def finish(self, name: str, inputs: Shapes, outputs: Shapes, results: Sequence[str]) -> bytes:
        """The graph as the content of a file.

        Args:
            name: of the graph.
            inputs: name → shape.
            outputs: name → shape.
            results: what becomes each output.
        """
        for output, result in zip(outputs, results, strict=True):
            self.add("Identity", output, result)
        helper = self._onnx.helper

        def describe(shapes: Shapes) -> list[Any]:
            kind = self._onnx.TensorProto.FLOAT
            return [helper.make_tensor_value_info(name, kind, shape) for name, shape in shapes.items()]

        graph = helper.make_graph(
            self._nodes, name, describe(inputs), describe(outputs), list(self._constants.values())
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=_IR_VERSION, producer_name="siamcar"
        )
        self._onnx.checker.check_model(model, full_check=True)
        content: bytes = model.SerializeToString()
        return content

    def _add_convolution(
        self, name: str, weight: Tensor, bias: Tensor | None, source: str, layer: nn.Conv2d | None = None
    ) -> str:
        weights = [self._weigh(f"{name}.weight", weight)]
        if bias is not None:
            weights.append(self._weigh(f"{name}.bias", bias))
        geometry: dict[str, Any] = {"kernel_shape": list(weight.shape[2:])}
        if layer is not None:
            geometry |= {
                "strides": _pair(layer.stride),
                "pads": _pair(layer.padding) * 2,
                "dilations": _pair(layer.dilation),
                "group": layer.groups,
            }
        return self.add("Conv", name, source, *weights, **geometry)

    def _weigh(self, name: str, values: Tensor) -> str:
        return self._store(name, values.detach().to("cpu", torch.float32).numpy())

    def _store(self, name: str, values: npt.ArrayLike) -> str:
        self._constants[name] = self._onnx.numpy_helper.from_array(np.ascontiguousarray(values), name)
        return name


def _pair(value: Any) -> list[int]:
    return [int(each) for each in value] if isinstance(value, tuple) else [int(value)] * 2
