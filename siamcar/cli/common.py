"""What the verbs share: printing, exit codes, and options of one meaning everywhere."""

from __future__ import annotations

import functools
import inspect
import json
import os
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec

import typer

from siamcar.errors import ConfigError, SiamCARError

if TYPE_CHECKING:
    from rich.console import Console

    from evaluation.leaderboard import Scores
    from evaluation.sequence import Benchmark

__all__ = [
    "EXIT_INTERRUPTED",
    "EXIT_PARTIAL",
    "Annotations",
    "BenchmarkName",
    "DataFolder",
    "Json",
    "Limit",
    "Names",
    "OptionalBenchmark",
    "ResultsFolder",
    "SequenceNames",
    "Settings",
    "choose_one",
    "end_with_faults",
    "examples",
    "list_faults",
    "load_selected",
    "parse_options",
    "print_error",
    "print_failures",
    "print_json",
    "print_line",
    "split_names",
    "stderr_console",
    "stdout_console",
    "verb",
]

EXIT_PARTIAL = 3
EXIT_INTERRUPTED = 130

BenchmarkName = Annotated[
    str, typer.Option("--benchmark", "-b", help="Which benchmark; `siamcar list benchmarks` names them.")
]
OptionalBenchmark = Annotated[
    str | None, typer.Option("--benchmark", "-b", help="Which benchmark; `siamcar list benchmarks` names them.")
]
Annotations = Annotated[
    Path | None,
    typer.Option(
        "--annotations", help="Folder or zip of annotations: joined to --data, or alone where scoring needs no frames."
    ),
]
DataFolder = Annotated[
    Path | None,
    typer.Option(
        "--data", help="Folder of the benchmark as downloaded, or an archive of annotations; none for synthetic."
    ),
]
ResultsFolder = Annotated[
    Path, typer.Option("--results", help="Root of all results, or the benchmark's own folder in it.")
]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="Take the first N sequences only.")]
SequenceNames = Annotated[str | None, typer.Option("--sequences", help="Take these sequences only: A,B,C.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="key=value for the benchmark (synthetic: n_sequences, n_frames, seed, width, height)."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of a table for people.")]
Names = Annotated[
    list[str] | None, typer.Option("--tracker", "-t", help="Tracker folder to take; may be repeated. Default: all.")
]

P = ParamSpec("P")


def examples(*lines: str) -> str:
    """The end of a verb's help: commands one can copy."""
    return "\n\n".join(["[bold]Examples[/bold]", *(f"  [cyan]{line}[/cyan]" for line in lines)])


def stdout_console() -> Console:
    """A console for results, as wide as the terminal; as wide as needed where output is a file or a pipe."""
    from rich.console import Console

    class ResultsConsole(Console):
        """Leaves a reader that is gone to `verb`; Rich would end with exit code 1."""

        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    return ResultsConsole(width=None if sys.stdout.isatty() else 200, highlight=False)


