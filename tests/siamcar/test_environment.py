"""What `siamcar check` finds on machines that are not as they should be."""

from __future__ import annotations

import importlib
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from siamcar import environment
from siamcar.environment import Finding, check_environment

REQUIREMENTS = [
    "numpy>=1.26",
    "opencv-python>=4.9",
    'optuna>=4.0; extra == "tune"',
    'got10k==0.1.3; extra == "got10k"',
    'six; extra == "got10k"',
    'pytest>=8; extra == "dev"',
]
GOOD = {"numpy": "2.4.1", "opencv-python": "5.0.0.93"}


def fake_torch(**parts: Any) -> SimpleNamespace:
    cuda = {"is_available": lambda: False, "device_count": lambda: 0, "get_device_name": lambda index: f"GPU {index}"}
    return SimpleNamespace(
        __version__="2.9",
        version=SimpleNamespace(cuda=parts.get("built_for")),
        cuda=SimpleNamespace(**{**cuda, **parts.get("cuda", {})}),
        backends=SimpleNamespace(mps=SimpleNamespace(is_available=lambda: parts.get("mps", False))),
    )


def look(
    installed: dict[str, str] | None = None,
    modules: dict[str, Any] | None = None,
    folder: Path = Path(),
    requirements: list[str] | None = None,
) -> dict[str, Finding]:
    """Findings by name ("packages" and "extras" share no name with others; "loads" is kept by its group)."""
    packages = GOOD if installed is None else installed
    replaced = {"torch": fake_torch(), **(modules or {})}

    def version_of(name: str) -> str:
        if name not in packages:
            raise PackageNotFoundError(name)
        return packages[name]

    def load(name: str) -> ModuleType:
        module = replaced.get(name)
        if isinstance(module, Exception):
            raise module
        return module if module is not None else importlib.import_module(name)

    findings = check_environment(
        version_of=version_of, requirements=requirements or REQUIREMENTS, load=load, folder=folder
    )
    return {f"{one.group} {one.name}" if one.name == "loads" else one.name: one for one in findings}


def test_a_good_machine_has_nothing_broken() -> None:
    found = look()
    assert [one for one in found.values() if one.state == "broken"] == []
    assert found["numpy"].found == "2.4.1"
    assert found["writes videos"].found == ".mp4"


def test_this_machine_is_looked_at_by_default() -> None:
    found = {one.name: one for one in check_environment()}
    assert found["torch"].state == "ok"
    assert "dev" not in found


def test_a_missing_package_comes_with_its_command() -> None:
    found = look({"opencv-python": "5.0"})["numpy"]
    assert (found.state, found.fix) == ("broken", 'pip install "numpy>=1.26"')


def test_an_old_package_is_broken() -> None:
    found = look({**GOOD, "numpy": "1.21.0"})["numpy"]
    assert found.state == "broken"
    assert "1.21.0" in found.found
    assert ">=1.26" in found.found


def test_an_extra_is_absent_never_broken() -> None:
    found = look({**GOOD, "six": "1.17"})["got10k"]
    assert (found.state, found.found) == ("absent", "not installed: got10k")
    assert found.fix == 'pip install "siamcar-suite[got10k]"'
    old = look({**GOOD, "six": "1.17", "got10k": "0.1.2"})["got10k"]
    assert (old.state, old.found) == ("absent", "got10k 0.1.2; ==0.1.3 is needed")
    assert look({**GOOD, "six": "1.17", "got10k": "0.1.3"})["got10k"].state == "ok"


def test_another_opencv_meets_the_requirement() -> None:
    found = look({"numpy": "2.0", "opencv-python-headless": "4.11.0"})
    assert (found["opencv-python"].state, found["opencv-python"].found) == ("ok", "4.11.0 as opencv-python-headless")
    assert found["one installation"].found == "opencv-python-headless"


def test_two_opencvs_are_broken() -> None:
    found = look({**GOOD, "opencv-contrib-python": "5.0"})["one installation"]
    assert found.state == "broken"
    assert found.fix.startswith("pip uninstall -y opencv-python opencv-contrib-python && pip install opencv-")


def test_an_opencv_that_does_not_load_says_which_library_it_lacks() -> None:
    missing = ImportError("libGL.so.1: cannot open shared object file: No such file or directory")
    found = look(modules={"cv2": missing})["OpenCV loads"]
    assert (found.state, found.found) == ("broken", str(missing))
    assert "libgl1" in found.fix
    assert "reinstall" in look(modules={"cv2": ImportError("odd")})["OpenCV loads"].fix


def test_the_devices_of_torch_are_listed() -> None:
    assert look(modules={"torch": OSError("libcudart.so.12")})["PyTorch loads"].state == "broken"
    assert look()["cuda"].found == "this PyTorch was built without it"
    no_driver = look(modules={"torch": fake_torch(built_for="12.8")})["cuda"]
    assert (no_driver.state, no_driver.found) == ("absent", "built for CUDA 12.8, none found")
    two = {"is_available": lambda: True, "device_count": lambda: 2}
    found = look(modules={"torch": fake_torch(built_for="12.8", cuda=two, mps=True)})
    assert [found[name].found for name in ("cuda:0", "cuda:1", "mps")] == ["GPU 0", "GPU 1", "Apple GPU"]


def test_a_folder_that_cannot_be_written_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert look(folder=tmp_path)["current folder"].state == "ok"
    monkeypatch.setattr(environment.os, "access", lambda path, _: path != tmp_path)
    found = look(folder=tmp_path)["current folder"]
    assert found.state == "broken"
    assert str(tmp_path) in found.found


def test_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment.shutil, "disk_usage", lambda _: SimpleNamespace(free=5e8))
    found = look(folder=tmp_path)["current folder"]
    assert found.state == "absent"
    assert "0.5 GB free" in found.found


def test_sources_that_are_not_installed_say_how_to(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: str) -> None:
        raise PackageNotFoundError

    monkeypatch.setattr(environment, "requires", missing)
    broken = [one for one in check_environment() if one.state == "broken"]
    assert [one.name for one in broken] == ["siamcar-suite"]
    assert "pip install -e ." in broken[0].fix
