"""`siamcar failures`: where trackers are lost, how it came to that, and pictures of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from siamcar.cli.common import (
    Annotations,
    BenchmarkName,
    DataFolder,
    Json,
    Limit,
    Names,
    ResultsFolder,
    SequenceNames,
    Settings,
    end_with_faults,
    examples,
    list_faults,
    load_selected,
    print_error,
    print_json,
    print_line,
    stdout_console,
)
from siamcar.errors import ConfigError, DataError, UnknownNameError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from evaluation.leaderboard import Scores
    from evaluation.results import TrackerResults
    from evaluation.sequence import Benchmark
    from reports.strips import Strip
    from reports.tables import Table

__all__ = ["EXAMPLES", "FailurePictures", "handle"]

EXAMPLES = examples(
    "siamcar failures --benchmark synthetic --results results --out failures",
    "siamcar failures --benchmark otb100 --data ~/data/OTB100 --results results -t siamcar --against atom "
    "--out failures",
    "siamcar failures --benchmark lasot --annotations LaSOT.zip --results theirs --json",
)


def handle(
    benchmark: BenchmarkName,
    results: ResultsFolder,
    data: DataFolder = None,
    annotations: Annotations = None,
    settings: Settings = None,
    tracker: Names = None,
    against: Annotated[
        str | None, typer.Option("--against", help="Rank the sequences by what the first --tracker loses against this.")
    ] = None,
    convention: Annotated[
        str | None, typer.Option("--convention", help="Rules of the scores. Default: the benchmark's official ones.")
    ] = None,
    patience: Annotated[
        int, typer.Option("--patience", min=1, help="Frames without any overlap that make a loss.")
    ] = 10,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for tables, plots and strips. Default: print only.", show_default=False),
    ] = None,
    count: Annotated[int, typer.Option("--strips", min=0, help="How many sequences to draw.")] = 4,
    sequences: SequenceNames = None,
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """Find where trackers are lost: the overlap falls to zero and stays there.

    Losses are grouped by kind (out of view, after occlusion, scale collapse, to a distractor, drift) and by attribute.
    With --out: failures.csv, failures.md, plots, time lines and, where frames are at hand, strips of the sequences
    that the first --tracker loses most on, or of the longest losses.
    """
    from evaluation.failures import (
        build_failure_table,
        count_whole,
        rank_losses,
        summarize_attributes,
        summarize_kinds,
    )
    from evaluation.scoring import load_scores, read_results

    loaded = load_selected(benchmark, data, settings, sequences, limit, annotations)
    loaded.require_truth()
    if loaded.protocol != "one_pass":
        raise ConfigError(
            f"{loaded.name} starts a tracker anew where it fails, so that it is never lost for long.",
            "`siamcar score` counts its failures; `siamcar plot accuracy_robustness` draws them.",
        )
    chosen = list(dict.fromkeys([*(tracker or []), *([against] if against else [])])) if tracker else None
    read = list(read_results(loaded, results, chosen))
    names = [result.tracker for result in read]
    if against is not None and against not in names:
        raise UnknownNameError.of("tracker in these results", against, names)
    if against is not None and all(name == against for name in tracker or names):
        raise ConfigError(f"{against} cannot be held against itself.", "Name another tracker: --tracker NAME.")
    import pandas as pd

    failures = pd.concat([build_failure_table(loaded, result, patience=patience) for result in read])
    failures = failures.sort_values(["n_lost", "sequence"], ascending=[False, True], ignore_index=True)
    scores = load_scores(loaded, results, chosen, convention)
    losses = None
    if against is not None:
        first = next(name for name in (tracker or names) if name != against)
        losses = rank_losses(scores, first, against)
    kinds = summarize_kinds(failures, names)
    attributes = summarize_attributes(failures, names, loaded.attributes)
    whole = {result.tracker: count_whole(loaded, result) for result in read}
    tables = _build_tables(loaded, failures, kinds, attributes, losses, whole)
    written = []
    if out is not None:
        pictures = FailurePictures(loaded, read, scores, failures, losses, patience)
        written = _write(out, pictures, kinds, whole, tables, count)
    if as_json:
        print_json(_to_json(failures, losses))
    else:
        from reports.render import render_rich

        for table in tables:
            stdout_console().print(render_rich(table))
    for path in written:
        (print_error if as_json else print_line)(str(path))
    end_with_faults(list_faults(scores, loaded))


def _to_json(failures: pd.DataFrame, losses: pd.DataFrame | None) -> dict[str, Any]:
    rows = [{**row, "attributes": [name for name in row["attributes"].split(",") if name]} for row in _rows(failures)]
    return {"failures": rows, "losses": None if losses is None else _rows(losses)}


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def _build_tables(
    loaded: Benchmark,
    failures: pd.DataFrame,
    kinds: pd.DataFrame,
    attributes: pd.DataFrame,
    losses: pd.DataFrame | None,
    whole: dict[str, int],
) -> list[Table]:
    from evaluation.failures import take_first_runs
    from reports.failures import (
        build_attribute_failure_table,
        build_failure_list,
        build_kind_table,
        build_loss_table,
    )

    tables = [build_kind_table(kinds, loaded.name, len(loaded), whole)]
    if len(attributes):
        tables.append(build_attribute_failure_table(attributes, loaded.name, len(loaded), whole))
    if losses is not None and len(losses):
        tables.append(build_loss_table(losses))
    longest = take_first_runs(failures).head(20)
    if len(longest):
        tables.append(build_failure_list(longest))
    return tables


class FailurePictures:
    """Draws what was found."""

    def __init__(
        self,
        loaded: Benchmark,
        results: list[TrackerResults],
        scores: Scores,
        failures: pd.DataFrame,
        losses: pd.DataFrame | None,
        patience: int,
    ) -> None:
        from evaluation.failures import take_first_runs

        self.loaded = loaded
        self.order = scores.ranked()
        self.results = sorted(results, key=lambda result: self.order.index(result.tracker))
        self.scores = scores
        self.failures = failures
        self.drawn = take_first_runs(failures)
        self.losses = losses
        self.patience = patience

    def choose(self, count: int) -> list[str]:
        """The sequences to draw: those with the largest loss against another, else with the longest losses."""
        if self.losses is not None:
            worst = self.losses[self.losses["loss"] > 0]["sequence"]
        else:
            worst = self.drawn["sequence"]
        return [str(name) for name in dict.fromkeys(worst)][:count]

    def draw_timelines(self, names: list[str]) -> dict[str, Figure]:
        """Sequence → figure."""
        from evaluation.views import build_sequence_view
        from siamcar.cli.pictures import draw_timeline

        return {
            name: draw_timeline(
                build_sequence_view(self.loaded, self.results, name, self.scores.convention, patience=self.patience),
                self.order,
            )
            for name in names
        }

    def draw_strips(self, names: list[str]) -> Figure | None:
        """Frames about the longest loss of each sequence; None where there are no frames."""
        from reports.strips import plot_strips

        strips = []
        for name in names:
            try:
                strips.append(self._make_strip(name))
            except DataError as error:
                print_error(f"No strip of {name}: {error.message}")
        if not strips:
            return None
        facts = (f"{len(strips)} of {len(self.loaded)} sequences", "the frames about the longest loss, if any")
        return plot_strips(strips, (f"Failures on {self.loaded.name}", *facts), trackers=self.order)

    def _make_strip(self, name: str) -> Strip:
        from evaluation.views import build_sequence_view
        from reports.failures import KIND_NAMES
        from reports.strips import choose_evenly, choose_frames_around
        from siamcar.cli.pictures import make_strip

        view = build_sequence_view(self.loaded, self.results, name, self.scores.convention, patience=self.patience)
        rows = self.drawn[self.drawn["sequence"] == name]
        if self.losses is not None and len(self.losses):
            rows = rows[rows["tracker"] == self.losses.iloc[0]["tracker"]]
        if rows.empty:  # chosen for what is lost against another
            return make_strip(view, choose_evenly(len(view.sequence), 5), self._compare(name))
        worst = rows.iloc[0]
        indices = choose_frames_around(int(worst["first"]) - 1, len(view.sequence), 5, max(1, self.patience // 2))
        reason = f"{worst['tracker']} is lost from frame {worst['first']}, {KIND_NAMES[str(worst['kind'])]}"
        return make_strip(view, indices, reason)

    def _compare(self, name: str) -> str:
        """How far a tracker that is not lost is below the other."""
        if self.losses is None:
            return ""
        row = next(row for row in _rows(self.losses) if row["sequence"] == name)
        return f"{row['tracker']} is not lost, and has {row['loss']:.3f} less {row['metric']} than {row['against']}"


def _write(
    out: Path, pictures: FailurePictures, kinds: pd.DataFrame, whole: dict[str, int], tables: list[Table], count: int
) -> list[Path]:
    from reports.failures import plot_failure_kinds, plot_losses
    from reports.plots import save_figure
    from reports.render import escape_markdown, render_markdown
    from siamcar.files import write_atomic

    loaded = pictures.loaded
    figures = {"kinds": plot_failure_kinds(kinds, loaded.name, len(loaded), pictures.patience, whole)}
    if pictures.losses is not None and (pictures.losses["loss"] > 0).any():
        figures["losses"] = plot_losses(pictures.losses)
    names = pictures.choose(count)
    figures |= {f"timeline_{name}": figure for name, figure in pictures.draw_timelines(names).items()}
    strips = pictures.draw_strips(names)
    if strips is not None:
        figures["strips"] = strips
    page = [f"# Failures on {loaded.name}\n", *(render_markdown(table) for table in tables)]
    page += [f"![{escape_markdown(name)}]({quote(name)}.png)\n" for name in figures]
    texts = {"failures.md": "\n".join(page), "failures.csv": pictures.failures.to_csv(index=False, lineterminator="\n")}
    if pictures.losses is not None:
        texts["losses.csv"] = pictures.losses.to_csv(index=False, lineterminator="\n")
    paths = []
    for name, text in texts.items():
        paths.append(out / name)
        write_atomic(paths[-1], text.encode())
    for name, figure in figures.items():
        paths += save_figure(figure, out / name, ("png",))
    return paths
