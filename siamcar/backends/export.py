"""Graphs on disk: written, checked against the network, and opened again.

A folder holds `graphs.json`, which tells what they are, and `template` and `search`, each as `.onnx`, or as `.xml` with
its `.bin`.
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from siamcar.backends import onnx, openvino
from siamcar.backends.base import BackendInfo, refuse_calibration
from siamcar.backends.calibration import Calibration, choose_calibration
from siamcar.backends.graphs import describe_graphs
from siamcar.backends.measure import Deviation, compare_maps
from siamcar.backends.quantization import import_openvino
from siamcar.backends.row_by_row import RowByRow
from siamcar.errors import ConfigError, DataError, SiamCARError, UnknownNameError
from siamcar.model.grid import Grid
from siamcar.model.network import SiamCAR

__all__ = ["FORMATS", "Exported", "export_graphs", "open_graphs"]

FORMATS = {"onnx": "onnx", "openvino": "xml"}
"""Format, which is also the name of the backend that runs it → ending of the files to open."""

_LARGEST_DEVIATION = {"fp32": 1e-4, "int8": 0.3}
"""Of the maps from those of `eager`, over their largest value.

In 8 bits this tells a broken graph from a sound one; what sound ones cost in success, only a benchmark tells.
"""

_CHECKED_PAIRS = 5

_DESCRIPTION = "graphs.json"
_UNFINISHED = ".unfinished-"
_FILES = {_DESCRIPTION, *(f"{name}.{end}" for name in ("template", "search") for end in ("onnx", "xml", "bin"))}


@dataclass(frozen=True, slots=True)
class Exported:
    """What `export_graphs` wrote.

    Attributes:
        folder: where.
        files: names of the files in it.
        metadata: as in `graphs.json` and in the graphs themselves.
        deviation: of their maps from those of `eager`.
    """

    folder: Path
    files: tuple[str, ...]
    metadata: dict[str, str]
    deviation: Deviation


def export_graphs(
    model: SiamCAR,
    weights: Path,
    folder: Path,
    *,
    format: str,
    precision: str = "fp32",
    calibration: Path | None = None,
    overwrite: bool = False,
) -> Exported:
    """Write the two graphs of a network and check what was written. Where the check fails nothing is left behind.

    Args:
        model: the network, in evaluation on the CPU.
        weights: the file that it was loaded from.
        folder: is made; an empty one is taken as well.
        format: one of `FORMATS`.
        precision: "fp32" or "int8".
        calibration: folder of frames that int8 is calibrated on; None: synthetic scenes.
        overwrite: replace an earlier export in the folder.

    Raises:
        UnknownNameError: no such format.
        ConfigError: a precision that graphs are not written in, frames to calibrate on where it is not int8, or a
            folder that holds something else.
        MissingExtraError: a package is not installed.
        DataError: a frame to calibrate on cannot be read.
        SiamCARError: the maps of what was written deviate from those of the network.
    """
    _check(format, precision)
    refuse_calibration(precision, calibration)
    frames = choose_calibration(calibration) if precision == "int8" else None
    metadata = {"graphs": format} | describe_graphs(model, weights, precision)
    if frames is not None:
        metadata["calibrated_on"] = frames.name
    with _write_whole(folder, overwrite=overwrite) as unfinished:
        _write_graphs(model, format, frames, metadata, unfinished)
        deviation = _compare(model, open_graphs(unfinished))
        if not deviation.largest <= _LARGEST_DEVIATION[precision]:
            raise SiamCARError(
                f"The graphs deviate from the network by {deviation.largest:.2g} of its largest value, by more than "
                f"the {_LARGEST_DEVIATION[precision]:g} allowed in {precision}; nothing was written.",
                "The runtime's version may be at fault: `siamcar check` lists versions."
                if precision == "fp32"
                else "Calibrate on frames like those to be tracked: --calibration FOLDER.",
            )
        files = tuple(sorted(path.name for path in unfinished.iterdir()))
    return Exported(folder, files, metadata, deviation)


def open_graphs(folder: Path, *, threads: int | None = None) -> RowByRow:
    """Open exported graphs, to be used in a network's place: `SiamCARTracker(open_graphs(folder))`.

    Args:
        folder: as `export_graphs` wrote it.
        threads: threads to compute with; None: as many as PyTorch is set to.

    Raises:
        DataError: no such export there.
        MissingExtraError: the runtime is not installed.
    """
    path = folder / _DESCRIPTION
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        grid = Grid(int(about["grid_size"]), int(about["grid_stride"]), float(about["grid_offset"]))
        kind, precision, ending = str(about["graphs"]), str(about["precision"]), FORMATS[about["graphs"]]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(
            f"{folder} holds no exported graphs: {path.name} is missing or damaged: {error}.",
            f"Write them with: siamcar export --format onnx {folder}",
        ) from error
    files = [folder / f"{name}.{ending}" for name in ("template", "search")]
    for file in files:
        if not file.is_file():
            raise DataError(f"The graph {file} is missing.", "Export the graphs again.")
    info = BackendInfo(kind, precision, threads or torch.get_num_threads(), "cpu", {"graphs": str(folder)})
    run = onnx.run_graphs if kind == "onnx" else openvino.run_graphs
    return run(str(files[0]), str(files[1]), grid, info)


def _check(format: str, precision: str) -> None:
    if format not in FORMATS:
        raise UnknownNameError.of("format of graphs", format, FORMATS)
    if precision in _LARGEST_DEVIATION:
        return
    hint = f"Precisions: {', '.join(_LARGEST_DEVIATION)}."
    if precision == "bf16":
        hint = "OpenVINO takes bfloat16 when an fp32 graph is compiled: INFERENCE_PRECISION_HINT=bf16."
    raise ConfigError(f"Graphs are not written in {precision}.", hint)


def _write_graphs(
    model: SiamCAR, format: str, calibration: Calibration | None, metadata: dict[str, str], folder: Path
) -> None:
    (folder / _DESCRIPTION).write_text(json.dumps(metadata, indent=2) + "\n", encoding="utf-8")
    if format == "onnx":
        graphs = onnx.make_graphs(model, calibration, torch.get_num_threads()).with_metadata(metadata)
        (folder / "template.onnx").write_bytes(graphs.template)
        (folder / "search.onnx").write_bytes(graphs.search)
        return
    save = import_openvino().save_model
    models = openvino.make_graphs(model, calibration, torch.get_num_threads())
    for name, graph in zip(("template", "search"), models, strict=True):
        for key, value in metadata.items():
            graph.set_rt_info(value, ["siamcar", key])
        save(graph, folder / f"{name}.xml", compress_to_fp16=False)


@torch.inference_mode()
def _compare(model: SiamCAR, graphs: RowByRow) -> Deviation:
    """Both on a few pairs of patches, the worst of each map."""
    pairs = choose_calibration(pairs=_CHECKED_PAIRS).read()
    template, search = (
        torch.from_numpy(np.stack(patches)).permute(0, 3, 1, 2).float() for patches in zip(*pairs, strict=True)
    )
    expected = model.search(model.template(template), search)
    return compare_maps(expected, graphs.search(graphs.template(template), search))


@contextmanager
def _write_whole(folder: Path, *, overwrite: bool) -> Iterator[Path]:
    """A folder to write into, whose files are then moved to their place, the description last; gone after an error."""
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file; graphs are written into a folder.", "Name a folder.")
    found = list(folder.iterdir()) if folder.is_dir() else []
    left_over = [
        path for path in found if path.name.startswith(_UNFINISHED) and path.is_dir()
    ]  # by one that was killed
    there = {path.name for path in found if path not in left_over}
    if others := sorted(there - _FILES):
        raise ConfigError(f"{folder} holds {others[0]}, which is no graph.", "Name a new or an empty folder.")
    if there and not overwrite:
        raise ConfigError(f"{folder} holds graphs already.", "Name another folder, or add --overwrite.")
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for path in left_over:
        shutil.rmtree(path)
    unfinished = folder / f"{_UNFINISHED}{secrets.token_hex(4)}"
    unfinished.mkdir()
    try:
        yield unfinished
        for name in there:
            (folder / name).unlink()
        for path in sorted(unfinished.iterdir(), key=lambda path: path.name == _DESCRIPTION):
            path.replace(folder / path.name)
    except BaseException:
        shutil.rmtree(unfinished)
        for path in made:
            with suppress(OSError):
                path.rmdir()
        raise
    unfinished.rmdir()
