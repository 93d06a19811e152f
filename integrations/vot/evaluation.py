"""`vot evaluate` of the toolkit, and what its exit code 0 leaves open: is everything there, whole, and a number.

A crash of the tracker, a time-out and an incomplete analysis all end the toolkit with 0. So its logs are read, every
result file is opened, and the analysis has to leave a document without NaN; what is wrong is told in words.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from integrations.vot.server import FAULT
from integrations.vot.toolkit import Echo, Experiment, Toolkit, ToolkitRun, call_toolkit, check_stack, query_toolkit
from integrations.vot.trackers_ini import Entry, read_entry
from integrations.vot.workspace import Workspace
from siamcar.errors import ConfigError, ResultsError, SiamCARError

__all__ = [
    "Outcome",
    "Survey",
    "check_tracker_entry",
    "evaluate_with_toolkit",
    "survey_results",
    "test_tracker",
]


@dataclass(frozen=True)
class Survey:
    """Which results of a tracker are there.

    Attributes:
        identifier: name that the toolkit gives it in a packed manifest.
        complete: (experiment, sequence) of whole results.
        files: (experiment, sequence) → their files.
        faults: (experiment, sequence) → what is missing or broken.
        broken: files that cannot be read, with the reason.
    """

    identifier: str
    complete: tuple[tuple[str, str], ...]
    files: dict[tuple[str, str], tuple[str, ...]]
    faults: dict[tuple[str, str], str]
    broken: dict[Path, str]


@dataclass(frozen=True)
class Outcome:
    """What an evaluation by the toolkit left.

    Attributes:
        done: number of complete runs of a sequence in an experiment.
        failures: name and reason of every other one.
        analysis: the document that the toolkit's analysis wrote; None where there is none.
        notes: values that are not defined, and why; why no analysis was run.
        analysis_fault: why the analysis left no document; "" where it did, or was not run.
    """

    done: int
    failures: tuple[tuple[str, str], ...] = ()
    analysis: Path | None = None
    notes: tuple[str, ...] = ()
    analysis_fault: str = ""


def choose_experiments(workspace: Workspace, names: Sequence[str] | None) -> list[Experiment]:
    """Experiments of a workspace's stack by their names; all of them for None.

    Raises:
        ConfigError: the stack has no such experiment.
    """
    known = {one.name: one for one in workspace.stack.experiments}
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise ConfigError(
            f"The stack {workspace.stack.name} has no experiment {', '.join(unknown)}.", f"It has: {', '.join(known)}."
        )
    return [known[name] for name in names or known]


def check_tracker_entry(workspace: Workspace, name: str) -> Entry:
    """Refuse an entry that can only end in "Unable to connect to tracker".

    Raises:
        ConfigError: its interpreter is not there, or its own settings cannot be.
        UnknownNameError: there is no such entry.
    """
    entry = read_entry(workspace.folder, name)
    if entry.python and not Path(entry.python).is_file():
        raise ConfigError(
            f"{name} is registered to run with {entry.python}, and there is no such file.",
            "Register it again for this environment: siamcar vot init … --overwrite",
        )
    return entry


def survey_results(workspace: Workspace, toolkit: Toolkit, name: str, experiments: Sequence[Experiment]) -> Survey:
    """Open every result file of a tracker and say what is missing.

    Raises:
        ConfigError: the toolkit does not accept the workspace.
    """
    answer = query_toolkit(toolkit, ["survey", str(workspace.folder.absolute()), name], workspace.folder)
    complete, files, faults, broken = [], {}, {}, {}
    for experiment in experiments:
        for sequence, found in answer["experiments"][experiment.name].items():
            key = (experiment.name, sequence)
            if found["complete"]:
                complete.append(key)
                files[key] = tuple(found["files"])
                continue
            faults[key] = found["fault"] or "; ".join(found["broken"].values()) or "results are missing"
            folder = workspace.folder / "results" / answer["reference"] / experiment.name / sequence
            broken.update({folder / file: reason for file, reason in found["broken"].items()})
    return Survey(answer["identifier"], tuple(complete), files, faults, broken)


def evaluate_with_toolkit(
    workspace: Workspace,
    toolkit: Toolkit,
    name: str,
    experiments: Sequence[str] | None = None,
    *,
    echo: Echo = lambda _: None,
    show_bar: Echo = lambda _: None,
) -> Outcome:
    """Run the toolkit's own `evaluate` and `analysis`, and check what they left.

    Sequences that are complete stay. Result files that cannot be read, which the toolkit would take as done, are set
    aside first as `<name>.broken`.

    Args:
        workspace: where.
        toolkit: of which environment.
        name: the tracker's, in `trackers.ini`.
        experiments: names in the stack; all by default.
        echo: gets what the toolkit prints.
        show_bar: gets its progress bars.

    Raises:
        SiamCARError: nothing could be run, and why.
        KeyboardInterrupt: Ctrl-C; what was finished stays.
    """
    chosen = choose_experiments(workspace, experiments)
    check_stack(toolkit, chosen)
    check_tracker_entry(workspace, name)
    if (workspace.folder / "results" / name).is_dir():
        for path, reason in survey_results(workspace, toolkit, name, chosen).broken.items():
            echo(f"Set aside as {path.name}.broken: {reason}")
            path.replace(path.with_name(f"{path.name}.broken"))
    runs = {}
    for one in chosen:  # what the toolkit prints of a sequence does not say in which experiment
        arguments = ["evaluate", "--workspace", ".", "--persist", "--experiments", one.name, name]
        runs[one.name] = call_toolkit(toolkit, arguments, workspace.folder, echo, show_bar)
    survey = survey_results(workspace, toolkit, name, chosen)
    failures = _find_failures(survey, runs)
    complete = [key for key in survey.complete if key not in failures]
    ended = [run for run in runs.values() if run.code != 0]
    if ended and not complete:
        raise ResultsError(f"The toolkit ended with exit code {ended[0].code}: {_get_last_line(ended[0].output)}")
    listed = tuple((" ".join(key).strip(), reason) for key, reason in failures.items())
    obstacle = _find_obstacle(workspace, complete)
    if obstacle:
        return Outcome(len(complete), listed, notes=(obstacle,))
    path, fault = _analyse(workspace, toolkit, name, echo, show_bar)
    notes = () if fault else tuple(_explain_undefined(_read_document(path)))
    return Outcome(len(complete), listed, None if fault else path, notes, fault)


def _find_failures(survey: Survey, runs: Mapping[str, ToolkitRun]) -> dict[tuple[str, str], str]:
    """(experiment, sequence) → why it failed; (experiment, "") where the toolkit itself ended with an error."""
    found = {}
    for experiment, run in runs.items():
        told = f"(toolkit: {_get_last_line(run.output)})"
        for (one, sequence), fault in survey.faults.items():
            if one == experiment:
                found[experiment, sequence] = f"{fault} {told}"
        # Also where the results are whole: they are then of another run.
        found |= {(experiment, sequence): reason for sequence, reason in _read_reasons(run.output).items()}
        if run.code != 0:
            found[experiment, ""] = f"the toolkit ended with exit code {run.code} {told}"
    return found


def _get_last_line(output: str) -> str:
    return output.splitlines()[-1] if output else "it printed nothing"


def _read_reasons(output: str) -> dict[str, str]:
    """Why sequences of an experiment failed, from the toolkit's messages and the logs that it names."""
    reasons: dict[str, str] = {}
    sequence = ""
    for line in output.splitlines():
        error = re.search(r"encountered an error at sequence (.+?): (.*)", line)
        if error:
            sequence = error[1]
            reasons[sequence] = error[2]
        log = re.search(r"Tracker output written to file: (.*)", line)
        if log and sequence:
            reasons[sequence] = f"{_explain(Path(log[1]), reasons[sequence])} (log: {log[1]})"
    return reasons


