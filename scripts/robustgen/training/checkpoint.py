"""The undeclared checkpoint of a training run: safetensors and JSON, atomic, and good only for the
very same run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from robustgen.core.contracts import Broken
from robustgen.core.tensors import read_meta, read_with, write_with
from robustgen.core.values import form

State = dict[str, Tensor]


@dataclass
class Progress:
    """Where training stands after a whole epoch, tensors apart."""

    epoch: int = 0
    score: float | None = None  # of the best state; none before the first epoch
    best_epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)


@dataclass
class Learned:
    """What training has come to: the weights of the best state, and the progress."""

    weights: State
    progress: Progress


def save(
    path: Path,
    modules: Mapping[str, nn.Module],
    optimizers: Mapping[str, Optimizer],
    learned: Learned,
    key: str,
) -> None:
    """Write the state of all modules and optimisers and what is learned; random numbers need none,
    each epoch draws its own.
    """
    from safetensors.torch import save_file

    tensors = _named("best", learned.weights)
    for name, module in modules.items():
        tensors |= _named(f"module.{name}", module.state_dict())
    for name, optimizer in optimizers.items():
        tensors |= _named(f"optimizer.{name}", _flat(optimizer))
    whole = {name: _whole(name, tensor) for name, tensor in tensors.items()}
    meta = {
        "key": key,
        "progress": json.dumps(vars(learned.progress)),
        "groups": json.dumps({name: _groups(one) for name, one in optimizers.items()}),
    }
    write_with(save_file, path, whole, meta)


def resume(
    path: Path, modules: Mapping[str, nn.Module], optimizers: Mapping[str, Optimizer], key: str
) -> Learned | None:
    """Bring modules and optimisers to where the same run stopped; None where no checkpoint of this
    run is there.
    """
    from safetensors.torch import load_file

    meta = read_meta(path)
    if meta.get("key") != key:
        return None
    tensors = read_with(load_file, path)
    for name, module in modules.items():
        module.load_state_dict(_part(f"module.{name}", tensors))
    groups = json.loads(meta["groups"])
    for name, optimizer in optimizers.items():
        _restore(optimizer, _part(f"optimizer.{name}", tensors), groups[name])
    return Learned(_part("best", tensors), Progress(**json.loads(meta["progress"])))


def _named(prefix: str, state: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{prefix}.{name}": value for name, value in state.items()}


def _part(prefix: str, tensors: State) -> State:
    return {
        name.removeprefix(f"{prefix}."): value
        for name, value in tensors.items()
        if name.startswith(f"{prefix}.")
    }


def _whole(name: str, value: object) -> Tensor:
    """A copy of a tensor on the CPU that shares its memory with no other one."""
    if not isinstance(value, Tensor):
        raise Broken(
            f"{name} is {form(value)}, but a checkpoint holds tensors only; use an optimiser and "
            "modules whose state is made of tensors."
        )
    return value.detach().cpu().contiguous().clone()


def _flat(optimizer: Optimizer) -> dict[str, Any]:
    """What an optimiser holds of each parameter, as `index.name`."""
    return {
        f"{index}.{name}": value
        for index, state in optimizer.state_dict()["state"].items()
        for name, value in state.items()
        if value is not None
    }


def _groups(optimizer: Optimizer) -> list[dict[str, Any]]:
    """The settings of each parameter group, for a trainer may have moved them."""
    return [
        {name: value for name, value in group.items() if name != "params"}
        for group in optimizer.param_groups
    ]


def _restore(optimizer: Optimizer, tensors: State, groups: list[dict[str, Any]]) -> None:
    state: dict[int, State] = {}
    for name, value in tensors.items():
        index, key = name.split(".", 1)
        state.setdefault(int(index), {})[key] = value
    fresh = optimizer.state_dict()["param_groups"]
    told = [
        {name: tuple(value) if isinstance(value, list) else value for name, value in group.items()}
        for group in groups
    ]
    merged = [old | new for old, new in zip(fresh, told, strict=True)]
    optimizer.load_state_dict({"state": state, "param_groups": merged})
