"""The backend on OpenVINO; what it shares with ONNX Runtime is in test_onnx.py."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
import torch

from siamcar.backends import list_backends, make_backend
from siamcar.backends.measure import limit_torch_threads
from siamcar.errors import ConfigError
from siamcar.model.weights import load_model


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    with limit_torch_threads(1):
        yield


def test_bfloat16_where_the_processor_has_it() -> None:
    model = load_model("siamcar_mobilenetv2")
    usable = next(one.precisions for one in list_backends() if one.name == "openvino")
    if "bf16" not in usable:
        with pytest.raises(ConfigError, match="bfloat16"):
            make_backend(model, "openvino", "bf16")
        return
    backend, full = make_backend(model, "openvino", "bf16"), make_backend(model, "openvino")
    template, search = torch.full((1, 3, 127, 127), 90.0), torch.rand(1, 3, 255, 255) * 255
    features = backend.template(template)
    assert torch.equal(features[0], full.template(template)[0])  # computed once a sequence: in float32
    assert not torch.equal(backend.search(features, search).cls, full.search(features, search).cls)


def test_nothing_is_reported_to_the_maker() -> None:
    """OpenVINO and NNCF would send a report over the network as soon as they are imported."""
    code = (
        "import sys; from siamcar.backends.quantization import import_openvino;"
        "import_openvino(); import_openvino('nncf');"
        "sys.exit(any(name.startswith('openvino_telemetry') and sys.modules[name] for name in list(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_signals_are_survived_when_backends_are_gone() -> None:
    """Cores of OpenVINO swap the signal stack; ended in another order than made they leave one that is freed."""
    code = (
        "import gc, signal; import torch; from siamcar.backends import make_backend;"
        "from siamcar.config import ModelConfig; from siamcar.model.network import SiamCAR;"
        "model = SiamCAR(ModelConfig(architecture='alexnet', channels=32)).eval();"
        "made = [make_backend(model, 'openvino', threads=1) for _ in range(2)];"
        "made.pop(0); gc.collect(); made.clear(); gc.collect();"
        "signal.signal(signal.SIGUSR1, lambda *_: print('handled'));"
        "signal.raise_signal(signal.SIGUSR1)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "handled"), done.stderr


@pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2, reason="needs Linux and two cores"
)
def test_threads_are_bound_to_no_core() -> None:
    """Bound, the threads of two workers would share the first core. In a process of its own: threads are kept."""
    code = (
        "import os, threading; import torch; from siamcar.backends import make_backend;"
        "from siamcar.config import ModelConfig; from siamcar.model.network import SiamCAR;"
        "made = make_backend(SiamCAR(ModelConfig(architecture='alexnet', channels=32)).eval(), 'openvino', threads=1);"
        "features, search = made.template(torch.zeros(1, 3, 127, 127)), torch.zeros(1, 3, 255, 255);"
        "work = threading.Thread(target=lambda: [made.search(features, search) for _ in range(10)]); work.start();"
        "seen = set()\n"
        "while work.is_alive():\n"
        "    for task in os.listdir('/proc/self/task'):\n"
        "        try: seen.add(frozenset(os.sched_getaffinity(int(task))))\n"
        "        except ProcessLookupError: pass\n"
        "assert seen == {frozenset(os.sched_getaffinity(0))}, seen"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
