"""Conversion of other people's weights: features must not change."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from siamcar.config import Architecture
from siamcar.errors import WeightsError
from siamcar.model.backbones import build_backbone
from siamcar.model.conversion import check_state, convert_state, fold_input_norm
from siamcar.model.input_norm import INPUT_NORMS, InputNorm, parse_input_norm

IMAGENET = INPUT_NORMS["imagenet-rgb"]


def conv_bn(inputs: int, outputs: int, kernel: int, **options: int) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
    return nn.Conv2d(inputs, outputs, kernel, bias=False, **options), nn.BatchNorm2d(outputs)


class PlainBlock(nn.Module):
    """torchvision's residual block with its 1×1 projection; the geometry of its 3×3 convolutions is given."""

    def __init__(self, inputs: int, width: int, bottleneck: bool, stride: int, dilations: tuple[int, int]) -> None:
        super().__init__()
        outputs = width * 4 if bottleneck else width
        first = {"stride": stride, "padding": 0 if stride == 2 else dilations[0], "dilation": dilations[0]}
        if bottleneck:
            self.conv1, self.bn1 = conv_bn(inputs, width, 1)
            self.conv2, self.bn2 = conv_bn(width, width, 3, **first)
            self.conv3, self.bn3 = conv_bn(width, outputs, 1)
        else:
            self.conv1, self.bn1 = conv_bn(inputs, width, 3, **first)
            self.conv2, self.bn2 = conv_bn(width, width, 3, padding=dilations[1], dilation=dilations[1])
        self.bottleneck, self.stride = bottleneck, stride
        if inputs != outputs:
            self.downsample = nn.Sequential(*conv_bn(inputs, outputs, 1, stride=stride))

    def forward(self, x: Tensor) -> Tensor:
        # Without padding the 3×3 starts one pixel further in; so must the 1×1 that runs beside it.
        inner = x[:, :, 1:-1, 1:-1] if self.stride == 2 else x
        shortcut = self.downsample(inner) if hasattr(self, "downsample") else x
        y = functional.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        if self.bottleneck:
            y = self.bn3(self.conv3(functional.relu(y)))
        return functional.relu(y + shortcut)


