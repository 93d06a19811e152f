"""One HTML file: the page's parts and its data, joined so that it opens anywhere and asks no network for anything."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from evaluation.leaderboard import Scores
from evaluation.results import find_results_folder
from evaluation.run_record import RunRecord, read_run_record
from evaluation.sequence import Benchmark
from evaluation.views import load_runs
from evaluation.vot.scores import find_vot_workspace
from reports.attribute_names import get_attribute_name
from reports.explorer.packing import Pool, embed_json
from reports.explorer.sequences import ReadResults, build_sequences
from reports.explorer.tables import build_convention
from reports.plots.figure import Look, find_looks
from siamcar import __version__
from siamcar.errors import ResultsError, import_extra
from siamcar.files import write_atomic

__all__ = ["render_explorer", "write_explorer"]

SCRIPTS = (
    "core.js", "statistics.js", "state.js", "ranking.js", "plots.js", "vot.js", "sequences.js", "sequence.js",
    "provenance.js", "main.js",
)  # fmt: skip
"""The page's own scripts, in the order in which they run."""

DASHES = {"-": "solid", "--": "dash", "-.": "dashdot", ":": "dot"}
MARKERS = {
    "o": "circle", "s": "square", "^": "triangle-up", "D": "diamond", "v": "triangle-down", "P": "cross", "X": "x",
    "<": "triangle-left", ">": "triangle-right",
}  # fmt: skip
"""What matplotlib's names are in Plotly: a tracker looks the same in every picture of a report."""


def render_explorer(
    scores: Sequence[Scores],
    benchmark: Benchmark,
    results: ReadResults | None = None,
    records: Mapping[str, RunRecord] | None = None,
) -> str:
    """The text of the page; the same input gives the same text.

    Args:
        scores: one a convention, of the same trackers; the page opens with the first.
        benchmark: what they are of. Key frames are shown where its frames are at hand.
        results: gives the trackers' results for time lines and boxes; None leaves them out.
        records: tracker → the record of its run, of those that have one.

    Raises:
        ResultsError: no scores, or no tracker has a scored sequence.
        MissingExtraError: Jinja2 or plotly is not installed.
    """
    if not scores or not any(scores[0].count_sequences(tracker) for tracker in scores[0].trackers):
        raise ResultsError(
            f"There is nothing to explore: no tracker has a usable result file of {benchmark.name}.",
            "Run a tracker over it first: siamcar run.",
        )
    jinja2 = import_extra("jinja2", extra="html", purpose="the explorer")
    plotly = import_extra("plotly.offline", extra="html", purpose="the explorer").get_plotlyjs()
    own = "\n".join(_read_part(name) for name in SCRIPTS)
    data = embed_json(_build_data(scores, benchmark, results, records or {}))
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    return str(
        environment.from_string(_read_part("page.html.jinja")).render(
            title=f"{benchmark.name} explorer",
            # The page runs these two scripts and no other, and loads nothing: also what a name smuggles in.
            policy=f"default-src 'none'; script-src {_hash(plotly)} {_hash(own)}; style-src 'unsafe-inline'; "
            "img-src data: blob:; base-uri 'none'; form-action 'none'",
            style=_as_markup(_read_part("explorer.css")),
            plotly=_as_markup(plotly),
            script=_as_markup(own),
            data=_as_markup(data),
        )
    )


def write_explorer(path: Path, scores: Sequence[Scores], benchmark: Benchmark, results: Path) -> Path:
    """Write the page of `render_explorer`, with what a results folder holds, as a temporary file and a rename.

    Args:
        path: the file.
        scores: one a convention, of the same trackers; the page opens with the first.
        benchmark: what they are of.
        results: root of all results, or the benchmark's own folder.

    Raises:
        ResultsError: there are no results, no scores, or no tracker has a scored sequence.
        MissingExtraError: Jinja2 or plotly is not installed.
        OSError: the file cannot be written.
    """
    trackers = scores[0].trackers if scores else ()
    find = find_vot_workspace if benchmark.family == "vot" else find_results_folder
    folder = find(results, benchmark)
    page = render_explorer(
        scores,
        benchmark,
        lambda: load_runs(benchmark, results, trackers),
        {tracker: record for tracker in trackers if (record := _read_record(folder, tracker)) is not None},
    )
    write_atomic(path, page.encode())
    return path


def _read_record(folder: Path, tracker: str) -> RunRecord | None:
    try:
        return read_run_record(folder, tracker)
    except ResultsError:
        return None  # a damaged record spoils the provenance, not the numbers


def _read_part(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _as_markup(text: str) -> Any:
    return import_extra("markupsafe", extra="html", purpose="the explorer").Markup(text)


def _hash(script: str) -> str:
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"'sha256-{digest}'"


def _build_data(
    scores: Sequence[Scores], benchmark: Benchmark, results: ReadResults | None, records: Mapping[str, RunRecord]
) -> dict[str, Any]:
    first, pool = scores[0], Pool()
    trackers, names = first.ranked(), [sequence.name for sequence in benchmark]
    attributes = list(first.attributes_n)
    having = [set(first.attribute_sequences[name]) for name in attributes]
    looks = find_looks(trackers)
    conventions = [build_convention(one, trackers, names, pool) for one in scores]
    timelines = None if results is None else build_sequences(benchmark, results, trackers, first.convention, pool)
    return {
        "suite": f"siamcar-suite {__version__}",
        "benchmark": {
            "name": benchmark.name,
            "revision": benchmark.revision,
            "frames": first.n_frames,
            "convention": benchmark.convention,
            "protocol": benchmark.protocol,
            "origin": benchmark.origin,
            "citation": benchmark.citation,
            "url": benchmark.url,
            "missing": list(first.missing),
            "notes": list(first.notes),
        },
        "trackers": [_describe_look(name, looks[name]) | {"contended": name in first.contended} for name in trackers],
        "sequences": [
            {
                "name": sequence.name,
                "frames": len(sequence),
                "attributes": [place for place, members in enumerate(having) if sequence.name in members],
            }
            for sequence in benchmark
        ],
        "attributes": [
            {"id": name, "name": get_attribute_name(name), "count": first.attributes_n[name]} for name in attributes
        ],
        "conventions": conventions,
        "timelines": timelines,
        "records": [_describe_record(records.get(name)) for name in trackers],
        "pool": pool.texts,
    }


def _describe_look(name: str, look: Look) -> dict[str, Any]:
    return {
        "name": name,
        "color": "#" + look.color.strip("#"),
        "dash": DASHES[look.dash],
        "symbol": MARKERS[look.marker],
        "many": look.many,
    }


def _describe_record(record: RunRecord | None) -> dict[str, Any] | None:
    """What a reader asks of a run; the states of single sequences are counted."""
    if record is None:
        return None
    done = [one for one in record.sequences.values() if one.status == "complete"]
    return {
        "identity": record.identity,
        "environment": record.environment,
        "complete": len(done),
        "seconds": round(sum(one.seconds or 0.0 for one in done), 1),
        "contended": record.contended,
        "failures": record.failures,
    }
