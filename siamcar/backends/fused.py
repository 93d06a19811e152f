"""The network rewritten for inference; how its convolutions are computed is left to a backend."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

from siamcar.backends.base import BackendInfo
from siamcar.backends.fusion import Convolution, fuse
from siamcar.model.correlation import depthwise_cross_correlation
from siamcar.model.head import Maps
from siamcar.model.neck import crop_center
from siamcar.model.network import SiamCAR

__all__ = ["DTYPES", "FusedSiamCAR"]

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}

Build = Callable[[Convolution, torch.dtype], nn.Module]


class FusedSiamCAR:
    """A network in the place of `model`: batch norm folded, sums and activations fused into the convolutions.

    In half precision the two convolutions that predict the maps remain in float32: the box is the exponential of
    their result.

    Args:
        model: in float32 on the CPU; it is not changed.
        build: makes a convolution that computes in a type.
        info: how it computes; its precision and device are used.
    """

    def __init__(self, model: SiamCAR, build: Build, info: BackendInfo) -> None:
        self.grid = model.grid
        self.info = info
        self._dtype, self._device = DTYPES[info.precision], torch.device(info.device)
        self._crop = model.backbone.template_crop
        model = copy.deepcopy(model)  # its parts are rewritten
        head, channels = model.car_head, model.config.channels
        response = torch.zeros(1, channels, self.grid.size, self.grid.size)

        def build_own(convolution: Convolution) -> nn.Module:
            return build(convolution, self._dtype)

        with torch.inference_mode():
            self._extract = fuse(_Extractor(model), torch.zeros(1, 3, 255, 255), build_own)
            self._reduce = build_own(_as_convolution(model.down, self.grid.size))
            self._towers = [
                fuse(tower, response, build_own).to(self._device, self._dtype)
                for tower in (head.cls_tower, head.bbox_tower)
            ]
            scores = nn.Conv2d(channels, 3, 3, padding=1)  # classification and centerness in one
            for name in ("weight", "bias"):
                parts = [getattr(one, name) for one in (head.cls_logits, head.centerness)]
                setattr(scores, name, nn.Parameter(torch.cat(parts)))
            self._score = build(Convolution(scores, tuple(response.shape)), torch.float32)
            self._regress = build(Convolution(head.bbox_pred, tuple(response.shape)), torch.float32)

    @torch.inference_mode()
    def template(self, images: Tensor, /) -> list[Tensor]:
        """(B, 3, 127, 127) → one (B, C, 7, 7) a level; for AlexNet a single (B, C, 6, 6)."""
        levels: list[Tensor] = self._extract(self._prepare(images))
        return levels if self._crop is None else [crop_center(level, self._crop) for level in levels]

    @torch.inference_mode()
    def search(self, template_features: list[Tensor], images: Tensor, /) -> Maps:
        """Features and (B, 3, 255, 255) → maps in float32."""
        levels = torch.cat(self._extract(self._prepare(images)), dim=1)
        response = self._reduce(depthwise_cross_correlation(levels, torch.cat(template_features, dim=1)))
        of_scores, of_boxes = (tower(response).float() for tower in self._towers)
        scores = self._score(of_scores)
        return Maps(cls=scores[:, :2], loc=self._regress(of_boxes).exp(), cen=scores[:, 2:])

    def _prepare(self, images: Tensor) -> Tensor:
        return images.to(self._device, self._dtype, memory_format=torch.channels_last)


class _Extractor(nn.Module):
    """Backbone and neck: (B, 3, S, S) → [(B, C, F, F), …]."""

    def __init__(self, model: SiamCAR) -> None:
        super().__init__()
        self.backbone, self.neck = model.backbone, model.neck

    def forward(self, images: Tensor) -> list[Tensor]:
        """Features of all levels."""
        levels: list[Tensor] = self.neck(self.backbone(images))
        return levels


def _as_convolution(down: nn.ConvTranspose2d, side: int) -> Convolution:
    """A transposed 1×1 convolution as the plain one that it equals."""
    plain = nn.Conv2d(down.in_channels, down.out_channels, 1)
    plain.weight = nn.Parameter(down.weight.detach().transpose(0, 1).contiguous())
    plain.bias = down.bias
    return Convolution(plain, (1, down.in_channels, side, side))
