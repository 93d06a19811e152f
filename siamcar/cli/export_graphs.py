"""The part of `siamcar export` that writes graphs."""

from __future__ import annotations

from pathlib import Path

from siamcar.cli.common import print_error, print_json, print_line
from siamcar.files import expand_home

__all__ = ["export_graphs"]


def export_graphs(
    folder: Path,
    format: str,
    weights: str | None,
    precision: str,
    calibration: Path | None,
    *,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Write the network as two graphs and tell how near they are to it."""
    from siamcar.backends import export
    from siamcar.model.weights import load_model
    from siamcar.weights_files import list_builtin_weights, resolve_weights

    file = resolve_weights(weights if weights is not None else next(iter(list_builtin_weights())))
    model = load_model(file)
    if precision == "int8":
        print_error("Calibrating int8; this takes a minute, and is remembered.")
    done = export.export_graphs(
        model,
        file,
        expand_home(folder),
        format=format,
        precision=precision,
        calibration=calibration,
        overwrite=overwrite,
    )
    if as_json:
        deviation = {name: getattr(done.deviation, name) for name in ("cls", "loc", "cen")}
        print_json({"folder": str(done.folder), "files": done.files, "deviation": deviation, **done.metadata})
        return
    about, size = done.metadata, sum((done.folder / name).stat().st_size for name in done.files)
    print_line(f"{about['architecture']} of {file.name} as {format}, {precision} ({size / 1e6:.1f} MB) → {done.folder}")
    print_line(f"  {', '.join(done.files)}")
    print_line(
        f"  largest difference from eager fp32, over the largest value: cls {done.deviation.cls:.1e}, "
        f"loc {done.deviation.loc:.1e}, cen {done.deviation.cen:.1e}"
    )
