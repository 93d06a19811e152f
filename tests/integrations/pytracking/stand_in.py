"""A stand-in for a checkout of pytracking, written for these tests: the same interfaces, in a few lines.

It has what the real one has and our integration relies on: imports of packages that may be missing, a `local.py` that
is replaced when anything is wrong with it, trackers looked for in folders, frames in RGB from data sets and BGR from
videos, spawned processes, exceptions that are printed and forgotten, boxes written as whole numbers, and results that
are taken for done when they are there.
"""

from __future__ import annotations

import json
from pathlib import Path

FILES = {
    "ltr/__init__.py": "import jpeg4py\n",
    "pytracking/__init__.py": """
import ltr
class TensorList(list): pass
from pytracking.run_tracker import run_tracker
""",
    "pytracking/tracker/__init__.py": "",
    "pytracking/parameter/__init__.py": "",
    "pytracking/tracker/base/__init__.py": """
class BaseTracker:
    def __init__(self, params):
        self.params, self.visdom = params, None
""",
    "pytracking/utils/__init__.py": """
class TrackerParams:
    pass
""",
    "pytracking/utils/drawing.py": "import visdom\nimport visdom.server\n",
    "pytracking/analysis/__init__.py": "import tikzplotlib\n",
    "pytracking/evaluation/__init__.py": """
from .tracker import Tracker
from .data import get_dataset
""",
    "pytracking/evaluation/environment.py": """
import importlib
from pathlib import Path

HERE = Path(__file__).parent

class EnvSettings:
    def __init__(self):
        self.results_path = str(HERE.parent / "tracking_results")
        self.segmentation_path = str(HERE.parent / "segmentation_results")
        self.result_plot_path = str(HERE.parent / "result_plots")
        self.toy_path = ""

def env_settings():
    try:
        return importlib.import_module("pytracking.evaluation.local").local_env_settings()
    except BaseException:
        (HERE / "local.py").write_text("# defaults")
        raise RuntimeError("local.py was not set up")
""",
    "pytracking/evaluation/data.py": """
from pathlib import Path
import numpy as np
from pytracking.evaluation.environment import env_settings

class Sequence:
    def __init__(self, folder):
        self.name, self.dataset, self.object_ids = folder.name, "toy", None
        self.frames = [str(path) for path in sorted(folder.glob("*.png"))]
        self.ground_truth_rect = np.loadtxt(folder / "truth.txt", delimiter=",")

def get_dataset(name):
    root = Path(env_settings().toy_path)
    return [Sequence(folder) for folder in sorted(root.iterdir()) if folder.is_dir()]
""",
    "pytracking/evaluation/tracker.py": """
import copy, importlib, os
import cv2
import pytracking.utils.drawing
from pytracking.evaluation.environment import env_settings

class Tracker:
    def __init__(self, name, parameter_name, run_id=None):
        self.name, self.parameter_name, self.run_id = name, parameter_name, run_id
        run = "" if run_id is None else "_%03d" % run_id
        self.results_dir = os.path.join(env_settings().results_path, name, parameter_name + run)
        home = os.path.join(os.path.dirname(__file__), "..", "tracker", name)
        self.tracker_class = None
        if os.path.isdir(home):
            self.tracker_class = importlib.import_module("pytracking.tracker." + name).get_tracker_class()

    def get_parameters(self):
        return importlib.import_module(f"pytracking.parameter.{self.name}.{self.parameter_name}").parameters()

    def run_sequence(self, sequence):
        images = [cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB) for path in sequence.frames]
        tracker = self.tracker_class(self.get_parameters())
        first = tracker.initialize(images[0], {"init_bbox": list(sequence.ground_truth_rect[0])}) or {}
        outputs = [first] + [tracker.track(image, {"previous_output": {}}) for image in images[1:]]
        return outputs

    def run_video_generic(self, images, box):
        params = self.get_parameters()
        params.tracker_name, params.param_name = self.name, self.parameter_name
        tracker = self.tracker_class(params)
        tracker.initialize_features()
        tracker = copy.deepcopy(tracker)
        tracker.initialize(images[0], {"init_bbox": box, "init_object_ids": [1]})
        return [tracker.track(image, {}) for image in images[1:]]
""",
    "pytracking/evaluation/running.py": """
import multiprocessing, os
import numpy as np

def run_sequence(sequence, tracker):
    base = os.path.join(tracker.results_dir, sequence.name)
    if os.path.isfile(base + ".txt"):
        return
    try:
        outputs = tracker.run_sequence(sequence)
    except Exception as error:
        print(error)
        return
    os.makedirs(tracker.results_dir, exist_ok=True)
    boxes = np.array([output["target_bbox"] for output in outputs]).astype(int)
    np.savetxt(base + ".txt", boxes, delimiter="\\t", fmt="%d")
    np.savetxt(base + "_scores.txt", [output["object_presence_score"] for output in outputs])

def run_dataset(dataset, trackers, debug=False, threads=0, visdom_info=None):
    multiprocessing.set_start_method("spawn", force=True)
    pairs = [(sequence, tracker) for sequence in dataset for tracker in trackers]
    if threads:
        with multiprocessing.Pool(threads) as pool:
            pool.starmap(run_sequence, pairs)
    else:
        for pair in pairs:
            run_sequence(*pair)
""",
    "pytracking/run_tracker.py": """
import os, sys, argparse
sys.path.append(os.path.join(os.path.dirname(__file__), ".."))
from pytracking.evaluation import Tracker, get_dataset
from pytracking.evaluation.running import run_dataset

def run_tracker(name, parameter, run_id=None, threads=0):
    run_dataset(get_dataset("toy"), [Tracker(name, parameter, run_id)], threads=threads)

def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("parameter")
    parser.add_argument("--runid", type=int, default=None)
    parser.add_argument("--threads", type=int, default=0)
    arguments = parser.parse_args()
    run_tracker(arguments.name, arguments.parameter, arguments.runid, arguments.threads)

if __name__ == "__main__":
    main()
""",
}

LOCAL = """from pytracking.evaluation.environment import EnvSettings

def local_env_settings():
    settings = EnvSettings()
    for name, value in {values!r}.items():
        setattr(settings, name, value)
    return settings
"""


def write_stand_in(root: Path) -> Path:
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def write_local(path: Path, **values: object) -> Path:
    plain = json.loads(json.dumps(values, default=str))
    path.write_text(LOCAL.format(values=plain))
    return path


def list_files(root: Path) -> dict[str, bytes]:
    """Every file with its content, and every folder."""
    return {
        str(path.relative_to(root)): path.read_bytes() if path.is_file() else b""
        for path in sorted(root.rglob("*"))
        if ".git" not in path.relative_to(root).parts
    }
