"""The index: kept by content, made anew when something changes, the same from the file as from the annotations."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

import training.index
from siamcar.errors import ConfigError
from siamcar.files import get_cache_folder
from tests import training_layouts as layouts
from training.index import Index, Names, build_index, is_validation, load_index
from training.sources.base import Source
from training.sources.coco import Coco
from training.sources.got10k import Got10k
from training.sources.image_size import read_image_size
from training.sources.synthetic import Synthetic


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Source]:
    """The sources whose index was built, not read, one after another."""
    monkeypatch.setenv("SIAMCAR_CACHE", str(tmp_path / "cache"))
    calls: list[Source] = []

    def build(source: Source) -> Index:
        calls.append(source)
        return build_index(source)

    monkeypatch.setattr(training.index, "build_index", build)
    return calls


def equal(one: Index, other: Index) -> bool:
    arrays = ("video_tracks", "track_entries", "entry_frames", "boxes")
    names = ("video_names", "track_names", "frame_names")
    return (
        all(np.array_equal(getattr(one, name), getattr(other, name)) for name in arrays)
        and all(getattr(one, name)[:] == getattr(other, name)[:] for name in names)
        and one.faults == other.faults
    )


def test_second_time_is_read(tmp_path: Path, built: list[Source]) -> None:
    root = layouts.make_coco(tmp_path / "coco")
    first, second = load_index(Coco(root, {})), load_index(Coco(root, {}))
    assert len(built) == 1
    assert equal(first, second)


def test_every_change_builds_anew(tmp_path: Path, built: list[Source]) -> None:
    root = layouts.make_got10k(tmp_path / "got", videos=2)
    truth = root / "GOT-10k_Train_000001" / "groundtruth.txt"
    load_index(Got10k(root, {}))
    status = truth.stat()
    truth.write_text(truth.read_text().replace("20", "21"))  # the same length and time
    os.utime(truth, ns=(status.st_atime_ns, status.st_mtime_ns))
    index = load_index(Got10k(root, {}))
    assert (len(built), index.boxes[0, 0]) == (2, 21)
    (root / "GOT-10k_Train_000001" / "00000005.jpg").unlink()
    assert load_index(Got10k(root, {})).n_entries == index.n_entries - 1
    assert len(built) == 3


def test_options_have_indices_of_their_own(tmp_path: Path, built: list[Source]) -> None:
    root = layouts.make_coco(tmp_path / "coco")
    (root / "annotations" / "instances_val2017.json").write_bytes(
        (root / "annotations" / "instances_train2017.json").read_bytes()
    )
    (root / "train2017").rename(root / "val2017")
    load_index(Coco(root, {"subset": "val2017"}))
    (root / "val2017").rename(root / "train2017")
    load_index(Coco(root, {}))
    assert len(built) == 2


def test_half_written_file_is_built_anew(tmp_path: Path, built: list[Source]) -> None:
    root = layouts.make_coco(tmp_path / "coco")
    index = load_index(Coco(root, {}))
    folder = get_cache_folder()
    assert folder is not None
    (path,) = (folder / "training").iterdir()
    path.write_bytes(path.read_bytes()[:200])
    assert equal(load_index(Coco(root, {})), index)
    assert len(built) == 2


def test_no_cache_is_fine(tmp_path: Path, built: list[Source], monkeypatch: pytest.MonkeyPatch) -> None:
    root = layouts.make_coco(tmp_path / "coco")
    monkeypatch.setenv("SIAMCAR_CACHE", "off")
    load_index(Coco(root, {}))
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.setenv("SIAMCAR_CACHE", str(file))  # cannot be written
    load_index(Coco(root, {}))
    assert len(built) == 2


def test_the_content_is_that_of_names_and_boxes(tmp_path: Path) -> None:
    root = layouts.make_got10k(tmp_path / "a", videos=2)
    content = build_index(Got10k(root, {})).compute_content()
    moved = root.rename(tmp_path / "b")
    assert build_index(Got10k(moved, {})).compute_content() == content
    truth = moved / "GOT-10k_Train_000001" / "groundtruth.txt"
    truth.write_text(truth.read_text().replace("20", "21"))
    assert build_index(Got10k(moved, {})).compute_content() != content


def test_names() -> None:
    names = Names.of(["", "é", "abc", ""])
    assert names[:] == ["", "é", "abc", ""]
    with pytest.raises(IndexError):
        names[4]
    assert len(Names.of([])) == 0


def test_a_tenth_is_held_back() -> None:
    share = np.mean([is_validation(f"video {n}") for n in range(5000)])
    assert 0.085 < share < 0.115


def test_clips_of_one_video_stay_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training.index, "VALIDATION_SHARE", 0.5)
    root = layouts.make_got10k(tmp_path, videos=40, frames=2)
    names = (root / "list.txt").read_text().split()
    index = build_index(Got10k(root, {}))
    grouped = Got10k(root, {"group": "^(.*)[0-9]$"})  # tens
    parts = {part: index.select_part(part, grouped.name_group) for part in ("train", "validation")}
    assert sorted([*parts["train"], *parts["validation"]]) == list(range(40))
    tens = [{names[number][:-1] for number in numbers} for numbers in parts.values()]
    assert tens[0] and tens[1] and not tens[0] & tens[1]
    plain = Got10k(root, {})
    assert np.array_equal(index.select_part("train", plain.name_group), index.select_part("train"))
    with pytest.raises(ConfigError, match="finds none in 'GOT-10k_Train_000001'"):
        Got10k(root, {"group": "^(no)"}).name_group(names[0])
    for wrong in ("no group", "(("):
        with pytest.raises(ConfigError, match="regular expression"):
            Got10k(root, {"group": wrong})


def test_the_suite_s_own_scenes_are_known_from_any_folder(
    tmp_path: Path, built: list[Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in (tmp_path, tmp_path / "deeper" / "still"):
        folder.mkdir(parents=True, exist_ok=True)
        monkeypatch.chdir(folder)
        load_index(Synthetic(Path(), {"n_scenes": 1, "n_frames": 2}))
    assert len(built) == 1


def test_motion_tells_static_clips(tmp_path: Path) -> None:
    root = layouts.make_got10k(tmp_path, videos=2)
    (root / "GOT-10k_Train_000002" / "groundtruth.txt").write_text("20,30,40,24\n" * 5)
    moved, still = build_index(Got10k(root, {})).video_motion
    # Usable frames are 1, 2 and 5: steps of 1 and 3 times (4, 2) pixels for a target of 40 × 24.
    assert moved == pytest.approx(2 * np.hypot(4, 2) / np.sqrt(40 * 24))
    assert still == 0
    assert np.isinf(build_index(Coco(layouts.make_coco(tmp_path / "coco"), {})).video_motion).all()


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_image_size_from_the_header(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    layouts.write(path, layouts.draw((1, 1, 5, 5), size=(33, 21)))
    assert read_image_size(path) == (33, 21)
    path.write_bytes(path.read_bytes()[:12])
    assert read_image_size(path) in {None, (0.0, 0.0)}
    path.write_bytes(b"GIF89a")
    assert read_image_size(path) is None
    assert read_image_size(tmp_path / "none.jpg") is None
