"""The undeclared checkpoint of a training run: safetensors and JSON, atomic, and good only for the
very same run.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from robustgen.core.tensors import read_meta, read_with, write_with

State = dict[str, Tensor]


@dataclass
class Progress:
    """Where training stands after a whole epoch: everything that the next epoch depends on, weights
    apart.
    """

    epoch: int = 0
    best: float = -1.0
    best_epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)


def save(
    path: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    best: State,
    progress: Progress,
    key: str,
) -> None:
    """Write the state of model, optimiser and best weights; random numbers need none, each epoch
    draws its own.
    """
    from safetensors.torch import save_file

    tensors = (
        _named("model", model.state_dict()) | _named("best", best) | _optimizer_state(optimizer)
    )
    whole = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    write_with(save_file, path, whole, {"key": key, "progress": json.dumps(vars(progress))})


def resume(
    path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, key: str
) -> tuple[State, Progress] | None:
    """Bring model and optimiser to where the same run stopped; None where no checkpoint of this run
    is there.
    """
    from safetensors.torch import load_file

    meta = read_meta(path)
    if meta.get("key") != key:
        return None
    tensors = read_with(load_file, path)
    model.load_state_dict(_part("model", tensors))
    _restore(optimizer, _part("optimizer", tensors))
    return _part("best", tensors), Progress(**json.loads(meta["progress"]))


def _named(prefix: str, state: dict[str, Any]) -> State:
    return {f"{prefix}.{name}": value for name, value in state.items()}


def _part(prefix: str, tensors: State) -> State:
    return {
        name.removeprefix(f"{prefix}."): value
        for name, value in tensors.items()
        if name.startswith(f"{prefix}.")
    }


def _optimizer_state(optimizer: torch.optim.Optimizer) -> State:
    states = optimizer.state_dict()["state"].items()
    return {
        f"optimizer.{index}.{name}": value
        for index, state in states
        for name, value in state.items()
        if value is not None
    }


def _restore(optimizer: torch.optim.Optimizer, tensors: State) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        index, key = name.split(".", 1)
        state.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
