"""`openvino`: OpenVINO computes the network on the CPU, in float32, bfloat16 or 8 bits.

In reduced precision the search graph alone is reduced: the template is computed once a sequence. What int8 leaves in
float is in bfloat16 where the processor has it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from siamcar.backends.base import BackendInfo, choose_float, has_bfloat16
from siamcar.backends.calibration import Calibration, choose_calibration
from siamcar.backends.graphs import FEATURES, IMAGES, MAPS, build_graphs
from siamcar.backends.quantization import get_openvino_core, import_openvino, quantize_for_openvino
from siamcar.backends.row_by_row import Array, RowByRow
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
    notes = {"openvino": import_openvino().__version__}
    frames = None
    if precision == "int8":
        frames = choose_calibration(calibration)
        notes |= {"calibrated_on": frames.name, "in_float": choose_float()}
    template, search = make_graphs(model, frames, threads)
    return run_graphs(template, search, model.grid, BackendInfo("openvino", precision, threads, device, notes))


def make_graphs(model: SiamCAR, calibration: Calibration | None, threads: int) -> tuple[Any, Any]:
    """Template and search graph as `openvino.Model`s: in 8 bits where there is something to calibrate on."""
    graphs = build_graphs(model)
    core = get_openvino_core()
    template = core.read_model(graphs.template)
    if calibration is None:
        return template, core.read_model(graphs.search)
    of_template = _compile(template, [FEATURES], threads)

    def run_template(images: Array) -> Array:
        return of_template({IMAGES: images})[0]

    return template, quantize_for_openvino(graphs, model.config.architecture, calibration, run_template)


def run_graphs(template: Any, search: Any, grid: Grid, info: BackendInfo) -> RowByRow:
    """Put two graphs in the place of a network.

    Args:
        template: an `openvino.Model`, or the path of its file.
        search: the same.
        grid: of the network.
        info: how it computes; `threads` and `precision` are used.
    """
    of_template = _compile(template, [FEATURES], info.threads)
    of_search = _compile(search, MAPS, info.threads, bfloat16=info.precision != "fp32" and has_bfloat16())
    return RowByRow(
        grid,
        info,
        template=lambda images: of_template({IMAGES: images})[0],
        search=lambda features, images: of_search({FEATURES: features, IMAGES: images}),
    )


def _compile(
    graph: Any, outputs: Sequence[str], threads: int, *, bfloat16: bool = False
) -> Callable[[dict[str, Array]], list[Array]]:
    """A function of arrays by the names of the inputs to arrays in the order of `outputs`."""
    settings = {
        "INFERENCE_PRECISION_HINT": "bf16" if bfloat16 else "f32",
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
        # Else the threads of every process are bound to the same first cores, and two workers share one.
        "ENABLE_CPU_PINNING": False,
    }
    request = get_openvino_core().compile_model(graph, "CPU", settings).create_infer_request()

    def run(inputs: dict[str, Array]) -> list[Array]:
        request.infer(inputs, share_inputs=True)
        return [np.array(request.get_tensor(name).data) for name in outputs]  # its own are written over next time

    return run
