"""Run the measurements named, or all of them: a table on the screen, and all numbers in `bench.json`.

Where some are named, the file keeps what it holds of the others. A measurement that fails is told; the others go on.
"""

from __future__ import annotations

import importlib
import json
import sys
import traceback
from pathlib import Path
from typing import Any

from benchmarks.reporting import RECORDS
from evaluation.machine import describe_environment
from evaluation.speed import measure_load
from siamcar.files import write_atomic

NAMES = ("network", "lockstep", "precision", "scoring", "growth", "training")

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
    measured: dict[str, Any] = _read_measured() if names else {}
    failed = []
    for name in names or NAMES:
        print(f"\n== {name}", flush=True)
        RECORDS.clear()
        load = measure_load()
        try:
            importlib.import_module(f"benchmarks.{name}").main()
        except Exception:  # noqa: BLE001 - whatever it is, it is told, and the other numbers are not lost
            traceback.print_exc()
            failed.append(name)
        measured[name] = {"environment": environment, "load_before": load, "records": list(RECORDS)}
        write_atomic(OUT, (json.dumps({"measured": measured}, indent=2) + "\n").encode())
    print(f"\nWritten: {OUT}")
    if failed:
        print(f"Failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _read_measured() -> dict[str, Any]:
    """What the file holds already; nothing where there is none, or one that was not written here."""
    try:
        measured = json.loads(OUT.read_text(encoding="utf-8"))["measured"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return measured if isinstance(measured, dict) else {}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
