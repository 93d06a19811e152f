"""Scores of a VOT benchmark, made by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np
import pandas as pd

from evaluation.conventions import Convention
from evaluation.leaderboard import SCORE_COLUMNS, SEQUENCE_COLUMNS, SPREAD_COLUMNS, Scores
from evaluation.vot.conventions import get_vot_convention

VALUES = {
    "high": {"eao": 0.6, "accuracy": 0.5, "robustness": 0.4, "failures": 31.0},
    "low": {"eao": 0.2, "accuracy": 0.6, "robustness": 1.5, "failures": 120.5},
    "short": {"eao": float("nan"), "accuracy": 0.3, "robustness": 9.0, "failures": 700.0},
}
SEQUENCES = ("one", "two")
SHORT = "the longest run has 40 frames"


def make_vot_scores(values: Mapping[str, Mapping[str, float]] = VALUES, kind: str = "supervised") -> Scores:
    """Two sequences, the second with the tag occlusion; curves of 400 frames for trackers with an EAO.

    The accuracy of `short` on the second sequence weighs nothing, as where no frame was tracked.
    """
    convention = get_vot_convention(None, kind)[0]
    rows, sequences = [], []
    for tracker, of in values.items():
        label = {"benchmark": "VOT2018", "tracker": tracker, "convention": "vot"}
        for metric, higher in convention.metrics.items():
            row = {**label, "metric": metric, "value": of[metric], "higher_is_better": higher}
            rows += [{**row, "attribute": None, "n_sequences": 2}, {**row, "attribute": "occlusion", "n_sequences": 1}]
            for one in SEQUENCES:
                weight = 0.0 if (tracker, one, metric) == ("short", "two", "accuracy") else 1.0
                part = {"sequence": one, "run": 1, "metric": metric, "value": of[metric], "weight": weight}
                sequences.append(label | part)
    table = pd.DataFrame(rows)[list(SCORE_COLUMNS)]
    with_eao = [name for name, of in values.items() if np.isfinite(of["eao"])]
    curves = {name: np.linspace(values[name]["eao"], 0.1, 400) for name in with_eao}
    return Scores(
        benchmark="VOT2018",
        convention=cast("Convention", convention),
        trackers=tuple(values),
        n_sequences=2,
        n_frames=80,
        missing=(),
        attributes_n={"occlusion": 1},
        sequences=pd.DataFrame(sequences)[list(SEQUENCE_COLUMNS)],
        overall=table[table["attribute"].isna()].reset_index(drop=True),
        attributes=table[table["attribute"].notna()].reset_index(drop=True),
        spread=pd.DataFrame(columns=list(SPREAD_COLUMNS)),
        success_curves={},
        precision_curves={},
        norm_precision_curves={},
        faults=(),
        contended=frozenset(),
        attribute_sequences={"occlusion": ("two",)},
        reasons={(name, "eao"): SHORT for name in values if name not in with_eao},
        eao_curves=curves,
        attribute_eao_curves={"occlusion": {name: curve / 2 for name, curve in curves.items()}},
    )
