"""Backbones in the form SiamRPN++ gave them: total stride 8, dilation in place of later strides, no padding where
the resolution falls.

Sizes in the comments are for a 127-pixel template and a 255-pixel search region. Module names are those of the
published pysot backbones, so that their files load as they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor, nn

from siamcar.config import Architecture

__all__ = ["AlexNet", "Backbone", "MobileNetV2", "ResNet", "build_backbone"]


class Backbone(nn.Module):
    """Images to features of one or three levels, all of the same height and width.

    Attributes:
        out_channels: channels of each level.
        template_crop: side of the centre that is cut from a template's features; None keeps them whole. Padding
            inside the network makes the border of small features unreliable; AlexNet has none.
    """

    out_channels: tuple[int, ...]
    template_crop: int | None = 7

    def forward(self, images: Tensor) -> list[Tensor]:
        """(B, 3, S, S) float, BGR, 0–255 → [(B, C_i, F, F), …], one a level."""
        raise NotImplementedError

    def spatial_layers(self) -> list[nn.Conv2d | nn.MaxPool2d]:
        """The layers an image passes on its way to the last level, in order; shortcuts run beside them."""
        return [
            module
            for name, module in self.named_modules()
            if isinstance(module, nn.Conv2d | nn.MaxPool2d) and "downsample" not in name
        ]

    def _initialise(self) -> None:
        """He initialisation over the fan-out; batch norm starts as the identity."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                fan_out = module.kernel_size[0] * module.kernel_size[1] * module.out_channels // module.groups
                nn.init.normal_(module.weight, std=math.sqrt(2.0 / fan_out))
                if module.bias is not None:
                    nn.init.zeros_(module.bias)


class AlexNet(Backbone):
    """AlexNet with batch norm, stride 8 and no padding: one level, template 6×6, search 22×22."""

    out_channels = (256,)
    template_crop = None

    def __init__(self) -> None:
        super().__init__()
        self.layer1 = nn.Sequential(
            nn.Conv2d(3, 96, 11, stride=2), nn.BatchNorm2d(96), nn.MaxPool2d(3, stride=2), nn.ReLU(inplace=True)
        )
        self.layer2 = nn.Sequential(
            nn.Conv2d(96, 256, 5), nn.BatchNorm2d(256), nn.MaxPool2d(3, stride=2), nn.ReLU(inplace=True)
        )
        self.layer3 = nn.Sequential(nn.Conv2d(256, 384, 3), nn.BatchNorm2d(384), nn.ReLU(inplace=True))
        self.layer4 = nn.Sequential(nn.Conv2d(384, 384, 3), nn.BatchNorm2d(384), nn.ReLU(inplace=True))
        self.layer5 = nn.Sequential(nn.Conv2d(384, 256, 3), nn.BatchNorm2d(256))
        self._initialise()

    def forward(self, images: Tensor) -> list[Tensor]:
        """One level of 256 channels."""
        x = self.layer1(images)  # (B, 96, 29 | 61, …)
        x = self.layer2(x)  # (B, 256, 12 | 28, …)
        x = self.layer3(x)  # (B, 384, 10 | 26, …)
        x = self.layer4(x)  # (B, 384, 8 | 24, …)
        return [self.layer5(x)]  # (B, 256, 6 | 22, …)


