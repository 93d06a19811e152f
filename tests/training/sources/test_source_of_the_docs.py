"""The source that docs/training_data.md shows works as it stands there."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests import training_layouts as layouts
from training.settings import SourceSettings
from training.sources import open_sources


def test_documented_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Path(__file__).parents[3] / "docs" / "training_data.md"
    (code,) = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "my_source.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "my_source", raising=False)
    layouts.write(tmp_path / "data/a/1.jpg", layouts.draw((20, 30, 40, 24)))
    layouts.write(tmp_path / "data/a/2.jpg", layouts.draw((22, 30, 40, 24)))
    layouts.text(tmp_path / "data/boxes.txt", "a 1 20 30 40 24\na 2 22 30 40 24\na 3 1 1 9 9\na 4 1 1\n")
    (opened,) = open_sources([SourceSettings(name="my_source:MySource", root=str(tmp_path / "data"))])
    assert opened.index.n_entries == 2
    assert opened.index.faults == {"annotation unreadable": 1, "frame absent": 1}
