"""What the backends make of the networks, against the network as it is; `siamcar bench` is the same for one network.

The weights are random, but for the built-in MobileNetV2: the time does not depend on them.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from benchmarks.reporting import RECORDS
from siamcar.cli.app import app

ARCHITECTURES = ("alexnet", "resnet18", "resnet50")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        out = Path(name) / "bench.json"
        for arguments in (["tracker", "runner"], *(["--architecture", one] for one in ARCHITECTURES)):
            app(["bench", "network", *arguments, "--out", str(out)], standalone_mode=False)
            document = json.loads(out.read_text(encoding="utf-8"))
            for part in ("network", "tracker", "runner"):
                if part in document:
                    rows = document[part] if isinstance(document[part], list) else [document[part]]
                    RECORDS.extend({"measured": part, **row, "model": document["model"]} for row in rows)
