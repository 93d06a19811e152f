"""Progress of a training run: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from siamcar.cli.common import print_error, stderr_console

__all__ = ["make_listener", "print_faults", "show_crops", "show_training_log"]


@contextmanager
def show_training_log(*, quiet: bool) -> Iterator[None]:
    """Show what the sources say about themselves while they are opened."""
    if quiet:
        yield
        return
    logger, handler = logging.getLogger("training"), _Printer()
    old = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(old)


class _Printer(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        print_error(record.getMessage())


@contextmanager
def show_crops(name: str) -> Iterator[Callable[[int, int], None]]:
    """What `write_crops` tells its progress: a bar on a terminal, a line a tenth elsewhere."""
    if not sys.stderr.isatty():
        yield lambda done, total: _tell_tenth(name, done, total)
        return
    from rich.markup import escape
    from rich.progress import Progress

    with Progress(console=stderr_console()) as bar:
        task = bar.add_task(escape(name), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _tell_tenth(name: str, done: int, total: int) -> None:
    if done * 10 // total > (done - 1) * 10 // total:
        print_error(f"{name}: {done} of {total} boxes")


def make_listener(*, quiet: bool) -> Any:
    """A bar where a person looks at a terminal, plain lines where a log file does; nothing but in the first process."""
    if quiet:
        return None
    return _Bar() if sys.stderr.isatty() else _Lines()


def _describe_step(values: Mapping[str, Any]) -> str:
    return (
        f"epoch {values['epoch']:.2f}  loss {values['loss']:.3f}  cls {values['classification']:.3f}  "
        f"reg {values['regression']:.3f} (IoU {values['iou']:.2f})  "
        f"cen {values['centerness']:.3f} (least {values['centerness_floor']:.3f})  lr {values['lr_head']:.2g}  "
        f"{values['pairs_per_second']:.1f} pairs/s (data {values['data_seconds'] * 1e3:.0f} ms, "
        f"compute {values['compute_seconds'] * 1e3:.0f} ms a step)"
    )


def _describe_validation(step: int, values: Mapping[str, float], best: bool) -> str:
    numbers = "  ".join(f"{name} {value:.4f}" for name, value in values.items())
    return f"validation at step {step}: {numbers}{'  (best so far)' if best else ''}"


def _describe_seconds(seconds: float) -> str:
    hours, rest = divmod(round(seconds), 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}"


class _Lines:
    def on_start(self, step: int, total: int) -> None:
        self._total = total
        print_error(f"{'Going on at' if step else 'Starting at'} step {step} of {total}.")

    def on_log(self, step: int, values: Mapping[str, Any]) -> None:
        print_error(
            f"[{step}/{self._total}] {_describe_step(values)}  left {_describe_seconds(values['seconds_left'])}"
        )

    def on_validation(self, step: int, values: Mapping[str, float], best: bool) -> None:
        print_error(_describe_validation(step, values, best))

    def on_note(self, text: str) -> None:
        print_error(text)

    def close(self) -> None:
        return None


class _Bar:
    def __init__(self) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._progress = Progress(
            TextColumn("step {task.completed:.0f}/{task.total:.0f}"),
            BarColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=stderr_console(),
        )

    def on_start(self, step: int, total: int) -> None:
        self._progress.start()
        self._task = self._progress.add_task("training", total=total, completed=step, left="")

    def on_log(self, step: int, values: Mapping[str, Any]) -> None:
        self._progress.update(self._task, completed=step, left=f"left {_describe_seconds(values['seconds_left'])}")
        self._progress.console.print(_describe_step(values))

    def on_validation(self, step: int, values: Mapping[str, float], best: bool) -> None:
        self._progress.console.print(_describe_validation(step, values, best))

    def on_note(self, text: str) -> None:
        self._progress.console.print(text)

    def close(self) -> None:
        self._progress.stop()


def print_faults(counts: Mapping[str, Mapping[str, int]]) -> None:
    """Say what could not be used while pairs were made, by source and reason."""
    for source, reasons in counts.items():
        print_error(f"{source}: not usable: " + ", ".join(f"{reason} {count}" for reason, count in reasons.items()))