class InvertedResidual(nn.Module):
    """MobileNetV2's block: 1×1 expansion, 3×3 depth-wise, 1×1 projection; a shortcut where the shape stays."""

    def __init__(self, in_channels: int, out_channels: int, *, expansion: int, stride: int, dilation: int) -> None:
        super().__init__()
        hidden = in_channels * expansion
        padding = dilation if dilation > 1 else 2 - stride
        self.conv = nn.Sequential(
            nn.Conv2d(in_channels, hidden, 1, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU6(inplace=True),
            nn.Conv2d(hidden, hidden, 3, stride, padding, dilation, groups=hidden, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU6(inplace=True),
            nn.Conv2d(hidden, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
        )
        self.shortcut = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        """(B, C_in, H, W) → (B, C_out, H', W')."""
        y: Tensor = self.conv(x)
        return x + y if self.shortcut else y


class MobileNetV2(Backbone):
    """MobileNetV2 of width 1, dilated from stage 4 on: levels after stages 3, 5 and 7, template 15×15, search 31×31."""

    out_channels = (32, 96, 320)

    STAGES = (
        # expansion, channels, blocks, stride, dilation
        (1, 16, 1, 1, 1),
        (6, 24, 2, 2, 1),
        (6, 32, 3, 2, 1),
        (6, 64, 4, 1, 2),
        (6, 96, 3, 1, 2),
        (6, 160, 3, 1, 4),
        (6, 320, 1, 1, 4),
    )
    LEVELS = (3, 5, 7)

    def __init__(self) -> None:
        super().__init__()
        self.layer0 = nn.Sequential(
            nn.Conv2d(3, 32, 3, stride=2, bias=False), nn.BatchNorm2d(32), nn.ReLU6(inplace=True)
        )
        channels, previous_dilation = 32, 1
        for number, (expansion, out_channels, blocks, stride, dilation) in enumerate(self.STAGES, start=1):
            # The first block after a change of dilation meets the grid of the stage before it.
            first_dilation = dilation if dilation == previous_dilation else max(dilation // 2, 1)
            stage = nn.Sequential()
            for block in range(blocks):
                stage.append(
                    InvertedResidual(
                        channels,
                        out_channels,
                        expansion=expansion,
                        stride=stride if block == 0 else 1,
                        dilation=first_dilation if block == 0 else dilation,
                    )
                )
                channels = out_channels
            self.add_module(f"layer{number}", stage)
            previous_dilation = dilation
        self._initialise()

    def forward(self, images: Tensor) -> list[Tensor]:
        """Three levels of 32, 96 and 320 channels."""
        x = self.layer0(images)  # (B, 32, 63 | 127, …)
        levels = []
        for number in range(1, len(self.STAGES) + 1):
            x = self.get_submodule(f"layer{number}")(x)  # stage 2: 31 | 63; from stage 3 on: 15 | 31
            if number in self.LEVELS:
                levels.append(x)
        return levels


def _build_shortcut(in_channels: int, out_channels: int, stride: int, dilation: int) -> nn.Sequential | None:
    """The projection beside the first block of a ResNet stage; None where the shape stays.

    Beyond the first stage it is 3×3 in the modified form: it keeps to the grid of the block's own 3×3 convolution.
    """
    if stride == 1 and in_channels == out_channels:
        return None
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, stride, 0 if stride > 1 else dilation, dilation, bias=False),
        nn.BatchNorm2d(out_channels),
    )


class BasicBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut (ResNet-18 and -34)."""

    EXPANSION = 1

    def __init__(self, in_channels: int, width: int, *, stride: int, dilations: tuple[int, int]) -> None:
        super().__init__()
        first, second = dilations
        self.conv1 = nn.Conv2d(in_channels, width, 3, stride, 0 if stride > 1 else first, first, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, second, second, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _build_shortcut(in_channels, width, stride, first)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C_in, H, W) → (B, width, H', W')."""
        shortcut = x if self.downsample is None else self.downsample(x)
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        out: Tensor = self.relu(y + shortcut)
        return out


class Bottleneck(nn.Module):
    """1×1, 3×3 and 1×1 convolution and a shortcut (ResNet-50)."""

    EXPANSION = 4

    def __init__(self, in_channels: int, width: int, *, stride: int, dilations: tuple[int, int]) -> None:
        super().__init__()
        first, _ = dilations  # a single 3×3 convolution, where BasicBlock has two
        out_channels = width * self.EXPANSION
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 0 if stride > 1 else first, first, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out_channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU(inplace=True)
        if in_channels == width:  # the very first block keeps ResNet's 1×1 projection
            self.downsample: nn.Sequential | None = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels)
            )
        else:
            self.downsample = _build_shortcut(in_channels, out_channels, stride, first)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C_in, H, W) → (B, 4·width, H', W')."""
        shortcut = x if self.downsample is None else self.downsample(x)
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        out: Tensor = self.relu(y + shortcut)
        return out


class ResNet(Backbone):
    """ResNet, dilated by 2 in stage 3 and 4 in stage 4: levels after stages 2, 3 and 4, template 15×15, search 31×31.

    Args:
        block: `BasicBlock` or `Bottleneck`.
        blocks: how many blocks each of the four stages has.
    """

    def __init__(self, block: type[BasicBlock] | type[Bottleneck], blocks: Sequence[int]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        expansion = block.EXPANSION
        self.layer1 = _build_stage(block, 64, 64, blocks[0], stride=1, dilation=1)
        self.layer2 = _build_stage(block, 64 * expansion, 128, blocks[1], stride=2, dilation=1)
        self.layer3 = _build_stage(block, 128 * expansion, 256, blocks[2], stride=1, dilation=2)
        self.layer4 = _build_stage(block, 256 * expansion, 512, blocks[3], stride=1, dilation=4)
        self.out_channels = (128 * expansion, 256 * expansion, 512 * expansion)
        self._initialise()

    def forward(self, images: Tensor) -> list[Tensor]:
        """Three levels of 128, 256 and 512 (ResNet-50: 512, 1024 and 2048) channels."""
        x = self.relu(self.bn1(self.conv1(images)))  # (B, 64, 61 | 125, …)
        x = self.layer1(self.maxpool(x))  # (B, 64·e, 31 | 63, …)
        level2 = self.layer2(x)  # (B, 128·e, 15 | 31, …)
        level3 = self.layer3(level2)  # (B, 256·e, 15 | 31, …)
        level4 = self.layer4(level3)  # (B, 512·e, 15 | 31, …)
        return [level2, level3, level4]


def _build_stage(
    block: type[BasicBlock] | type[Bottleneck], in_channels: int, width: int, blocks: int, *, stride: int, dilation: int
) -> nn.Sequential:
    first = max(dilation // 2, 1)  # the first block still meets the grid of the stage before it
    stage = nn.Sequential(block(in_channels, width, stride=stride, dilations=(first, dilation)))
    for _ in range(blocks - 1):
        stage.append(block(width * block.EXPANSION, width, stride=1, dilations=(dilation, dilation)))
    return stage


def build_backbone(architecture: Architecture) -> Backbone:
    """A freshly initialised backbone.

    Raises:
        ValueError: no such architecture.
    """
    match architecture:
        case "alexnet":
            return AlexNet()
        case "mobilenetv2":
            return MobileNetV2()
        case "resnet18":
            return ResNet(BasicBlock, (2, 2, 2, 2))
        case "resnet34":
            return ResNet(BasicBlock, (3, 4, 6, 3))
        case "resnet50":
            return ResNet(Bottleneck, (3, 4, 6, 3))
    raise ValueError(f"No backbone is named {architecture!r}.")
