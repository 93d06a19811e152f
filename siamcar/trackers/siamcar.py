"""SiamCAR by name: from the options of a command line to a tracker, and to what its results depend on."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

from siamcar.backends import SUPPORT, check_backend
from siamcar.backends.base import choose_float
from siamcar.config import Architecture, TrackerConfig, read_yaml
from siamcar.errors import ConfigError, WeightsError
from siamcar.files import compute_sha256
from siamcar.protocol import BatchTracker
from siamcar.trackers.describe import TrackerDescription, described_by
from siamcar.tracking.presets import build_tracker_config, load_preset
from siamcar.tracking.pysot_config import is_pysot_config, read_pysot_config
from siamcar.weights_files import list_builtin_weights, read_weights_metadata, resolve_weights

if TYPE_CHECKING:
    from siamcar.tracker import SiamCARTracker

__all__ = ["create_siamcar", "describe_siamcar", "find_device", "find_weights", "read_saved_config", "settle_backend"]

_OWN_OPTIONS = (
    "weights", "architecture", "preset", "strategy", "config", "default_preset", "backend", "precision", "calibration",
    "device",
)  # fmt: skip
_CONFIG_OPTIONS = tuple(name for name in TrackerConfig.model_fields if name != "strategy")


@dataclass(frozen=True, slots=True)
class _Resolved:
    """Options, looked up; the network is not made yet, and the device is left aside, as results do not depend on it.

    `preset` is the one that values were taken from: not a default one that the weights leave nothing to.
    """

    weights: Path
    architecture: Architecture
    preset: str | None
    config: TrackerConfig
    backend: str
    precision: str
    calibration: Path | None


def describe_siamcar(options: Mapping[str, Any]) -> TrackerDescription:
    """Label and identity of `create_siamcar` with these options; the network is not made.

    The label is `siamcar_<architecture>_<strategy>`, and `_<backend>_<precision>` after it where that is not eager
    fp32. PyTorch is loaded only for files whose header does not tell the
    architecture, which are those that this suite has not written; in int8 the frames to calibrate on are read.

    Raises:
        SiamCARError: as `create_siamcar`, as far as it shows without loading the weights.
    """
    resolved = _resolve(**options)
    label = f"siamcar_{resolved.architecture}_{resolved.config.strategy}"
    if (resolved.backend, resolved.precision) != ("eager", "fp32"):
        label += f"_{re.sub('[^A-Za-z0-9.-]+', '_', resolved.backend)}_{resolved.precision}"
    return TrackerDescription(
        label=label,
        identity={
            "architecture": resolved.architecture,
            "weights_sha256": compute_sha256(resolved.weights),
            "strategy": resolved.config.strategy,
            "preset": resolved.preset,
            "config": resolved.config.model_dump(mode="json"),
            "backend": resolved.backend,
            "precision": resolved.precision,
            **_describe_reduction(resolved),
        },
    )


def _describe_reduction(resolved: _Resolved) -> dict[str, str]:
    """What boxes in int8 depend on beside the backend: the frames themselves, not their place, and what stays float."""
    if resolved.precision != "int8":
        return {}
    if resolved.backend not in SUPPORT:  # what a third party makes of them is not known
        return {"calibration": str(resolved.calibration.resolve())} if resolved.calibration is not None else {}
    from siamcar.backends.calibration import choose_calibration

    told = {"calibration": choose_calibration(resolved.calibration).fingerprint}
    return told | {"in_float": choose_float()} if resolved.backend == "openvino" else told


def _batch(tracker: SiamCARTracker, slots: int | None) -> BatchTracker:
    from siamcar.tracking.lockstep import LockstepTracker

    return LockstepTracker(tracker, slots)


@described_by(describe_siamcar, further_options=_CONFIG_OPTIONS, batched=_batch)
def create_siamcar(
    weights: str | Path | None = None,
    architecture: Architecture | None = None,
    preset: str | None = None,
    strategy: str | None = None,
    config: str | Path | None = None,
    *,
    default_preset: str | None = None,
    backend: str = "eager",
    precision: str = "fp32",
    calibration: str | Path | None = None,
    device: str = "cpu",
    **tracker_options: Any,
) -> SiamCARTracker:
    """Make a SiamCAR tracker.

    Its configuration is laid together from the defaults, `default_preset`, what the weights were saved with, `preset`,
    `config`, `strategy` and `tracker_options`, each over the ones before it.

    Args:
        weights: built-in name, path or hub address; by default built-in weights, of the `architecture` if one is
            given.
        architecture: the backbone, where the weights file does not tell.
        preset: hyper-parameters by benchmark.
        strategy: `released`, `refine`, `average` or `coarse`.
        config: YAML file of `TrackerConfig` fields, or a configuration of pysot or of the released SiamCAR.
        default_preset: the preset of the benchmark that is tracked on, for what the weights do not hold.
        backend: what computes the network, such as `eager`, `compiled` or `auto`; `siamcar list backends`.
        precision: `fp32`, `bf16`, `fp16` or `int8`, as the backend has it.
        calibration: frames that int8 is calibrated on, in place of synthetic scenes; see `make_backend`.
        device: "cpu", "cuda", "cuda:1", "mps", …
        tracker_options: single fields of `TrackerConfig`, such as penalty_k; text is converted.

    Raises:
        WeightsError: no weights, or a file that cannot be used.
        UnknownNameError: no such preset, built-in weights, backend or precision.
        ConfigError: an unknown option, a value that does not fit, or a backend that cannot be used here.
        MissingExtraError: the backend needs a package that is not installed.
    """
    resolved = _resolve(
        weights,
        architecture,
        preset,
        strategy,
        config,
        default_preset=default_preset,
        backend=backend,
        precision=precision,
        calibration=calibration,
        device=device,
        **tracker_options,
    )

    from siamcar.backends import make_backend
    from siamcar.model.weights import load_model
    from siamcar.tracker import SiamCARTracker

    place = find_device(device)
    model = load_model(resolved.weights, architecture=resolved.architecture)
    made = make_backend(model, resolved.backend, resolved.precision, device=place, calibration=resolved.calibration)
    return SiamCARTracker(made, config=resolved.config, device=place)


def settle_backend(options: Mapping[str, Any], *, device: str, threads: int) -> tuple[dict[str, Any], str | None]:
    """Put the backend that `auto` stands for on this machine in its place.

    A run is planned with what this returns, so that its record names what computed it.

    Args:
        options: of `create_siamcar`.
        device: where the tracker will run.
        threads: threads that it will compute with.

    Returns:
        The options, and what was chosen in words; None where `auto` was not asked for.

    Raises:
        SiamCARError: as `create_siamcar`.
    """
    from siamcar.backends import AUTO

    if options.get("backend") != AUTO:
        return dict(options), None
    resolved = _resolve(**{**options, "device": device})

    from siamcar.backends.auto import choose_backend
    from siamcar.model.weights import load_model

    model = load_model(resolved.weights, architecture=resolved.architecture)
    choice = choose_backend(model, device=find_device(device), threads=threads)
    return {**options, "backend": choice.name}, str(choice)


def _resolve(
    weights: str | Path | None = None,
    architecture: Architecture | None = None,
    preset: str | None = None,
    strategy: str | None = None,
    config: str | Path | None = None,
    *,
    default_preset: str | None = None,
    backend: str = "eager",
    precision: str = "fp32",
    calibration: str | Path | None = None,
    device: str = "cpu",
    **tracker_options: Any,
) -> _Resolved:
    frames = Path(calibration) if calibration is not None else None
    check_backend(backend, precision, calibration=frames)
    unknown = sorted(set(tracker_options) - set(TrackerConfig.model_fields))
    if unknown:
        known = ", ".join([*_OWN_OPTIONS, *_CONFIG_OPTIONS])
        raise ConfigError(f"The tracker 'siamcar' has no option {', '.join(unknown)}.", f"Its options: {known}.")
    if architecture is not None and architecture not in get_args(Architecture):
        raise ConfigError(f"There is no architecture {architecture!r}.", f"Known: {', '.join(get_args(Architecture))}.")
    if config is not None and is_pysot_config(read_yaml(config)):
        architecture = architecture or read_pysot_config(config, preset or default_preset).architecture
    path = find_weights(weights, architecture)
    saved = read_saved_config(path)
    merged = build_tracker_config(preset, config, strategy, tracker_options, default_preset=default_preset, saved=saved)
    lowest = load_preset(default_preset).fields() if preset is None and default_preset is not None else {}
    return _Resolved(
        path,
        architecture or _told_architecture(_read_metadata(path)) or _seen_architecture(path),
        default_preset if lowest.keys() - saved.keys() else preset,
        merged,
        backend,
        precision,
        frames,
    )


def _seen_architecture(path: Path) -> Architecture:
    """The architecture that a file's tensors show."""
    from siamcar.model.weights import read_architecture

    return read_architecture(path)


