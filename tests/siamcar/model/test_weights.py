"""Loading, saving and converting whole networks and backbones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

import siamcar.weights_files as weights_files
from siamcar import __version__
from siamcar.config import ModelConfig, TrackerConfig
from siamcar.errors import ConfigError, UnknownNameError, WeightsError
from siamcar.files import compute_sha256
from siamcar.model.backbones import build_backbone
from siamcar.model.input_norm import INPUT_NORMS, InputNorm
from siamcar.model.network import SiamCAR
from siamcar.model.weights import convert_weights, load_backbone, load_model, save_weights
from siamcar.weights_files import read_weights_metadata
from tests.golden import write_keyed_r50


def assert_same_state(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    assert [name for name in expected if not torch.equal(found[name], expected[name])] == []


@pytest.fixture(scope="module")
def saved(alexnet: SiamCAR, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small network in our format."""
    path = tmp_path_factory.mktemp("saved") / "alexnet.safetensors"
    save_weights(
        alexnet, path, tracker_config=TrackerConfig(penalty_k=0.1), recipe={"epochs": 3}, source="made by a test"
    )
    return path


def test_round_trip(alexnet: SiamCAR, saved: Path) -> None:
    model = load_model(saved)
    assert not model.training
    assert model.config == alexnet.config
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert_same_state(model.state_dict(), alexnet.state_dict())


def test_metadata(saved: Path) -> None:
    metadata = read_weights_metadata(saved)
    assert metadata["kind"] == "model"
    assert metadata["architecture"] == "alexnet"
    assert ModelConfig.model_validate(metadata["model_config"]) == ModelConfig(architecture="alexnet")
    assert metadata["tracker_config"] == {"penalty_k": 0.1}  # what was said, and nothing else
    assert metadata["grid"] == {"size": 17, "stride": 8, "offset": 63.0}
    assert metadata["recipe"] == {"epochs": 3}
    assert metadata["source"] == "made by a test"
    assert metadata["suite_version"] == __version__
    assert metadata["format_version"] == "1"


def test_an_unusual_network_keeps_its_configuration(tmp_path: Path) -> None:
    config = ModelConfig(architecture="mobilenetv2", channels=32, head_convolutions=2)
    model = SiamCAR(config)
    save_weights(model, tmp_path / "small.safetensors")
    loaded = load_model(tmp_path / "small.safetensors")
    assert loaded.config == config
    assert_same_state(loaded.state_dict(), model.state_dict())
    assert "tracker_config" not in read_weights_metadata(tmp_path / "small.safetensors")


def test_half_precision_halves_the_convolutions_alone(alexnet: SiamCAR, saved: Path, tmp_path: Path) -> None:
    path = tmp_path / "half.safetensors"
    save_weights(alexnet, path, half=True)
    stored = load_file(path)
    assert {tensor.dtype for tensor in stored.values() if tensor.ndim == 4} == {torch.float16}
    assert {tensor.dtype for tensor in stored.values() if tensor.ndim == 1} == {torch.float32}
    assert path.stat().st_size < 0.51 * saved.stat().st_size
    loaded = load_model(path).state_dict()
    for name, tensor in alexnet.state_dict().items():
        assert loaded[name].dtype == tensor.dtype
        torch.testing.assert_close(loaded[name], tensor, rtol=1e-3, atol=1e-6)


