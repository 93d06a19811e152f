"""Backends: the same network, computed in other ways, with the same inputs and outputs.

`eager` is the reference, PyTorch as it is. Installed packages add theirs through the entry-point group
"siamcar.backends": an entry is `create(model, *, precision, device, threads, calibration) -> backend`.

Nothing here loads PyTorch until a backend is made or asked about that needs it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from siamcar.backends.base import (
    BackendInfo,
    Support,
    has_bfloat16,
    refuse,
    refuse_calibration,
    require_modules,
)
from siamcar.errors import ConfigError, UnknownNameError
from siamcar.registry import Registry

if TYPE_CHECKING:
    from siamcar.backends.base import Backend
    from siamcar.model.network import SiamCAR

__all__ = [
    "AUTO",
    "BACKENDS",
    "PRECISIONS",
    "SUPPORT",
    "BackendInfo",
    "BackendStatus",
    "check_backend",
    "list_backends",
    "make_backend",
]

PRECISIONS = ("fp32", "bf16", "fp16", "int8")

AUTO = "auto"
"""Asked for in place of a backend's name: the fastest here that keeps the boxes of `eager` in fp32."""

BACKENDS = Registry(
    "backend",
    {name: f"siamcar.backends.{name}:create" for name in ("eager", "compiled", "onnx", "openvino", "cuda")},
    group="siamcar.backends",
)


def _needs_onednn(precision: str) -> str | None:
    from siamcar.backends.packed import find_missing_operations

    return find_missing_operations() or _needs_bfloat16(precision)


def _needs_bfloat16(precision: str) -> str | None:
    if precision == "bf16" and not has_bfloat16():
        return "this processor has no bfloat16 instructions"
    return None


def _needs_onnx(precision: str) -> str | None:
    return require_modules("onnx", "onnx", "onnxruntime")


def _needs_openvino(precision: str) -> str | None:
    quantizer = ["nncf"] if precision == "int8" else []
    return require_modules("openvino", "openvino", "onnx", *quantizer) or _needs_bfloat16(precision)


def _needs_cuda(precision: str) -> str | None:
    import torch

    if not torch.cuda.is_available():
        return "PyTorch finds no CUDA device"
    if precision == "bf16" and not torch.cuda.is_bf16_supported(including_emulation=False):
        return "this GPU has no bfloat16 arithmetic"
    return None


SUPPORT = {
    "eager": Support("PyTorch as it is: the reference", ("fp32",), ("cpu", "cuda", "mps"), lambda _: None),
    "compiled": Support(
        "fused and packed oneDNN convolutions, Winograd's where they pay", ("fp32", "bf16"), ("cpu",), _needs_onednn
    ),
    "onnx": Support("ONNX Runtime", ("fp32", "int8"), ("cpu",), _needs_onnx),
    "openvino": Support("OpenVINO", ("fp32", "bf16", "int8"), ("cpu",), _needs_openvino),
    "cuda": Support("fused convolutions, channels last, CUDA graphs", ("fp32", "bf16", "fp16"), ("cuda",), _needs_cuda),
}
"""What the backends that come with the suite can do; a third party's is asked when it is made."""


@dataclass(frozen=True, slots=True)
class BackendStatus:
    """Whether a backend can be used here.

    Attributes:
        name: of the backend.
        summary: what it is.
        precisions: those that can be used on this machine.
        obstacles: precision → why not, of the others.
    """

    name: str
    summary: str
    precisions: tuple[str, ...]
    obstacles: dict[str, str]


def list_backends() -> list[BackendStatus]:
    """Every backend and what of it can be used on this machine; `auto` is none of its own and is not listed."""
    found = []
    for name in BACKENDS.names():
        support = SUPPORT.get(name)
        if support is None:
            found.append(BackendStatus(name, BACKENDS.target(name), PRECISIONS, {}))
            continue
        reasons = {precision: support.find_obstacle(precision) for precision in support.precisions}
        obstacles = {precision: reason for precision, reason in reasons.items() if reason is not None}
        usable = tuple(precision for precision in support.precisions if precision not in obstacles)
        found.append(BackendStatus(name, support.summary, usable, obstacles))
    return found


def check_backend(
    name: str, precision: str = "fp32", device: str | None = None, calibration: Path | None = None
) -> None:
    """Refuse what cannot be: an unknown backend, a precision or device that it does not have, or a calibration in vain.

    Whether this machine has what it needs is not asked; PyTorch is not loaded. Without a device none is checked.

    Raises:
        UnknownNameError: no such backend or precision.
        ConfigError: the backend does not have the precision, or does not run on the device; or frames to calibrate on
            were given for a precision other than int8.
    """
    if precision not in PRECISIONS:
        raise UnknownNameError.of("precision", precision, PRECISIONS)
    refuse_calibration(precision, calibration)
    if name == AUTO:
        if precision != "fp32":
            raise ConfigError(
                f"The backend 'auto' keeps the boxes of fp32; {precision} was asked for.",
                "Name a backend with this precision; see: siamcar list backends",
            )
        return
    try:
        BACKENDS.target(name)
    except UnknownNameError as error:
        raise UnknownNameError.of("backend", name, [*BACKENDS.names(), AUTO]) from error
    if name in SUPPORT:
        refuse(name, SUPPORT[name], precision, device)


def make_backend(
    model: SiamCAR,
    name: str = "eager",
    precision: str = "fp32",
    *,
    device: str = "cpu",
    threads: int | None = None,
    calibration: Path | None = None,
) -> Backend:
    """Put a backend in a network's place.

    Args:
        model: the network with its weights, in float32 on the CPU; it is switched to evaluation and not changed
            otherwise, save that `eager` moves it to the device.
        name: a registered name, "package.module:create", or `auto`.
        precision: one of `PRECISIONS`.
        device: "cpu", "cuda:0", …
        threads: threads to compute with on a processor; None: as many as PyTorch is set to.
        calibration: folder or file of frames that int8 is calibrated on; None: synthetic scenes.

    Raises:
        UnknownNameError: no such backend or precision.
        ConfigError: the backend does not have the precision or the device, this machine lacks what it needs, or frames
            to calibrate on were given for a precision other than int8.
        MissingExtraError: a package that it needs is not installed.
    """
    check_backend(name, precision, device, calibration)
    if name == AUTO:
        from siamcar.backends.auto import create as create_fastest

        return create_fastest(model, device=device, threads=threads)
    if name in SUPPORT and (obstacle := SUPPORT[name].find_obstacle(precision)) is not None:
        raise ConfigError(
            f"The backend {name!r} in {precision} cannot be used here: {obstacle}.",
            "`siamcar list backends` tells what can.",
        )
    backend: Backend = BACKENDS.resolve(name)(
        model.eval(), precision=precision, device=device, threads=threads, calibration=calibration
    )
    return backend
