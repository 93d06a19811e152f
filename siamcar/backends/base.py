"""What every backend is: the network's two graphs, computed in some other way, and a note of how.

A backend stands in the network's place (`siamcar.tracker.ModelLike`). Its `template` returns a list of tensors, one a
level, whose first dimension is the batch: sample b of the images gives row b of each. Rows of different calls may be
put side by side (`torch.cat`) and given to `search` with as many search regions; so many sequences share one batch.

Nothing here loads PyTorch.
"""

from __future__ import annotations

import importlib.util
import platform
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from siamcar.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

    from siamcar.model.grid import Grid
    from siamcar.tracker import MapsLike

__all__ = [
    "Backend",
    "BackendInfo",
    "Support",
    "choose_float",
    "has_bfloat16",
    "refuse",
    "refuse_calibration",
    "require_modules",
]


@dataclass(frozen=True)
class BackendInfo:
    """How a backend computes; kept with every run and shown beside every speed.

    Attributes:
        name: of the backend; where `auto` was asked for, the one it took.
        precision: "fp32", "bf16", "fp16" or "int8".
        threads: threads it computes with on a processor.
        device: "cpu", "cuda:0", …
        notes: further facts as JSON values, such as versions, or what `auto` measured.
    """

    name: str
    precision: str
    threads: int
    device: str
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Name and precision, as shown beside a speed."""
        return f"{self.name} {self.precision}"


class Backend(Protocol):
    """A `siamcar.tracker.ModelLike` that tells how it computes.

    Attributes:
        info: how it computes.
    """

    info: BackendInfo

    @property
    def grid(self) -> Grid:
        """The response map's grid for a 127-pixel template and a 255-pixel search region."""
        ...

    def template(self, images: Tensor, /) -> list[Tensor]:
        """(B, 3, 127, 127) float, BGR, 0–255 → features, one tensor a level with B rows."""
        ...

    def search(self, template_features: list[Tensor], images: Tensor, /) -> MapsLike:
        """Features of B rows and (B, 3, 255, 255) float, BGR, 0–255 → maps of B rows, in float32."""
        ...


@dataclass(frozen=True, slots=True)
class Support:
    """What a backend can do, told without loading it.

    Attributes:
        summary: what it is, in a few words.
        precisions: those it can compute in.
        devices: kinds of devices it runs on, as PyTorch names them.
        find_obstacle: precision → why it cannot be used on this machine; None where it can.
    """

    summary: str
    precisions: tuple[str, ...]
    devices: tuple[str, ...]
    find_obstacle: Callable[[str], str | None]


def refuse(name: str, support: Support, precision: str, device: str | None) -> None:
    """Refuse a precision or a device that a backend does not have.

    Raises:
        ConfigError: with what it does have.
    """
    has = f"{name} computes in {', '.join(support.precisions)} on {' or '.join(support.devices)}."
    if precision not in support.precisions:
        raise ConfigError(f"The backend {name!r} does not compute in {precision}.", has)
    if device is not None and device.partition(":")[0] not in support.devices:
        raise ConfigError(
            f"The backend {name!r} does not run on the device {device!r}.", f"{has} The device is chosen by --device."
        )


def refuse_calibration(precision: str, calibration: Path | None) -> None:
    """Refuse frames to calibrate on where nothing is calibrated.

    Raises:
        ConfigError: a precision other than int8.
    """
    if calibration is not None and precision != "int8":
        raise ConfigError(
            f"Frames to calibrate on are for int8; found {precision}.",
            "Add --precision int8, or leave out the calibration.",
        )


def require_modules(extra: str, *modules: str) -> str | None:
    """Why modules of an extra cannot be used: the first that is not installed; None where all are."""
    missing = next((name for name in modules if importlib.util.find_spec(name) is None), None)
    if missing is None:
        return None
    return f"the package {missing!r} is not installed: pip install 'siamcar-suite[{extra}]'"


@cache
def has_bfloat16() -> bool:
    """Whether this processor has instructions for bfloat16; without them it is slower than float32."""
    if platform.system() != "Linux":
        return False
    try:
        flags = set(Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").split())
    except OSError:
        return False
    return bool(flags & {"avx512_bf16", "amx_bf16", "bf16"})


def choose_float() -> str:
    """What OpenVINO computes in what int8 leaves in float: "bf16" where the processor has it, else "fp32"."""
    return "bf16" if has_bfloat16() else "fp32"
