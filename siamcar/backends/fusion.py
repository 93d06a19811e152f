"""The network rewritten for inference: batch norm folded, sums and activations fused into the convolutions."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, fx, nn
from torch.fx.passes.shape_prop import ShapeProp
from torch.nn.utils.fusion import fuse_conv_bn_eval

from siamcar.backends.packed import Activation

__all__ = ["Convolution", "fuse"]

Build = Callable[["Convolution"], nn.Module]


class Convolution(nn.Module):
    """A convolution with what follows it, in plain PyTorch: what a backend uses, or builds its own from.

    Attributes:
        conv: the convolution, batch norm folded; always with a bias.
        size: (B, C, H, W) of its input.
        residual: whether a second input is added to its result.
        activation: what comes last.
    """

    def __init__(self, conv: nn.Conv2d, size: Sequence[int]) -> None:
        super().__init__()
        if conv.bias is None:
            conv.bias = nn.Parameter(torch.zeros(conv.out_channels))
        self.conv, self.size = conv, size
        self.residual = False
        self.activation: Activation = "none"

    @property
    def bias(self) -> Tensor:
        """(O,)."""
        assert self.conv.bias is not None
        return self.conv.bias

    def forward(self, x: Tensor, residual: Tensor | None = None) -> Tensor:
        """(B, C, H, W) → (B, O, H', W'); `residual`, of that shape, is added before the activation."""
        y: Tensor = self.conv(x)
        if residual is not None:
            y = y + residual
        if self.activation == "relu":
            return y.relu()
        return y.clamp(0.0, 6.0) if self.activation == "relu6" else y


def fuse(module: nn.Module, example: Tensor, build: Build) -> fx.GraphModule:
    """Rewrite a module whose convolutions are followed by batch norms, sums and activations.

    Args:
        module: in evaluation; it is used up.
        example: an input of the size that it is to be used with.
        build: makes each fused convolution from its description.

    Returns:
        A module that takes and gives the same.
    """
    graph = fx.symbolic_trace(module.eval())
    with torch.no_grad():
        ShapeProp(graph).propagate(example)
    modules = dict(graph.named_modules())
    fused: dict[str, Convolution] = {}
    for node in list(graph.graph.nodes):
        kind = modules.get(node.target) if node.op == "call_module" else None
        source = node.args[0] if node.args else None
        if isinstance(kind, nn.Conv2d):
            fused[node.target] = Convolution(kind, tuple(node.args[0].meta["tensor_meta"].shape))
            graph.set_submodule(node.target, fused[node.target])
        elif isinstance(kind, nn.BatchNorm2d) and (before := _find(fused, source)):
            before.conv = fuse_conv_bn_eval(before.conv, kind)
            _bypass(node)
        elif isinstance(kind, nn.ReLU | nn.ReLU6) and (before := _find(fused, source)):
            before.activation = "relu6" if isinstance(kind, nn.ReLU6) else "relu"
            _bypass(node)
        elif node.target is operator.add:
            for one, other in (node.args, node.args[::-1]):
                if (before := _find(fused, one)) and not before.residual:
                    before.residual = True
                    with graph.graph.inserting_before(node):
                        node.replace_all_uses_with(
                            graph.graph.call_module(one.target, (one.args[0], other)), propagate_meta=True
                        )
                    graph.graph.erase_node(node)
                    graph.graph.erase_node(one)
                    break
    for name, description in fused.items():
        graph.set_submodule(name, build(description))
    graph.delete_all_unused_submodules()
    graph.recompile()
    return graph


def _find(fused: dict[str, Convolution], node: object) -> Convolution | None:
    """The convolution that a node is, if nothing else needs its result and nothing is done with it yet."""
    if not isinstance(node, fx.Node) or node.op != "call_module" or len(node.users) != 1:
        return None
    found = fused.get(str(node.target))
    return found if found is not None and found.activation == "none" else None


def _bypass(node: fx.Node) -> None:
    node.replace_all_uses_with(node.args[0])  # type: ignore[arg-type]
    node.graph.erase_node(node)
