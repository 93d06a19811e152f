"""How long the plans of `siamcar run --dry-run` will take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from siamcar.cli.common import print_error

if TYPE_CHECKING:
    from evaluation.estimate import Estimate, LockstepEstimate
    from evaluation.runner import RunPlan
    from siamcar.cli.run_plans import RunSettings

__all__ = ["estimate_plan"]


def estimate_plan(plan: RunPlan, settings: RunSettings) -> Estimate | LockstepEstimate | None:
    """Measure a plan's tracker on a few frames; None where nothing is to be run, or only a cluster can run it.

    Raises:
        ConfigError: the run itself would refuse its workers or devices.
        SiamCARError: the tracker cannot be made, or fails on those frames.
    """
    from evaluation.estimate import estimate_lockstep_run, estimate_run
    from evaluation.runner import check_workers
    from siamcar.errors import SiamCARError

    devices, workers = settings.devices, settings.workers
    executor = settings.placement.make_executor(plan.benchmark, devices)
    check_workers(workers, devices)
    if settings.lockstep is not None:
        slots = settings.lockstep if settings.lockstep != "auto" else None
        return estimate_lockstep_run(plan, slots=slots, device=devices[0])
    if executor is None:
        return estimate_run(plan, workers=plan.limit_workers(workers or len(devices)), device=devices[0])
    try:
        return estimate_run(plan, workers=plan.limit_workers(workers), device=devices[0])
    except SiamCARError as error:  # the cluster may have what this machine lacks: a GPU, for example
        print_error(f"How long it will take is not known, since it cannot be measured here. {error.message}")
        return None
