"""Weights: load, save, convert.

Our files are safetensors with metadata: format and its version, kind (a whole network or a backbone alone),
architecture, model and tracker configuration, grid, recipe, source, version of the suite. Other people's files are
recognised by the names of their tensors; see `siamcar.model.conversion`.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from siamcar._version import __version__
from siamcar.config import Architecture, ModelConfig, TrackerConfig
from siamcar.errors import ConfigError, WeightsError
from siamcar.files import compute_sha256, write_atomic
from siamcar.model.checkpoint import Checkpoint, read_checkpoint
from siamcar.model.conversion import Converted, Kind, check_state, convert_state
from siamcar.model.input_norm import INPUT_NORMS, InputNorm, parse_input_norm
from siamcar.model.network import SiamCAR
from siamcar.weights_files import FORMAT, FORMAT_VERSION, resolve_weights

__all__ = ["ConversionReport", "convert_weights", "load_backbone", "load_model", "save_weights"]

_RAW = INPUT_NORMS["none-bgr"]


@dataclass(frozen=True)
class ConversionReport:
    """What `convert_weights` did.

    Attributes:
        source, destination: the files.
        kind: "model" or "backbone".
        naming: whose names the source had: "siamcar", "released", "pysot" or "torchvision".
        architecture: the backbone.
        parameters: how many numbers were written, batch-norm statistics included.
        half: whether convolutions were written in half precision.
        sha256: of the destination.
        notes: what was changed or left out.
    """

    source: Path
    destination: Path
    kind: Kind
    naming: str
    architecture: Architecture
    parameters: int
    half: bool
    sha256: str
    notes: tuple[str, ...]


def load_model(
    name_or_path: str | Path,
    *,
    architecture: Architecture | None = None,
    device: str | torch.device = "cpu",
    input_norm: str | InputNorm | None = None,
) -> SiamCAR:
    """Load a whole network, ready to track: in evaluation mode, on the `device`.

    Args:
        name_or_path: built-in name, path or hub address; see `siamcar.weights_files.resolve_weights`.
        architecture: the backbone, where the file does not tell; what it tells must agree.
        device: where to put it.
        input_norm: for a checkpoint that was not trained on raw BGR, 0–255: how its images were prepared; see
            `siamcar.model.input_norm.parse_input_norm`.

    Raises:
        WeightsError: missing, damaged or unsafe file; another architecture; tensors missing, extra or of another
            shape; or only a backbone.
        UnknownNameError: no such built-in weights.
        MissingExtraError: a hub address without huggingface_hub.
        ConfigError: an `input_norm` that cannot be read.
    """
    path = resolve_weights(name_or_path)
    read = _read(path, architecture, input_norm)
    if read.converted.kind == "backbone":
        raise WeightsError(
            f"{path} holds only a {read.converted.architecture} backbone: no neck and no head to track with.",
            "Train a tracker that starts from it, or load it into a network with load_backbone.",
        )
    model = _build_on_meta(read.config)
    state = check_state(read.converted.state, model.state_dict(), where=str(path))
    model.load_state_dict(state, assign=True)
    return model.to(device).eval()


def read_architecture(path: str | Path) -> Architecture:
    """The architecture of the network in a weights file of any kind that `load_model` takes.

    Raises:
        WeightsError: as `load_model`.
    """
    return _read(Path(path), None, None).converted.architecture


def load_backbone(
    model: SiamCAR, name_or_path: str | Path, *, input_norm: str | InputNorm | None = None
) -> tuple[str, ...]:
    """Fill the backbone of a network, in place, from a backbone file or from that part of a whole network.

    Args:
        model: the network; its neck and head stay as they are.
        name_or_path: as for `load_model`.
        input_norm: how the images were prepared that the backbone expects, where the file does not say so.

    Returns:
        What was changed or left out on the way.

    Raises:
        WeightsError, UnknownNameError, MissingExtraError, ConfigError: as `load_model`.
    """
    path = resolve_weights(name_or_path)
    converted = _read(path, model.config.architecture, input_norm).converted
    state = converted.state
    if converted.kind == "model":
        prefix = "backbone."
        state = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
    model.backbone.load_state_dict(check_state(state, model.backbone.state_dict(), where=str(path)))
    return converted.notes


def save_weights(
    model: SiamCAR,
    path: str | Path,
    *,
    tracker_config: TrackerConfig | None = None,
    recipe: Mapping[str, Any] | None = None,
    source: str = "",
    half: bool = False,
) -> None:
    """Write a network to a safetensors file, whole or not at all.

    Args:
        model: the network.
        path: where to; an existing file is replaced.
        tracker_config: how its maps should become boxes, if these weights want a particular way. The fields that were
            set are written; the others stay those of the benchmark, or the defaults.
        recipe: how it was trained, as plain values.
        source: where the weights come from, for people.
        half: store convolution weights in half precision (they load as float32). Batch-norm statistics stay in
            float32: on raw images they exceed half precision's range.

    Raises:
        WeightsError: a weight too large for half precision, or a file that cannot be written.
    """
    _write(
        Path(path),
        model.state_dict(),
        kind="model",
        config=model.config,
        half=half,
        source=source,
        extra={
            "grid": {"size": model.grid.size, "stride": model.grid.stride, "offset": model.grid.offset},
            "tracker_config": tracker_config.model_dump(mode="json", exclude_unset=True)
            if tracker_config is not None
            else None,
            "recipe": dict(recipe) if recipe is not None else None,
        },
    )


def convert_weights(
    source: str | Path,
    destination: str | Path,
    *,
    architecture: Architecture | None = None,
    input_norm: str | InputNorm | None = None,
    half: bool = False,
    overwrite: bool = False,
) -> ConversionReport:
    """Bring any file that `load_model` or `load_backbone` reads to our format.

    Args:
        source: as for `load_model`.
        destination: a path that ends in .safetensors.
        architecture: as for `load_model`.
        input_norm: as for `load_model`.
        half: as for `save_weights`.
        overwrite: replace an existing destination.

    Raises:
        WeightsError: as `load_model`; or the destination exists, or has another ending.
        UnknownNameError, MissingExtraError, ConfigError: as `load_model`.
    """
    destination = Path(destination)
    if destination.suffix != ".safetensors":
        raise WeightsError(f"The destination {destination} should end in .safetensors.", "Rename it.")
    if destination.exists() and not overwrite:
        raise WeightsError(f"{destination} exists already.", "Give another name, or say --overwrite (overwrite=True).")
    path = resolve_weights(source)
    read = _read(path, architecture, input_norm)
    converted = read.converted
    network = _build_on_meta(read.config)
    reference = network if converted.kind == "model" else network.backbone
    state = check_state(converted.state, reference.state_dict(), where=str(path))
    extra = {key: read.metadata.get(key) for key in ("tracker_config", "recipe")}
    if converted.kind == "model":
        grid = network.grid
        extra["grid"] = {"size": grid.size, "stride": grid.stride, "offset": grid.offset}
    told = str(read.metadata.get("source", "")).strip()
    origin = f"{path.name}: {told}" if told and not read.own else told or path.name
    _write(destination, state, kind=converted.kind, config=read.config, half=half, source=origin, extra=extra)
    return ConversionReport(
        source=path,
        destination=destination,
        kind=converted.kind,
        naming="siamcar" if read.own else converted.naming,
        architecture=converted.architecture,
        parameters=sum(tensor.numel() for tensor in state.values() if tensor.is_floating_point()),
        half=half,
        sha256=compute_sha256(destination),
        notes=converted.notes,
    )


@dataclass(frozen=True)
class _Read:
    """A file, understood: `own` tells whether it is in our format."""

    converted: Converted
    config: ModelConfig
    metadata: dict[str, Any]
    own: bool


def _read(path: Path, architecture: Architecture | None, input_norm: str | InputNorm | None) -> _Read:
    norm = parse_input_norm(input_norm) if isinstance(input_norm, str) else input_norm
    checkpoint = read_checkpoint(path)
    if checkpoint.metadata.get("format") == FORMAT:
        return _read_own(checkpoint, architecture, norm)
    if norm is None:
        norm = _norm_of(checkpoint)
    converted = convert_state(checkpoint.state, where=str(path), architecture=architecture, norm=norm)
    return _Read(converted, ModelConfig(architecture=converted.architecture), checkpoint.metadata, own=False)


def _read_own(checkpoint: Checkpoint, architecture: Architecture | None, norm: InputNorm | None) -> _Read:
    where, metadata = str(checkpoint.path), checkpoint.metadata
    try:
        config = ModelConfig.build(metadata.get("model_config") or {}, source=f"the metadata of {where}")
    except ConfigError as error:
        raise WeightsError(error.message, "Convert or download the file again.") from error
    if metadata.get("kind") not in ("model", "backbone"):
        raise WeightsError(
            f"{where}: the metadata names the kind {metadata.get('kind')!r}; model or backbone expected."
        )
    if architecture is not None and architecture != config.architecture:
        raise WeightsError(
            f"{where} holds a {config.architecture}; {architecture} was asked for.", "Ask for the other one."
        )
    if norm is not None and not norm.is_raw:
        raise WeightsError(
            f"{where} is a file of the suite and takes raw images; another preparation was asked for: {norm}.",
            "Leave out --input-norm (input_norm=).",
        )
    state = {name: _widen(tensor) for name, tensor in checkpoint.state.items()}
    kind: Kind = "model" if metadata["kind"] == "model" else "backbone"
    return _Read(Converted(kind, "released", config.architecture, state), config, metadata, own=True)


def _norm_of(checkpoint: Checkpoint) -> InputNorm | None:
    """What a foreign file's metadata says under "input"; None where it says nothing."""
    text = checkpoint.metadata.get("input")
    if text is None:
        return None
    try:
        return parse_input_norm(str(text))
    except ConfigError as error:
        raise WeightsError(
            f"{checkpoint.path}: the metadata says about the input {text!r}, which is not understood.",
            f"Say it with --input-norm (input_norm=). {error.hint}".strip(),
        ) from error


