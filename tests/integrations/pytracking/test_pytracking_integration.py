"""Our trackers under pytracking's scripts, by both ways, in a stand-in and in the real checkout where there is one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from evaluation.benchmarks.sequence_facts import read_facts
from integrations.pytracking.checkout import find_checkout, refuse_email_library
from integrations.pytracking.names import to_identifier
from integrations.pytracking.parameters import list_parameters
from integrations.pytracking.runner import _claim
from integrations.pytracking.shims import install_shims, uninstall_shims
from siamcar.cli.app import app
from siamcar.config import ModelConfig
from siamcar.errors import ConfigError, ResultsError
from siamcar.model.network import SiamCAR
from siamcar.model.weights import save_weights
from siamcar.tracking.presets import list_presets
from tests.integrations.pytracking.stand_in import list_files, write_local, write_stand_in

PROBES = "tests.integrations.pytracking.probes"
ROOT = Path(__file__).parents[3]
STANDINS = ROOT / "integrations" / "pytracking" / "standins"
COLOR = (200, 100, 40)  # blue, green, red


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    save_weights(SiamCAR(ModelConfig(architecture="alexnet", channels=32, head_convolutions=1)), path)
    return path


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return write_stand_in(tmp_path / "checkout")


@pytest.fixture
def local(tmp_path: Path) -> Path:
    """Settings outside of the checkout, for a data set of two sequences of one colour."""
    for name, x in (("first", 3), ("second", 7)):
        folder = tmp_path / "toy" / name
        folder.mkdir(parents=True)
        for index in range(3):
            cv2.imwrite(str(folder / f"{index}.png"), np.full((40, 60, 3), COLOR, np.uint8))
        np.savetxt(folder / "truth.txt", np.tile([x, 5.5, 20, 12], (3, 1)), delimiter=",")
    return write_local(tmp_path / "my_local.py", results_path=tmp_path / "out", toy_path=tmp_path / "toy")


def siamcar(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, as spawned children and an unspoilt interpreter need it."""
    code = f"import sys; sys.path.append({str(ROOT)!r}); from siamcar.cli import main; main()"
    command = [sys.executable, "-c", code, "pytracking", *map(str, arguments)]
    # A variable that would hide what the runner does itself about compiled files.
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**kept, **environment}, cwd=ROOT)


def read(path: Path) -> list[list[float]]:
    rows: list[list[float]] = np.loadtxt(path, ndmin=2).tolist()
    return rows


