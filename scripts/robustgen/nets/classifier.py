"""Classifiers: a net behind its normalising first layer, so that every interface speaks of images in [0,1]."""

from __future__ import annotations

import copy
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from robustgen.core import kinds
from robustgen.core.files import BadFile
from robustgen.core.tensors import read_meta, read_with, write_with
from robustgen.nets.fold import fold


@dataclass(frozen=True)
class NetSpec:
    """What a net is, apart from its weights."""

    net: str
    channels: int
    classes: int
    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    options: dict[str, Any] = field(default_factory=dict)


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


class Cast(nn.Module):
    """Change of precision inside a frozen classifier."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype

    def forward(self, x: Tensor) -> Tensor:
        if x.requires_grad:
            x.register_hook(Tensor.contiguous)  # attack libraries view the gradient, which channels-last nets give strided
        return x.to(self.dtype)


def classifier(spec: NetSpec) -> nn.Sequential:
    """An untrained classifier, images [n,c,h,w] in [0,1] -> logits [n,K]."""
    module = kinds.load("nets", spec.net)
    net: nn.Module = module.build(channels=spec.channels, classes=spec.classes, size=spec.size, **spec.options)
    return nn.Sequential(Normalize(spec.mean, spec.std), net)


def frozen(model: nn.Sequential, *, dtype: torch.dtype = torch.float32, device: str = "cpu") -> nn.Sequential:
    """A copy for attacks and scores: evaluation mode, no parameter gradients, folded norms, channels-last, own precision.

    Normalisation and logits stay in fp32; only the net between them computes in `dtype`.
    """
    normalize, net = copy.deepcopy(model).to(device).eval()
    net = fold(net).to(dtype).to(memory_format=torch.channels_last)
    return nn.Sequential(normalize, Cast(dtype), net, Cast(torch.float32)).requires_grad_(False).eval()


def save(path: str | Path, model: nn.Module, spec: NetSpec, **facts: str) -> None:
    """Write weights with their spec as safetensors."""
    from safetensors.torch import save_file

    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    write_with(save_file, path, weights, {"spec": json.dumps(asdict(spec)), **facts})


def load(path: str | Path) -> tuple[nn.Sequential, NetSpec]:
    """The classifier that `save` wrote, in evaluation mode."""
    from safetensors.torch import load_file

    weights, meta = read_with(load_file, path), read_meta(path)
    if "spec" not in meta:
        raise BadFile(f"{path} is not a weights file of this project; it does not say which net it belongs to.")
    raw = json.loads(meta["spec"])
    spec = NetSpec(**{**raw, "mean": tuple(raw["mean"]), "std": tuple(raw["std"])})
    model = classifier(spec)
    model.load_state_dict(weights)
    return model.eval(), spec