def _widen(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor


def _build_on_meta(config: ModelConfig) -> SiamCAR:
    """A network without memory: its tensors are about to be given, so none is initialised."""
    with torch.device("meta"):
        return SiamCAR(config)


def _write(
    path: Path,
    state: Mapping[str, Tensor],
    *,
    kind: Kind,
    config: ModelConfig,
    half: bool,
    source: str,
    extra: Mapping[str, Any],
) -> None:
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    if half:
        tensors = {name: _halve(name, tensor) for name, tensor in tensors.items()}
    metadata = {
        "format": FORMAT,
        "format_version": str(FORMAT_VERSION),
        "kind": kind,
        "architecture": config.architecture,
        "model_config": json.dumps(config.model_dump(mode="json")),
        "input": str(_RAW),
        "precision": "half" if half else "full",
        "source": source,
        "suite_version": __version__,
        **{key: json.dumps(value) for key, value in extra.items() if value is not None},
    }
    try:
        write_atomic(path, _order_header(safetensors.torch.save(tensors, metadata=metadata)))
    except OSError as error:
        raise WeightsError(f"{path} cannot be written: {error}.", "Check the folder and the space left.") from error


def _order_header(content: bytes) -> bytes:
    """The same safetensors content with its metadata sorted.

    The library writes metadata in an order that changes from call to call; equal weights should have equal hashes.
    """
    (length,) = struct.unpack_from("<Q", content)
    header = json.loads(content[8 : 8 + length])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the format keeps the tensors aligned
    return struct.pack("<Q", len(text)) + text + content[8 + length :]


def _halve(name: str, tensor: Tensor) -> Tensor:
    if not tensor.is_floating_point() or tensor.ndim < 2:
        return tensor
    narrow = tensor.half()
    if not torch.isfinite(narrow).all():
        raise WeightsError(f"The tensor {name} has values beyond half precision's range.", "Save in full precision.")
    return narrow
