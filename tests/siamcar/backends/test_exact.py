"""Convolutions on a GPU in full float32, whatever is set; the settings are there without a GPU."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from siamcar.backends import eager
from siamcar.backends.base import BackendInfo
from siamcar.backends.exact import compute_exactly
from siamcar.config import ModelConfig
from siamcar.model.network import SiamCAR

TRIAL = """
import torch
from siamcar.backends.exact import compute_exactly
cudnn = torch.backends.cudnn
def read():
    return cudnn.benchmark, cudnn.deterministic, cudnn.conv.fp32_precision, torch.backends.fp32_precision
{setting}
before = read()
with compute_exactly(torch.device("cuda", 1)):
    assert read()[:3] == (False, True, "ieee"), read()
assert read() == before, read()
"""


@pytest.mark.skipif(not hasattr(torch.backends.cudnn, "conv"), reason="a setting of PyTorch 2.9")
@pytest.mark.parametrize(
    "setting",
    [
        "",
        "cudnn.benchmark = True",
        "cudnn.allow_tf32 = False",
        "torch.backends.fp32_precision = 'tf32'",
        "torch.backends.fp32_precision = 'ieee'",
        "cudnn.conv.fp32_precision = 'ieee'",
    ],
)
def test_whatever_was_set_is_set_again(setting: str) -> None:
    """In a process of its own: PyTorch cannot go back from the newer kind of setting to the older one."""
    subprocess.run([sys.executable, "-c", TRIAL.format(setting=setting)], check=True)


def test_older_versions_have_one_setting_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    class Cudnn:
        enabled, benchmark, deterministic, allow_tf32 = True, True, False, True

    monkeypatch.setattr(torch.backends, "cudnn", Cudnn)
    with pytest.raises(KeyError), compute_exactly(torch.device("cuda")):
        assert (Cudnn.benchmark, Cudnn.deterministic, Cudnn.allow_tf32) == (False, True, False)
        raise KeyError
    assert (Cudnn.benchmark, Cudnn.deterministic, Cudnn.allow_tf32) == (True, False, True)


def test_elsewhere_nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends, "cudnn", None)
    with compute_exactly(torch.device("cpu")):
        pass


def test_eager_computes_exactly_on_its_device(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[torch.device] = []

    def note(device: torch.device) -> object:
        asked.append(device)
        return compute_exactly(device)

    monkeypatch.setattr(eager, "compute_exactly", note)
    model = SiamCAR(ModelConfig(architecture="alexnet", channels=32, head_convolutions=1)).eval()
    backend = eager.EagerSiamCAR(model, BackendInfo("eager", "fp32", 1, "cpu"))
    backend.search(backend.template(torch.zeros(1, 3, 127, 127)), torch.zeros(1, 3, 255, 255))
    assert asked == [torch.device("cpu")] * 2
