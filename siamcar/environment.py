"""Is this machine fit for the suite? Findings, each with what to do; nothing is changed.

Packages are looked up in the installed metadata. Only OpenCV and PyTorch are imported, since an installation of
theirs can be complete and yet not load.
"""

from __future__ import annotations

import importlib
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from packaging.requirements import Requirement

__all__ = ["DISTRIBUTION", "Finding", "check_environment"]

DISTRIBUTION = "siamcar-suite"

State = Literal["ok", "broken", "absent"]

OPENCV_PACKAGES = (
    "opencv-python",
    "opencv-contrib-python",
    "opencv-python-headless",
    "opencv-contrib-python-headless",
)
"""Distributions that all install the one module cv2: any of them meets the requirement, two break each other."""

_NOT_INSTALLED = "not installed"

_SMALLEST_SPACE = 1_000_000_000
"""Bytes free below which a run may not find room for its results and videos."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        group: heading that it belongs under.
        name: what was looked at.
        state: "ok"; "broken" (the suite cannot work with it); "absent" (something optional that is not there).
        found: what was found, in a few words.
        fix: what to do; empty where there is nothing to do.
    """

    group: str
    name: str
    state: State
    found: str
    fix: str = ""


def check_environment(
    *,
    version_of: Callable[[str], str] = version,
    requirements: Iterable[str] | None = None,
    load: Callable[[str], ModuleType] = importlib.import_module,
    folder: Path | None = None,
) -> list[Finding]:
    """Look at Python, packages, OpenCV, PyTorch's devices and the folders that are written to.

    Args:
        version_of: distribution → installed version, or PackageNotFoundError.
        requirements: what the suite needs, as in its metadata; by default that of the installed suite.
        load: imports a module.
        folder: where results would go; by default the current folder.
    """
    if requirements is None:
        try:
            requirements = requires(DISTRIBUTION) or []
        except PackageNotFoundError:
            missing = Finding(
                "packages",
                DISTRIBUTION,
                "broken",
                "the suite runs from its sources without being installed",
                "pip install -e . (in the folder of the sources)",
            )
            return [_check_python(), missing]
    return [
        _check_python(),
        *_check_packages(requirements, version_of),
        _check_opencv_duplicates(version_of),
        *_check_opencv(load),
        *_check_torch(load),
        *_check_folders(folder or Path.cwd()),
    ]


def _check_python() -> Finding:
    return Finding("system", "Python", "ok", f"{platform.python_version()} ({sys.executable})")


def _check_packages(requirements: Iterable[str], version_of: Callable[[str], str]) -> list[Finding]:
    """One finding a required package, then one an extra."""
    from packaging.requirements import Requirement

    parsed = [Requirement(text) for text in requirements]
    core = [one for one in parsed if one.marker is None or one.marker.evaluate({"extra": ""})]
    findings = [_check_package(one, version_of) for one in core]
    extras: dict[str, list[Requirement]] = {}
    for one in parsed:
        if one not in core:
            extra = str(one.marker).rpartition("extra == ")[2].strip("\"'")
            extras.setdefault(extra, []).append(one)
    findings.extend(_check_extra(name, members, version_of) for name, members in extras.items() if name != "dev")
    return findings


def _find_version(name: str, version_of: Callable[[str], str]) -> str | None:
    names = OPENCV_PACKAGES if name in OPENCV_PACKAGES else (name,)
    for candidate in names:
        try:
            found = version_of(candidate)
        except PackageNotFoundError:
            continue
        return found if candidate == name else f"{found} as {candidate}"
    return None


def _check_package(requirement: Requirement, version_of: Callable[[str], str]) -> Finding:
    found = _find_version(requirement.name, version_of)
    install = f'pip install "{requirement.name}{requirement.specifier}"'
    if found is None:
        return Finding("packages", requirement.name, "broken", _NOT_INSTALLED, install)
    if not requirement.specifier.contains(found.partition(" ")[0], prereleases=True):
        return Finding("packages", requirement.name, "broken", f"{found}; {requirement.specifier} is needed", install)
    return Finding("packages", requirement.name, "ok", found)


def _check_extra(name: str, members: Iterable[Requirement], version_of: Callable[[str], str]) -> Finding:
    findings = [_check_package(one, version_of) for one in members]
    bad = [one for one in findings if one.state != "ok"]
    if not bad:
        return Finding("extras", name, "ok", ", ".join(f"{one.name} {one.found}" for one in findings))
    absent = [one.name for one in bad if one.found == _NOT_INSTALLED]
    parts = [f"{one.name} {one.found}" for one in bad if one.found != _NOT_INSTALLED]
    found = "; ".join([*parts, *([f"not installed: {', '.join(absent)}"] if absent else [])])
    return Finding("extras", name, "absent", found, f'pip install "{DISTRIBUTION}[{name}]"')


