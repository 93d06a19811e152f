"""Run the measurements named, or all of them."""

from __future__ import annotations

import importlib
import platform
import sys

import torch

from evaluation.runner import count_physical_cores

NAMES = ("network", "scoring", "training")


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        print(f"There is no measurement {', '.join(unknown)}. Known: {', '.join(NAMES)}.", file=sys.stderr)
        return 2
    print(
        f"Python {platform.python_version()}, torch {torch.__version__}, {platform.machine()}, "
        f"{count_physical_cores()} physical cores. Ratios are baseline / candidate: median [lowest, highest]."
    )
    for name in names or NAMES:
        print(f"\n== {name}")
        importlib.import_module(f"benchmarks.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
