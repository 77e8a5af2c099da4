"""Weights of one's own: read without executing anything, brought into the project's form and tried,
but not trained.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from robustgen.core.refusal import Refused
from robustgen.core.tensors import read_meta, read_with
from robustgen.data.store import Images
from robustgen.nets import classifier
from robustgen.nets.ready import check_logits, probe
from robustgen.nets.spec import NetSpec

# how the names of a net's tensors begin in a classifier, whose first layer is the normalisation
NET = "1."
# of a batch norm; some libraries do not write it, and inference does not use it
COUNTER = "num_batches_tracked"
WRITE = "write it with torch.save(net.state_dict(), path)"
SHOWN = 3  # names that a sentence lists


def bring(path: Path, spec: NetSpec, images: Images) -> nn.Sequential:
    """The classifier of a weights file: ours, or a state_dict of the net (safetensors, or a PyTorch
    checkpoint).
    """
    model = classifier.classifier(spec)
    ours = "spec" in read_meta(path)
    tensors = (
        classifier.weights(path, spec) if ours else _fitted(_state(path), model.state_dict(), path)
    )
    classifier.filled(model, tensors, path).eval()
    check_logits(model, spec, probe(images))
    return model


def _state(path: Path) -> dict[str, Tensor]:
    """The named tensors of a file of another program."""
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        found: Any = read_with(load_file, path)
    else:
        found = _checkpoint(path)
    found = found.get("state_dict", found) if isinstance(found, Mapping) else found
    if (
        not isinstance(found, Mapping)
        or not found
        or not all(isinstance(value, Tensor) for value in found.values())
    ):
        raise Refused(f"{path} holds no state_dict, a map of names to tensors; {WRITE}.")
    return {str(name).removeprefix("module."): value for name, value in found.items()}


def _checkpoint(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise Refused(f"{path} does not exist; models.*.weights must name a file.") from error
    except (
        pickle.UnpicklingError,
        RuntimeError,
        EOFError,
        ValueError,
        KeyError,
        AttributeError,
    ) as error:
        reason = str(error).split("\n", 1)[0]
        raise Refused(f"{path} cannot be read as plain tensors ({reason}); {WRITE}.") from error


def _fitted(state: dict[str, Tensor], wanted: dict[str, Tensor], path: Path) -> dict[str, Tensor]:
    """The state with the classifier's names, refused where names or shapes are not those of the
    net.
    """
    named = {name if name in wanted else f"{NET}{name}": value for name, value in state.items()}
    counters = {name: value for name, value in wanted.items() if name.endswith(COUNTER)}
    whole = counters | named
    problems = (
        [f"lacks {_some(wanted.keys() - whole.keys())}"] if wanted.keys() - whole.keys() else []
    )
    problems += (
        [f"has {_some(whole.keys() - wanted.keys())}, which the net has not"]
        if whole.keys() - wanted.keys()
        else []
    )
    shapes = [
        name for name in wanted.keys() & whole.keys() if whole[name].shape != wanted[name].shape
    ]
    problems += [f"has other shapes in {_some(shapes)}"] if shapes else []
    if problems:
        raise Refused(
            f"{path} does not fit the net that models.* names: it {'; it '.join(problems)}. "
            "Check net and options."
        )
    return whole


def _some(names: Any) -> str:
    ordered = sorted(name.removeprefix(NET) for name in names)
    return ", ".join(ordered[:SHOWN]) + (
        f" and {len(ordered) - SHOWN} more" if len(ordered) > SHOWN else ""
    )
