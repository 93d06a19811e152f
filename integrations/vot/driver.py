"""Runs inside the toolkit's environment, as a script: the only file here that imports the toolkit.

    python driver.py versions                         what is installed, without importing it
    python driver.py survey WORKSPACE TRACKER         which results are there, whole and readable
    python driver.py cli ARGUMENT …                   the toolkit's own command line, without its look for updates

Answers are one line of JSON on standard output. It needs the standard library and the toolkit alone, so that it works
in an environment without this suite.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import metadata, util
from typing import Any


def _find_version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _get_versions() -> dict[str, Any]:
    spec = util.find_spec("vot")
    folders = list(spec.submodule_search_locations or []) if spec is not None else []
    return {
        "python": ".".join(str(part) for part in sys.version_info[:3]),
        "toolkit": _find_version("vot-toolkit"),
        "trax": _find_version("vot-trax"),
        "attributee": _find_version("attributee"),
        "folder": folders[0] if folders else None,
    }


def _survey(workspace_folder: str, reference: str) -> dict[str, Any]:
    from vot.workspace import Workspace

    workspace = Workspace.load(workspace_folder)
    tracker = workspace.registry[reference]
    return {
        "identifier": tracker.identifier,
        "reference": tracker.reference,
        "experiments": {
            experiment.identifier: {
                sequence.name: _survey_sequence(experiment, tracker, sequence)
                for sequence in experiment.transform(workspace.dataset)
            }
            for experiment in workspace.stack
        },
    }


def _survey_sequence(experiment: Any, tracker: Any, sequence: Any) -> dict[str, Any]:
    """Whether results are complete, the files that belong to them, those that cannot be read, and why if neither."""
    results = experiment.results(tracker, sequence)
    broken = {}
    try:
        names = [*results.find("*.bin"), *results.find("*.txt")]
    except FileNotFoundError:  # nothing has been run
        names = []
    for name in names:
        problem = _find_problem(results, name, sequence, type(experiment).__name__)
        if problem is not None:
            broken[name] = problem
    if broken:
        return {"complete": False, "files": [], "broken": broken, "fault": None}
    try:
        complete, files, _ = experiment.scan(tracker, sequence)
    except Exception as error:  # noqa: BLE001 - the toolkit raises plain errors for faults of the data
        return {"complete": False, "files": [], "broken": {}, "fault": f"{type(error).__name__}: {error}"}
    return {"complete": bool(complete), "files": list(files), "broken": {}, "fault": None}


def _find_problem(results: Any, name: str, sequence: Any, experiment: str) -> str | None:
    from vot.tracker.results import Trajectory

    stem = name.rpartition(".")[0]
    try:
        length = len(Trajectory.read(results, stem))
    except Exception as error:  # noqa: BLE001 - a cut file fails in many ways
        return f"it cannot be read ({type(error).__name__}: {error}); a write was interrupted"
    expected = [len(sequence)]
    if experiment == "MultiStartExperiment":
        anchor = int(stem.rpartition("_")[2])
        expected = [len(sequence) - anchor, anchor + 1]
    return None if length in expected else f"it has {length} frames where {' or '.join(map(str, expected))} belong"


def main(arguments: list[str]) -> None:
    """Carry out one command."""
    # The folder of this script holds modules of ours under common names.
    sys.path[:] = [path for path in sys.path if path != os.path.dirname(os.path.abspath(__file__))]  # noqa: PTH100, PTH120
    if arguments[0] == "versions":
        answer = _get_versions()
    else:
        import vot

        vot.check_updates = lambda: (False, None)
        if arguments[0] == "cli":
            from vot.utilities.cli import main as run_cli

            sys.argv = ["vot", *arguments[1:]]
            run_cli()
            return
        answer = _survey(*arguments[1:])
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
