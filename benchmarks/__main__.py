"""Run the measurements named, or all of them: a table on the screen, and all numbers in `bench.json`.

Several are run one after another, each in a process of its own: neither memory nor threads of one are in the numbers of
the next. Where some are named, the file keeps what it holds of the others. A measurement that fails is told; the others
go on.
"""

from __future__ import annotations

import importlib
import json
import subprocess
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
    if len(names) == 1:
        return _measure(names[0])
    if not names:
        OUT.unlink(missing_ok=True)
    failed = []
    for name in names or NAMES:
        if subprocess.run([sys.executable, "-m", "benchmarks", name], check=False).returncode:  # noqa: S603 - our own
            failed.append(name)
    if failed:
        print(f"Failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _measure(name: str) -> int:
    """Run one measurement in this process."""
    environment, load, failed = describe_environment(), measure_load(), False
    packages = ", ".join(f"{name} {version}" for name, version in environment["packages"].items())
    print(
        f"\n== {name}\n{environment['processor']}, {environment['physical_cores']} physical cores, "
        f"Python {environment['python']}, {packages}. "
        "Ratios are baseline / candidate, round by round: median [lowest, highest].",
        flush=True,
    )
    try:
        importlib.import_module(f"benchmarks.{name}").main()
    except Exception:  # noqa: BLE001 - whatever it is, it is told, and the other numbers are not lost
        traceback.print_exc()
        failed = True
    measured = {
        **_read_measured(),
        name: {"environment": environment, "load_before": load, "failed": failed, "records": RECORDS},
    }
    write_atomic(OUT, (json.dumps({"measured": measured}, indent=2) + "\n").encode())
    print(f"Written: {OUT}", flush=True)
    return 1 if failed else 0


def _read_measured() -> dict[str, Any]:
    """What the file holds already; nothing where there is none, or one that was not written here."""
    try:
        measured = json.loads(OUT.read_text(encoding="utf-8"))["measured"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return measured if isinstance(measured, dict) else {}


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
