"""Progress of a run: bars on a terminal, a line a sequence elsewhere."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Protocol, Self

from siamcar.cli.common import print_error, stderr_console

if TYPE_CHECKING:
    from types import TracebackType

    from rich.progress import TaskID

    from evaluation.executors.pace import Pace
    from evaluation.executors.tasks import Done, Event
    from evaluation.runner import RunPlan

__all__ = ["RunListener", "make_listener"]


class RunListener(Protocol):
    """Shows the events of a run while its context is open."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def __call__(self, event: Event) -> None:
        """Show an event."""
        ...

    def show_pace(self, pace: Pace) -> None:
        """Show how a run in lockstep gets on."""
        ...


def make_listener(plan: RunPlan) -> RunListener:
    """Bars where a person looks at a terminal, plain lines where a log file does."""
    return _Bars(plan) if sys.stderr.isatty() else _Lines(plan)


def _describe_speed(event: Done, before: str = "") -> str:
    """Frames after the first over the seconds spent on them, as in scores; nothing where those are not known."""
    seconds = event.trajectory.tracking_seconds
    return f", {before}{(len(event.trajectory) - 1) / seconds:.1f} frames/s" if seconds > 0 else ""


class _Lines:
    def __init__(self, plan: RunPlan) -> None:
        self._label = plan.label
        self._names = {task.name for task in plan.tasks}
        self._ended = 0
        self._pace = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def __call__(self, event: Event) -> None:
        from evaluation.executors.tasks import Done, Failed, Requeued

        self._names.add(event.task.name)  # runs may follow that were not planned
        if isinstance(event, Requeued):
            print_error(f"{self._label} {event.task.name}: to be run again: {event.reason}")
        if not isinstance(event, Done | Failed):
            return
        self._ended += 1
        start = f"[{self._ended}/{len(self._names)}] {self._label} {event.task.name}:"
        if isinstance(event, Done):
            print_error(f"{start} {len(event.trajectory)} frames{_describe_speed(event)}{self._pace}")
        else:
            print_error(f"{start} FAILED: {event.error}")

    def show_pace(self, pace: Pace) -> None:
        self._pace = f"; {pace.describe()}" if pace.steps else ""


class _Bars:
    def __init__(self, plan: RunPlan) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        self._names = {task.name for task in plan.tasks}
        self._total = plan.frames
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total:.0f} frames"),
            TextColumn("{task.fields[note]}", markup=False),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=stderr_console(),
        )
        self._whole = self._progress.add_task(plan.label, total=self._total, note="")
        self._running: dict[str, TaskID] = {}
        self._seen: dict[str, int] = {}
        self._ended = 0
        self._failed = 0
        self._pace = ""

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def __call__(self, event: Event) -> None:
        from evaluation.executors.tasks import Done, Failed, Progress, Requeued, Started

        name, length = event.task.name, event.task.n_frames
        if isinstance(event, Started):
            if name not in self._names:  # it follows from another and was not planned
                self._names.add(name)
                self._total += length
                self._progress.update(self._whole, total=self._total)
            self._running[name] = self._progress.add_task(f"  {name}", total=length, note="")
            return
        if isinstance(event, Requeued):
            self._progress.update(self._whole, advance=-self._seen.pop(name, 0))
            self._progress.remove_task(self._running.pop(name))
            self._progress.console.print(f"{name}: to be run again: {event.reason}", markup=False)
            return
        if isinstance(event, Progress) and name not in self._running:
            return  # of a worker that has lost the sequence meanwhile
        frames = event.frames if isinstance(event, Progress) else length
        self._progress.update(self._whole, advance=frames - self._seen.get(name, 0))
        self._seen[name] = frames
        if isinstance(event, Progress):
            self._progress.update(self._running[name], completed=frames)
            return
        self._progress.remove_task(self._running.pop(name))
        self._ended += 1
        if isinstance(event, Failed):
            from rich.text import Text

            self._failed += 1
            self._progress.console.print(Text.assemble(("failed", "red"), f" {name}: {event.error}"))
        self._tell_whole(_describe_speed(event, "last ") if isinstance(event, Done) else "")

    def show_pace(self, pace: Pace) -> None:
        self._pace = f"; {pace.describe()}" if pace.steps else ""
        self._tell_whole("")

    def _tell_whole(self, speed: str) -> None:
        failed = f", {self._failed} failed" if self._failed else ""
        note = f"{self._ended}/{len(self._names)} sequences{failed}{speed}{self._pace}"
        self._progress.update(self._whole, note=note)
