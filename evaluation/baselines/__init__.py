"""Published numbers, each with its source: what others report, never mixed with what is measured here."""

from __future__ import annotations

from importlib.resources import files

import pandas as pd

__all__ = ["BASELINE_COLUMNS", "load_baselines"]

BASELINE_COLUMNS = ("tracker", "benchmark", "split", "metric", "value", "convention", "reference", "source")


def load_baselines(benchmark: str | None = None) -> pd.DataFrame:
    """Published numbers as a frame of `BASELINE_COLUMNS`, in the order of their sources.

    `benchmark` and `metric` are the suite's names, `tracker` is the source's. Values are in [0, 1], speeds in frames
    a second. `convention` is empty where the source does not say how it counted, `benchmark` where the number
    belongs to none. `reference` is the publication, `source` the place in it.

    Args:
        benchmark: name on the command line; by default the numbers of all.
    """
    tables = [file for file in files(__name__).iterdir() if file.name.endswith(".csv")]
    read = []
    for table in sorted(tables, key=lambda file: file.name):
        with table.open(encoding="utf-8") as file:
            read.append(pd.read_csv(file, keep_default_na=False, dtype={"value": float}))
    numbers = pd.concat(read, ignore_index=True)[list(BASELINE_COLUMNS)]
    return numbers if benchmark is None else numbers[numbers["benchmark"] == benchmark].reset_index(drop=True)