def test_half_precision_refuses_what_it_cannot_hold(tmp_path: Path) -> None:
    model = SiamCAR(ModelConfig(architecture="alexnet", channels=32, head_convolutions=1))
    model.down.weight.data[0, 0] = 1e5
    with pytest.raises(WeightsError, match=r"down\.weight.*half precision"):
        save_weights(model, tmp_path / "half.safetensors", half=True)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def released(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of the full network as the released training script writes it."""
    path = tmp_path_factory.mktemp("released") / "checkpoint_e20.pth"
    write_keyed_r50(shared, path)
    return path


def test_a_released_checkpoint(released: Path, keyed_r50_state: dict[str, Tensor]) -> None:
    model = load_model(released)
    assert model.config == ModelConfig(architecture="resnet50")
    assert_same_state(model.state_dict(), keyed_r50_state)


@torch.no_grad()
def test_a_converted_released_checkpoint_gives_the_reference_maps(released: Path, shared: Path, tmp_path: Path) -> None:
    path = tmp_path / "general.safetensors"
    report = convert_weights(released, path)
    assert (report.kind, report.naming, report.architecture) == ("model", "released", "resnet50")
    assert report.sha256 == compute_sha256(path)
    assert read_weights_metadata(path)["source"] == "checkpoint_e20.pth"
    with np.load(shared / "golden" / "net_r50.npz") as expected:
        maps = load_model(path)(
            torch.from_numpy(expected["template"]).float(), torch.from_numpy(expected["search"]).float()
        )
        for name in ("cls", "loc", "cen"):
            reference = expected[name]
            found = getattr(maps, name).numpy()
            np.testing.assert_allclose(found, reference, rtol=0, atol=1e-4 * np.abs(reference).max())


@pytest.mark.parametrize("prefix", ["", "module."])
def test_bare_and_parallel_state_dicts(alexnet: SiamCAR, tmp_path: Path, prefix: str) -> None:
    path = tmp_path / "state.pth"
    torch.save({prefix + name: tensor for name, tensor in alexnet.state_dict().items()}, path)
    assert_same_state(load_model(path).state_dict(), alexnet.state_dict())
    assert_same_state(load_model(path, architecture="alexnet").state_dict(), alexnet.state_dict())


def test_missing_extra_and_misshapen_tensors(alexnet: SiamCAR, tmp_path: Path) -> None:
    path = tmp_path / "state.safetensors"
    state = alexnet.state_dict()
    del state["car_head.cls_logits.weight"]
    state["car_head.scales"] = torch.zeros(1)
    state["down.bias"] = torch.zeros(7)
    save_file(state, path)
    with pytest.raises(WeightsError) as caught:
        load_model(path)
    for words in (
        "1 missing: car_head.cls_logits.weight",
        "1 not of this network: car_head.scales",
        "1 of another shape: down.bias (7,) instead of (256,)",
    ):
        assert words in str(caught.value)


def test_another_architecture_is_refused(alexnet: SiamCAR, saved: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.safetensors"
    save_file(alexnet.state_dict(), bare)
    for path in (saved, bare):
        with pytest.raises(WeightsError, match="alexnet; resnet50 was asked for"):
            load_model(path, architecture="resnet50")


def test_damaged_own_metadata(alexnet: SiamCAR, tmp_path: Path) -> None:
    path = tmp_path / "own.safetensors"
    own = {"format": weights_files.FORMAT, "format_version": "1", "kind": "model"}
    save_file(alexnet.state_dict(), path, metadata={**own, "model_config": '{"architecture": "vgg"}'})
    with pytest.raises(WeightsError, match=r"metadata of .*own.safetensors.*architecture"):
        load_model(path)
    save_file(alexnet.state_dict(), path, metadata={**own, "kind": "car"})
    with pytest.raises(WeightsError, match="kind 'car'"):
        load_model(path)


def test_own_files_take_no_preparation(saved: Path) -> None:
    load_model(saved, input_norm="none-bgr")
    with pytest.raises(WeightsError, match="takes raw images"):
        load_model(saved, input_norm="imagenet-rgb")
    with pytest.raises(ConfigError, match="nonsense"):
        load_model(saved, input_norm="nonsense")


def test_truncated_and_absent(saved: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.safetensors"
    path.write_bytes(saved.read_bytes()[:-1000])
    with pytest.raises(WeightsError, match="cut short or damaged"):
        load_model(path)
    with pytest.raises(WeightsError, match="does not exist"):
        load_model(tmp_path / "absent.pth")
    with pytest.raises(WeightsError, match="is a folder"):
        load_model(tmp_path)
    with pytest.raises(UnknownNameError, match="siamcar_nothing"):
        load_model("siamcar_nothing")


def test_the_imagenet_mobilenet(shared: Path, tmp_path: Path) -> None:
    source, path = shared / "weights" / "mobilenet_v2_imagenet.safetensors", tmp_path / "backbone.safetensors"
    report = convert_weights(source, path, half=True)  # its metadata says how the input was prepared
    assert (report.kind, report.naming, report.architecture) == ("backbone", "torchvision", "mobilenetv2")
    assert report.parameters > 1_800_000
    assert any("folded" in note for note in report.notes)
    metadata = read_weights_metadata(path)
    assert metadata["kind"] == "backbone"
    assert metadata["source"].startswith("mobilenet_v2_imagenet.safetensors: google-coral/test_data")

    direct, converted = (SiamCAR(ModelConfig(architecture="mobilenetv2")) for _ in range(2))
    head = {name: tensor.clone() for name, tensor in converted.car_head.state_dict().items()}
    assert load_backbone(direct, source) == report.notes
    load_backbone(converted, path)
    for name, tensor in direct.backbone.state_dict().items():
        torch.testing.assert_close(converted.backbone.state_dict()[name], tensor, rtol=1e-3, atol=1e-4)
    assert_same_state(converted.car_head.state_dict(), head)
    with pytest.raises(WeightsError, match="only a mobilenetv2 backbone"):
        load_model(path)
    with pytest.raises(WeightsError, match="mobilenetv2; resnet18 was asked for"):
        load_backbone(SiamCAR(ModelConfig(architecture="resnet18")), path)


def test_metadata_that_is_not_understood(tmp_path: Path) -> None:
    path = tmp_path / "backbone.safetensors"
    save_file(build_backbone("alexnet").state_dict(), path, metadata={"input": "whatever you like"})
    model = SiamCAR(ModelConfig(architecture="alexnet"))
    with pytest.raises(WeightsError, match=r"'whatever you like', which is not understood.*\n.*--input-norm"):
        load_backbone(model, path)
    assert load_backbone(model, path, input_norm="none-bgr") == ()


@torch.no_grad()
def test_an_explicit_preparation_is_folded_in(alexnet: SiamCAR, tmp_path: Path) -> None:
    source, path = tmp_path / "state.pth", tmp_path / "folded.safetensors"
    torch.save(alexnet.state_dict(), source)
    convert_weights(source, path, input_norm=InputNorm("rgb", (10.0, 20.0, 30.0), (2.0, 3.0, 4.0)))
    image = torch.randint(0, 256, (1, 3, 127, 127), generator=torch.Generator().manual_seed(0)).float()
    prepared = (image.flip(1) - torch.tensor([10.0, 20.0, 30.0])[:, None, None]) / torch.tensor([2.0, 3.0, 4.0])[
        :, None, None
    ]
    (found,), (expected,) = load_model(path).template(image), alexnet.template(prepared)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4 * float(expected.abs().max()))


def test_a_backbone_comes_from_a_whole_network_too(alexnet: SiamCAR, saved: Path) -> None:
    model = SiamCAR(ModelConfig(architecture="alexnet"))
    load_backbone(model, saved)
    assert_same_state(model.backbone.state_dict(), alexnet.backbone.state_dict())


def test_converting_own_files_keeps_what_they_say(alexnet: SiamCAR, saved: Path, tmp_path: Path) -> None:
    path = tmp_path / "again.safetensors"
    report = convert_weights(saved, path)
    assert report.naming == "siamcar"
    assert report.sha256 == compute_sha256(path) == compute_sha256(saved)  # equal weights are equal bytes
    assert read_weights_metadata(path) == read_weights_metadata(saved)
    assert_same_state(load_model(path).state_dict(), alexnet.state_dict())


def test_destinations(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"end in \.safetensors"):
        convert_weights(saved, tmp_path / "model.pth")
    path = tmp_path / "there.safetensors"
    path.write_bytes(b"mine")
    with pytest.raises(WeightsError, match="exists already"):
        convert_weights(saved, path)
    assert path.read_bytes() == b"mine"
    convert_weights(saved, path, overwrite=True)
    load_model(path)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(WeightsError, match="cannot be written"):
        convert_weights(saved, tmp_path / "file" / "below.safetensors")


def test_raw_bgr_is_the_default_of_pysot_names(tmp_path: Path) -> None:
    path = tmp_path / "backbone.pth"
    state = build_backbone("alexnet").state_dict()
    torch.save(state, path)
    model = SiamCAR(ModelConfig(architecture="alexnet"))
    load_backbone(model, path)
    assert_same_state(model.backbone.state_dict(), state)
    assert INPUT_NORMS["none-bgr"].is_raw
