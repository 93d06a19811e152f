"""Results that are to be made again by the toolkit, out of its way first."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from glob import escape
from pathlib import Path

from evaluation.results import RUNS_FOLDER
from evaluation.run_record import RunRecord, read_run_record
from evaluation.store import IMPORT_RECORD, hold_lock, write_record
from evaluation.vot.results import delete_results
from integrations.vot.evaluation import check_tracker_entry, choose_experiments, test_tracker
from integrations.vot.toolkit import Echo, Toolkit, check_stack
from integrations.vot.workspace import Workspace
from siamcar.errors import ResultsError

__all__ = ["clear_results"]


def clear_results(
    workspace: Workspace,
    toolkit: Toolkit,
    name: str,
    experiments: Sequence[str] | None = None,
    *,
    echo: Echo = lambda _: None,
) -> None:
    """Delete a tracker's results of some experiments, so that they are made again.

    The toolkit's own `--force` keeps what was there where the tracker fails, and runs nothing where three repetitions
    are the same.

    Raises:
        SiamCARError: the tracker does not pass the toolkit's test, or the names are unknown; nothing was deleted.
    """
    chosen = choose_experiments(workspace, experiments)
    check_stack(toolkit, chosen)
    check_tracker_entry(workspace, name)
    if (workspace.folder / "results" / name).is_dir():
        echo("The toolkit's test of the tracker, before earlier results are deleted …")
        test_tracker(workspace, toolkit, name)
        _clear_experiments(workspace.folder, name, [one.name for one in chosen])


def _clear_experiments(folder: Path, tracker: str, experiments: Collection[str]) -> None:
    """Delete a tracker's results of some experiments, and take them out of the run record of the engine in process.

    Args:
        folder: the workspace.
        tracker: name of the tracker's folder in its results.
        experiments: their names.

    Raises:
        ResultsError: a run in process is writing there.
    """
    with hold_lock(folder, tracker):
        for one in experiments:
            delete_results(folder / "results" / tracker, f"{escape(one)}/*")
        hidden = folder / RUNS_FOLDER / tracker
        (hidden / IMPORT_RECORD).unlink(missing_ok=True)
        try:
            record = read_run_record(folder, tracker)
        except ResultsError:
            return  # damaged: it vouches for nothing
        if record is not None:
            _forget(folder, record, experiments)


def _forget(folder: Path, record: RunRecord, experiments: Collection[str]) -> None:
    """Take experiments out of a run record; one that tells of no run then goes."""
    kept = {name: one for name, one in record.sequences.items() if name.partition("/")[0] not in experiments}
    if kept:
        planned = tuple(name for name in record.planned if name.partition("/")[0] not in experiments)
        write_record(folder, record.model_copy(update={"sequences": kept, "planned": planned}))
    else:
        (folder / RUNS_FOLDER / record.tracker / "run.json").unlink(missing_ok=True)
