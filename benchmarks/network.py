"""What the network costs a frame: in inference mode, against autograd left on as the released loop has it.

Same network (eager fp32, one thread), same input; the weights are random, which changes nothing in the time.
"""

from __future__ import annotations

import torch

from benchmarks.harness import compare
from siamcar.config import ModelConfig
from siamcar.model.network import SiamCAR

ARCHITECTURES = ("alexnet", "mobilenetv2", "resnet18", "resnet50")


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    template, search = torch.rand(1, 3, 127, 127) * 255, torch.rand(1, 3, 255, 255) * 255
    for architecture in ARCHITECTURES:
        model = SiamCAR(ModelConfig(architecture=architecture)).eval()
        features = model.template(template)

        def with_autograd(model: SiamCAR = model, features: list[torch.Tensor] = features) -> object:
            return model.search(features, search)

        def in_inference(model: SiamCAR = model, features: list[torch.Tensor] = features) -> object:
            with torch.inference_mode():
                return model.search(features, search)

        print(compare(f"{architecture}: autograd on / inference", with_autograd, in_inference))
