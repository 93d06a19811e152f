"""Settings of this machine: written, read, and found in their order."""

from __future__ import annotations

from pathlib import Path

import pytest

from siamcar.errors import ConfigError
from siamcar.user_config import find_data, get_config_path, read_user_config, write_setting


@pytest.fixture(autouse=True)
def own_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIAMCAR_CONFIG", str(tmp_path / "config"))
    monkeypatch.delenv("SIAMCAR_DATA", raising=False)
    return tmp_path


def test_a_setting_is_kept_and_taken_out(own_config: Path) -> None:
    assert find_data("otb100") is None
    (own_config / "OTB").mkdir()
    path = write_setting("data.otb100", str(own_config / "OTB"))
    assert path == get_config_path() == own_config / "config" / "config.yaml"
    assert find_data("otb100") == own_config / "OTB"
    write_setting("data.otb100", None)
    assert find_data("otb100") is None


def test_the_setting_comes_before_the_environment(own_config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("root/LaSOT", "root/OTB100", "root/GOT-10k", "mine"):
        (own_config / name).mkdir(parents=True)
    monkeypatch.setenv("SIAMCAR_DATA", str(own_config / "root"))
    assert find_data("lasot") == own_config / "root" / "LaSOT"
    assert find_data("otb100") == own_config / "root" / "OTB100"
    assert find_data("got10k_val") == own_config / "root" / "GOT-10k"
    assert find_data("uav123") is None
    write_setting("data.otb100", str(own_config / "mine"))
    assert find_data("otb100") == own_config / "mine"


def test_a_tilde_is_the_home_folder_and_else_a_name(own_config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(own_config))
    (own_config / "config").mkdir()
    (own_config / "config" / "config.yaml").write_text("data: {otb100: ~/OTB, lasot: ~no-such-user/LaSOT}\n")
    assert find_data("otb100") == own_config / "OTB"
    assert find_data("lasot") == Path("~no-such-user/LaSOT")
    monkeypatch.setenv("SIAMCAR_CONFIG", "~no-such-user/config")
    monkeypatch.setenv("SIAMCAR_DATA", "~no-such-user/data")
    assert get_config_path() == Path("~no-such-user/config/config.yaml")
    assert find_data("otb100") is None
    with pytest.raises(ConfigError, match="does not exist"):
        write_setting("data.otb100", "~no-such-user/OTB")


@pytest.mark.parametrize(("key", "value"), [("color.otb100", "."), ("data", "."), ("data.otb100", "/no/such/folder")])
def test_settings_that_make_no_sense(key: str, value: str) -> None:
    with pytest.raises(ConfigError):
        write_setting(key, value)


def test_a_damaged_file_is_named(own_config: Path) -> None:
    (own_config / "config").mkdir()
    (own_config / "config" / "config.yaml").write_text("date: {}\n")
    with pytest.raises(ConfigError, match=r"config\.yaml: the key date is not known"):
        read_user_config()