def _explain(log: Path, message: str) -> str:
    """What the tracker said last; a time-out, which it does not know of, in the toolkit's words."""
    if "did not reply" in message or not log.is_file():
        return message
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    told = [line.removeprefix(FAULT).strip() for line in lines if line.startswith(FAULT)]
    if told:
        return told[-1]
    said = [line for line in lines if not line.startswith(("Process ", "@@TRAX"))][-1:]
    ended = re.findall(r"Process exited with code \((-?\d+)\)", lines[-1] if lines else "")
    said += [f"its process ended with code {code}" for code in ended]
    return "; ".join([message, *said])


def _find_obstacle(workspace: Workspace, complete: Sequence[tuple[str, str]]) -> str:
    """Why the toolkit's analysis, which is of the whole stack, is not run; "" where it can be."""
    stack = workspace.stack
    if not any(one.analyses for one in stack.experiments):
        return f"The stack {stack.name} has no analyses: its ground truth is not public."
    if set(complete) != {(one.name, name) for one in stack.experiments for name in workspace.sequences}:
        return (
            "No analysis by the toolkit, which needs all experiments of the stack complete. "
            "What is complete is scored by: siamcar vot score"
        )
    return ""


def _analyse(workspace: Workspace, toolkit: Toolkit, name: str, echo: Echo, show_bar: Echo) -> tuple[Path, str]:
    """Run the toolkit's analysis; the path of its document, and why there is none if so."""
    document = f"siamcar-{name.replace('@', '-')}"
    path = workspace.folder / "analysis" / f"{document}.json"
    path.unlink(missing_ok=True)  # an old one is not to be taken for the new one
    arguments = ["analysis", "--workspace", ".", "--name", document, name]
    run = call_toolkit(toolkit, arguments, workspace.folder, echo, show_bar)
    if path.is_file():
        return path, ""
    failed = [line for line in run.output.splitlines() if "Failed task" in line]
    return path, f"The toolkit's analysis left no document: {failed[0] if failed else _get_last_line(run.output)}"


