"""Weights: untrained networks, and files of trained ones as safetensors with their spec."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from torch import Tensor, nn

from robustgen.core import kinds
from robustgen.core.contracts import Broken, blamed
from robustgen.core.files import BadFile, made_here
from robustgen.core.tensors import read_meta, read_with, write_with
from robustgen.core.values import form
from robustgen.nets.classifier import Normalize
from robustgen.nets.spec import Spec, compare

FIELDS = tuple(Spec.__dataclass_fields__)
FOREIGN = {
    b"PK\x03\x04": "a zip archive, such as a PyTorch checkpoint",
    b"\x80": "a pickle, such as a PyTorch checkpoint",
}
BRING = (
    "To bring weights in, name them as `weights` of a model, or load them into the net and write "
    "it with robustgen.nets.weights.save(path, model, spec)."
)


def untrained(spec: Spec) -> nn.Sequential:
    """The network of a kind behind its normalising first layer, which takes images in [0,1]."""
    with blamed("Net", spec.kind):
        module = kinds.load("models", spec.kind)
        net = module.build(
            channels=spec.channels, classes=spec.classes, size=spec.size, **spec.options
        )
        if not isinstance(net, nn.Module):
            raise Broken(f"build must return a torch.nn.Module, not {form(net)}.")
    return nn.Sequential(Normalize(spec.mean, spec.std), net)


def save(path: str | Path, model: nn.Module, spec: Spec, **facts: str) -> None:
    """Write the weights of a network with their spec."""
    write(path, model.state_dict(), spec, **facts)


def write(path: str | Path, state: dict[str, Tensor], spec: Spec, **facts: str) -> None:
    """Write named tensors with the spec of the model that they are of."""
    from safetensors.torch import save_file

    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    write_with(save_file, path, tensors, {"spec": json.dumps(asdict(spec)), **facts})


def load(path: str | Path, spec: Spec) -> nn.Sequential:
    """The network that `save` wrote, in evaluation mode; `spec`, never the file, says which module
    builds it.
    """
    tensors = read(path, spec)
    return filled(untrained(spec), tensors, path).eval()


def read(path: str | Path, spec: Spec, *, same: tuple[str, ...] = FIELDS) -> dict[str, Tensor]:
    """The tensors of a weights file, refused unless its own spec agrees with `spec` in the fields
    `same`.
    """
    from safetensors.torch import load_file

    try:
        tensors, meta = read_with(load_file, path), read_meta(path)
    except BadFile as error:
        raise _foreign(Path(path)) or error from error
    if "spec" not in meta:
        raise BadFile(
            f"{path} is not a weights file of this project; it does not say which model it belongs "
            f"to. {BRING}"
        )
    compare(path, meta["spec"], spec, same)
    return tensors


def filled(model: nn.Sequential, tensors: dict[str, Tensor], path: str | Path) -> nn.Sequential:
    """The network, now with the weights that a file held."""
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
    if what is None:
        return None
    return BadFile(f"{path} is {what}, not safetensors of this project, and is not read. {BRING}")
