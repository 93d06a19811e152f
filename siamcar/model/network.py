"""SiamCAR, top to bottom (Guo et al., CVPR 2020 and IJCV 2022).

    template (B, 3, 127, 127) ─ backbone ─ neck ─ crop ─┐
                                                        ├─ depth-wise correlation ─ 1×1 reduction ─ head ─ maps
    search   (B, 3, 255, 255) ─ backbone ─ neck ────────┘

Images are float tensors, BGR, 0–255, without mean subtraction: what OpenCV reads, unchanged.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from siamcar.config import ModelConfig
from siamcar.model.backbones import build_backbone
from siamcar.model.correlation import depthwise_cross_correlation
from siamcar.model.grid import Grid
from siamcar.model.head import CARHead, Maps
from siamcar.model.neck import Neck, crop_center

__all__ = ["SiamCAR"]


class SiamCAR(nn.Module):
    """The network. Parameter names are those of the released checkpoints.

    Args:
        config: backbone, channels and depth of the head; ResNet-50 by default.

    Attributes:
        correlation: how search and template features are correlated; training puts a faster way of it here.
    """

    def __init__(self, config: ModelConfig | None = None) -> None:
        super().__init__()
        self.config = config if config is not None else ModelConfig()
        channels = self.config.channels
        self.backbone = build_backbone(self.config.architecture)
        self.neck = Neck(self.backbone.out_channels, channels)
        # A transposed 1×1 convolution equals a plain one with its weight transposed. This form keeps the released
        # shape (in, out, 1, 1), so checkpoints pass between the released code and ours without a permutation.
        self.down = nn.ConvTranspose2d(channels * len(self.backbone.out_channels), channels, kernel_size=1)
        self.car_head = CARHead(channels, self.config.head_convolutions)
        self.correlation: Callable[[Tensor, Tensor], Tensor] = depthwise_cross_correlation

    def forward(self, template: Tensor, search: Tensor) -> Maps:
        """Both images to maps, as training sees the network; see `template` and `search`."""
        return self.search(self.template(template), search)

    def template(self, images: Tensor) -> list[Tensor]:
        """Features of the target, computed once a sequence.

        Args:
            images: (B, 3, 127, 127) float, BGR, 0–255. Other square sizes work where the features allow.

        Returns:
            One (B, C, 7, 7) a level; for AlexNet a single (B, C, 6, 6).

        Raises:
            ValueError: not such images, or too small.
        """
        levels = self._extract(images, "template")  # [(B, C, 15, 15), …]
        side = self.backbone.template_crop
        if side is None:
            return levels
        if levels[0].shape[-1] < side:
            raise ValueError(
                f"A template of {images.shape[-1]} pixels leaves fewer than the {side}×{side} features used."
            )
        return [crop_center(level, side) for level in levels]  # [(B, C, 7, 7), …]

    def search(self, template_features: list[Tensor], images: Tensor) -> Maps:
        """Look for the target in a search region.

        Args:
            template_features: what `template` returned; sample b is sought in image b.
            images: (B, 3, 255, 255) float, BGR, 0–255. Other square sizes work where the features allow.

        Returns:
            cls (B, 2, R, R), loc (B, 4, R, R) and cen (B, 1, R, R); R and the location of each cell: `compute_grid`.

        Raises:
            ValueError: not such images, or another batch size or number of levels than the template's.
        """
        response = self.correlate(template_features, self._extract(images, "search"))
        maps: Maps = self.car_head(response)
        return maps

    def correlate(self, template_features: list[Tensor], search_features: list[Tensor]) -> Tensor:
        """Features of both branches after the neck → the response map the head reads, (B, C, R, R)."""
        if len(template_features) != len(search_features):
            raise ValueError(
                f"The template has {len(template_features)} levels of features, the search region "
                f"{len(search_features)}; both must come from the same network."
            )
        responses = [
            self.correlation(search, template)
            for search, template in zip(search_features, template_features, strict=True)
        ]  # [(B, C, R, R), …]
        reduced: Tensor = self.down(torch.cat(responses, dim=1))  # (B, levels·C, R, R) → (B, C, R, R)
        return reduced

    @property
    def grid(self) -> Grid:
        """The grid for a 127-pixel template and a 255-pixel search region."""
        return self.compute_grid()

    def compute_grid(self, template_size: int = 127, search_size: int = 255) -> Grid:
        """Size of the response map and location of its cells, from the layers' kernels, strides and paddings.

        Args:
            template_size: side of the template in pixels.
            search_size: side of the search region in pixels.

        Raises:
            ValueError: an input too small for the network.
        """
        kernel, _, _ = self._trace(template_size)
        side = self.backbone.template_crop
        if side is not None:
            if kernel < side:
                raise ValueError(
                    f"A template of {template_size} pixels leaves fewer than the {side}×{side} features used."
                )
            kernel = side
        features, stride, offset = self._trace(search_size)
        if features < kernel:
            raise ValueError(f"A search region of {search_size} pixels is too small for a template of {template_size}.")
        # A cell covers `kernel` neighbouring features; its centre is half their extent further in.
        return Grid(size=features - kernel + 1, stride=stride, offset=offset + stride * (kernel - 1) / 2)

    def _trace(self, size: int) -> tuple[int, int, float]:
        """Features along a side of an image of `size` pixels, pixels between them, pixel under the first."""
        stride, offset = 1, 0.0
        for layer in self.backbone.spatial_layers():
            kernel, step, padding, dilation = (
                int(value[0] if isinstance(value, tuple) else value)
                for value in (layer.kernel_size, layer.stride, layer.padding, layer.dilation)
            )
            reach = dilation * (kernel - 1)
            size = (size + 2 * padding - reach - 1) // step + 1
            if size < 1:
                raise ValueError("The image is too small for the backbone.")
            offset += stride * (reach / 2 - padding)
            stride *= step
        return size, stride, offset

    def _extract(self, images: Tensor, name: str) -> list[Tensor]:
        """Backbone and neck: (B, 3, S, S) → [(B, C, F, F), …]."""
        shape = tuple(images.shape)
        if len(shape) != 4 or shape[1] != 3 or shape[2] != shape[3]:
            raise ValueError(f"A {name} batch is (B, 3, S, S); found {shape}.")
        if not images.is_floating_point():
            raise ValueError(
                f"A {name} batch is floating point, BGR, 0–255; found {images.dtype}. Call .float() on it."
            )
        features: list[Tensor] = self.neck(self.backbone(images))
        return features