def stderr_console() -> Console:
    """A console for progress and complaints."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


def print_line(text: str = "") -> None:
    """Print a line of results as it is."""
    typer.echo(text)


def print_error(text: str) -> None:
    """Print a complaint; never wrapped, so that paths can be copied."""
    typer.echo(text, err=True)


def print_json(value: Any) -> None:
    """Print a JSON document; numbers that are not finite become null."""
    typer.echo(json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False))


def print_failures(failures: Iterable[tuple[str, str]], heading: str) -> None:
    """List what failed, at the end, where it is seen."""
    listed = list(failures)
    print_error(f"{heading} ({len(listed)}):")
    for name, message in listed:
        print_error(f"  {name}: {message}")


def list_faults(scores: Scores, benchmark: Benchmark) -> list[tuple[str, str]]:
    """What could not be scored, as name and message: of the data, and of each tracker."""
    faults = [("data " + name, message) for name, message in benchmark.faults]
    rules = scores.convention.name
    return faults + [(f"{one.tracker} {one.sequence} ({rules})", one.message) for one in scores.faults]


def end_with_faults(faults: list[tuple[str, str]]) -> None:
    """List what could not be scored and end with exit code 3, if there is anything."""
    if faults:
        print_failures(faults, "Not scored")
        raise typer.Exit(EXIT_PARTIAL)


def verb(handler: Callable[P, None]) -> Callable[P, None]:
    """Turn errors of a verb into a message and an exit code."""

    @functools.wraps(handler)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            handler(*args, **kwargs)
        except SiamCARError as error:
            print_error(f"Error: {error.message}")
            if error.hint:
                print_error(error.hint)
            raise typer.Exit(1) from error
        except KeyboardInterrupt as error:
            print_error("Interrupted.")
            raise typer.Exit(EXIT_INTERRUPTED) from error
        except RuntimeError as error:
            # Python 3.11 says so of a Ctrl-C while it builds a class, as in an import.
            if not isinstance(error.__cause__, KeyboardInterrupt):
                raise
            print_error("Interrupted.")
            raise typer.Exit(EXIT_INTERRUPTED) from error
        except BrokenPipeError:
            # The reader of our output is gone (`| head`); writing the rest, even at exit, would only complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except OSError as error:
            # A folder without permission, a full disk: the user's machine, not a defect of ours.
            where = f"{error.filename}: " if error.filename else ""
            print_error(f"Error: {where}{error.strerror or error}.")
            print_error("Check the path, its permissions and the space left, then give the same command again.")
            raise typer.Exit(1) from error

    # Typer prints the line ends within a paragraph as they stand in the source.
    guarded.__doc__ = re.sub(r"(?<!\n)\n(?!\n)", " ", inspect.cleandoc(handler.__doc__ or ""))
    return guarded


def split_names(text: str | None) -> list[str] | None:
    """Split "A,B" into ["A", "B"]; None stays None.

    Raises:
        ConfigError: there is no name in it.
    """
    if text is None:
        return None
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise ConfigError(f"Expected names with commas between them, found {text!r}.")
    return names


def parse_options(pairs: Iterable[str]) -> dict[str, str]:
    """["k=v", …] → {k: v}.

    Raises:
        ConfigError: a part that is not of that form, or a key given twice.
    """
    options: dict[str, str] = {}
    for pair in pairs:
        key, separator, value = pair.partition("=")
        key = key.strip().replace("-", "_")
        if not separator or not key:
            raise ConfigError(f"An option is key=value; found {pair!r}.", "For example: --option penalty_k=0.1")
        if key in options:
            raise ConfigError(f"The option {key!r} is given twice.", "Give it once.")
        options[key] = value
    return options


def choose_one(benchmark: str | None, suite: str | None, settings: list[str] | None, annotations: Path | None) -> None:
    """Check that either a benchmark or a suite is given, and with a suite nothing that is of one benchmark.

    Raises:
        typer.BadParameter: neither or both.
        ConfigError: settings or annotations beside a suite.
    """
    if (benchmark is None) == (suite is None):
        raise typer.BadParameter("give either --benchmark or --suite")
    for option, key, given in (("--set", "settings", settings), ("--annotations", "annotations", annotations)):
        if suite is not None and given:
            raise ConfigError(
                f"{option} is of one benchmark; found it beside --suite {suite}.",
                f"Write it into a suite file, as {key!r} of a benchmark (docs/suite.md), or give --benchmark.",
            )


def load_selected(
    name: str,
    data: Path | None,
    settings: list[str] | None,
    sequences: str | None,
    limit: int | None,
    annotations: Path | None = None,
) -> Benchmark:
    """Load a benchmark and take the sequences asked for; without a folder, the one settled for this machine.

    Raises:
        ConfigError: a folder is given for a benchmark that has none, or as `load_benchmark`.
    """
    from evaluation.benchmarks import load_benchmark
    from siamcar.user_config import find_data

    if data is not None and name == "synthetic":
        raise ConfigError(
            f"The benchmark 'synthetic' is drawn and has no folder; found --data {data}.",
            "Name the benchmark that lies there with -b (siamcar list benchmarks), or leave --data out.",
        )
    options: dict[str, Any] = dict(parse_options(settings or []))
    if annotations is not None:
        options["annotations"] = annotations
    root = data or (None if annotations is not None else find_data(name))
    return load_benchmark(name, root, **options).select(split_names(sequences), limit)
