"""The workers of a run on Ray: hired on nodes that are in order, given tasks, replaced when they are gone."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from evaluation.executors.cluster import ClusterNode, list_nodes, quiet_warnings
from evaluation.executors.node_check import NodeCheck, NodeReport, check_node, enter_folder
from evaluation.executors.tasks import (
    MOST_LOSSES,
    Done,
    Event,
    Failed,
    FollowUp,
    Progress,
    Requeued,
    Started,
    Task,
    TaskRunner,
    TrackerSpec,
)
from evaluation.results import Trajectory
from siamcar.errors import ConfigError, SiamCARError

__all__ = ["WorkerPool"]

POLL_SECONDS = 1.0
DISTRUST_SECONDS = 10.0
"""A node that has just lost a worker may be gone without Ray's knowing it yet."""

WAIT_SECONDS = 120.0
"""How long a run without a node waits for one."""

PLACING_SECONDS = 30.0
"""After so long without its CPUs a worker that waits for them is told of."""


class TrackerActor:
    """What a worker is, on its node. Counting frames has a thread of its own, beside the one that tracks."""

    def __init__(self, spec: TrackerSpec, threads: int, device: str, folder: str) -> None:
        enter_folder(folder)
        self._runner = TaskRunner(spec, threads, device)
        self._frames = 0

    def prepare(self) -> SiamCARError | None:
        return self._runner.prepare()

    def run(self, task: Task) -> tuple[Trajectory | None, str, str] | SiamCARError:
        self._frames = 0
        try:
            return self._runner.run(task, self._count)
        except SiamCARError as error:  # there is no tracker any more: nothing was begun
            return error

    def count_frames(self) -> int:
        return self._frames

    def _count(self, frames: int) -> None:
        self._frames = frames


@dataclass(eq=False)
class Worker:
    """An actor, and what it was asked: `pending` answers to `task`, or to the making of the tracker without one.

    `placed` is answered as soon as the actor has its CPUs.
    """

    actor: Any
    node: ClusterNode
    pending: Any
    placed: Any
    task: Task | None = None
    ready: bool = False
    since: float = field(default_factory=time.monotonic)


@dataclass
class Place:
    """A node that may be worked on, with the number of workers that it has room for."""

    node: ClusterNode
    room: int
    distrusted_until: float = 0.0
    failed_starts: int = 0
    told_to_wait: bool = False


