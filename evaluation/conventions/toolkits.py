"""The toolkits, one entry each: how it answers every question of `Convention`, and which files of it say so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from evaluation.conventions import rules
from evaluation.conventions.convention import Convention
from evaluation.metrics.precision import (
    DISTANCE_THRESHOLDS,
    NORMALIZED_PRECISION_AT,
    NORMALIZED_THRESHOLDS,
    PRECISION_AT,
)
from evaluation.metrics.success import OVERLAP_THRESHOLDS, Curve
from evaluation.sequence import Benchmark
from siamcar.errors import UnknownNameError

__all__ = ["CONVENTIONS", "get_convention", "resolve_conventions"]

_SUCCESS_21 = "Success is the share of frames with IoU > t, averaged over the 21 thresholds t = 0, 0.05, …, 1"
_PRECISION_20 = "precision is the share of frames with a centre error of at most 20 px"
_NORM_02 = "normalised precision the share with a centre error of at most 0.2 target sizes"

_SUCCESS = {"success": rules.read_success_mean}
_PRECISION = {"precision": rules.read_precision_at(PRECISION_AT)}
_NORM_PRECISION = {"norm_precision": rules.read_norm_precision_at(NORMALIZED_PRECISION_AT)}
_SR50 = {"sr50": rules.read_success_at(0.5)}
_SR75 = {"sr75": rules.read_success_at(0.75)}


def _thresholds(stop: float, count: int) -> Curve:
    values: Curve = np.linspace(0.0, stop, count)
    values.setflags(write=False)
    return values


_OTB = Convention(
    name="otb",
    source="OTB v1.0 (MATLAB): genPerfMat.m, calcSeqErrRobust.m, calcRectInt.m, plotDrawSave.m; as UAV123's kit",
    meaning=(
        f"the rules of the OTB v1.0 MATLAB toolkit. {_SUCCESS_21}; {_PRECISION_20}. "
        "Every frame counts; one whose ground truth is not four positive numbers is a miss in success and a hit in "
        "precision. The first frame's prediction is its ground truth."
    ),
    metrics={**_SUCCESS, **_PRECISION},
    short_file="stop unless invalid",
    long_file="stop",
    repair=rules.reuse_previous,
    size=rules.true_sides,
    valid=rules.all_four_positive,
    overlap_thresholds=OVERLAP_THRESHOLDS,
    distance_thresholds=DISTANCE_THRESHOLDS,
    norm_thresholds=NORMALIZED_THRESHOLDS,
    families=("otb", "uav"),
)

_LASOT = replace(
    _OTB,
    name="lasot",
    family="lasot",
    source="HengLan/LaSOT_Evaluation_Toolkit (MATLAB): utils/eval_tracker.m, utils/calc_seq_err_robust.m, "
    "utils/calc_rect_int.m, utils/plot_draw_save.m",
    meaning=(
        f"the rules of the LaSOT MATLAB toolkit. {_SUCCESS_21}; {_PRECISION_20}, {_NORM_02}. "
        "Every frame counts; one whose target is absent is a miss in everything, any other whose ground truth is not "
        "four positive numbers is a miss in success and a hit in both precisions. The first frame's prediction is its "
        "ground truth."
    ),
    metrics={**_SUCCESS, **_PRECISION, **_NORM_PRECISION},
    short_file="stop",
    long_file="cut",
    absent_misses=True,
    families=("lasot",),
)

_GOT10K = Convention(
    name="got10k",
    source="got-10k/toolkit: got10k/experiments/otb.py, got10k/utils/metrics.py",
    meaning=(
        f"the rules of the GOT-10k toolkit's OTB experiment. {_SUCCESS_21}; {_PRECISION_20}; SR0.5 is the success "
        "rate at 0.5. No frame is special. The first frame's prediction is its ground truth. File and ground truth "
        "are cut to the shorter of both."
    ),
    metrics={**_SUCCESS, **_PRECISION, **_SR50},
    short_file="cut",
    long_file="cut",
    size=rules.true_sides_of_a_pixel,
    divide_first=False,
    valid=rules.every_frame,
    counted=rules.count_rows_of_file,
    overlap_thresholds=OVERLAP_THRESHOLDS,
    distance_thresholds=DISTANCE_THRESHOLDS,
    norm_thresholds=NORMALIZED_THRESHOLDS,
    families=("otb", "uav", "lasot", "got10k"),
)

_GOT10K_UAV = replace(
    _GOT10K,
    family="uav",
    source="got-10k/toolkit: got10k/experiments/uav123.py, got10k/experiments/otb.py, got10k/utils/metrics.py",
    meaning=(
        f"the rules of the GOT-10k toolkit's UAV123 experiment. {_SUCCESS_21}; {_PRECISION_20}; SR0.5 is the success "
        "rate at 0.5. Frames without ground truth (NaN) do not count. The first frame's prediction is its ground "
        "truth. File and ground truth are cut to the shorter of both."
    ),
    counted=rules.count_not_nan,
)

_GOT10K_LASOT = replace(
    _GOT10K_UAV,
    family="lasot",
    source="got-10k/toolkit, head of the repository: got10k/experiments/lasot.py, got10k/utils/metrics.py",
    meaning=(
        f"the rules of the GOT-10k toolkit's LaSOT experiment. {_SUCCESS_21}; {_PRECISION_20}; normalised precision is "
        "the mean of its curve over 0, 0.01, …, 0.5 target sizes, not the value at 0.2; SR0.5 is the success rate at "
        "0.5. Frames without ground truth (NaN) do not count; absent targets are compared with whatever box the ground "
        "truth gives. The first frame's prediction is its ground truth. File and ground truth are cut to the shorter "
        "of both."
    ),
    metrics={**_SUCCESS, **_PRECISION, "norm_precision": rules.read_norm_precision_mean, **_SR50},
)

_GOT10K_OWN = replace(
    _GOT10K,
    family="got10k",
    source="got-10k/toolkit: got10k/experiments/got10k.py, got10k/utils/metrics.py",
    meaning=(
        "the rules of the GOT-10k toolkit. AO is the mean IoU, SR0.5 and SR0.75 the shares of frames with IoU > 0.5 "
        "and > 0.75, pooled over the frames of all sequences and repetitions. The first frame and frames whose target "
        "is wholly hidden (cover 0) do not count. Boxes are clipped to the image by moving their corner, which keeps "
        "their size at the left and upper border."
    ),
    metrics={"ao": rules.read_mean_overlap, **_SR50, **_SR75},
    short_file="stop",
    long_file="stop",
    length_reason="the toolkit stops with an AssertionError",
    refuse=rules.find_nan_predictions,
    first_frame="file",
    transform=rules.clip_to_image,
    counted=rules.count_covered,
    overlap_thresholds=_thresholds(1.0, 101),
    pooled=True,
)

_PYSOT = Convention(
    name="pysot",
    source="STVIR/pysot: toolkit/evaluation/ope_benchmark.py, toolkit/utils/statistics.py; the same in the released "
    "SiamCAR",
    meaning=(
        f"the rules of pysot's toolkit. {_SUCCESS_21}; {_PRECISION_20}, {_NORM_02}. Every frame counts; one whose true "
        "width or height is not positive is a miss in success, one whose true centre is not positive a hit in "
        "precision. Predictions count as the file has them, the first and zero boxes too."
    ),
    metrics={**_SUCCESS, **_PRECISION, **_NORM_PRECISION},
    short_file="stop",
    long_file="stop",
    length_reason="pysot stops with an IndexError",
    first_frame="file",
    size=rules.true_sides_with_epsilon,
    valid=rules.sides_positive,
    valid_distance=rules.center_positive,
    valid_norm=rules.normalized_center_positive,
    overlap_thresholds=OVERLAP_THRESHOLDS,
    distance_thresholds=DISTANCE_THRESHOLDS,
    norm_thresholds=NORMALIZED_THRESHOLDS,
    families=("otb", "uav", "lasot", "got10k"),
)

_PYSOT_LASOT = replace(
    _PYSOT,
    family="lasot",
    meaning=f"{_PYSOT.meaning} A frame whose target is absent is a miss in everything and stays in the denominator.",
    absent_misses=True,
)

_PYSOT_TOOLKIT = replace(
    _PYSOT,
    name="pysot_toolkit",
    source="StrangerZhang/pysot-toolkit: pysot/evaluation/ope_benchmark.py, pysot/utils/statistics.py",
    meaning=(
        f"the rules of StrangerZhang's pysot-toolkit. {_SUCCESS_21}; {_PRECISION_20}, {_NORM_02}. Every frame counts; "
        "one whose ground truth is not four positive numbers is a miss in success, one whose true centre is not "
        "positive a hit in precision. Predictions count as the file has them, the first and zero boxes too. Rows "
        "beyond the last frame are passed over."
    ),
    long_file="cut",
    length_reason="the toolkit's compiled code would read on past the end of the array and print what it finds there",
    valid=rules.all_four_positive,
)

_PYSOT_TOOLKIT_LASOT = replace(
    _PYSOT_TOOLKIT,
    family="lasot",
    meaning=f"{_PYSOT_TOOLKIT.meaning} A frame whose target is absent is a miss in everything and stays in the "
    "denominator.",
    absent_misses=True,
)

_PYTRACKING = Convention(
    name="pytracking",
    source="visionml/pytracking: pytracking/analysis/extract_results.py, pytracking/analysis/plot_results.py",
    meaning=(
        f"the rules of pytracking. {_SUCCESS_21}; {_PRECISION_20}, {_NORM_02}; SR0.5 and SR0.75 are the success rates "
        "there (its OP50, OP75). Every frame counts; one whose ground truth is not four positive numbers is a miss in "
        "success and precision and a hit in normalised precision. The first frame's prediction is its ground truth; a "
        "zero box repeats the one before; missing rows at the end are zero boxes."
    ),
    metrics={**_SUCCESS, **_PRECISION, **_NORM_PRECISION, **_SR50, **_SR75},
    short_file="zeros",
    long_file="cut",
    refuse=rules.find_impossible_rows,
    repair=rules.reuse_previous_if_zero,
    size=rules.true_sides,
    valid=rules.all_four_positive,
    invalid_distance=np.inf,
    overlap_thresholds=OVERLAP_THRESHOLDS,
    distance_thresholds=DISTANCE_THRESHOLDS,
    norm_thresholds=NORMALIZED_THRESHOLDS,
    families=("otb", "uav", "lasot", "got10k"),
)

_PYTRACKING_UAV = replace(
    _PYTRACKING,
    family="uav",
    meaning=_PYTRACKING.meaning.replace(
        "a miss in success and precision and a hit in normalised precision",
        "a miss in success and a hit in both precisions",
    ),
    refuse=rules.find_impossible_predictions,
    invalid_distance=-1.0,
)

_PYTRACKING_LASOT = replace(
    _PYTRACKING,
    family="lasot",
    meaning=_PYTRACKING.meaning.replace("; missing rows at the end are zero boxes", "")
    + " A frame whose target is absent is a miss in everything.",
    short_file="stop",
    length_reason="pytracking stops on LaSOT: 'Mis-match in tracker prediction and GT lengths'",
    absent_misses=True,
)


def _as_stark(form: Convention) -> Convention:
    """STARK's copy of pytracking's evaluator, in which a box may reach over the left or upper border."""
    return replace(
        form,
        name="stark",
        source="researchmm/Stark and botaoye/OSTrack: lib/test/analysis/extract_results.py, "
        "lib/test/analysis/plot_results.py",
        meaning=form.meaning.replace(
            "the rules of pytracking.", "the rules of STARK, OSTrack and those after them."
        ).replace("whose ground truth is not four positive numbers", "whose true width or height is not positive"),
        length_reason=form.length_reason.replace("pytracking", "the toolkit"),
        valid=rules.sides_positive,
    )


_TRACKINGNET = Convention(
    name="trackingnet",
    family="trackingnet",
    source="SilvioGiancola/TrackingNet-devkit: metrics.py",
    meaning=(
        "the rules of the TrackingNet devkit. Boxes are rounded to whole pixels. Success, precision and normalised "
        "precision are trapezoid areas below curves of 21 thresholds: IoU >= t over 0 to 1, centre error <= t over 0 "
        "to 50 px and over 0 to 0.5 target sizes. Every frame counts; missing rows are misses, and a missing file is "
        "one of zero boxes. The first frame's prediction is its ground truth."
    ),
    metrics={
        "success": rules.read_success_area,
        "precision": rules.read_precision_area,
        "norm_precision": rules.read_norm_precision_area,
    },
    short_file="misses",
    long_file="cut",
    no_file="zeros",
    transform=rules.round_to_pixels,
    size=rules.true_sides,
    divide_first=False,
    valid=rules.every_frame,
    overlap_test=np.greater_equal,
    overlap_thresholds=_thresholds(1.0, 21),
    distance_thresholds=_thresholds(50.0, 21),
    norm_thresholds=_thresholds(0.5, 21),
    families=("trackingnet",),
)

CONVENTIONS = {
    convention.name: convention
    for convention in (
        _OTB,
        _LASOT,
        replace(_GOT10K, forms={"uav": _GOT10K_UAV, "lasot": _GOT10K_LASOT, "got10k": _GOT10K_OWN}),
        replace(_PYSOT, forms={"lasot": _PYSOT_LASOT}),
        replace(_PYSOT_TOOLKIT, forms={"lasot": _PYSOT_TOOLKIT_LASOT}),
        replace(_PYTRACKING, forms={"uav": _PYTRACKING_UAV, "lasot": _PYTRACKING_LASOT}),
        replace(
            _as_stark(_PYTRACKING), forms={"uav": _as_stark(_PYTRACKING_UAV), "lasot": _as_stark(_PYTRACKING_LASOT)}
        ),
        _TRACKINGNET,
    )
}
"""Every convention by its name, in its form for OTB and for what has no rules of its own."""


def get_convention(name: str, family: str = "otb") -> Convention:
    """The convention of a name, in its form for a family of benchmarks (`Benchmark.family`).

    Raises:
        UnknownNameError: there is none.
    """
    try:
        return CONVENTIONS[name].for_family(family)
    except KeyError:
        raise UnknownNameError.of("convention", name, CONVENTIONS) from None


def resolve_conventions(name: str | None, benchmark: Benchmark) -> list[Convention]:
    """The conventions that a user's word means for a benchmark.

    Args:
        name: a convention; None or "official" for the benchmark's own; "all" for that one and those of all toolkits
            that evaluate its family.
        benchmark: what is scored.

    Raises:
        UnknownNameError: there is no such convention.
    """
    if name in {None, "official"}:
        return [get_convention(benchmark.convention, benchmark.family)]
    if name != "all":
        return [get_convention(str(name), benchmark.family)]
    others = [one for one in CONVENTIONS if benchmark.family in CONVENTIONS[one].families]
    return [get_convention(one, benchmark.family) for one in dict.fromkeys([benchmark.convention, *others])]
