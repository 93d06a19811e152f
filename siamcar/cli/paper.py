"""`siamcar paper`: every table and figure of the paper from what is on disk, and how to fill the rest."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from siamcar.cli.ablate import BENCHMARKS, RECIPES, build_backbone_variants, choose_baseline, list_training_notes
from siamcar.cli.common import (
    EXIT_PARTIAL,
    Names,
    ResultsFolder,
    SequenceNames,
    examples,
    print_error,
    print_line,
    split_names,
)
from siamcar.cli.entries import (
    DataFolders,
    LoadedEntry,
    SuiteFile,
    check_trackers,
    choose_benchmarks,
    holds_results,
    load_entry,
    parse_folders,
)
from siamcar.cli.plot import parse_formats
from siamcar.errors import ResultsError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.figure import Figure

    from evaluation.board import Board
    from evaluation.leaderboard import Scores
    from evaluation.results import TrackerResults
    from evaluation.sequence import Benchmark
    from reports.paper import PaperItem

__all__ = ["EXAMPLES", "handle"]

EXAMPLES = examples(
    "siamcar paper --results results --out paper",
    "siamcar paper --results results --data otb100=~/data/OTB100 --data lasot=LaSOT.zip --out paper --format pdf,svg",
    "siamcar paper --suite mine.yaml --results results --out paper --sequences Jumping,Skiing",
)

_CURVES = (
    ("Figure 4", "Success plot on GOT-10k", "got10k_val", ("success",)),
    ("Figure 6", "Plots on LaSOT", "lasot", ("norm_precision", "precision", "success")),
    ("Figure 7", "Plots on UAV123", "uav123", ("precision", "success")),
    ("Figure 8", "Success by attribute on OTB-100", "otb100", ("attributes",)),
)
_WITH_FRAMES = ("got10k_val", "otb100", "lasot", "uav123", "uav123_10fps", "synthetic")
"""Where strips are drawn from, the paper's benchmark first."""

_SHOWN = 5
"""Trackers in a strip; more hide the picture."""


def handle(
    results: ResultsFolder,
    out: Annotated[Path, typer.Option("--out", help="Folder for index.md, tables and figures.")],
    suite: SuiteFile = "paper",
    data: DataFolders = None,
    tracker: Names = None,
    sequences: SequenceNames = None,
    formats: Annotated[str, typer.Option("--format", help="Of figures: png, pdf, svg, with commas.")] = "png,pdf",
) -> None:
    """Rebuild the paper: tables 1 to 5 and figures 4 to 9 from results on disk, beside the published numbers.

    Nothing is run. What is missing is named with the command that adds it. Strips (figures 5 and 9) show --sequences,
    or those on which SiamCAR differs most from the others, and its longest losses.

    Ends with exit code 3 when data or results of a benchmark are there and cannot be scored.
    """
    from reports.paper import write_paper

    chosen = parse_formats(formats)
    if not results.is_dir():
        raise ResultsError(
            f"There are no results at {results}: it is no folder.", "Give the folder that `siamcar run` wrote to."
        )
    folders, wanted = parse_folders(data or []), split_names(sequences)
    names = None
    if suite == "paper" and holds_results(results, "Synthetic"):
        from evaluation.suite import PAPER_SUITE

        names = [*(one.benchmark for one in PAPER_SUITE.benchmarks), *folders, "synthetic"]
    entries: dict[str, LoadedEntry] = {}
    for one in choose_benchmarks(suite, names, folders):
        entries[one.benchmark] = load_entry(one, folders.get(one.benchmark), results, tracker)
        if entries[one.benchmark].failed:
            print_error(f"{one.benchmark}: {entries[one.benchmark].entry.note}")
    check_trackers(tracker, entries.values(), results)
    _check_sequences(wanted, entries.values())
    paper = _Paper(entries, results, wanted)
    items = paper.build()
    for path in write_paper(items, out, results, chosen)[:1]:
        width = max(len(item.place) for item in items)
        for item in items:
            print_line(f"{item.place:<{width}}  {item.state:<22}  {item.title}")
        print_line(str(path))
    if any(one.failed for one in entries.values()):
        raise typer.Exit(EXIT_PARTIAL)


