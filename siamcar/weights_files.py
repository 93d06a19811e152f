"""Weights files without PyTorch: which file a name means, and what its header says.

The command line and the run record need these; neither should wait for a deep-learning library.
"""

from __future__ import annotations

import json
import struct
from importlib import resources
from pathlib import Path
from typing import Any

from siamcar.errors import UnknownNameError, WeightsError, import_extra
from siamcar.files import expand_home

__all__ = [
    "FORMAT",
    "FORMAT_VERSION",
    "list_builtin_weights",
    "read_weights_metadata",
    "resolve_weights",
]

FORMAT = "siamcar-weights"
FORMAT_VERSION = 1

_JSON_FIELDS = ("model_config", "tracker_config", "grid", "recipe")
_HUB_PREFIX = "hf:"
_HUB_DEFAULT_FILE = "model.safetensors"
_LONGEST_HEADER = 100_000_000
"""Bytes; the limit of the safetensors format itself."""


def list_builtin_weights() -> dict[str, Path]:
    """Name → file of the weights that come with the package; the name is the file's, without `.safetensors`."""
    folder = Path(str(resources.files("siamcar"))) / "weights"
    return {path.stem: path for path in sorted(folder.glob("*.safetensors"))}


def resolve_weights(name_or_path: str | Path) -> Path:
    """Find the file that a name, a path or a hub address stands for.

    Args:
        name_or_path: a path; or the name of built-in weights; or "hf:owner/name" or "hf:owner/name/file", which is
            fetched from the Hugging Face hub (the only form that uses the network).

    Raises:
        UnknownNameError: neither a built-in name nor a path.
        WeightsError: the path does not exist or is a folder, or the hub does not have the file.
        MissingExtraError: a hub address, and huggingface_hub is not installed.
    """
    text = str(name_or_path)
    if isinstance(name_or_path, str) and text.startswith(_HUB_PREFIX):
        return _download(text)
    builtin = list_builtin_weights()
    if text in builtin:
        return builtin[text]
    path = expand_home(name_or_path)
    if path.is_dir():
        raise WeightsError(f"{path} is a folder; a weights file was expected.", "Name the file inside it.")
    if path.exists():
        return path
    if isinstance(name_or_path, Path) or len(path.parts) > 1 or path.suffix:
        raise WeightsError(f"The weights file {path} does not exist.", "Check the path.")
    error = UnknownNameError.of("built-in weights file", text, builtin)
    none_yet = "" if builtin else "This version of the suite brings no built-in weights. "
    raise UnknownNameError(error.message, f"{none_yet}{error.hint} Or give the path of a weights file.")


def _download(address: str) -> Path:
    owner, _, rest = address.removeprefix(_HUB_PREFIX).partition("/")
    name, _, file = rest.partition("/")
    if not owner or not name:
        raise WeightsError(f"{address!r} is not a hub address.", "Write hf:owner/name or hf:owner/name/file.")
    hub = import_extra("huggingface_hub", extra="hub", purpose="weights from the Hugging Face hub")
    errors = import_extra("huggingface_hub.errors", extra="hub", purpose="weights from the Hugging Face hub")
    try:
        return Path(hub.hf_hub_download(repo_id=f"{owner}/{name}", filename=file or _HUB_DEFAULT_FILE))
    except (errors.HfHubHTTPError, errors.EntryNotFoundError, errors.HFValidationError, OSError) as error:
        raise WeightsError(
            f"{address} could not be fetched: {error}",
            "Check the address and the connection, or download the file yourself and give its path.",
        ) from error


def read_weights_metadata(path: str | Path) -> dict[str, Any]:
    """Read the metadata in a safetensors file's header; no tensor is touched.

    Returns:
        Key → text as it stands in the file; empty where it has none. In files of the suite `model_config`,
        `tracker_config`, `grid` and `recipe`, where there, are decoded to mappings.

    Raises:
        WeightsError: not a safetensors file, or one of the suite of a newer format.
    """
    metadata = _read_header(Path(path)).get("__metadata__", {})
    if not isinstance(metadata, dict):
        raise WeightsError(f"{path}: the metadata should be a mapping; found a {type(metadata).__name__}.")
    if metadata.get("format") != FORMAT:
        return metadata
    version = str(metadata.get("format_version"))
    if version != str(FORMAT_VERSION):
        raise WeightsError(
            f"{path} has version {version} of the weights format; this version of the suite reads {FORMAT_VERSION}.",
            "Use a version of the suite that writes this format.",
        )
    try:
        return {key: json.loads(text) if key in _JSON_FIELDS else text for key, text in metadata.items()}
    except json.JSONDecodeError as error:
        raise WeightsError(
            f"{path}: the metadata is damaged: {error}.", "Convert or download the file again."
        ) from error


def _read_header(path: Path) -> dict[str, Any]:
    """The header: 8 bytes of its length, then JSON."""
    hint = "Download or convert the file again."
    try:
        with path.open("rb") as file:
            prefix = file.read(8)
            length = struct.unpack("<Q", prefix)[0] if len(prefix) == 8 else 0
            content = file.read(length) if length <= _LONGEST_HEADER else b""
    except FileNotFoundError as error:
        raise WeightsError(f"The weights file {path} does not exist.", "Check the path.") from error
    except OSError as error:
        raise WeightsError(f"The weights file {path} cannot be read: {error}.", "Check the path.") from error
    if not content.startswith(b"{"):
        raise WeightsError(f"{path} is not a safetensors file.", "Convert it with: siamcar convert-weights")
    if len(content) < length:
        raise WeightsError(f"{path} is cut short: its header has {len(content)} of {length} bytes.", hint)
    try:
        header = json.loads(content)
    except ValueError as error:
        raise WeightsError(f"{path}: the header is damaged: {error}.", hint) from error
    if not isinstance(header, dict):
        raise WeightsError(f"{path}: the header is damaged: a mapping was expected.", hint)
    return header