def _read_document(path: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ResultsError(f"The toolkit's analysis {path} is not whole: {error}.", "Evaluate again.") from error
    return document


def _explain_undefined(document: dict[str, Any]) -> list[str]:
    """A line for each analysis that is no score: a NaN in it, or a window that no sequence reaches."""
    longest = max((int(one.get("length", 0)) for one in document["sequences"].values()), default=0)
    notes = []
    for name, experiment in document["results"].items():
        analyses = experiment["parameters"].get("analyses", [])
        for analysis, data in zip(analyses, experiment["results"], strict=False):
            low = int(analysis.get("low") or 0)
            if longest < low:
                # Failed runs are continued with zeros, so that the toolkit has a number even here.
                reason = f"its window begins at {low} frames, and the longest sequence has {longest}"
            elif not _has_nan(data):
                continue
            elif low:
                reason = f"no run reaches its window, which begins at {low} frames"
            else:
                reason = "the tracker left nothing to average over"
            kind = str(analysis.get("type", "an analysis")).rpartition(".")[2]
            notes.append(f"{name}, {kind}: not defined ({reason}).")
    return notes


def _has_nan(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_nan, value.values()))
    if isinstance(value, list):
        return any(map(_has_nan, value))
    return value is None or (isinstance(value, float) and math.isnan(value))


def test_tracker(workspace: Workspace, toolkit: Toolkit, name: str, echo: Echo = lambda _: None) -> str:
    """The toolkit's own smoke test: our server on fifty frames that it draws.

    Returns:
        A line for people.

    Raises:
        SiamCARError: the tracker does not come through; why, in its own words.
    """
    check_tracker_entry(workspace, name)
    run = call_toolkit(toolkit, ["test", name], workspace.folder, echo)
    if re.search(r"Test concluded success", run.output):
        return f"{name} answers vot-toolkit {toolkit.version}."
    lines = run.output.splitlines()
    told = [line.partition(FAULT)[2].strip() for line in lines if FAULT in line]
    raise SiamCARError(
        f"{name} fails the toolkit's test: {told[-1] if told else _get_last_line(run.output)}",
        "The whole output: --verbose.",
    )