def _told_architecture(metadata: Mapping[str, Any]) -> Architecture | None:
    model = metadata.get("model_config")
    told = model.get("architecture") if isinstance(model, Mapping) else None
    return cast(Architecture, told) if told in get_args(Architecture) else None


def _read_metadata(path: Path) -> dict[str, Any]:
    """What the header of a safetensors file says; a PyTorch checkpoint has none. The content decides, not the name."""
    try:
        with path.open("rb") as file:
            start = file.read(9)
    except OSError as error:
        raise WeightsError(f"The weights file {path} cannot be read: {error}.", "Check its permissions.") from error
    return read_weights_metadata(path) if start[8:] == b"{" else {}


def read_saved_config(path: Path) -> dict[str, Any]:
    """The fields of `TrackerConfig` that a weights file holds: how it is to be tracked with.

    Raises:
        WeightsError: the file cannot be read.
        ConfigError: a field that is not known, or a value out of range.
    """
    saved = _read_metadata(path).get("tracker_config")
    if not isinstance(saved, dict):
        return {}
    return TrackerConfig.build(saved, source=f"the metadata of {path}").model_dump(exclude_unset=True)


def find_weights(weights: str | Path | None, architecture: Architecture | None = None) -> Path:
    """The weights file: the one given, or the first built-in one, of an architecture if one is asked for.

    Raises:
        WeightsError: there is none, or as `siamcar.weights_files.resolve_weights`.
        UnknownNameError: neither a built-in name nor a path.
    """
    if weights is not None:
        return resolve_weights(weights)
    for path in list_builtin_weights().values():
        if architecture is None or _told_architecture(read_weights_metadata(path)) == architecture:
            return path
    of_architecture = f" of a {architecture}" if architecture is not None else ""
    raise WeightsError(
        f"The suite brings no weights{of_architecture}, and none were given.",
        "Give a file: --weights PATH (the option weights=PATH of the tracker 'siamcar').",
    )


def find_device(name: str) -> str:
    """Check a device's name and that it is there.

    Raises:
        ConfigError: no such device.
    """
    import torch

    try:
        kind = torch.device(name).type
    except RuntimeError as error:
        raise ConfigError(f"{name!r} is not a device: {error}", "Give cpu, cuda, cuda:1, mps, …") from error
    there: dict[str, Callable[[], bool]] = {"cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available}
    if kind in there and not there[kind]():
        raise ConfigError(f"The device {name!r} is not available here.", "Leave out the device to use the CPU.")
    return name