def _check_opencv_duplicates(version_of: Callable[[str], str]) -> Finding:
    installed = []
    for name in OPENCV_PACKAGES:
        try:
            version_of(name)
        except PackageNotFoundError:
            continue
        installed.append(name)
    if len(installed) > 1:
        return Finding(
            "OpenCV",
            "one installation",
            "broken",
            f"{' and '.join(installed)} overwrite each other's files",
            f"pip uninstall -y {' '.join(installed)} && pip install {installed[0]}",
        )
    return Finding("OpenCV", "one installation", "ok", installed[0] if installed else "none by pip")


def _check_opencv(load: Callable[[str], ModuleType]) -> list[Finding]:
    try:
        load("cv2")
    except (ImportError, OSError) as error:
        fix = "Install it again: pip install --force-reinstall opencv-python"
        if "libGL" in str(error) or "libgthread" in str(error) or "libglib" in str(error):
            fix = "apt install libgl1 libglib2.0-0, or use opencv-python-headless in place of opencv-python"
        return [Finding("OpenCV", "loads", "broken", _first_line(error), fix)]

    from siamcar.windows import has_display

    findings = [Finding("OpenCV", "loads", "ok", "yes")]
    written = _find_video_suffix()
    if written is None:
        fix = "pip install --force-reinstall opencv-python (its wheels bring FFmpeg)"
        findings.append(Finding("OpenCV", "writes videos", "absent", "neither mp4 nor avi", fix))
    else:
        findings.append(Finding("OpenCV", "writes videos", "ok", written))
    if has_display():
        findings.append(Finding("OpenCV", "opens windows", "ok", "yes"))
    else:
        findings.append(
            Finding(
                "OpenCV", "opens windows", "absent", "no display: `siamcar track` needs --init, --show cannot be used"
            )
        )
    return findings


def _find_video_suffix() -> str | None:
    """What a video for mp4 becomes here: ".mp4", else ".avi", else None."""
    import numpy as np

    from siamcar.errors import SiamCARError
    from siamcar.video import VideoSink

    with tempfile.TemporaryDirectory() as folder:
        try:
            with VideoSink(Path(folder) / "try.mp4", 25.0) as sink:
                for _ in range(3):
                    sink.write(np.zeros((48, 64, 3), dtype=np.uint8))
        except SiamCARError:
            return None
        return sink.path.suffix


def _check_torch(load: Callable[[str], ModuleType]) -> list[Finding]:
    try:
        torch = load("torch")
    except (ImportError, OSError) as error:
        fix = "Install it again: https://pytorch.org says how for this machine."
        return [Finding("PyTorch", "loads", "broken", _first_line(error), fix)]
    findings = [Finding("PyTorch", "loads", "ok", str(torch.__version__))]
    if torch.cuda.is_available():
        names: Mapping[str, str] = {
            f"cuda:{index}": torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())
        }
        findings.extend(Finding("PyTorch", device, "ok", name) for device, name in names.items())
    elif torch.version.cuda is None:
        findings.append(Finding("PyTorch", "cuda", "absent", "this PyTorch was built without it"))
    else:
        fix = "Is there a GPU? `nvidia-smi` should list it, with a driver as new as this CUDA."
        findings.append(Finding("PyTorch", "cuda", "absent", f"built for CUDA {torch.version.cuda}, none found", fix))
    if torch.backends.mps.is_available():
        findings.append(Finding("PyTorch", "mps", "ok", "Apple GPU"))
    return findings


def _check_folders(folder: Path) -> list[Finding]:
    findings = []
    for name, place in (("current folder", folder), ("temporary folder", Path(tempfile.gettempdir()))):
        if not os.access(place, os.W_OK):
            fix = "Work in a folder that you own." if place == folder else "Set TMPDIR to a folder that you own."
            findings.append(Finding("folders", name, "broken", f"{place} cannot be written", fix))
            continue
        free = shutil.disk_usage(place).free
        found = f"{place}, {free / 1e9:.1f} GB free"
        if free < _SMALLEST_SPACE:
            findings.append(Finding("folders", name, "absent", found, "Make room, or work elsewhere."))
        else:
            findings.append(Finding("folders", name, "ok", found))
    return findings


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
