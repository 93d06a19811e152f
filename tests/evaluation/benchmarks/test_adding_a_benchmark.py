"""The example of docs/adding_a_benchmark.md works."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from evaluation.benchmarks import load_benchmark

WriteFrames = Callable[..., None]
WriteBoxes = Callable[..., list[list[float]]]


def test_the_example(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_frames: WriteFrames, write_boxes: WriteBoxes
) -> None:
    page = Path(__file__).parents[3] / "docs/adding_a_benchmark.md"
    match = re.search(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert match is not None
    (tmp_path / "toy_benchmark.py").write_text(match[1], encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    for name, rows in (("dog", 3), ("kite", 2)):
        write_frames(tmp_path / "frames" / name, range(1, 4))
        write_boxes(tmp_path / f"boxes/{name}.txt", range(1, rows + 1))
    benchmark = load_benchmark("toy_benchmark:load_toy", tmp_path, day="true")
    sys.modules.pop("toy_benchmark")
    assert [sequence.name for sequence in benchmark] == ["dog"]
    assert (benchmark.missing, benchmark.short) == (("car",), ("kite",))
    assert benchmark.attributes == ["DAY"]
