"""`onnx`: ONNX Runtime computes the network on the CPU, in float32 or 8 bits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from siamcar.backends.base import BackendInfo
from siamcar.backends.calibration import Calibration, choose_calibration
from siamcar.backends.graphs import FEATURES, IMAGES, MAPS, Graphs, build_graphs
from siamcar.backends.quantization import quantize_for_onnx
from siamcar.backends.row_by_row import Array, RowByRow
from siamcar.errors import import_extra
from siamcar.model.grid import Grid
from siamcar.model.network import SiamCAR

__all__ = ["create", "make_graphs", "run_graphs"]


def create(
    model: SiamCAR, *, precision: str, device: str, threads: int | None = None, calibration: Path | None = None
) -> RowByRow:
    """Make the backend; see `siamcar.backends.make_backend`.

    Raises:
        DataError: int8, and the frames to calibrate on cannot be read.
    """
    threads = threads or torch.get_num_threads()
    notes = {"onnxruntime": _import_runtime().__version__}
    frames = None
    if precision == "int8":
        frames = choose_calibration(calibration)
        notes["calibrated_on"] = frames.name
    graphs = make_graphs(model, frames, threads)
    return run_graphs(
        graphs.template, graphs.search, model.grid, BackendInfo("onnx", precision, threads, device, notes)
    )


def make_graphs(model: SiamCAR, calibration: Calibration | None, threads: int) -> Graphs:
    """The network as graphs for ONNX Runtime: in 8 bits where there is something to calibrate on."""
    graphs = build_graphs(model)
    if calibration is None:
        return graphs
    template = _open_session(graphs.template, [FEATURES], threads)

    def run_template(images: Array) -> Array:
        return template({IMAGES: images})[0]

    return Graphs(graphs.template, quantize_for_onnx(graphs, model.config.architecture, calibration, run_template))


def run_graphs(template: bytes | str, search: bytes | str, grid: Grid, info: BackendInfo) -> RowByRow:
    """Put two graphs in the place of a network.

    Args:
        template: the content of an ONNX file, or its path.
        search: the same.
        grid: of the network.
        info: how it computes; `threads` is used.
    """
    of_template = _open_session(template, [FEATURES], info.threads)
    of_search = _open_session(search, MAPS, info.threads)
    return RowByRow(
        grid,
        info,
        template=lambda images: of_template({IMAGES: images})[0],
        search=lambda features, images: of_search({FEATURES: features, IMAGES: images}),
    )


def _open_session(
    graph: bytes | str, outputs: Sequence[str], threads: int
) -> Callable[[dict[str, Array]], Sequence[Array]]:
    """A function of arrays by the names of the inputs to arrays in the order of `outputs`."""
    runtime = _import_runtime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors only
    # Else its threads go on spinning for tens of milliseconds after each run, and slow down what comes next.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    session = runtime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return lambda inputs: session.run(list(outputs), inputs)


def _import_runtime() -> Any:
    return import_extra("onnxruntime", extra="onnx", purpose="the backend 'onnx'")
