"""The registry: lazy, extensible, and helpful about unknown names."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

from siamcar import registry as module
from siamcar.errors import ConfigError, UnknownNameError
from siamcar.registry import Registry


@pytest.fixture
def things(monkeypatch: pytest.MonkeyPatch) -> Registry:
    points = EntryPoints(
        [EntryPoint("theirs", "math:sqrt", "some.group"), EntryPoint("path", "nowhere:nothing", "some.group")]
    )
    monkeypatch.setattr(module, "entry_points", lambda group: points.select(group=group))
    return Registry("thing", {"path": "pathlib:Path", "lib:a": "fractions:Fraction"}, group="some.group")


def test_resolves_built_in_third_party_and_direct_names(things: Registry) -> None:
    assert things.names() == ["path", "lib:a", "theirs"]
    assert things.resolve("path") is Path  # a built-in name wins over a third party's
    assert things.resolve("theirs")(9) == 3
    assert things.resolve("math:floor")(2.5) == 2


def test_nothing_is_imported_before_it_is_asked_for() -> None:
    sys.modules.pop("colorsys", None)
    registry = Registry("thing", {"one": "colorsys:rgb_to_hsv"}, group="no.group")
    registry.names()
    registry.target("one")
    assert "colorsys" not in sys.modules
    registry.resolve("one")
    assert "colorsys" in sys.modules


@pytest.mark.parametrize("name", ["pth", "lib:b", "bad name:x", "a.b:", ":x"])
def test_unknown_names_are_answered_with_suggestions(things: Registry, name: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        things.resolve(name)
    assert repr(name) in caught.value.message
    assert "Known: lib:a, path, theirs" in caught.value.hint
    if name == "pth":
        assert "Did you mean path?" in caught.value.hint


def test_targets_that_cannot_be_imported(things: Registry) -> None:
    with pytest.raises(ConfigError, match="cannot be imported"):
        things.resolve("no_such_package.module:make")
    with pytest.raises(ConfigError, match="does not define"):
        things.resolve("math:no_such_function")


def test_a_module_whose_own_import_fails_is_not_blamed_on_its_name(
    things: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "needs_more.py").write_text("import absent_dependency\n")
    (tmp_path / "broken_code.py").write_text("def make(:\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigError, match="needs 'absent_dependency'"):
        things.resolve("needs_more:make")
    with pytest.raises(ConfigError, match=r"broken_code.*SyntaxError"):
        things.resolve("broken_code:make")
