"""Run tasks on a Ray cluster: one task a run of a sequence, one long-lived worker a GPU or group of cores.

The driver hands out the tasks, takes the trajectories back and writes them, so that nodes share no folder for
results. A worker is an actor that holds the tracker; which node it is on is decided here, after that node was checked
(`evaluation.executors.node_check`). The tasks of a worker that is gone run again on another; a task that has lost three
is a failure, since it may be what kills them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from evaluation.executors.cluster import connect, load_ray
from evaluation.executors.node_check import make_check
from evaluation.executors.ray_workers import WorkerPool
from evaluation.executors.tasks import Event, FollowUp, Task, TrackerSpec, no_follow_up
from evaluation.machine import count_physical_cores
from evaluation.sequence import BenchmarkSource
from siamcar.errors import ConfigError

__all__ = ["RayExecutor"]


class RayExecutor:
    """Workers on the nodes of a Ray cluster.

    Args:
        address: "auto" or HOST:PORT of a cluster; None starts an instance on this machine for the time of a run.
        device: "cpu", or "cuda": each worker has a GPU of its own then.
        source: how the nodes can load the benchmark, to compare its revision; None leaves that out.
        tell: is told what happens to nodes.

    Raises:
        ConfigError: another device.
    """

    is_here = False

    def __init__(
        self,
        address: str | None = None,
        *,
        device: str = "cpu",
        source: BenchmarkSource | None = None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        if device not in ("cpu", "cuda"):
            raise ConfigError(
                f"On Ray the device is cpu or cuda, found {device!r}.",
                "With --device cuda each worker gets a GPU of its own; --workers says how many.",
            )
        self._address = address
        self._device = device
        self._source = source
        self._tell = tell
        self._nodes: dict[str, dict[str, Any]] = {}

    def describe(self) -> dict[str, Any]:
        """Its name and device, and the nodes that took part with their hardware and number of runs."""
        return {"executor": "ray", "devices": [self._device], "nodes": self._nodes}

    def execute(
        self,
        tasks: Sequence[Task],
        spec: TrackerSpec,
        *,
        workers: int | None,
        threads: int,
        follow_up: FollowUp = no_follow_up,
    ) -> Iterator[Event]:
        """Carry out tasks in the order given; yields what happens as it happens.

        Closing the iterator (or an exception in its consumer) ends the workers at once.

        Args:
            tasks: the runs; put the longest first.
            spec: how a worker makes its tracker.
            workers: how many at most; None for as many as the nodes have cores (or GPUs) for.
            threads: threads, and cores, of each.
            follow_up: asked, after a task's `Done` was taken, for a further one that follows from it.

        Raises:
            MissingExtraError: Ray is not installed.
            ConfigError: there is no such cluster, or no node of it has room for a worker.
            SiamCARError: a node's suite, weights or data are others than here, or the tracker cannot be made.
        """
        load_ray()  # before anything else is looked at
        check = make_check(tasks, spec, self._source)
        cores = max(threads, min(count_physical_cores(), (workers or count_physical_cores()) * threads))
        if self._address is None:
            self._tell("No address of a cluster: Ray is started on this machine, for this run.")
        with connect(self._address, cores) as ray:
            pool = WorkerPool(ray, spec, check, self._device, threads, workers, self._tell, self._nodes)
            try:
                pool.admit_first()
                yield from pool.carry_out(list(reversed(tasks)), follow_up)
            finally:
                pool.end()
