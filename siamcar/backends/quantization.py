"""The search graph in 8 bits, by post-training quantisation, kept in the user's cache folder.

NNCF quantises for OpenVINO, ONNX Runtime's own tool for ONNX Runtime. The template's graph stays in float32: it is
computed once a sequence.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from siamcar.backends.calibration import Calibration
from siamcar.backends.graph_writer import import_onnx
from siamcar.backends.graphs import CORRELATION, FEATURES, IMAGES, Graphs
from siamcar.backends.row_by_row import Array
from siamcar.config import Architecture
from siamcar.errors import import_extra
from siamcar.files import get_cache_folder
from siamcar.protocol import Frame

__all__ = ["get_openvino_core", "import_openvino", "quantize_for_onnx", "quantize_for_openvino"]

_FIRST_LAYERS: dict[Architecture, str] = {
    "alexnet": r"backbone\.layer1\.",
    "mobilenetv2": r"backbone\.layer[0-2]\.",
    "resnet18": r"backbone\.conv1",
    "resnet34": r"backbone\.conv1",
    "resnet50": r"backbone\.conv1",
}
"""Nodes that stay in float: in MobileNetV2 the first stages make half of the whole error and cost no time."""

_RECIPE = 1
"""Counted up when the same graph and frames shall give another quantised graph."""

RunTemplate = Callable[[Array], Array]
Inputs = dict[str, Array]


def import_openvino(module: str = "openvino") -> Any:
    """OpenVINO, or NNCF, without the report on their use that both send to their maker when they are imported.

    Raises:
        MissingExtraError: it is not installed.
    """
    # Python's own way to say that a module is not there; both do without it.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    return import_extra(module, extra="openvino", purpose="the backend 'openvino'")


@cache
def get_openvino_core() -> Any:
    """The one `openvino.Core` of this process, which stays to its end.

    The first compilation of a core gives the thread an alternative signal stack of OpenVINO's own, and the end of the
    core puts the one before in its place again. Cores that do not end in the reverse order of their making leave a
    stack that is freed: the next signal with a Python handler, Ctrl-C say, is a segmentation fault.
    """
    return import_openvino().Core()


def quantize_for_openvino(
    graphs: Graphs, architecture: Architecture, calibration: Calibration, run_template: RunTemplate
) -> Any:
    """Quantise the search graph for OpenVINO, or take it from the cache.

    Args:
        graphs: in float32.
        architecture: of the network.
        calibration: what the ranges of its values are found on.
        run_template: the template's graph, (1, 3, 127, 127) → features.

    Returns:
        An `openvino.Model`.

    Raises:
        MissingExtraError: NNCF or OpenVINO is not installed.
        DataError: a frame to calibrate on cannot be read.
    """
    openvino = import_openvino()

    def write(folder: Path) -> None:
        nncf, ranges = import_openvino("nncf"), import_openvino("nncf.quantization.range_estimator")
        nncf.set_log_level("ERROR")
        inputs = list(_read_inputs(calibration, run_template))
        with contextlib.redirect_stdout(sys.stderr):  # NNCF's progress is no result
            quantized = nncf.quantize(
                get_openvino_core().read_model(graphs.search),
                nncf.Dataset(inputs),
                subset_size=len(inputs),
                ignored_scope=nncf.IgnoredScope(patterns=[f"{part}.*" for part in _list_kept(architecture)]),
                advanced_parameters=nncf.AdvancedQuantizationParameters(
                    # Ranges reach to the largest value seen. NNCF's own choice, the mean of each image's largest, cuts
                    # off what is rare: the few cells at the target.
                    activations_range_estimator_params=ranges.RangeEstimatorParametersSet.MINMAX,
                    # Processors whose 8-bit sums overflow are older than AVX-512 VNNI; halving a layer's range for
                    # them would cost accuracy everywhere.
                    overflow_fix=nncf.OverflowFix.DISABLE,
                ),
            )
        openvino.save_model(quantized, folder / "search.xml", compress_to_fp16=False)

    facts = ["openvino", version("nncf"), version("openvino")]
    with _keep(facts, graphs, calibration, write) as folder:
        return get_openvino_core().read_model(folder / "search.xml")


def quantize_for_onnx(
    graphs: Graphs, architecture: Architecture, calibration: Calibration, run_template: RunTemplate
) -> bytes:
    """Quantise the search graph for ONNX Runtime, or take it from the cache.

    Args:
        graphs: in float32.
        architecture: of the network.
        calibration: what the ranges of its values are found on.
        run_template: the template's graph, (1, 3, 127, 127) → features.

    Returns:
        The content of an ONNX file.

    Raises:
        MissingExtraError: ONNX Runtime is not installed.
        DataError: a frame to calibrate on cannot be read.
    """

    def write(folder: Path) -> None:
        tools = import_extra("onnxruntime.quantization", extra="onnx", purpose="the backend 'onnx'")
        shapes = import_extra("onnxruntime.quantization.shape_inference", extra="onnx", purpose="the backend 'onnx'")
        whole, plain = folder / "whole.onnx", folder / "plain.onnx"
        whole.write_bytes(graphs.search)
        # The tool must see the parts of a group normalisation, or it does not know what type comes out of it.
        shapes.quant_pre_process(whole, plain, skip_symbolic_shape=True)
        proto = import_onnx().load(plain)
        for passed in (whole, plain):
            passed.unlink()
        kept = re.compile("|".join(_list_kept(architecture)))
        read = _read_inputs(calibration, run_template)

        class Reader(tools.CalibrationDataReader):  # type: ignore[name-defined,misc]
            def get_next(self) -> Inputs | None:
                return next(read, None)

        tools.quantize_static(
            proto,
            folder / "search.onnx",
            Reader(),
            quant_format=tools.QuantFormat.QDQ,
            activation_type=tools.QuantType.QUInt8,
            weight_type=tools.QuantType.QInt8,
            per_channel=True,
            op_types_to_quantize=["Conv", "Add", "Concat", "Relu", "Clip", "MaxPool"],
            nodes_to_exclude=[node.name for node in proto.graph.node if kept.match(node.name)],
        )

    with _keep(["onnx", version("onnxruntime")], graphs, calibration, write) as folder:
        return (folder / "search.onnx").read_bytes()


def _list_kept(architecture: Architecture) -> list[str]:
    """How the names of nodes begin that stay in float, as patterns.

    The features of a template are the weights of the correlation, and change with the target.
    """
    return [CORRELATION, _FIRST_LAYERS[architecture]]


@contextlib.contextmanager
def _keep(facts: list[str], graphs: Graphs, calibration: Calibration, write: Callable[[Path], None]) -> Iterator[Path]:
    """The folder that `write` has filled, now or before; it is in the cache, or goes when it has been read."""
    cache = get_cache_folder()
    if cache is not None:
        key = json.dumps([_RECIPE, *facts, graphs.compute_hash(), calibration.fingerprint])
        folder = cache / "graphs" / hashlib.sha256(key.encode()).hexdigest()[:32]
        with contextlib.suppress(OSError):  # a folder that cannot be written
            _fill(folder, write)
        if folder.is_dir():
            yield folder
            return
    with tempfile.TemporaryDirectory() as name:
        write(Path(name))
        yield Path(name)


def _fill(folder: Path, write: Callable[[Path], None]) -> None:
    """Have `write` fill a folder of the cache, if it is not there yet."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):  # workers that start together quantise once
        if not folder.is_dir():
            unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
            try:
                write(unfinished)
                unfinished.rename(folder)
            except BaseException:
                shutil.rmtree(unfinished, ignore_errors=True)
                raise


def _read_inputs(calibration: Calibration, run_template: RunTemplate) -> Iterator[Inputs]:
    for template, search in calibration.read():
        yield {FEATURES: run_template(_as_batch(template)), IMAGES: _as_batch(search)}


def _as_batch(patch: Frame) -> Array:
    return np.ascontiguousarray(patch.transpose(2, 0, 1)[None], dtype=np.float32)