def _check_sequences(names: list[str] | None, entries: Iterable[LoadedEntry]) -> None:
    """Refuse sequences that no benchmark has, where there is any with data.

    Raises:
        UnknownNameError: there is no such sequence.
    """
    known = {name for one in entries if one.benchmark is not None for name in one.benchmark.known_names}
    for name in names or ():
        if known and name not in known:
            raise UnknownNameError.of("sequence of the benchmarks that are here", name, known)


class _Paper:
    """Makes the items, one after another."""

    def __init__(self, entries: Mapping[str, LoadedEntry], results: Path, sequences: list[str] | None) -> None:
        from evaluation.board import build_board

        self.entries = entries
        self.results = results
        self.sequences = sequences
        self.board = build_board([one.entry for one in entries.values()], published=False)

    def build(self) -> list[PaperItem]:
        """In the order of the paper, tables first."""
        from reports.paper import PAPER_TABLES, PaperItem, build_paper_table

        items = []
        for number, of in enumerate(PAPER_TABLES, start=1):
            names = dict.fromkeys(benchmark for benchmark, _ in of.metrics)
            missing = [line for name in names for line in self._list_missing(name)]
            table = build_paper_table(of, self.board)
            items.append(PaperItem(of.place, of.title, tables={f"table{number}": table}, missing=missing))
        items += [self._build_strategies(), self._build_backbones(), self._draw_curves(*_CURVES[0])]
        items += [self._draw_strips(), *(self._draw_curves(*one) for one in _CURVES[1:]), self._draw_failures()]
        if self._get_scores("synthetic") is not None:
            items.append(self._build_synthetic())
        return items

    def _get_scores(self, name: str) -> Scores | None:
        return self.entries[name].entry.scores[0] if name in self.entries and self.entries[name].entry.scores else None

    def _find_trackers(self, name: str) -> set[str]:
        rows = self.board.rows
        return set(rows.loc[rows["benchmark"] == name, "tracker"].astype(str))

    def _list_missing(self, name: str) -> list[str]:
        """What a benchmark lacks for a row of SiamCAR, and the commands that add it."""
        if any(tracker.lower().startswith("siamcar") for tracker in self._find_trackers(name)):
            return []
        run = f"siamcar run --benchmark {name} --tracker siamcar --weights FILE --results {self.results}"
        note = self.entries[name].entry.note if name in self.entries else "not in the suite; name it there"
        if name in ("got10k_test", "trackingnet"):
            submit = f"siamcar submit {'got10k' if name == 'got10k_test' else 'trackingnet'} --help"
            add = f"siamcar leaderboard add REPORT --benchmark {name} --tracker NAME --results {self.results}"
            return [f"{name}: its server scores it. Run: {run}; pack: {submit}; add what it returns: {add}"]
        if note.startswith("no results") or not note:
            return [f"{name}: no results of SiamCAR; add them with: {run}"]
        return [f"{name}: {note}; then: {run}"]

    def _take(self, names: Iterable[str]) -> Board:
        """The board of these benchmarks, in their order."""
        from evaluation.board import Board

        wanted = [name for name in names if name in self.entries]
        known = {one.benchmark: one for one in self.board.benchmarks}
        rows = self.board.rows
        return Board(tuple(known[name] for name in wanted), rows[rows["benchmark"].isin(wanted)])

    def _list_ablation_benchmarks(self, kind: str) -> list[str]:
        ours = any(tracker.startswith("siamcar") for tracker in self._find_trackers("synthetic"))
        return [*BENCHMARKS[kind], *(["synthetic"] if ours else [])]

    def _build_strategies(self) -> PaperItem:
        from reports.ablation import STRATEGIES, build_delta_table, build_strategy_table, make_strategy_variants
        from reports.paper import PaperItem

        names = self._list_ablation_benchmarks("strategies")
        present = set(self.board.rows["tracker"].astype(str))
        counts = {
            backbone: sum(f"siamcar_{backbone}_{one}" in present for one in STRATEGIES)
            for backbone in reversed(RECIPES)
        }
        backbone = max(counts, key=lambda name: counts[name])
        labels = {one: f"siamcar_{backbone}_{one}" for one in STRATEGIES}
        variants = make_strategy_variants({one: label for one, label in labels.items() if label in present})
        board = self._take(names)
        title = f"Strategies of SiamCAR with {backbone}"
        tables = {"table4": build_strategy_table(board, variants, title)}
        if counts[backbone]:
            entries = [self.entries[one.benchmark].entry for one in board.benchmarks]
            tables["table4_deltas"] = build_delta_table(board, entries, variants, "coarse", title)
        missing = [
            f"{name}, {', '.join(lacking)}: siamcar ablate strategies -b {name} --weights {backbone}=FILE "
            f"--results {self.results}"
            for name in BENCHMARKS["strategies"]
            if (lacking := [one for one, label in labels.items() if label not in self._find_trackers(name)])
        ]
        return PaperItem("Table 4", "Tracking strategies", tables=tables, missing=missing)

    def _build_backbones(self) -> PaperItem:
        from reports.ablation import build_backbone_table, build_delta_table
        from reports.paper import PaperItem

        names = self._list_ablation_benchmarks("backbones")
        present = set(self.board.rows["tracker"].astype(str))
        strategies = ("refine", "released", "average", "coarse")
        counts = {by: sum(f"siamcar_{name}_{by}" in present for name in RECIPES) for by in strategies}
        strategy = max(counts, key=lambda by: counts[by])
        labels = {name: f"siamcar_{name}_{strategy}" for name in RECIPES}
        variants = build_backbone_variants(labels, present)
        board = self._take(names)
        title = f"Backbones of SiamCAR, strategy {strategy}"
        tables = {"table5": build_backbone_table(board, variants, title, [])}
        if counts[strategy]:
            entries = [self.entries[one.benchmark].entry for one in board.benchmarks]
            tables["table5_deltas"] = build_delta_table(board, entries, variants, choose_baseline([*variants]), title)
        untrained = [one.name for one in variants if one.tracker is None]
        missing = [
            *list_training_notes(untrained),
            *(
                f"{name}, {', '.join(lacking)}: siamcar ablate backbones -b {name} --weights BACKBONE=FILE "
                f"--results {self.results}"
                for name in BENCHMARKS["backbones"]
                if (lacking := [one for one, label in labels.items() if label not in self._find_trackers(name)])
            ),
        ]
        return PaperItem("Table 5", "Backbones", tables=tables, missing=missing)

    def _draw_curves(self, place: str, title: str, name: str, kinds: tuple[str, ...]) -> PaperItem:
        from reports.paper import PaperItem, plot_paper_curves

        scores = self._get_scores(name)
        if scores is None or not scores.success_curves:
            return PaperItem(place, title, missing=self._list_missing(name) or [f"{name}: no curves"])
        defined = [
            kind
            for kind in kinds
            if (scores.attributes_n if kind == "attributes" else scores.sequence_curves.get(kind))
        ]
        stem = place.lower().replace(" ", "")
        remarks = [] if len(defined) == len(kinds) else [f"{name} here has no {', '.join(set(kinds) - set(defined))}."]
        if name == "got10k_val":
            remarks.append("Of the validation set; the paper's is of the test set, whose ground truth is hidden.")
        figures = plot_paper_curves(scores, defined, stem)
        return PaperItem(place, title, figures=figures, remarks=remarks, missing=self._list_missing(name))

    def _choose_strips(self) -> tuple[str, Benchmark, Scores, list[str]] | None:
        """Benchmark, its data and scores, and the sequences that have frames; the first benchmark that has any."""
        from evaluation.sequence import AbsentFrames

        for name in _WITH_FRAMES:
            scores = self._get_scores(name)
            loaded = self.entries[name].benchmark if name in self.entries else None
            if scores is None or loaded is None:
                continue
            usable = [one.name for one in loaded if not isinstance(one.frames, AbsentFrames)]
            if self.sequences is not None:
                usable = [one for one in self.sequences if one in usable]
            if usable:
                return name, loaded, scores, usable
        return None

    def _read_shown(self, loaded: Benchmark, scores: Scores) -> list[TrackerResults]:
        """The trackers of a strip: SiamCAR's best run, then the best of the others; other runs of ours if alone."""
        from evaluation.scoring import read_results

        order = scores.ranked()
        ours = [name for name in order if name.lower().startswith("siamcar")]
        others = [name for name in order if name not in ours] or ours[1:]
        shown = [*ours[:1], *others][:_SHOWN]
        return list(read_results(loaded, self.results, shown))

    def _draw_strips(self) -> PaperItem:
        from evaluation.views import build_sequence_view
        from reports.paper import PaperItem
        from reports.strips import choose_evenly, plot_strips
        from siamcar.cli.pictures import make_strip

        place, title = "Figure 5", "Trackers on challenging sequences"
        found = self._choose_strips()
        if found is None:
            return PaperItem(place, title, missing=self._list_frames_missing())
        name, loaded, scores, usable = found
        read = self._read_shown(loaded, scores)
        shown = [result.tracker for result in read]
        names = usable[:6] if self.sequences is not None else _pick_sequences(scores, shown, usable)[:6]
        strips = []
        for sequence in names:
            view = build_sequence_view(loaded, read, sequence, scores.convention)
            strips.append(make_strip(view, choose_evenly(len(view.sequence), 5)))
        heading = (f"Trackers on {loaded.name}", f"{len(strips)} of {len(loaded)} sequences")
        figures: dict[str, Figure] = {"figure5": plot_strips(strips, heading, trackers=shown)}
        return PaperItem(place, title, figures=figures, remarks=_tell_stand_in(name, self._tell_choice(shown)))

    def _tell_choice(self, shown: list[str]) -> str:
        if self.sequences is not None:
            return "The sequences were named."
        if shown[0].lower().startswith("siamcar") and len(shown) > 1:
            return f"The sequences are those on which {shown[0]} is furthest above the mean of the others."
        return "The sequences are those on which the trackers differ most."

    def _draw_failures(self) -> PaperItem:
        import pandas as pd

        from evaluation.failures import PATIENCE, build_failure_table, take_first_runs
        from reports.paper import PaperItem
        from siamcar.cli.failures import FailurePictures

        place, title = "Figure 9", "Failures"
        found = self._choose_strips()
        if found is None:
            return PaperItem(place, title, missing=self._list_frames_missing())
        name, loaded, scores, usable = found
        read = self._read_shown(loaded, scores)
        blamed = read[:1] if read[0].tracker.lower().startswith("siamcar") else read
        failures = pd.concat([build_failure_table(loaded, result) for result in blamed])
        failures = take_first_runs(failures[failures["sequence"].isin(usable)])
        failures = failures.sort_values(["n_lost", "sequence"], ascending=[False, True], ignore_index=True)
        if failures.empty:
            remark = f"{', '.join(one.tracker for one in blamed)}: never lost on {name}."
            return PaperItem(place, title, remarks=[remark])
        pictures = FailurePictures(loaded, read, scores, failures, None, PATIENCE)
        figure = pictures.draw_strips(pictures.choose(4))
        figures = {} if figure is None else {"figure9": figure}
        which = "The longest losses of " + ", ".join(one.tracker for one in blamed) + "."
        return PaperItem(place, title, figures=figures, remarks=_tell_stand_in(name, which))

    def _list_frames_missing(self) -> list[str]:
        return [
            "no benchmark has both frames and results here. "
            + (self._list_missing("got10k_val") or ["got10k_val: give its frames with --data got10k_val=DIR"])[0]
        ]

    def _build_synthetic(self) -> PaperItem:
        from reports.paper import PaperItem, plot_paper_curves
        from reports.tables import build_score_table

        scores = self.entries["synthetic"].entry.scores[0]
        kinds = ["success", "precision", *(["attributes"] if scores.attributes_n else [])]
        return PaperItem(
            "Beyond",
            "Synthetic scenes, which the paper has not",
            tables={"synthetic": build_score_table(scores)},
            figures=plot_paper_curves(scores, kinds if scores.success_curves else [], "synthetic"),
        )


def _tell_stand_in(name: str, which: str) -> list[str]:
    stand_in = "" if name == "got10k_val" else " in place of GOT-10k, which the paper shows"
    return [f"From {name}{stand_in}. {which}"]


def _pick_sequences(scores: Scores, shown: list[str], usable: list[str]) -> list[str]:
    """Sequences, the most telling first: where SiamCAR is furthest above the others' mean, else where all differ."""
    from evaluation.tidy import get_sequence_values

    values, _ = get_sequence_values(scores, scores.convention.ranked_by, shown)
    values = values.loc[[name for name in usable if name in values.index]].dropna(how="all")
    if shown[0].lower().startswith("siamcar") and len(shown) > 1:
        gain = values[shown[0]] - values[shown[1:]].mean(axis=1)
    else:
        gain = values.max(axis=1) - values.min(axis=1)
    return [str(name) for name in gain.sort_values(ascending=False, kind="stable").index]
