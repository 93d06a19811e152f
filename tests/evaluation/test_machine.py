"""What a machine says of itself."""

from __future__ import annotations

from pathlib import Path

from evaluation.machine import list_gpus


def test_models_of_gpus_are_those_that_the_driver_names(tmp_path: Path) -> None:
    for number, model in enumerate(("NVIDIA H200", "NVIDIA L4")):
        folder = tmp_path / f"0000:0{number}:00.0"
        folder.mkdir()
        (folder / "information").write_text(f"Model: \t\t {model}\nIRQ:   \t\t 28\nGPU UUID: \t GPU-0\n")
    assert list_gpus(tmp_path) == ["NVIDIA H200", "NVIDIA L4"]
    assert list_gpus(tmp_path / "nowhere") == []