def test_the_runner_writes_results_and_nothing_into_the_checkout(checkout: Path, local: Path, tmp_path: Path) -> None:
    before = list_files(checkout)
    name = to_identifier(f"{PROBES}:make_colors")
    done = siamcar(
        "run", "--local", local, "-t", f"{PROBES}:make_colors", "-o", "width=9", checkout,
        "run_tracker", name, "default", "--runid", "2",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    home = tmp_path / "out" / name / "default_002"
    assert f"Results → {home}" in done.stdout
    assert read(home / "first.txt") == [[3, 5, 20, 12], [*COLOR, 9], [*COLOR, 9]]  # RGB there, BGR here
    assert read(home / "second_scores.txt") == [[1], [0.25], [0.25]]
    assert list_files(checkout) == before


def test_spawned_processes_know_the_tracker_and_its_presets(
    checkout: Path, local: Path, weights: Path, tmp_path: Path
) -> None:
    before = list_files(checkout)
    for threads, results in ((0, "one"), (2, "two")):
        done = siamcar(
            "run", "--local", local, "--results", tmp_path / results, "--weights", weights, checkout,
            "run_tracker", "siamcar", "uav", "--threads", threads,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    here, there = (list_files(tmp_path / results / "siamcar" / "uav") for results in ("one", "two"))
    assert here == there
    assert len(here) == 4
    assert list_files(checkout) == before


def test_children_are_processes_of_their_own(checkout: Path, local: Path, tmp_path: Path) -> None:
    name = to_identifier(f"{PROBES}:make_process")
    script = tmp_path / "own.py"
    script.write_text(
        "import os, runpy, sys\n"
        "from pytracking import run_tracker\n"
        "if __name__ == '__main__':\n"
        "    os.environ['PARENT'] = str(os.getpid())\n"
        f"    import pytracking.evaluation.running as running\n"
        f"    from pytracking.evaluation import Tracker, get_dataset\n"
        f"    running.run_dataset(get_dataset('toy'), [Tracker({name!r}, 'default')], threads=1)\n"
    )
    done = siamcar("run", "--local", local, "-t", f"{PROBES}:make_process", checkout, script)
    assert done.returncode == 0, done.stderr
    assert read(tmp_path / "out" / name / "default" / "first.txt")[1] == [1, 1, 1, 1]


def test_a_tracker_that_raises_is_listed_though_pytracking_ends_well(
    checkout: Path, local: Path, tmp_path: Path
) -> None:
    name = to_identifier(f"{PROBES}:make_doomed")
    done = siamcar("run", "--local", local, "-t", f"{PROBES}:make_doomed", checkout, "run_tracker", name, "default")
    assert done.returncode == 3, done.stderr
    assert f"{name}/default second: no results were written" in done.stderr
    assert "a bad day" in done.stdout
    assert (tmp_path / "out" / name / "default" / "first.txt").is_file()


def test_only_whole_results_of_the_same_options_are_gone_on_with(checkout: Path, local: Path, tmp_path: Path) -> None:
    name = to_identifier(f"{PROBES}:make_colors")
    home = tmp_path / "out" / name / "default"
    home.mkdir(parents=True)
    run = ("run", "--local", local, "-t", f"{PROBES}:make_colors", "-o", "width=1", checkout, "run_tracker", name)
    assert siamcar(*run, "default").returncode == 0
    (home / "first.txt").write_bytes((home / "first.txt").read_bytes()[:-6])  # cut in a line
    done = siamcar(*run, "default")
    assert done.returncode == 3 and "Traceback" not in done.stderr, done.stderr
    assert "first.txt cannot be read" in done.stderr and "delete it" in done.stderr
    before = list_files(tmp_path / "out")
    wrapper = SimpleNamespace(name=name, parameter_name="default", results_dir=str(home))
    with pytest.raises(ResultsError, match=r'belongs to another run: options\.width: "1" → "9"') as caught:
        _claim(f"{PROBES}:make_colors", {"width": "9"}, wrapper)
    assert "--results" in caught.value.hint
    assert list_files(tmp_path / "out") == before
    _claim(f"{PROBES}:make_colors", {"width": "1"}, wrapper)
    (home.parent / ".runs/default/pytracking.json").unlink()
    with pytest.raises(ResultsError, match="not written"):
        _claim(f"{PROBES}:make_colors", {"width": "1"}, wrapper)


def test_video_frames_are_bgr_already(checkout: Path, local: Path, tmp_path: Path) -> None:
    name = to_identifier(f"{PROBES}:make_colors")
    script = tmp_path / "video.py"
    script.write_text(
        "import numpy as np\n"
        "from pytracking.evaluation import Tracker\n"
        f"image = np.full((40, 60, 3), {COLOR}, np.uint8)\n"
        f"print(Tracker({name!r}, 'default').run_video_generic([image, image], [1, 2, 3, 4]))\n"
    )
    done = siamcar("run", "--local", local, "-t", f"{PROBES}:make_colors", checkout, script)
    assert done.returncode == 0, done.stderr
    assert "'target_bbox': [200.0, 100.0, 40.0, 1.0]" in done.stdout


def test_what_is_wrong_is_said_before_a_frame_is_read(checkout: Path, local: Path, tmp_path: Path) -> None:
    before = list_files(checkout)
    inside = write_local(tmp_path / "inside.py", toy_path=tmp_path / "toy")
    (tmp_path / "typo.py").write_text("def local_env_settings(:\n")
    static = ("-t", "static", checkout, "run_tracker", "static", "default")
    for arguments, message in (
        (["-t", "static", tmp_path, "run_tracker"], "is no checkout of pytracking"),
        (["--local", local, "-t", "static", checkout, "run_trackr"], "There is no script 'run_trackr'"),
        (["--weights", tmp_path / "none.pt", checkout, "run_tracker", "siamcar", "otb"], "none.pt does not exist"),
        (["-t", "statik", checkout, "run_tracker", "static", "default"], "Did you mean static"),
    ):
        result = CliRunner().invoke(app, ["pytracking", "run", *map(str, arguments)])
        assert result.exit_code == 1, result.output
        assert message in result.output
    for arguments, message in (
        (static, "settings.results_path = "),  # what to write into local.py
        (["--local", tmp_path / "typo.py", *static], "SyntaxError"),
        (["--local", inside, *static], "results go into the checkout"),
        (["--local", local, "-t", "static", checkout, "run_tracker", "siamcar", "otb"], "plugs in is 'static'"),
        (["--local", local, "-t", "static", checkout, "run_tracker", "static", "otb"], "parameter set of static"),
    ):
        done = siamcar("run", *arguments)
        assert done.returncode == 1, (done.stdout, done.stderr)
        assert message in done.stderr
    assert siamcar("run", "--local", local, *static, "--treads", "2").returncode == 2
    assert list_files(checkout) == before


def test_results_may_be_sent_elsewhere(checkout: Path, tmp_path: Path, local: Path) -> None:
    inside = write_local(tmp_path / "inside.py", toy_path=tmp_path / "toy")
    done = siamcar(
        "run", "--local", inside, "--results", tmp_path / "else", "-t", "static", checkout,
        "run_tracker", "static", "default",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "else" / "static" / "default" / "second.txt").is_file()


def test_installed_shims_serve_the_plain_script_and_go_again(
    checkout: Path, local: Path, weights: Path, tmp_path: Path
) -> None:
    (checkout / "pytracking" / "evaluation" / "local.py").write_text(local.read_text())
    before = list_files(checkout)
    done = siamcar("install", checkout, "--weights", weights)
    assert done.returncode == 0, done.stderr
    assert len(set(list_files(checkout)) - set(before)) == 4  # two files, two folders
    environment = {**os.environ, "PYTHONPATH": str(STANDINS), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, str(checkout / "pytracking" / "run_tracker.py"), "siamcar", "otb", "--threads", "1"]
    plain = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert plain.returncode == 0, plain.stderr
    by_shims = list_files(tmp_path / "out" / "siamcar" / "otb")
    assert len(by_shims) == 4
    siamcar("run", "--results", tmp_path / "run", "--weights", weights, checkout, "run_tracker", "siamcar", "otb")
    assert list_files(tmp_path / "run" / "siamcar" / "otb") == by_shims
    done = siamcar("uninstall", checkout)
    assert done.returncode == 0, done.stderr
    assert list_files(checkout) == before
    assert "not installed" in siamcar("uninstall", checkout).stdout


def test_shims_that_were_edited_or_are_not_ours_stay(checkout: Path) -> None:
    found = find_checkout(checkout / "pytracking")
    assert found.root == checkout
    files = install_shims(found, "static", {})
    assert install_shims(found, "static", {}) == files  # again
    before = files[1].read_text()
    files[1].write_text(before + "# mine\n")
    for act in (lambda: uninstall_shims(found, "static"), lambda: install_shims(found, "static", {})):
        with pytest.raises(ConfigError, match="was edited"):
            act()
    assert files[0].is_file()
    files[1].write_text(before)
    assert uninstall_shims(found, "static") == files
    (checkout / "pytracking" / "tracker" / "static").mkdir()
    (checkout / "pytracking" / "tracker" / "static" / "other.py").write_text("")
    with pytest.raises(ConfigError, match="not from this command"):
        install_shims(found, "static", {})


def test_the_e_mail_library_is_told_from_the_visual_tracker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = tmp_path / "site" / "pytracking"
    library.mkdir(parents=True)
    for name in ("__init__.py", "tracking.py", "html.py"):
        (library / name).write_text("")
    for folder in (library, library.parent):
        with pytest.raises(ConfigError, match="e-mails"):
            find_checkout(folder)
    refuse_email_library()
    monkeypatch.syspath_prepend(str(library.parent))
    with pytest.raises(ConfigError, match="pip uninstall pytracking"):
        try:
            refuse_email_library()
        except ConfigError as error:
            raise ConfigError(error.hint) from error


def test_every_preset_is_a_parameter_set() -> None:
    names = list_parameters("siamcar")
    assert {"default", "otb", "uav", "lasot", "got10k_val", *list_presets()} <= set(names)
    assert names["otb"] == "otb100"
    assert list_parameters("static") == {"default": None}


def test_the_adapter_keeps_the_rules_of_our_trackers(checkout: Path) -> None:
    code = f"""
import sys
sys.path[:0] = [{str(checkout)!r}, {str(ROOT)!r}]
sys.path.append({str(STANDINS)!r})
import numpy as np
from integrations.pytracking.parameters import make_parameters
from integrations.pytracking.tracker import PytrackingTracker
from siamcar.protocol import Prediction
from siamcar.testing import check_tracker

class Back:
    def __init__(self, name):
        self.inner = PytrackingTracker(make_parameters(name, {{}}, None))
    def init(self, frame, box):
        out = self.inner.initialize(np.asarray(frame)[:, :, ::-1], {{"init_bbox": box}})
        assert out["object_presence_score"] == 1.0
    def track(self, frame):
        out = self.inner.track(np.asarray(frame)[:, :, ::-1])
        return Prediction(np.array(out["target_bbox"]), out["object_presence_score"])

for name in ("static", "tests.toy_trackers:make_jitter"):
    check_tracker(lambda: Back(name))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def real() -> Path:
    home = os.environ.get("PYTRACKING_HOME")
    if home is None:
        pytest.skip("no external checkout: PYTRACKING_HOME is not set")
    return Path(home)


@pytest.fixture
def real_local(tmp_path: Path) -> Path:
    """OTB for pytracking, which reads the annotations of all of it: one real sequence of noise, and names."""
    for one in read_facts("otb.csv", "OTB100"):
        folder = tmp_path / "OTB" / one.folder
        folder.mkdir(parents=True, exist_ok=True)
        np.savetxt(folder / one.annotation, np.tile([5, 6, 20, 12], (81, 1)), fmt="%d", delimiter=",")
    images = tmp_path / "OTB" / "Skiing" / "img"
    images.mkdir()
    for index in range(1, 82):
        cv2.imwrite(str(images / f"{index:04d}.jpg"), np.full((40, 60, 3), COLOR, np.uint8))
    return write_local(tmp_path / "my_local.py", results_path=tmp_path / "out", otb_path=tmp_path / "OTB")


def test_the_real_checkout_by_the_runner(real: Path, real_local: Path, tmp_path: Path) -> None:
    before = list_files(real)
    name = to_identifier(f"{PROBES}:make_colors")
    for threads in (0, 1):
        done = siamcar(
            "run", "--local", real_local, "--results", tmp_path / str(threads), "-t", f"{PROBES}:make_colors", real,
            "run_tracker", name, "default", "--dataset_name", "otb", "--sequence", "Skiing", "--threads", threads,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        home = tmp_path / str(threads) / name / "default"
        rows = read(home / "Skiing.txt")
        assert len(rows) == 81
        assert np.abs(np.array(rows[1][:3]) - COLOR).max() <= 3  # JPEG
        assert len(read(home / "Skiing_object_presence_scores.txt")) == 81
    done = siamcar(
        "run",
        "--local",
        real_local,
        "-t",
        "static",
        real,
        "run_tracker",
        "static",
        "default",
        "--sequence",
        "Basketball",
    )
    assert done.returncode == 3
    assert "static/default Basketball" in done.stderr
    assert list_files(real) == before


def test_the_real_checkout_shows_videos_in_their_own_colours(real: Path, real_local: Path, tmp_path: Path) -> None:
    video = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter_fourcc(*"MJPG"), 10, (60, 40))
    for _ in range(4):
        writer.write(np.full((40, 60, 3), COLOR, np.uint8))
    writer.release()
    name = to_identifier(f"{PROBES}:make_colors")
    script = tmp_path / "watch.py"
    script.write_text(
        "import cv2\n"
        "keys = iter([32])\n"
        "for one in ('namedWindow', 'resizeWindow', 'setMouseCallback', 'imshow', 'destroyAllWindows'):\n"
        "    setattr(cv2, one, lambda *_: None)\n"
        "cv2.waitKey = lambda _: next(keys, -1)\n"
        "from pytracking.evaluation import Tracker\n"
        f"tracker = Tracker({name!r}, 'default')\n"
        f"tracker.run_video_generic(videofilepath={str(video)!r}, optional_box=[1, 2, 3, 4], save_results=True)\n"
    )
    done = siamcar("run", "--local", real_local, "-t", f"{PROBES}:make_colors", real, script)
    assert done.returncode == 0, done.stderr
    rows = read(tmp_path / "out" / name / "default" / "video_clip_1.txt")
    assert np.abs(np.array(rows[-1][:3]) - COLOR).max() <= 6


def test_the_real_print_results_agree_with_our_scores(real: Path, shared: Path, tmp_path: Path) -> None:
    from evaluation.benchmarks import load_benchmark
    from evaluation.scoring import load_scores

    source = shared / "data" / "sequences" / "OTB100"
    for one in read_facts("otb.csv", "OTB100"):
        folder = tmp_path / "OTB" / one.folder
        if (source / one.folder).is_dir():
            if not folder.exists():
                folder.parent.mkdir(exist_ok=True)
                folder.symlink_to(source / one.folder)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            np.savetxt(folder / one.annotation, np.tile([5, 6, 20, 12], (9, 1)), fmt="%d", delimiter=",")
    local = write_local(tmp_path / "my_local.py", results_path=tmp_path / "out", otb_path=tmp_path / "OTB")
    script = tmp_path / "table.py"
    script.write_text(
        "from pytracking.analysis.plot_results import print_results\n"
        "from pytracking.evaluation import Tracker, get_dataset\n"
        "from pytracking.evaluation.running import run_dataset\n"
        "if __name__ == '__main__':\n"
        "    chosen = [one for one in get_dataset('otb') if one.name in ('Skiing', 'Man')]\n"
        "    trackers = [Tracker('static', 'default')]\n"
        "    run_dataset(chosen, trackers)\n"
        "    print_results(trackers, chosen, 'table', plot_types=('success', 'prec', 'norm_prec'))\n"
    )
    done = siamcar("run", "--local", local, "-t", "static", real, script)
    assert done.returncode == 0, done.stderr
    row = next(line for line in done.stdout.splitlines() if line.startswith("static_default"))
    theirs = [float(cell) for cell in row.split("|")[1:-1]]
    benchmark = load_benchmark("otb100", source).select(["Skiing", "Man"], None)
    overall = load_scores(benchmark, tmp_path / "out" / "static", ["default"], "pytracking").overall
    values = dict(zip(overall["metric"], overall["value"], strict=True))
    ours = [round(100 * values[name], 2) for name in ("success", "sr50", "sr75", "precision", "norm_precision")]
    assert ours == pytest.approx(theirs, abs=0.011)
