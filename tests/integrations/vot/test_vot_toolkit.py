"""Which toolkit is there, and what works with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.version import Version

from integrations.vot import toolkit as module
from integrations.vot.toolkit import Experiment, Toolkit, check_stack, find_toolkit, load_stack
from siamcar.errors import ConfigError, MissingExtraError

SUPERVISED = Experiment("baseline", "supervised")
UNSUPERVISED = Experiment("unsupervised", "unsupervised")
SEVERAL = Experiment("baseline", "unsupervised", multiobject=True)


def answer(monkeypatch: pytest.MonkeyPatch, **versions: str | None) -> None:
    found = {"toolkit": "0.7.4", "attributee": "0.1.9", "trax": "4.0.2", "folder": "/vot", **versions}
    monkeypatch.setattr(module, "_ask", lambda *_: found)


def test_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, toolkit=None)
    with pytest.raises(MissingExtraError, match=r"siamcar-suite\[vot\]"):
        find_toolkit()


@pytest.mark.parametrize("version", ["0.1.10", "0.1.7", None])
def test_broken_attributee_is_named_before_its_traceback(monkeypatch: pytest.MonkeyPatch, version: str | None) -> None:
    answer(monkeypatch, attributee=version)
    with pytest.raises(ConfigError, match="dataclass_transform") as caught:
        find_toolkit()
    assert "'attributee>=0.1.8,<0.1.10'" in caught.value.hint


def test_no_such_interpreter(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        find_toolkit(tmp_path / "bin" / "python")
    broken = tmp_path / "python"
    broken.write_text("no program")
    broken.chmod(0o755)
    with pytest.raises(ConfigError, match="cannot be run"):
        find_toolkit(broken)


@pytest.mark.parametrize("version", ["0.8.0", "0.9.0", "1.0"])
def test_later_versions_run_one_kind(version: str) -> None:
    later = Toolkit(Path("python"), Version(version), Path())
    check_stack(later, [UNSUPERVISED, SEVERAL])
    with pytest.raises(ConfigError, match="cannot run baseline") as caught:
        check_stack(later, [SUPERVISED, UNSUPERVISED])
    assert "vot-toolkit==0.7.4" in caught.value.hint
    assert "--experiments unsupervised" in caught.value.hint
    assert "do not" in later.describe()


def test_tested_version_runs_all_but_several_objects() -> None:
    tested = Toolkit(Path("python"), Version("0.7.4"), Path())
    check_stack(tested, [SUPERVISED, UNSUPERVISED, Experiment("rt", "multistart", realtime=True)])
    with pytest.raises(ConfigError, match="several objects") as caught:
        check_stack(tested, [SEVERAL])
    assert "vot-toolkit==0.9.0" in caught.value.hint
    assert "tested version" in tested.describe()
    assert "not tested" in Toolkit(Path("python"), Version("0.6.0"), Path()).describe()


def test_stacks(tmp_path: Path, small_stack: Path) -> None:
    (tmp_path / "vot/stack/vot2020").mkdir(parents=True)
    (tmp_path / "vot/stack/vot2020/shortterm.yaml").write_text(
        "experiments:\n  realtime:\n    type: multistart\n    realtime: {grace: 3}\n"
    )
    there = Toolkit(Path("python"), Version("0.7.4"), tmp_path / "vot")
    stack = load_stack("vot2020/shortterm", there)
    assert stack.integrated
    assert stack.needs_anchors
    assert [(one.name, one.kind, one.realtime) for one in stack.experiments] == [("realtime", "multistart", True)]
    own = load_stack(str(small_stack), there)
    assert not own.integrated
    assert len(own.experiments) == 2
    with pytest.raises(ConfigError, match="no stack 'vot2019'") as caught:
        load_stack("vot2019", there)
    assert "vot2020/shortterm" in caught.value.hint
    small_stack.write_text("title: empty\n")
    with pytest.raises(ConfigError, match="experiments"):
        load_stack(str(small_stack), there)
