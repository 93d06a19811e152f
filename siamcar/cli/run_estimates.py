"""How long the plans of `siamcar run --dry-run` will take."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from siamcar.cli.common import print_line

if TYPE_CHECKING:
    from evaluation.runner import RunPlan

__all__ = ["estimate_plan", "show_estimate"]


def estimate_plan(plan: RunPlan, workers: int | None, device: str) -> dict[str, Any] | None:
    """Measure a plan's tracker on a few frames; None where nothing is to be run.

    Raises:
        SiamCARError: the tracker cannot be made, or fails on those frames.
    """
    from evaluation.estimate import estimate_run

    estimate = estimate_run(plan, workers=plan.limit_workers(workers) or 1, device=device)
    return None if estimate is None else {**estimate.to_dict(), "runs_each": plan.runs_each}


def show_estimate(estimate: dict[str, Any] | None) -> None:
    """What was measured, for people."""
    if estimate is None:
        return
    workers, repeated = estimate["workers"], estimate["runs_each"]
    print_line(
        f"  about {timedelta(seconds=round(estimate['seconds']))} (h:mm:ss) with {workers} "
        f"worker{'s' if workers > 1 else ''} like this machine: {estimate['frame_seconds'] * 1000:.1f} ms a frame, "
        f"decoding included, measured over {estimate['measured_frames']} frames of {estimate['sequence']}"
        + (f"; each sequence {repeated} times, as for a tracker that repeats itself" if repeated > 1 else "")
    )
