"""Finding weights files and reading their headers without PyTorch."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from safetensors.numpy import save_file

import siamcar.weights_files as weights_files
from siamcar.errors import MissingExtraError, UnknownNameError, WeightsError
from siamcar.weights_files import read_weights_metadata, resolve_weights


def write_safetensors(path: Path, metadata: dict[str, str] | None) -> Path:
    save_file({"t": np.zeros(3, np.float32)}, path, metadata=metadata)
    return path


def test_needs_no_pytorch() -> None:
    code = "import sys, siamcar.weights_files, siamcar.files, siamcar.model.grid, siamcar.model.input_norm; "
    subprocess.run([sys.executable, "-c", code + "sys.exit('torch' in sys.modules)"], check=True)


def test_a_path_is_itself(tmp_path: Path) -> None:
    path = write_safetensors(tmp_path / "w.safetensors", None)
    assert resolve_weights(path) == path
    assert resolve_weights(str(path)) == path


def test_absent_paths_and_folders(tmp_path: Path) -> None:
    for absent in (
        tmp_path / "absent.pth",
        str(tmp_path / "absent"),
        "absent.pth",
        Path("absent"),
        "~no-such-user/absent",
    ):
        with pytest.raises(WeightsError, match="does not exist"):
            resolve_weights(absent)
    with pytest.raises(WeightsError, match="is a folder"):
        resolve_weights(tmp_path)


def test_unknown_names_list_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights_files, "list_builtin_weights", dict)
    with pytest.raises(UnknownNameError, match="brings no built-in weights"):
        resolve_weights("siamcar_mobilenetv2")
    monkeypatch.setattr(weights_files, "list_builtin_weights", lambda: {"siamcar_alexnet": Path("x")})
    with pytest.raises(UnknownNameError, match="Did you mean siamcar_alexnet"):
        resolve_weights("siamcar_alexnt")
    assert resolve_weights("siamcar_alexnet") == Path("x")


def test_builtin_weights_are_the_files_of_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "weights").mkdir()
    path = write_safetensors(tmp_path / "weights" / "siamcar_x.safetensors", None)
    (tmp_path / "weights" / "README.md").write_text("")
    monkeypatch.setattr(weights_files.resources, "files", lambda _: tmp_path)
    assert weights_files.list_builtin_weights() == {"siamcar_x": path}


def fake_hub(monkeypatch: pytest.MonkeyPatch, answer: object) -> list[dict[str, str]]:
    asked: list[dict[str, str]] = []

    def download(**options: str) -> str:
        asked.append(options)
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    hub, errors = ModuleType("huggingface_hub"), ModuleType("huggingface_hub.errors")
    vars(hub).update(hf_hub_download=download, errors=errors)
    for name in ("HfHubHTTPError", "EntryNotFoundError", "HFValidationError"):
        setattr(errors, name, type(name, (Exception,), {}))
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    monkeypatch.setitem(sys.modules, "huggingface_hub.errors", errors)
    return asked


def test_hub_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = fake_hub(monkeypatch, "/cache/file")
    assert resolve_weights("hf:owner/name") == Path("/cache/file")
    assert resolve_weights("hf:owner/name/sub/w.safetensors") == Path("/cache/file")
    assert asked == [
        {"repo_id": "owner/name", "filename": "model.safetensors"},
        {"repo_id": "owner/name", "filename": "sub/w.safetensors"},
    ]
    for broken in ("hf:owner", "hf:", "hf:/name"):
        with pytest.raises(WeightsError, match="not a hub address"):
            resolve_weights(broken)


def test_hub_failures_are_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_hub(monkeypatch, ConnectionError("no route"))
    with pytest.raises(WeightsError, match="could not be fetched: no route"):
        resolve_weights("hf:owner/name")
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingExtraError, match="huggingface_hub"):
        resolve_weights("hf:owner/name")


def test_foreign_metadata_is_text(tmp_path: Path) -> None:
    assert read_weights_metadata(write_safetensors(tmp_path / "a.safetensors", None)) == {}
    metadata = {"input": "RGB", "grid": "not json"}
    assert read_weights_metadata(write_safetensors(tmp_path / "b.safetensors", metadata)) == metadata


def test_own_metadata_is_decoded(tmp_path: Path) -> None:
    own = {"format": weights_files.FORMAT, "format_version": "1", "source": "here", "grid": '{"size": 25}'}
    found = read_weights_metadata(write_safetensors(tmp_path / "a.safetensors", own))
    assert found == {**own, "grid": {"size": 25}}
    with pytest.raises(WeightsError, match="version 2 of the weights format"):
        read_weights_metadata(write_safetensors(tmp_path / "b.safetensors", {**own, "format_version": "2"}))
    with pytest.raises(WeightsError, match="metadata is damaged"):
        read_weights_metadata(write_safetensors(tmp_path / "c.safetensors", {**own, "grid": "{"}))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not a safetensors file"),
        (b"short", "not a safetensors file"),
        (struct.pack("<Q", 2**62) + b"{}", "not a safetensors file"),
        (struct.pack("<Q", 100) + b'{"t": 1', "cut short"),
        (struct.pack("<Q", 4) + b"{abc", "header is damaged"),
        (struct.pack("<Q", 3) + b"{\xff}", "header is damaged"),
        (struct.pack("<Q", 24) + json.dumps({"__metadata__": [1, 2]}).encode(), "metadata should be a mapping"),
    ],
)
def test_broken_headers(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "broken.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=words):
        read_weights_metadata(path)


def test_absent_and_unreadable(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="does not exist"):
        read_weights_metadata(tmp_path / "absent")
    with pytest.raises(WeightsError, match="cannot be read"):
        read_weights_metadata(tmp_path)
