"""Reading tensors from a file without running anything in it.

safetensors files hold no code. PyTorch files are pickles: they are opened with `weights_only=True`, which builds
tensors and plain containers and refuses all else.
"""

from __future__ import annotations

import pickle
import struct
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import torch
from safetensors.torch import load_file
from torch import Tensor

from siamcar.errors import WeightsError
from siamcar.weights_files import read_weights_metadata

__all__ = ["Checkpoint", "read_checkpoint"]

# NumPy numbers stand in the optimizer state of released checkpoints (learning rates). They are data; the module
# that holds their constructor has two names, by NumPy's version.
_scalar = np.float64(0).__reduce__()[0]
_NUMPY_SCALARS: list[Any] = [
    (_scalar, "numpy.core.multiarray.scalar"),
    (_scalar, "numpy._core.multiarray.scalar"),
    np.dtype,
    *(type(np.dtype(name)) for name in ("float64", "float32", "int64", "int32", "bool")),
]
# What the unpickler stumbles over in a damaged stream depends on where the damage is.
_STUMBLES = (RuntimeError, EOFError, OSError, ValueError, LookupError, AttributeError, TypeError, AssertionError,
             ArithmeticError, MemoryError, struct.error)  # fmt: skip
_AGAIN = "Download or copy the file again."


@dataclass(frozen=True)
class Checkpoint:
    """What a file holds.

    Attributes:
        path: the file.
        state: name → tensor, on the CPU, as stored; without the wrappers that training scripts add.
        metadata: of a safetensors file, see `siamcar.weights_files.read_weights_metadata`; empty otherwise.
    """

    path: Path
    state: dict[str, Tensor]
    metadata: dict[str, Any]


def read_checkpoint(path: str | Path) -> Checkpoint:
    """Read a safetensors file or a PyTorch checkpoint; the content decides, not the file's name.

    A PyTorch checkpoint is a mapping of names to tensors, or one under the key "state_dict"; a prefix "module."
    (left by data-parallel training) is taken off.

    Raises:
        WeightsError: the file is missing, a folder, cut short, damaged, holds anything that would have to be run, or
            holds no tensors, or some that are not finite.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            start = file.read(9)
    except FileNotFoundError as error:
        raise WeightsError(f"The weights file {path} does not exist.", "Check the path.") from error
    except IsADirectoryError as error:
        raise WeightsError(f"{path} is a folder; a weights file was expected.", "Name the file inside it.") from error
    except OSError as error:
        raise WeightsError(f"The weights file {path} cannot be read: {error}.", "Check its permissions.") from error
    metadata: dict[str, Any] = {}
    if start[8:] == b"{":
        metadata = read_weights_metadata(path)
        state = _read_safetensors(path)
    elif start.startswith((b"PK\x03\x04", b"\x80")):
        state = _unwrap(path, _read_torch(path))
    else:
        found = "it is empty" if not start else "its content is neither"
        raise WeightsError(f"{path} is not a safetensors file or a PyTorch checkpoint: {found}.", _AGAIN)
    for name, tensor in state.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise WeightsError(f"{path}: the tensor {name} has values that are not finite.", "Use another checkpoint.")
    return Checkpoint(path, state, metadata)


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        state: dict[str, Tensor] = load_file(path)
    except (safetensors.SafetensorError, OSError) as error:
        raise WeightsError(f"{path} is cut short or damaged: {error}.", _AGAIN) from error
    return state


def _read_torch(path: Path) -> object:
    try:
        with (
            torch.serialization.safe_globals(_NUMPY_SCALARS),
            warnings.catch_warnings(),
            path.open("rb") as file,  # given a path, PyTorch goes by its ending
        ):
            warnings.simplefilter("ignore")  # about the stream's pickle protocol; what matters becomes an error below
            return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        reason = _explain_refusal(str(error))
        if reason is None:
            raise WeightsError(
                f"{path} is damaged, or holds more than tensors and plain containers. Nothing in it was run.",
                f"{_AGAIN} Or ask whoever made it for a safetensors file.",
            ) from error
        raise WeightsError(
            f"{path} is unsafe to read: {reason}. It was not opened.",
            "Ask whoever made it for a safetensors file or a plain state dict (tensors only).",
        ) from error
    except _STUMBLES as error:
        raise WeightsError(f"{path} is cut short or damaged ({_first_line(error)}).", _AGAIN) from error


def _explain_refusal(message: str) -> str | None:
    """Why the restricted unpickler refused, where it refused code; None for a stream that is merely broken."""
    for line in message.splitlines():
        sentence = line.strip().removeprefix("WeightsUnpickler error: ")
        for sign in ("Unsupported global: GLOBAL ", "Trying to load unsupported GLOBAL "):
            if sign in sentence:
                name = sentence.split(sign, 1)[1].split(" ", 1)[0]
                return f"it needs the code {name.rstrip('.')} to be run"
        if "Trying to call reduce" in sentence or "Can only build" in sentence or "Can only create" in sentence:
            return f"it needs code to be run ({sentence[:120]})"
    return None


def _first_line(error: BaseException) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0][:200] if lines else 'no further word'}"


def _unwrap(path: Path, content: object) -> dict[str, Tensor]:
    """Take the tensors out of what a training script saved."""
    if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    if not isinstance(content, dict) or not content:
        raise WeightsError(
            f"{path} should hold a mapping of names to tensors; found "
            f"{'an empty one' if isinstance(content, dict) else 'a ' + type(content).__name__}.",
            "Save model.state_dict() and give that file.",
        )
    strange = [name for name, value in content.items() if not isinstance(name, str) or not isinstance(value, Tensor)]
    if strange:
        raise WeightsError(
            f"{path} should hold a mapping of names to tensors; {strange[0]!r} is a "
            f"{type(content[strange[0]]).__name__}, not a tensor ({len(strange)} such entries).",
            "Save model.state_dict() and give that file.",
        )
    if all(name.startswith("module.") for name in content):
        return {name.removeprefix("module."): value for name, value in content.items()}
    return dict(content)
