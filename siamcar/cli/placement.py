"""Where `siamcar run` works: on this machine or a cluster, at everything or at a share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from siamcar.cli.common import print_error

if TYPE_CHECKING:
    from evaluation.executors.tasks import Executor
    from evaluation.sequence import Benchmark
    from evaluation.sharding import Shard

__all__ = ["ClusterAddress", "ExecutorName", "Placement", "ShardName", "parse_placement"]

ExecutorName = Annotated[
    str, typer.Option("--executor", help="local: processes here; ray: workers on a Ray cluster (docs/cluster.md).")
]
ClusterAddress = Annotated[
    str | None,
    typer.Option("--address", help="Ray cluster: auto or HOST:PORT. Default: Ray is started here for the run."),
]
ShardName = Annotated[
    str | None,
    typer.Option("--shard", help="I/N: run share I of N, into RESULTS/.shards; `siamcar results merge` joins them."),
]


@dataclass(frozen=True)
class Placement:
    """Where a run is carried out.

    Attributes:
        executor: "local" or "ray".
        address: of a Ray cluster; None starts one here.
        shard: the share that is run; None for everything.
    """

    executor: str = "local"
    address: str | None = None
    shard: Shard | None = None

    def take_share(self, benchmark: Benchmark, results: Path) -> tuple[Benchmark | None, Path]:
        """The benchmark, or the share of it that is run (None where that is empty), and where its results go."""
        if self.shard is None:
            return benchmark, results
        return self.shard.take(benchmark), self.shard.place(results, benchmark.name)

    def make_executor(self, benchmark: Benchmark, devices: tuple[str, ...]) -> Executor | None:
        """What carries out runs on a benchmark; None for processes on this machine.

        Raises:
            ConfigError: a device that does not go with it.
        """
        if self.executor == "local":
            return None
        from evaluation.executors.ray import RayExecutor

        return RayExecutor(self.address, device=",".join(devices), source=benchmark.source, tell=print_error)


def parse_placement(executor: str, address: str | None, shard: str | None, *, lockstep: bool) -> Placement:
    """Check the options that say where a run is carried out.

    Raises:
        ConfigError: one that is not there, or two that do not go together.
        MissingExtraError: Ray is asked for and not installed.
    """
    from evaluation.sharding import Shard
    from siamcar.errors import ConfigError

    if executor not in ("local", "ray"):
        raise ConfigError(f"--executor is local or ray; found {executor!r}.")
    if address is not None and executor != "ray":
        raise ConfigError("--address is of a Ray cluster.", "Add --executor ray.")
    if lockstep and executor != "local":
        raise ConfigError("--lockstep is one batch in this process.", "Leave out --executor.")
    if executor == "ray":
        from evaluation.executors.cluster import load_ray

        load_ray()
    return Placement(executor, address, Shard.parse(shard) if shard is not None else None)
