"""Reading checkpoints: nothing in them runs, and whatever is wrong is said."""

from __future__ import annotations

import io
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save as save_safetensors
from safetensors.torch import save_file

from siamcar.errors import WeightsError
from siamcar.model.checkpoint import read_checkpoint

STATE = {"a.weight": torch.arange(6.0).reshape(2, 3), "a.num_batches_tracked": torch.tensor(3)}


class Payload:
    """Leaves a trace where unpickling it runs code."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (str(self.trace),))


def assert_same(found: dict[str, torch.Tensor]) -> None:
    assert found.keys() == STATE.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in STATE.items())


@pytest.mark.parametrize(
    "content",
    [
        STATE,
        {"state_dict": STATE},
        {f"module.{name}": tensor for name, tensor in STATE.items()},
        {"epoch": 20, "state_dict": {f"module.{name}": tensor for name, tensor in STATE.items()}},
        {
            "epoch": 20,
            "state_dict": STATE,
            "optimizer": {"state": {}, "param_groups": [{"lr": np.float64(5e-3), "n": np.int64(3), "params": [0, 1]}]},
        },
    ],
)
@pytest.mark.parametrize("zipped", [True, False])
def test_what_training_scripts_leave(tmp_path: Path, content: dict[str, Any], zipped: bool) -> None:
    path = tmp_path / "checkpoint.pth"
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    found = read_checkpoint(path)
    assert_same(found.state)
    assert found.metadata == {}


def test_numpys_old_module_name_is_known(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pth"
    torch.save({"state_dict": STATE, "lr": np.float64(1)}, path, _use_new_zipfile_serialization=False)
    content = path.read_bytes()
    assert b"numpy._core.multiarray" in content or b"numpy.core.multiarray" in content
    path.write_bytes(content.replace(b"cnumpy._core.multiarray", b"cnumpy.core.multiarray"))
    assert_same(read_checkpoint(path).state)


def test_the_content_decides_not_the_name(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    save_file(STATE, path, metadata={"source": "here"})
    found = read_checkpoint(path)
    assert_same(found.state)
    assert found.metadata == {"source": "here"}


@pytest.mark.parametrize("form", ["zip", "legacy", "pickle"])
def test_code_is_refused_and_not_run(tmp_path: Path, form: str) -> None:
    trace, path = tmp_path / "trace", tmp_path / "evil.pth"
    content = {"state_dict": STATE, "extra": Payload(trace)}
    if form == "pickle":
        path.write_bytes(pickle.dumps(Payload(trace), protocol=2))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=form == "zip")
    with pytest.raises(WeightsError, match=r"unsafe to read: it needs the code (posix|nt).mkdir to be run"):
        read_checkpoint(path)
    assert not trace.exists()


def test_other_pickles_are_refused_and_not_run(tmp_path: Path) -> None:
    trace, path = tmp_path / "trace", tmp_path / "evil.pkl"
    path.write_bytes(pickle.dumps(Payload(trace), protocol=5))
    with pytest.raises(WeightsError, match="Nothing in it was run"):
        read_checkpoint(path)
    assert not trace.exists()


def test_a_whole_pickled_module_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "module.pth"
    torch.save(torch.nn.Linear(2, 2), path)
    with pytest.raises(WeightsError, match=r"unsafe to read: it needs the code torch.nn.modules.linear.Linear to be"):
        read_checkpoint(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([1, 2], "found a list"),
        ({}, "an empty one"),
        ({"epoch": 3, "a": torch.zeros(1)}, "'epoch' is a int, not a tensor"),
        ({"state_dict": {"a": 1.0}}, "'a' is a float, not a tensor"),
        ({3: torch.zeros(1)}, "mapping of names to tensors"),
    ],
)
def test_what_is_not_a_state_dict(tmp_path: Path, content: object, words: str) -> None:
    path = tmp_path / "other.pth"
    torch.save(content, path)
    with pytest.raises(WeightsError, match=words):
        read_checkpoint(path)


def test_values_that_are_not_finite(tmp_path: Path) -> None:
    path = tmp_path / "nan.safetensors"
    save_file({"fine": torch.ones(2), "broken": torch.tensor([1.0, float("nan")])}, path)
    with pytest.raises(WeightsError, match="the tensor broken has values that are not finite"):
        read_checkpoint(path)


@pytest.mark.parametrize(
    ("content", "words"), [(b"", "it is empty"), (b"<html>not found</html>", "not a safetensors file or a PyTorch")]
)
def test_what_is_no_weights_file(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "file.pth"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=words):
        read_checkpoint(path)


def test_absent_and_folder(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="does not exist"):
        read_checkpoint(tmp_path / "absent.pth")
    with pytest.raises(WeightsError, match="is a folder"):
        read_checkpoint(tmp_path)


def _written(form: str) -> bytes:
    if form == "safetensors":
        return bytes(save_safetensors(STATE))
    buffer = io.BytesIO()
    torch.save({"state_dict": STATE}, buffer, _use_new_zipfile_serialization=form == "zip")
    return buffer.getvalue()


FORMS = {form: _written(form) for form in ("safetensors", "zip", "legacy")}


@pytest.mark.parametrize("form", list(FORMS))
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_a_file_cut_short_is_refused(tmp_path_factory: pytest.TempPathFactory, form: str, data: st.DataObject) -> None:
    content = FORMS[form]
    path = tmp_path_factory.mktemp("cut") / "cut.pth"
    path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    with pytest.raises(WeightsError):
        read_checkpoint(path)


@pytest.mark.parametrize("form", list(FORMS))
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_a_damaged_file_never_crashes(tmp_path_factory: pytest.TempPathFactory, form: str, data: st.DataObject) -> None:
    content = bytearray(FORMS[form])
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("damaged") / "damaged.pth"
    path.write_bytes(bytes(content))
    try:
        read_checkpoint(path)
    except WeightsError as error:
        assert str(path) in error.message
