"""Entries of trackers.ini."""

from __future__ import annotations

import configparser
import shlex
import sys
from pathlib import Path

import pytest

from integrations.vot.server import ServerSettings
from integrations.vot.trackers_ini import find_secrets, list_entries, make_name, read_entry, write_entry
from siamcar.errors import ConfigError, UnknownNameError

SETTINGS = ServerSettings("siamcar", {"weights": "/a folder/100%/w.safetensors"}, "mask", 2)


def write(folder: Path, name: str = "Mine", settings: ServerSettings = SETTINGS, **more: bool) -> bool:
    return write_entry(folder, name, settings, label="Mine", timeout=7, **more)


def test_entry_for_this_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/cuda/lib:/x/cv2/../../lib64:")
    assert write(tmp_path)
    parser = configparser.ConfigParser()  # as the toolkit reads it
    parser.read(tmp_path / "trackers.ini")
    entry = parser["Mine"]
    assert entry["protocol"] == "traxpython"
    assert shlex.split(entry["python"]) == [sys.executable]
    assert (Path(entry["paths"]) / "integrations" / "vot" / "server.py").is_file()
    assert entry["timeout"] == "7"
    assert entry["env_ld_library_path"] == "/opt/cuda/lib"  # OpenCV's own addition is left out
    assert "100%/w.safetensors" in entry["env_siamcar_vot_options"]
    read = read_entry(tmp_path, "Mine@version")
    assert read.settings == SETTINGS
    assert read.python == sys.executable


def test_a_tracker_of_a_module_finds_this_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, settings=ServerSettings("my_module:make"))
    assert read_entry(tmp_path, "Mine").values["paths"].endswith(f":{tmp_path}")


def test_entries_of_others_stay_and_another_of_that_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "trackers.ini").write_text("[Other]\ncommand = ./run\nprotocol = trax\n")
    assert write(tmp_path)
    assert not write(tmp_path)  # the same again
    assert list_entries(tmp_path) == ["Other", "Mine"]
    assert read_entry(tmp_path, "Other").settings is None
    changed = ServerSettings("static")
    with pytest.raises(ConfigError, match="another entry named Mine"):
        write(tmp_path, settings=changed)
    assert write(tmp_path, settings=changed, overwrite=True)
    assert read_entry(tmp_path, "Mine").settings == changed


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("my tracker", {}, "letters, digits"),
        ("Mine", {"api_key": "1"}, "looks like a secret"),
        ("Mine", {"source": "https://me:pass@host/file"}, "looks like a secret"),
        ("Mine", {"weights": "/home/$HOME/w"}, "expands"),
    ],
)
def test_what_cannot_stand_there(tmp_path: Path, name: str, options: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        write(tmp_path, name, ServerSettings("static", options))
    assert not (tmp_path / "trackers.ini").exists()


def test_secrets_are_found_where_others_wrote_them() -> None:
    assert find_secrets({"env_HF_TOKEN": "x", "label": "a"}) == ["env_HF_TOKEN"]
    assert find_secrets({"env_siamcar_vot_options": '{"password": "x"}'}) == ["password"]
    assert find_secrets({"label": "SiamCAR", "timeout": "60", "paths": "/a:/b"}) == []


def test_names() -> None:
    assert make_name("siamcar_r50.released") == "siamcar_r50_released"
    assert make_name("opencv:mil") == "opencv_mil"


def test_unknown_entry(tmp_path: Path) -> None:
    write(tmp_path)
    with pytest.raises(UnknownNameError, match="mine"):
        read_entry(tmp_path, "mine")
