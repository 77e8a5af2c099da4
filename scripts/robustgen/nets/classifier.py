"""Classifiers: a net behind its normalising first layer, so that every interface speaks of images
in [0,1].
"""

from __future__ import annotations

import copy
import json
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn

from robustgen.core import kinds
from robustgen.core.contracts import Broken, blamed
from robustgen.core.files import BadFile, made_here
from robustgen.core.tensors import read_meta, read_with, write_with
from robustgen.core.values import form
from robustgen.nets.fold import fold
from robustgen.nets.spec import NetSpec as NetSpec
from robustgen.nets.spec import compare

FIELDS = tuple(NetSpec.__dataclass_fields__)
FOREIGN = {
    b"PK\x03\x04": "a zip archive, such as a PyTorch checkpoint",
    b"\x80": ("a pickle, such as a PyTorch checkpoint"),
}
BRING = (
    "To bring weights in, load them into the net and write it with "
    "robustgen.nets.classifier.save(path, model, spec)."
)


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
            # attack libraries view the gradient, which channels-last nets give strided
            x.register_hook(Tensor.contiguous)
        return x.to(self.dtype)


def classifier(spec: NetSpec) -> nn.Sequential:
    """An untrained classifier, images [n,c,h,w] in [0,1] -> logits [n,K]."""
    with blamed("Net", spec.net):
        module = kinds.load("models", spec.net)
        net = module.build(
            channels=spec.channels, classes=spec.classes, size=spec.size, **spec.options
        )
        if not isinstance(net, nn.Module):
            raise Broken(f"build must return a torch.nn.Module, not {form(net)}.")
    return nn.Sequential(Normalize(spec.mean, spec.std), net)


def frozen(
    model: nn.Sequential, *, dtype: torch.dtype = torch.float32, device: str = "cpu"
) -> nn.Sequential:
    """A copy for attacks and scores: evaluation mode, no parameter gradients, folded norms,
    channels-last, own precision.

    Normalisation and logits stay in fp32; only the net between them computes in `dtype`.
    """
    normalize, net = copy.deepcopy(model).to(device).eval()
    net = fold(net).to(dtype).to(memory_format=torch.channels_last)
    return (
        nn.Sequential(normalize, Cast(dtype), net, Cast(torch.float32)).requires_grad_(False).eval()
    )


def save(path: str | Path, model: nn.Module, spec: NetSpec, **facts: str) -> None:
    """Write weights with their spec as safetensors."""
    from safetensors.torch import save_file

    weights = {
        name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()
    }
    write_with(save_file, path, weights, {"spec": json.dumps(asdict(spec)), **facts})


def load(path: str | Path, spec: NetSpec) -> nn.Sequential:
    """The classifier that `save` wrote, in evaluation mode; `spec`, never the file, says which
    module builds it.
    """
    tensors = weights(path, spec)
    return filled(classifier(spec), tensors, path).eval()


def weights(
    path: str | Path, spec: NetSpec, *, same: tuple[str, ...] = FIELDS
) -> dict[str, Tensor]:
    """The tensors that `save` wrote, refused unless the file's own spec agrees with `spec` in the
    fields `same`.
    """
    from safetensors.torch import load_file

    try:
        tensors, meta = read_with(load_file, path), read_meta(path)
    except BadFile as error:
        raise _foreign(Path(path)) or error from error
    if "spec" not in meta:
        raise BadFile(
            f"{path} is not a weights file of this project; it does not say which net it "
            f"belongs to. {BRING}"
        )
    compare(path, meta["spec"], spec, same)
    return tensors


def filled(model: nn.Sequential, tensors: dict[str, Tensor], path: str | Path) -> nn.Sequential:
    """The model, now with the weights that a file held."""
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise BadFile(
            f"{path} does not fit its net ({' '.join(str(error).split())}); train the model again."
        ) from error
    return model


def _foreign(path: Path) -> BadFile | None:
    """The sentence for a file of another program, which is no damaged one of ours."""
    if made_here(path) or not path.exists():
        return None
    with path.open("rb") as file:
        start = file.read(4)
    what = next((what for mark, what in FOREIGN.items() if start.startswith(mark)), None)
    return (
        BadFile(f"{path} is {what}, not safetensors of this project, and is not read. {BRING}")
        if what
        else None
    )
