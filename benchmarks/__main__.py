"""Run the measurements named, or all of them: a table on the screen, and all numbers in `bench.json`."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

from benchmarks.reporting import RECORDS
from evaluation.machine import describe_environment
from siamcar.files import write_atomic

NAMES = ("network", "precision", "scoring", "growth", "training")

OUT = Path("bench.json")


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        print(f"There is no measurement {', '.join(unknown)}. Known: {', '.join(NAMES)}.", file=sys.stderr)
        return 2
    environment = describe_environment()
    packages = ", ".join(f"{name} {version}" for name, version in environment["packages"].items())
    print(
        f"{environment['processor']}, {environment['physical_cores']} physical cores, Python {environment['python']}, "
        f"{packages}. Ratios are baseline / candidate, round by round: median [lowest, highest]."
    )
    measured = {}
    for name in names or NAMES:
        print(f"\n== {name}", flush=True)
        RECORDS.clear()
        importlib.import_module(f"benchmarks.{name}").main()
        measured[name] = list(RECORDS)
        document = {"environment": environment, "measured": measured}
        write_atomic(OUT, (json.dumps(document, indent=2) + "\n").encode())
    print(f"\nWritten: {OUT}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
