"""A Ray cluster of two nodes on this machine, one of them killed in the middle of a run."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
ROOT = Path(__file__).parents[2]
RUN = ["run", "-b", "synthetic", "--set", "n_frames=16", "--set", "n_sequences=6", "-o", "gate=gate"]
TRACKER = ["-t", "tests.toy_trackers:make_gated", "--name", "gated"]

pytestmark = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="the extra 'cluster' is not installed")


def wait_until(is_so: Callable[[], bool], *processes: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 180
    while not is_so():
        assert all(process.poll() is None for process in processes)
        assert time.monotonic() < deadline
        time.sleep(0.1)


class Cluster:
    """Nodes as processes of their own groups, so that one can be killed with all that belongs to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_AUTH_MODE": "disabled",
        }
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{probe.getsockname()[1]}"
        self.nodes: dict[str, subprocess.Popen[str]] = {}

    def start(self, name: str, *arguments: str) -> None:
        log = (self.folder / f"{name}.log").open("w")
        common = ["--block", "--num-cpus=1", "--num-gpus=0", "--object-store-memory=80000000", f"--node-name={name}"]
        with log:
            self.nodes[name] = subprocess.Popen(
                [str(BIN / "ray"), "start", *arguments, *common],
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        wait_until(lambda: "Ray runtime started" in self.read_log(name), *self.nodes.values())

    def kill(self, name: str) -> None:
        process = self.nodes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        for process in self.nodes.values():
            process.terminate()  # `ray start --block` ends what it has started
        for process in self.nodes.values():
            try:
                process.wait(timeout=30)
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()

    def run(self, results: str, *arguments: str) -> subprocess.Popen[str]:
        with (self.folder / f"{results}.log").open("w") as log:
            return subprocess.Popen(
                [str(BIN / "siamcar"), *RUN, *TRACKER, "--results", results, *arguments],
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
            )

    def read_log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def read_boxes(self, results: str) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (self.folder / results).glob("Synthetic/*/*.txt")}


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path)
    try:
        yield made
    finally:
        made.stop()


def test_a_node_that_is_killed_costs_nothing_but_time(cluster: Cluster) -> None:
    port = cluster.address.rpartition(":")[2]
    cluster.start("head", "--head", f"--port={port}", "--include-dashboard=false", "--disable-usage-stats")
    cluster.start("other", f"--address={cluster.address}")
    process = cluster.run("results", "--executor", "ray", "--address", cluster.address)
    # Each worker tracks its first target, then waits for the gate at its second.
    wait_until(lambda: len(cluster.read_boxes("results")) == 2, process, *cluster.nodes.values())
    cluster.kill("other")
    # Its worker lives on for a moment; the gate opens when the run has noticed the loss.
    wait_until(lambda: "to be run again: its worker on other" in cluster.read_log("results"), process)
    (cluster.folder / "gate").touch()
    assert process.wait(timeout=180) == 0, cluster.read_log("results")
    said = cluster.read_log("results")
    assert "6 sequences run" in said
    assert "(raylet)" not in said and "Traceback" not in said
    assert cluster.run("local").wait(timeout=120) == 0
    assert len(cluster.read_boxes("results")) == 6
    assert cluster.read_boxes("results") == cluster.read_boxes("local")
    record = json.loads((cluster.folder / "results" / "Synthetic" / ".runs" / "gated" / "run.json").read_text())
    runs = {name.partition(" ")[0]: node["runs"] for name, node in record["environment"]["nodes"].items()}
    assert runs == {"head": 5, "other": 1}
