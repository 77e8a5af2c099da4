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
from robustgen.nets import misfit, weights
from robustgen.nets.fit import State, fit
from robustgen.nets.keymap import Keys
from robustgen.nets.ready import check_scores, probe
from robustgen.nets.spec import CLASSIFIER, Spec, gives

OUTER = ("state_dict", "model", "last", "net")  # where a checkpoint keeps its state_dict
WRITE = "write it with torch.save(net.state_dict(), path)"
SAFE = ".safetensors"


def bring(path: Path, spec: Spec, images: Images, *, keys: Keys) -> nn.Sequential:
    """The network of a weights file: ours, or a state_dict of the net (safetensors, or a PyTorch
    checkpoint), whose names `keys` turns into the net's; tried on the first images.
    """
    model = weights.untrained(spec)
    if "spec" in read_meta(path):
        _no_keys(path, keys)
        weights.filled(model, weights.read(path, spec), path)
    else:
        model[1].load_state_dict(_fitted(path, model[1].state_dict(), spec, keys))
    model.eval()
    if gives(spec.kind) == CLASSIFIER:
        check_scores(model, probe(images), kind=spec.kind, classes=spec.classes)
    return model


def _fitted(path: Path, wanted: State, spec: Spec, keys: Keys) -> State:
    """The tensors of a file of another program by the net's names; `wanted` is the net's own."""
    ordered = path.suffix != SAFE  # safetensors sorts its tensors
    found = fit(_state(path), wanted, spec=spec, keys=keys, ordered=ordered)
    misfit.refuse(found, path)
    return found.state()


def _no_keys(path: Path, keys: Keys) -> None:
    if keys:
        raise Refused(
            f"{path} is a weights file of this project and has its names; leave out keys."
        )


def _state(path: Path) -> State:
    """The named tensors of a file of another program."""
    if path.suffix == SAFE:
        from safetensors.torch import load_file

        found: Any = read_with(load_file, path)
    else:
        found = _checkpoint(path)
    for _ in OUTER:
        found = _inner(found)
    if not _is_state(found):
        raise Refused(f"{path} holds no state_dict, a map of names to tensors; {WRITE}.")
    return {str(name): value for name, value in found.items()}


def _inner(found: Any) -> Any:
    """What a checkpoint holds under the first of the usual names."""
    if _is_state(found) or not isinstance(found, Mapping):
        return found
    return next((found[name] for name in OUTER if isinstance(found.get(name), Mapping)), found)


def _is_state(found: Any) -> bool:
    return (
        isinstance(found, Mapping)
        and len(found) > 0
        and all(isinstance(value, Tensor) for value in found.values())
    )


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
        if path.read_bytes()[:100].lstrip().startswith(b"<"):
            raise Refused(f"{path} is a web page and no checkpoint; download it again.") from error
        # the first sentence; torch goes on to propose that the file's code be executed
        reason = str(error).split("\n", 1)[0].split(". ", 1)[0]
        raise Refused(f"{path} cannot be read as plain tensors ({reason}); {WRITE}.") from error