@dataclass(eq=False)
class WorkerPool:
    """The workers of one run."""

    ray: Any
    spec: TrackerSpec
    check: NodeCheck
    device: str
    threads: int
    limit: int | None
    tell: Callable[[str], None]
    described: dict[str, dict[str, Any]]
    nodes: dict[str, Place] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    checks: dict[Any, ClusterNode] = field(default_factory=dict)
    workers: list[Worker] = field(default_factory=list)
    counts: dict[Any, tuple[Worker, Task]] = field(default_factory=dict)
    waiting: list[Task] = field(default_factory=list)
    losses: Counter[str] = field(default_factory=Counter)
    looked: float = 0.0
    begun: bool = False

    def __post_init__(self) -> None:
        self.ray.method(concurrency_group="count")(TrackerActor.count_frames)  # it must answer while `run` is at work
        self._actor_class = self.ray.remote(concurrency_groups={"count": 1})(TrackerActor)
        self._check_function = self.ray.remote(check_node)
        self._check_reference = self.ray.put(self.check)

    def admit_first(self) -> None:
        """Check every node that is there; work begins with all of them in order, or not at all.

        Raises:
            ConfigError: none has room for a worker.
            SiamCARError: one is not in order.
        """
        there = list_nodes(self.ray)
        useful = [node for node in there if self._count_room(node, None) > 0]
        if not useful:
            needs = f"{self.threads} CPUs" + (" and a GPU" if self.device == "cuda" else "")
            found = "; ".join(f"{node.label}: {node.cpus} CPUs, {node.gpus} GPUs" for node in there) or "no nodes"
            raise ConfigError(
                f"No node of the cluster has room for a worker, which takes {needs}. Found {found}.",
                "Give less with --threads, or start nodes with --num-cpus and --num-gpus.",
            )
        faults = []
        for reference, node in [(self._ask(node), node) for node in useful]:
            report = self._take_report(reference)
            faults += [f"Node {node.label}: {fault}." for fault in report.faults]
            self._admit(node, report)
        if faults:
            raise SiamCARError(
                "\n".join(faults),
                "Every node needs the same suite, weights and data under the same paths (docs/cluster.md).",
            )

    def _ask(self, node: ClusterNode) -> Any:
        placed = self._check_function.options(num_cpus=0, max_retries=0, **self._place(node))
        return placed.remote(self._check_reference)

    def _take_report(self, reference: Any) -> NodeReport:
        try:
            report: NodeReport = self.ray.get(reference)
        except self.ray.exceptions.RayError as error:
            return NodeReport((f"the check of it did not come to an end: {_describe(error)}",), {})
        return report

    def _admit(self, node: ClusterNode, report: NodeReport) -> None:
        if report.faults:
            self.refused.add(node.key)
            return
        self.nodes[node.key] = Place(node, self._count_room(node, report))
        known = ("processor", "gpus", "physical_cores", "platform", "python", "packages")
        self.described.setdefault(node.label, {key: report.environment[key] for key in known} | {"runs": 0})

    def _count_room(self, node: ClusterNode, report: NodeReport | None) -> int:
        """Workers that a node has room for: Ray counts hardware threads, and a tracker wants whole cores."""
        cores = node.cpus if report is None else min(node.cpus, max(report.environment["physical_cores"], self.threads))
        return min(cores // self.threads, node.gpus) if self.device == "cuda" else cores // self.threads

    def _place(self, node: ClusterNode) -> dict[str, Any]:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        return {"scheduling_strategy": NodeAffinitySchedulingStrategy(node.key, soft=False)}

    def carry_out(self, waiting: list[Task], follow_up: FollowUp) -> Iterator[Event]:
        """Until nothing is waiting or at work; the last of `waiting` comes first."""
        self.waiting = waiting
        alone_since: float | None = None
        while self.waiting or any(worker.task for worker in self.workers):
            self._hire()
            yield from self._hand_out()
            asked = [worker.pending for worker in self.workers if worker.pending is not None]
            alone_since = None if asked else alone_since or time.monotonic()
            if alone_since is not None and time.monotonic() - alone_since > WAIT_SECONDS:
                raise SiamCARError(
                    f"All nodes are lost, and none has come for {WAIT_SECONDS:.0f} seconds.",
                    "What was finished is on disk: mend the cluster and give the same command again.",
                )
            references = [*asked, *self.counts, *self.checks]
            if not references:
                time.sleep(POLL_SECONDS)
            for reference in self.ray.wait(references, timeout=POLL_SECONDS)[0] if references else ():
                for event in self._take(reference):
                    yield event
                    following = follow_up(event.task) if isinstance(event, Done) else None
                    if following is not None:
                        self.waiting.append(following)
            if time.monotonic() - self.looked > POLL_SECONDS:
                self.looked = time.monotonic()
                self._look()

    def _hire(self) -> None:
        """Start workers while there is work, and room, for more."""
        while len(self.workers) < min(len(self.waiting) + self._busy(), self.limit or len(self.waiting) + self._busy()):
            used = Counter(worker.node.key for worker in self.workers)
            free = {
                key: place.room - used[key]
                for key, place in self.nodes.items()
                if place.room > used[key] and place.distrusted_until < time.monotonic()
            }
            if not free:
                return
            self._start(self.nodes[max(free, key=lambda key: free[key])].node)

    def _busy(self) -> int:
        return sum(worker.task is not None for worker in self.workers)

    def _start(self, node: ClusterNode) -> None:
        # `max_restarts`: a new actor is asked for, elsewhere if need be, when this one is gone.
        options = {"num_cpus": self.threads, "num_gpus": int(self.device == "cuda"), "max_restarts": 0}
        with quiet_warnings():
            actor = self._actor_class.options(**options, **self._place(node)).remote(
                self.spec, self.threads, self.device, self.check.folder
            )
        self.workers.append(Worker(actor, node, actor.prepare.remote(), actor.count_frames.remote()))

    def _hand_out(self) -> Iterator[Event]:
        for worker in self.workers:
            if worker.ready and worker.pending is None and self.waiting:
                task = self.waiting.pop()
                worker.task, worker.pending = task, worker.actor.run.remote(task)
                yield Started(task)

    def _look(self) -> None:
        """Ask how far the workers are, and for nodes that have come or gone."""
        self._tell_of_waiting()
        counted = {worker for worker, _ in self.counts.values()}
        for worker in self.workers:
            if worker.task is not None and worker not in counted:
                self.counts[worker.actor.count_frames.remote()] = (worker, worker.task)
        there = {node.key: node for node in list_nodes(self.ray)}
        for key in [key for key in self.nodes if key not in there]:
            self.tell(f"The node {self.nodes.pop(key).node.label} is gone; its runs are made again elsewhere.")
        for key, node in there.items():
            asked = key in self.nodes or key in self.refused or node in self.checks.values()
            if not asked and self._count_room(node, None) > 0:
                self.checks[self._ask(node)] = node

    def _tell_of_waiting(self) -> None:
        """Say, once a node, that workers are not given their CPUs."""
        for worker in self.workers:
            place = self.nodes.get(worker.node.key)
            if worker.ready or place is None or place.told_to_wait:
                continue
            late = time.monotonic() - worker.since > PLACING_SECONDS
            if late and not self.ray.wait([worker.placed], timeout=0)[0]:
                place.told_to_wait = True
                needs = "CPUs and its GPU" if self.device == "cuda" else "CPUs"
                self.tell(
                    f"A worker on {worker.node.label} has waited {PLACING_SECONDS:.0f} seconds for its {needs}: as a "
                    "rule another job of the cluster holds them. It begins when they are free."
                )

    def _take(self, reference: Any) -> Iterator[Event]:
        """Take one answer."""
        if reference in self.checks:
            node = self.checks.pop(reference)
            report = self._take_report(reference)
            self._admit(node, report)
            faults = f", and cannot be used: {'; '.join(report.faults)}" if report.faults else ""
            self.tell(f"The node {node.label} has come{faults}.")
            return
        if reference in self.counts:
            worker, task = self.counts.pop(reference)
            with contextlib.suppress(self.ray.exceptions.RayError):  # its death is noticed by what it was to answer
                frames = self.ray.get(reference)
                if worker.task is task:
                    yield Progress(task, frames)
            return
        yield from self._take_from(next(one for one in self.workers if one.pending == reference))

    def _take_from(self, worker: Worker) -> Iterator[Event]:
        """Take what a worker was asked for, or notice that it is gone."""
        where, task = f"Node {worker.node.label}", worker.task
        try:
            answer = self.ray.get(worker.pending)
        except self.ray.exceptions.RayTaskError as failure:
            answer = SiamCARError(_describe(failure)) if task is None else (None, _describe(failure), str(failure))
        except self.ray.exceptions.ActorUnavailableError:
            yield from self._lose(worker, "the connection to it is broken")
            return
        except self.ray.exceptions.RayError as loss:
            yield from self._lose(worker, _describe(loss))
            return
        if task is None and answer is not None:
            if not self.begun:
                raise SiamCARError(f"{where}: {answer.message}", answer.hint)
            yield from self._lose(worker, answer.message)
            return
        if isinstance(answer, SiamCARError):
            yield from self._lose(worker, f"its tracker could not be made anew: {answer.message}")
            return
        worker.pending, worker.task = None, None
        if task is None:
            worker.ready = self.begun = True
            if worker.node.key in self.nodes:
                self.nodes[worker.node.key].failed_starts = 0
            return
        trajectory, error, detail = answer
        self.described[worker.node.label]["runs"] += 1
        yield Done(task, trajectory) if trajectory is not None else Failed(task, error, detail)

    def _lose(self, worker: Worker, reason: str) -> Iterator[Event]:
        """A worker is gone: its task goes back to the others, or is given up."""
        self.workers.remove(worker)
        self._dismiss(worker)
        place = self.nodes.get(worker.node.key)
        if place is not None:
            place.distrusted_until = time.monotonic() + DISTRUST_SECONDS
            if not worker.ready:
                self._count_failed_start(place, reason)
        task, worker.task = worker.task, None  # what is still on its way from it counts no more
        if task is None:
            return
        self.losses[task.name] += 1
        said = f"its worker on {worker.node.label} is lost: {reason}"
        if self.losses[task.name] >= MOST_LOSSES:
            yield Failed(task, f"It has lost {MOST_LOSSES} workers, and may be what ends them; lastly {said}.", "")
        else:
            self.waiting.append(task)
            yield Requeued(task, said)

    def _count_failed_start(self, place: Place, reason: str) -> None:
        """Start no more workers on a node where one after another ends while it makes the tracker: for want of memory,
        as a rule.
        """
        place.failed_starts += 1
        if place.failed_starts < MOST_LOSSES:
            return
        label = place.node.label
        said = f"{MOST_LOSSES} workers in a row could not be started on {label}: {reason.rstrip('.')}."
        alive = sum(one.ready and one.node.key == place.node.key for one in self.workers)
        if alive:
            place.room, place.failed_starts = alive, 0
            self.tell(f"{said} That node goes on with {alive}.")
            return
        del self.nodes[place.node.key]
        self.refused.add(place.node.key)
        if not self.nodes:
            raise SiamCARError(said, "Try the tracker there with `siamcar check tracker`.")
        self.tell(f"{said} That node is used no more.")

    def _dismiss(self, worker: Worker) -> None:
        with contextlib.suppress(self.ray.exceptions.RayError):
            self.ray.kill(worker.actor)

    def end(self) -> None:
        """End all workers at once."""
        for worker in self.workers:
            self._dismiss(worker)
        self.workers.clear()


def _describe(error: BaseException) -> str:
    """The first sentence, of Ray's many."""
    cause = getattr(error, "cause", None)
    if isinstance(cause, BaseException):
        return f"{type(cause).__name__}: {cause}"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].partition(". ")[0].rstrip(".:") if lines else type(error).__name__