class PlainResNet(nn.Module):
    """torchvision's names and shapes."""

    def __init__(self, blocks: tuple[int, ...], bottleneck: bool) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv_bn(3, 64, 7, stride=2)
        channels = 64
        for stage, (count, stride, dilation) in enumerate(zip(blocks, (1, 2, 1, 1), (1, 1, 2, 4), strict=True), 1):
            layers = []
            for block in range(count):
                dilations = (max(dilation // 2, 1), dilation) if block == 0 else (dilation,) * 2
                width = 32 * 2**stage
                layers.append(PlainBlock(channels, width, bottleneck, stride if block == 0 else 1, dilations))
                channels = width * (4 if bottleneck else 1)
            setattr(self, f"layer{stage}", nn.Sequential(*layers))
        self.fc = nn.Linear(channels, 1000)

    def forward(self, x: Tensor) -> list[Tensor]:
        x = functional.max_pool2d(functional.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        level2 = self.layer2(self.layer1(x))
        level3 = self.layer3(level2)
        return [level2, level3, self.layer4(level3)]


class PlainInvertedResidual(nn.Module):
    """torchvision's block: none of the 1×1 expansion where it would not expand."""

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int, dilation: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        padding = 0 if stride == 2 else dilation
        depthwise = conv_bn(hidden, hidden, 3, stride=stride, padding=padding, dilation=dilation, groups=hidden)
        layers: list[nn.Module] = [nn.Sequential(*conv_bn(inputs, hidden, 1), nn.ReLU6())] if expansion > 1 else []
        self.conv = nn.Sequential(*layers, nn.Sequential(*depthwise, nn.ReLU6()), *conv_bn(hidden, outputs, 1))
        self.shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.shortcut else self.conv(x)


class PlainMobileNetV2(nn.Module):
    """torchvision's names and shapes."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Sequential(*conv_bn(3, 32, 3, stride=2), nn.ReLU6())]
        channels = 32
        for expansion, outputs, strides_dilations in (
            (1, 16, [(1, 1)]),
            (6, 24, [(2, 1), (1, 1)]),
            (6, 32, [(2, 1), (1, 1), (1, 1)]),
            (6, 64, [(1, 1), (1, 2), (1, 2), (1, 2)]),
            (6, 96, [(1, 2)] * 3),
            (6, 160, [(1, 2), (1, 4), (1, 4)]),
            (6, 320, [(1, 4)]),
        ):
            for stride, dilation in strides_dilations:
                layers.append(PlainInvertedResidual(channels, outputs, expansion, stride, dilation))
                channels = outputs
        layers.append(nn.Sequential(*conv_bn(320, 1280, 1), nn.ReLU6()))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(), nn.Linear(1280, 1000))

    def forward(self, x: Tensor) -> list[Tensor]:
        levels = []
        for index, layer in enumerate(self.features[:18]):
            x = layer(x)
            if index in (6, 13, 17):
                levels.append(x)
        return levels


def build_plain(architecture: str) -> nn.Module:
    """A stock network with random weights and statistics that are not the initial ones."""
    torch.manual_seed(0)
    match architecture:
        case "resnet18":
            network: nn.Module = PlainResNet((2, 2, 2, 2), bottleneck=False)
        case "resnet34":
            network = PlainResNet((3, 4, 6, 3), bottleneck=False)
        case "resnet50":
            network = PlainResNet((3, 4, 6, 3), bottleneck=True)
        case _:
            network = PlainMobileNetV2()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.3)
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.2, 1.0)
    return network.eval()


def random_image(size: int = 127) -> Tensor:
    return torch.randint(0, 256, (1, 3, size, size), generator=torch.Generator().manual_seed(1)).float()


def prepare(image: Tensor, norm: InputNorm) -> Tensor:
    """A BGR 0–255 image as the stock network wants it."""
    ordered = image.flip(1) if norm.order == "rgb" else image
    return (ordered - torch.tensor(norm.mean)[:, None, None]) / torch.tensor(norm.std)[:, None, None]


@torch.no_grad()
def assert_same_features(found: list[Tensor], expected: list[Tensor]) -> None:
    for x, y in zip(found, expected, strict=True):
        assert float(y.std()) > 1e-3  # a dead network would prove nothing
        torch.testing.assert_close(x, y, rtol=0, atol=1e-4 * float(y.abs().max()))


@pytest.mark.parametrize("architecture", ["resnet18", "resnet34", "resnet50", "mobilenetv2"])
@torch.no_grad()
def test_torchvision_backbones_keep_their_features(architecture: Architecture) -> None:
    plain = build_plain(architecture)
    converted = convert_state(plain.state_dict(), where="file", norm=IMAGENET)
    assert (converted.kind, converted.naming, converted.architecture) == ("backbone", "torchvision", architecture)
    assert any("classifier" in note for note in converted.notes)
    with torch.device("meta"):
        backbone = build_backbone(architecture)
    backbone.load_state_dict(check_state(converted.state, backbone.state_dict(), where="file"), assign=True)
    image = random_image()
    assert_same_features(backbone.eval()(image), plain(prepare(image, IMAGENET)))


@torch.no_grad()
def test_the_quantised_mobilenet_keeps_its_features(shared: Path) -> None:
    path = shared / "weights" / "mobilenet_v2_imagenet.safetensors"
    state = load_file(path)
    norm = parse_input_norm("RGB, (x-128)/128, x in 0..255")
    plain = build_plain("mobilenetv2")
    left_out = plain.load_state_dict({name: tensor.float() for name, tensor in state.items()}, strict=False)
    assert {name.split(".")[-1] for name in left_out.missing_keys if name.startswith("features.")} <= {
        "num_batches_tracked"
    }
    assert left_out.unexpected_keys == []
    converted = convert_state(state, where="file", norm=norm)
    backbone = build_backbone("mobilenetv2").eval()
    backbone.load_state_dict(check_state(converted.state, backbone.state_dict(), where="file"))
    image = random_image()
    assert_same_features(backbone(image), plain(prepare(image, norm)))


@pytest.mark.parametrize("name", [name for name, norm in INPUT_NORMS.items() if not norm.is_raw])
@torch.no_grad()
def test_folding_into_a_convolution_with_bias(name: str) -> None:
    norm = INPUT_NORMS[name]
    torch.manual_seed(0)
    backbone, folded = build_backbone("alexnet").eval(), build_backbone("alexnet").eval()
    folded.load_state_dict(fold_input_norm(backbone.state_dict(), "alexnet", norm))
    image = random_image()
    assert_same_features(folded(image), backbone(prepare(image, norm)))


def test_folding_changes_the_first_layer_alone() -> None:
    before = build_backbone("resnet18").state_dict()
    copies = {name: tensor.clone() for name, tensor in before.items()}
    after = fold_input_norm(before, "resnet18", IMAGENET)
    assert [name for name in before if not torch.equal(before[name], after[name])] == [
        "conv1.weight",
        "bn1.running_mean",
    ]
    assert all(torch.equal(before[name], copies[name]) for name in before)
    with pytest.raises(WeightsError, match="does not take 3 channels"):
        fold_input_norm({"conv1.weight": torch.zeros(64, 1, 7, 7)}, "resnet18", IMAGENET)


def test_torchvision_names_need_the_preparation() -> None:
    with pytest.raises(WeightsError, match="--input-norm"):
        convert_state(build_plain("mobilenetv2").state_dict(), where="file")


@pytest.mark.parametrize("architecture", ["alexnet", "mobilenetv2", "resnet18", "resnet34", "resnet50"])
@pytest.mark.parametrize("prefix", ["", "backbone.", "features."])
def test_pysot_backbones_are_recognised(architecture: Architecture, prefix: str) -> None:
    with torch.device("meta"):
        state = build_backbone(architecture).state_dict()
    given = {prefix + name: value for name, value in state.items()}
    given |= {f"{prefix}fc.weight": torch.empty(1, device="meta")} if prefix == "" else {}
    converted = convert_state(given, where="file")
    assert (converted.kind, converted.naming, converted.architecture) == ("backbone", "pysot", architecture)
    assert {name: tensor.shape for name, tensor in converted.state.items()} == {
        name: tensor.shape for name, tensor in state.items()
    }


def test_pysots_flat_alexnet_is_renamed() -> None:
    ours = build_backbone("alexnet").state_dict()
    flat = {"layer1.0": 0, "layer1.1": 1, "layer2.0": 4, "layer2.1": 5, "layer3.0": 8, "layer3.1": 9,
            "layer4.0": 11, "layer4.1": 12, "layer5.0": 14, "layer5.1": 15}  # fmt: skip
    given = {
        f"features.{flat[name.rpartition('.')[0]]}.{name.rpartition('.')[2]}": value for name, value in ours.items()
    }
    converted = convert_state(given, where="file")
    assert converted.architecture == "alexnet"
    assert all(torch.equal(converted.state[name], value) for name, value in ours.items())
    assert len(converted.state) == len(ours)


def test_torchvisions_alexnet_is_refused_with_the_reason() -> None:
    with pytest.raises(WeightsError, match=r"torchvision's AlexNet.*stride 4"):
        convert_state({"features.0.weight": torch.zeros(64, 3, 11, 11)}, where="file", norm=IMAGENET)


def test_another_architecture_is_refused() -> None:
    with torch.device("meta"):
        state = build_backbone("resnet18").state_dict()
    with pytest.raises(WeightsError, match="resnet18; resnet50 was asked for"):
        convert_state(state, where="file", architecture="resnet50")


@pytest.mark.parametrize("state", [{"a.weight": torch.zeros(1)}, {"conv1.weight": torch.zeros(1, 3, 7, 7)}])
def test_an_unknown_network_is_refused(state: dict[str, Tensor]) -> None:
    with pytest.raises(WeightsError, match="do not tell which network"):
        convert_state(state, where="file")


def test_resnet101_is_refused() -> None:
    with torch.device("meta"):
        state = build_backbone("resnet50").state_dict()
    state["layer3.22.conv1.weight"] = torch.empty(256, 1024, 1, 1)
    with pytest.raises(WeightsError, match="do not tell which network"):
        convert_state(state, where="file")


def test_faults_of_a_state_are_named_and_counted() -> None:
    expected = {f"t{index}": torch.zeros(2, 3) for index in range(6)}
    state = {"t0": torch.zeros(2, 3), "t1": torch.zeros(3, 2), "other": torch.zeros(1)}
    with pytest.raises(WeightsError) as caught:
        check_state(state, expected, where="some.pth")
    message = str(caught.value)
    assert "some.pth" in message
    assert "4 missing: t2, t3, t4, …" in message
    assert "1 not of this network: other" in message
    assert "1 of another shape: t1 (3, 2) instead of (2, 3)" in message


def test_old_files_without_batch_counters_are_completed() -> None:
    expected = nn.BatchNorm2d(3).state_dict()
    state = {name: tensor for name, tensor in expected.items() if name != "num_batches_tracked"}
    completed = check_state(
        {f"bn.{name}": tensor for name, tensor in state.items()},
        {f"bn.{name}": tensor for name, tensor in expected.items()},
        where="file",
    )
    assert completed["bn.num_batches_tracked"] == 0
