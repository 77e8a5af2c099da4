"""Classifiers: modules from images [n,c,h,w] in [0,1] to scores [n,K], used as they are in attack
libraries; and the plain kind, a trained net made ready for inference.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from robustgen.core.refusal import Refused
from robustgen.nets.fold import fold

ANSWERS = ("scores",)  # what every classifier shows
INSIDE = ("layers", "pooled", "linear")  # methods and layer of a net that can be looked into


@dataclass
class Passes:
    """How many images went forwards through networks, and how many gradients came back."""

    forwards: float = 0
    backwards: float = 0

    def __add__(self, other: Passes) -> Passes:
        return Passes(self.forwards + other.forwards, self.backwards + other.backwards)

    def __sub__(self, other: Passes) -> Passes:
        return Passes(self.forwards - other.forwards, self.backwards - other.backwards)

    def copy(self) -> Passes:
        """The counts of this moment."""
        return Passes(self.forwards, self.backwards)

    def _back(self, gradient: Tensor) -> None:
        self.backwards += len(gradient)


class Classifier(nn.Module):
    """A classifier in inference mode. A kind overrides what it offers beyond `forward`.

    `passes` counts the network passes that it makes; a classifier of several networks counts its
    own work there. Switching between training and evaluation mode does not reach it.
    """

    stochastic = False  # whether two passes over the same images may differ

    def __init__(self) -> None:
        super().__init__()
        self.training = False
        self.passes = Passes()

    def reseed(self, generator: torch.Generator) -> None:
        """Draw all random numbers from `generator` from now on."""

    def view(self, **settings: Any) -> Classifier:
        """The same classifier with other settings of inference, such as steps or gradient."""
        if settings:
            raise Refused(
                f"{type(self).__name__} has no settings of inference; leave `view` out "
                f"({', '.join(settings)})."
            )
        return self

    def look(self, x: Tensor) -> dict[str, Any]:
        """Named inner quantities of images [n,c,h,w]; every classifier shows `scores` [n,K]."""
        return {"scores": self(x)}

    def train(self, mode: bool = True) -> Classifier:
        """Nothing is switched."""
        return self

    def counted(self, x: Tensor) -> Tensor:
        """The images [n,c,h,w], whose forward pass, and backward pass if there is one, counts."""
        self.passes.forwards += len(x)
        if x.requires_grad:
            x = x.view_as(x)  # a node of this pass alone: a hook on x would fire for others too
            x.register_hook(self.passes._back)
        return x


class Shown(dict[str, Any]):
    """What a look shows; asking for more is refused with the sentence `why`."""

    def __init__(self, shown: dict[str, Any], why: str) -> None:
        super().__init__(shown)
        self.why = why

    def __missing__(self, name: str) -> Any:
        raise Refused(self.why)


class Wrapped(Classifier):
    """A classifier that is any function of images, such as a module of another library."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self.counted(x))


def as_classifier(function: Callable[[Tensor], Tensor]) -> Classifier:
    """The function as a Classifier; a Classifier as it is."""
    return function if isinstance(function, Classifier) else Wrapped(function)


class Normalize(nn.Module):
    """(x - mean) / std per channel."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).reshape(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).reshape(1, -1, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.std


@dataclass(frozen=True)
class Tapped:
    """What one pass over n images shows."""

    taps: list[Tensor]  # [n,c,h,w], from the first layer on
    scores: Tensor  # [n,K]


class Plain(Classifier):
    """A copy of a trained net for inference: evaluation mode, no parameter gradients, folded norms,
    channels-last.

    Normalisation and scores are fp32; only the net between them computes in `dtype`.
    """

    def __init__(
        self, model: nn.Sequential, *, dtype: torch.dtype = torch.float32, device: str = "cpu"
    ) -> None:
        super().__init__()
        normalize, net = copy.deepcopy(model).to(device).eval()
        self.normalize, self.dtype = normalize, dtype
        self.net: Any = fold(net).to(dtype).to(memory_format=torch.channels_last)
        self.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        z: Tensor = self.net(self._entered(x))
        return z.float()

    def look(self, x: Tensor) -> dict[str, Any]:
        """`layers`: outputs of the stages and scores, each [n,d]; `features` [n,d]; `scores`."""
        missing = [name for name in INSIDE if not hasattr(self.net, name)]
        if missing:
            return Shown(
                {"scores": self(x)},
                f"{type(self.net).__name__} has no {', '.join(missing)}, by which detectors look "
                "into a net; see nets/resnet.py for their form.",
            )
        stages = self.net.layers(self._entered(x))
        features: Tensor = self.net.pooled(stages[-1])
        scores: Tensor = self.net.linear(features).float()
        layers = [stage.float().flatten(1) for stage in stages] + [scores]
        return {"layers": layers, "features": features.float(), "scores": scores}

    def taps(self, x: Tensor) -> list[Tensor]:
        """Feature maps [n,c,h,w] of the net from the first layer on, for distances of images."""
        if not hasattr(self.net, "taps"):
            raise Refused(
                f"{type(self.net).__name__} has no method taps, by which distances of images see "
                "its feature maps; see nets/vgg.py."
            )
        return [tap.float() for tap in self.net.taps(self._entered(x))]

    def tapped(self, x: Tensor) -> Tapped:
        """The feature maps of `taps` and the scores, from one pass."""
        missing = [name for name in ("taps", *INSIDE[1:]) if not hasattr(self.net, name)]
        if missing:
            raise Refused(
                f"{type(self.net).__name__} has no {', '.join(missing)}, by which synthesis sees "
                "its feature maps and scores in one pass; see nets/resnet.py for their form."
            )
        taps = self.net.taps(self._entered(x))
        scores: Tensor = self.net.linear(self.net.pooled(taps[-1])).float()
        return Tapped([tap.float() for tap in taps], scores)

    def _entered(self, x: Tensor) -> Tensor:
        """The images as the net takes them."""
        x = self.normalize(self.counted(x))
        if x.requires_grad:
            # attack libraries view the gradient, which channels-last nets give strided
            x.register_hook(Tensor.contiguous)
        return x.to(self.dtype)
