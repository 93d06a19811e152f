"""Checkpoints: all that a run needs to go on exactly, written whole or not at all.

A checkpoint is a file of tensors and plain values that `torch.load(weights_only=True)` reads: nothing in it can run
code. The folder keeps the newest few.
"""

from __future__ import annotations

import io
import random
import re
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from torch import Tensor

from siamcar.errors import DataError
from siamcar.files import write_atomic

__all__ = ["find_checkpoints", "get_rng_state", "read_checkpoint", "set_rng_state", "write_checkpoint"]

FORMAT = "siamcar-training"
FORMAT_VERSION = 1

_NAME = re.compile(r"step_(\d{8})\.pt")


def find_checkpoints(folder: Path) -> list[Path]:
    """Checkpoints of a folder, oldest first; none where the folder does not exist."""
    found = [path for path in folder.glob("step_*.pt") if _NAME.fullmatch(path.name)]
    return sorted(found, key=lambda path: path.name)


def write_checkpoint(folder: Path, step: int, state: dict[str, Any], *, keep: int) -> Path:
    """Write `step_<step>.pt` and take away all but the newest `keep`.

    Args:
        folder: where to; made when missing.
        step: steps done.
        state: tensors, numbers, texts, None, and lists, tuples and dicts of them.
        keep: how many stay, at least 1.

    Raises:
        OSError: the folder cannot be written.
    """
    buffer = io.BytesIO()
    torch.save({"format": FORMAT, "format_version": FORMAT_VERSION, "step": step, **state}, buffer)
    path = folder / f"step_{step:08d}.pt"
    write_atomic(path, buffer.getvalue())
    for old in find_checkpoints(folder)[:-keep]:
        old.unlink(missing_ok=True)
    return path


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint; tensors come to the CPU.

    Raises:
        DataError: missing, damaged, or no checkpoint of a training run.
    """
    hint = "Resume from an older one: delete this file."
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise DataError(f"The checkpoint {path} does not exist.", "Check the path.") from error
    except (RuntimeError, EOFError, OSError, ValueError, UnpicklingError) as error:
        raise DataError(f"The checkpoint {path} cannot be read: {error}", hint) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise DataError(f"{path} is not a checkpoint of a training run.", "Give the folder of the run.")
    if content.get("format_version") != FORMAT_VERSION:
        raise DataError(
            f"{path} has version {content.get('format_version')} of the checkpoint format; "
            f"this version of the suite reads {FORMAT_VERSION}.",
            "Go on with the version of the suite that wrote it.",
        )
    return {"numbers": {}, "details": {}, **content}


def get_rng_state() -> dict[str, Any]:
    """The state of every generator a training process may draw from: Python, NumPy, PyTorch, CUDA."""
    kind, keys, position, has_gauss, gauss = np.random.get_state(legacy=True)  # noqa: NPY002 - third parties draw here
    state: dict[str, Any] = {
        "python": random.getstate(),
        "numpy": (str(kind), torch.from_numpy(np.asarray(keys, np.int64)), int(position), int(has_gauss), float(gauss)),
        "torch": torch.get_rng_state(),
    }
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state_all()
    return state


def set_rng_state(state: dict[str, Any]) -> None:
    """Restore what `get_rng_state` gave. States of CUDA devices that are not here are left out."""
    version, values, gauss = state["python"]
    random.setstate((version, tuple(values), gauss))
    kind, keys, position, has_gauss, cached = state["numpy"]
    np.random.set_state((kind, keys.numpy().astype(np.uint32), position, has_gauss, cached))  # noqa: NPY002
    torch.set_rng_state(state["torch"])
    cuda: list[Tensor] = state.get("cuda", [])
    for device, one in enumerate(cuda[: torch.cuda.device_count()]):
        torch.cuda.set_rng_state(one, device)
