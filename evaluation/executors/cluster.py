"""A connection to Ray: an existing cluster, or an instance on this machine that lives as long as the connection.

Ray talks much, reports its use and takes the signals of the process; here it does none of these.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from siamcar.errors import ConfigError, SiamCARError, import_extra

__all__ = ["ClusterNode", "connect", "list_nodes", "load_ray", "quiet_warnings"]

OBJECT_STORE_BYTES = 128_000_000
"""Memory for what travels, on a local instance: tasks and trajectories, no frames."""

CONNECT_SECONDS = 5.0


@dataclass(frozen=True)
class ClusterNode:
    """A machine of a cluster.

    Attributes:
        key: Ray's own name of it.
        label: for people.
        cpus: cores that Ray may give away.
        gpus: GPUs that Ray may give away.
    """

    key: str
    label: str
    cpus: int
    gpus: int


def load_ray() -> Any:
    """Import Ray without its reports of use.

    Raises:
        MissingExtraError: it is not installed.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    with quiet_warnings():
        return import_extra("ray", extra="cluster", purpose="--executor ray")


@contextlib.contextmanager
def quiet_warnings() -> Iterator[None]:
    """Keep Ray's warnings, of its own changes to come, to itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def connect(address: str | None, cores: int) -> Iterator[Any]:
    """Ray, connected; a connection that this process has already is taken and left as it is.

    Args:
        address: "auto" or HOST:PORT of a cluster; None starts an instance on this machine.
        cores: what the instance on this machine may give away.

    Raises:
        MissingExtraError: Ray is not installed.
        ConfigError: there is no cluster at the address, or it does not take this process.
    """
    ray = load_ray()
    if ray.is_initialized():
        yield ray
        return
    _require_answer(address)
    options: dict[str, Any] = {"address": address or "local"}
    if address is None:
        options |= {"num_cpus": cores, "include_dashboard": False, "object_store_memory": OBJECT_STORE_BYTES}
    with _keep_signals(), quiet_warnings():
        try:
            ray.init(**options, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, TimeoutError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            if address is None:
                raise SiamCARError(
                    f"Ray could not be started on this machine: {_first_line(error)}",
                    "Without a cluster, --executor local does the same.",
                ) from error
            raise ConfigError(
                f"The Ray cluster at {address!r} could not be joined: {_first_line(error)}",
                "Is it running (`ray start --head`), with the Ray and the Python of this machine, and its token here? "
                "docs/cluster.md shows each step.",
            ) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _require_answer(address: str | None) -> None:
    """Ray waits for minutes where nobody listens; so it is asked for first."""
    if address is None or address == "auto":
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or "/" in host:
        raise ConfigError(f"The address of a cluster is auto or HOST:PORT; found {address!r}.", "Ray's port is 6379.")
    try:
        socket.create_connection((host, int(port)), CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"Nobody answers at {address}: {error}.", "Start a cluster there: ray start --head --port 6379"
        ) from error


@contextlib.contextmanager
def _keep_signals() -> Iterator[None]:
    """Ray takes SIGTERM for itself, which would end a run without its words on how to go on."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if before is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


def list_nodes(ray: Any) -> list[ClusterNode]:
    """The machines that are alive, in a fixed order."""
    found = []
    for node in ray.nodes():
        if not node["Alive"]:
            continue
        address, host, name = node["NodeManagerAddress"], node["NodeManagerHostname"], node.get("NodeName")
        resources = node["Resources"]
        found.append(
            ClusterNode(
                node["NodeID"],
                f"{host if name in (None, '', address) else name} ({address})",
                int(resources.get("CPU", 0)),
                int(resources.get("GPU", 0)),
            )
        )
    return sorted(found, key=lambda node: (node.label, node.key))


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
