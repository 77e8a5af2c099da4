"""Pre-activation ResNets of basic blocks, with the parameter names of RobustBench's PreActResNet.

Two checkpoints of PreActResNet18 for CIFAR-10 (blocks [2,2,2,2], width 64) load without a key map:

* Wong2020Fast: final_norm false, shortcut input;
* Kireev2021Effectiveness_RLATAugMixNoJSD: final_norm true, shortcut activated; its tensors stand
  under the checkpoint's key `last`.

Both take images normalised by mean (0.4914, 0.4822, 0.4465) and std (0.2471, 0.2435, 0.2616).
Sources: RobustBench's robustbench/model_zoo/cifar10.py says which block and whether `bn_before_fc`
for Wong2020FastNet (PreActBlock, no) and Kireev2021EffectivenessNet (PreActBlockV2, yes);
architectures/resnet.py says what these compute; utils.py names the key `last`. That Kireev's
authors train the same net is confirmed by models.py of tml-epfl/adv-training-corruptions.

RobustBench loads these files without the normalisation's buffers, and would not tell if a file held
more than the net. Should Wong2020Fast.pt hold the tensors of a final norm, `keys: {bn.: ""}` drops
them as RobustBench does; its published numbers are of the net without one.

Dropout before the linear layer and the stride of the first convolution are additions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from robustgen.nets.fold import Pointwise

POOL = 4
OPTIONS = {
    "blocks": {
        "type": "whole number",
        "several": True,
        "least": 1,
        "default": (2, 2, 2, 2),
        "means": "Blocks of each stage.",
    },
    "width": {
        "type": "whole number",
        "least": 1,
        "default": 64,
        "means": "Channels of the first stage; each further one has twice.",
    },
    "stem_stride": {
        "type": "whole number",
        "least": 1,
        "default": 1,
        "means": "Stride of the first convolution.",
    },
    "final_norm": {
        "type": "true or false",
        "default": False,
        "means": "Batch normalisation and ReLU before the pooling.",
    },
    "shortcut": {
        "one_of": ("input", "activated"),
        "default": "input",
        "means": "What a block's 1 x 1 shortcut takes: its input, or its normalised ReLU output.",
    },
    "dropout": {
        "type": "number",
        "least": 0,
        "below": 1,
        "default": 0.0,
        "means": "Dropout before the linear layer; KD+BU needs it.",
    },
}
# of the last stage's output, which is pooled
SIDE = {"least": 4, "divided_by": "stem_stride", "halved_after_each_of": "blocks"}
SHOWS = ("layers", "features", "dropout")
SHOWN_WITH = {"dropout": "dropout"}  # what is shown -> the option without which it is not


class Block(nn.Module):
    """Twice batch normalisation, ReLU and a 3 x 3 convolution, with a shortcut, which is a 1 x 1
    convolution where the shape changes.
    """

    folds = (("conv1", "bn2"),)  # the block's other norms follow sums, which the shortcut needs too

    def __init__(self, inside: int, outside: int, stride: int, *, activated: bool) -> None:
        super().__init__()
        self.activated = activated
        self.bn1 = nn.BatchNorm2d(inside)
        self.conv1 = nn.Conv2d(inside, outside, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outside)
        self.conv2 = nn.Conv2d(outside, outside, 3, padding=1, bias=False)
        if stride != 1 or inside != outside:
            self.shortcut = nn.Sequential(Pointwise(inside, outside, 1, stride, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        out = functional.relu(self.bn1(x))
        if hasattr(self, "shortcut"):
            x = self.shortcut(out if self.activated else x)
        return self.conv2(functional.relu(self.bn2(self.conv1(out)))) + x


class PreActResNet(nn.Module):
    """Images -> logits; `features` gives the input of the linear layer."""

    def __init__(
        self,
        *,
        channels: int,
        classes: int,
        size: int,
        blocks: Sequence[int] = (2, 2, 2, 2),
        width: int = 64,
        stem_stride: int = 1,
        final_norm: bool = False,
        shortcut: str = "input",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.stages = [f"layer{number}" for number in range(1, len(blocks) + 1)]
        self.conv1 = nn.Conv2d(channels, width, 3, stem_stride, padding=1, bias=False)
        inside = outside = width
        for name, count in zip(self.stages, blocks, strict=True):
            strides = [1 if name == "layer1" else 2] + [1] * (count - 1)
            stage = nn.Sequential()
            for stride in strides:
                stage.append(Block(inside, outside, stride, activated=shortcut == "activated"))
                inside = outside
            self.add_module(name, stage)
            outside = 2 * inside
        if final_norm:
            self.bn = nn.BatchNorm2d(inside)
        with torch.no_grad():
            flat = self.eval().features(torch.zeros(1, channels, size, size)).shape[1]
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(flat, classes)
        self.train()

    def layers(self, x: Tensor) -> list[Tensor]:
        """The output of each stage [n,c,h,w], before the next normalisation."""
        return self.taps(x)[1:]

    def taps(self, x: Tensor) -> list[Tensor]:
        """The output of the first layer and of each stage."""
        x = self.conv1(x)
        return [x, *(x := cast(nn.Sequential, getattr(self, name))(x) for name in self.stages)]

    def pooled(self, x: Tensor) -> Tensor:
        """The input of the linear layer [n,d] from the last stage's output."""
        if hasattr(self, "bn"):
            x = functional.relu(self.bn(x))
        return functional.avg_pool2d(x, POOL).flatten(1)

    def features(self, x: Tensor) -> Tensor:
        return self.pooled(self.layers(x)[-1])

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.linear(self.dropout(self.features(x)))
        return logits


def build(**options: Any) -> nn.Module:
    """A PreActResNet18, unless the options say otherwise."""
    return PreActResNet(**options)
