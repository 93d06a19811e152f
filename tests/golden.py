"""Networks with the reference weights of the shared folder: rebuilt from tensor names, shapes and a seed.

Run as a script to write the full network to a file, for trying the command line:

    python tests/golden.py SHARED_FOLDER keyed_r50.pth          (or .safetensors)
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor


def _keyed_state(shared: Path, shapes: dict[str, list[int]], statistics: str) -> dict[str, Tensor]:
    spec = importlib.util.spec_from_file_location("keyed_weights", shared / "golden" / "keyed_weights.py")
    assert spec is not None and spec.loader is not None
    keyed = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(keyed)
    state: dict[str, Tensor] = {}
    with np.load(shared / "golden" / statistics) as archive:
        for name, shape in shapes.items():
            if name.endswith("num_batches_tracked"):
                state[name] = torch.tensor(0)
            elif name.endswith(("running_mean", "running_var")):
                state[name] = torch.from_numpy(archive[f"stat/{name}"])
            else:
                state[name] = torch.from_numpy(keyed.keyed_tensor(name, tuple(shape)))
    return state


def load_keyed_r50(shared: Path) -> dict[str, Tensor]:
    """The state dict of the full ResNet-50 network behind net_r50.npz, under the released names."""
    names: dict[str, Any] = json.loads((shared / "golden" / "net_r50_names.json").read_text())
    shapes = {name: entry["shape"] for name, entry in names["tensors"].items()}
    state = _keyed_state(shared, shapes, "net_r50.npz")
    state["car_head.cls_logits.weight"] *= 2
    state["car_head.centerness.weight"] *= 2
    state["car_head.bbox_pred.weight"] *= 0.12
    state["car_head.bbox_pred.bias"] = torch.full((4,), float(np.log(30.0)))
    return state


def load_keyed_backbone(shared: Path, architecture: str) -> dict[str, Tensor]:
    """The state dict behind backbone_<architecture>.npz, under pysot's names."""
    shapes = json.loads((shared / "golden" / f"backbone_{architecture}_names.json").read_text())
    return _keyed_state(shared, shapes, f"backbone_{architecture}.npz")


def write_keyed_r50(shared: Path, path: Path) -> None:
    """Write the full network: .safetensors, or else a checkpoint as the released training script leaves it."""
    state = load_keyed_r50(shared)
    if path.suffix == ".safetensors":
        save_file(state, path)
    else:
        optimizer = {"state": {}, "param_groups": [{"lr": np.float64(0.005), "momentum": 0.9, "params": [0]}]}
        torch.save({"epoch": 20, "state_dict": state, "optimizer": optimizer}, path)


if __name__ == "__main__":
    write_keyed_r50(Path(sys.argv[1]), Path(sys.argv[2]))
