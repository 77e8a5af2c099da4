"""Weights of one's own: brought into form as they are, whoever wrote the file, or refused with what
does not fit.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import train
from robustgen.core.files import write_json
from robustgen.core.refusal import Refused
from robustgen.core.tensors import write_arrays
from robustgen.nets import classifier
from robustgen.nets.spec import KEYS
from test_nets import SMALL, batch, settled

State = dict[str, torch.Tensor]


@pytest.fixture
def bring(tmp_path: Path) -> Callable[[Path], Path]:
    """Runs the training command on a weights file; gives the weights that it wrote."""
    n = 4
    images = np.random.default_rng(0).integers(
        0, 256, (n, SMALL.channels, SMALL.size, SMALL.size), dtype=np.uint8
    )
    labels = np.arange(n) % SMALL.classes
    write_arrays(
        tmp_path / "pool.safetensors",
        {"images": images, "labels": labels, "part": np.zeros(n, np.uint8)},
    )
    write_json(tmp_path / "pool.json", {"names": [f"class {k}" for k in range(SMALL.classes)]})
    write_arrays(
        tmp_path / "splits.safetensors", {"train": np.arange(n), "validation": np.arange(n)}
    )
    net = json.dumps({key: value for key, value in asdict(SMALL).items() if key in KEYS})

    def run(path: Path) -> Path:
        out = tmp_path / "weights.safetensors"
        given = {
            "--model": "m",
            "--data": tmp_path,
            "--net": net,
            "--weights": path,
            "--device": "cpu",
            "--out": out,
        }
        train.main([str(word) for pair in given.items() for word in pair])
        return out

    return run


def bare() -> State:
    """A net's state_dict, as its author would save it: without our normalising layer."""
    return settled(SMALL)[1].state_dict()


FORMS: dict[str, Callable[[Path], None]] = {
    "bare.pt": lambda path: torch.save(bare(), path),
    "nested.pth": lambda path: torch.save({"state_dict": bare(), "epoch": 3}, path),
    "parallel.pt": lambda path: torch.save(
        {f"module.{name}": value for name, value in bare().items()}, path
    ),
    "uncounted.pt": lambda path: torch.save(
        {k: v for k, v in bare().items() if "num_batches" not in k}, path
    ),
    "bare.safetensors": lambda path: save_file(bare(), path),
    "ours.safetensors": lambda path: classifier.save(path, settled(SMALL), SMALL),
}


@pytest.mark.parametrize("name", FORMS)
def test_weights_of_any_form_are_taken_as_they_are(
    name: str, bring: Callable[[Path], Path], tmp_path: Path
) -> None:
    """Logits are those of the net bit for bit: no statistic of a batch norm has moved."""
    FORMS[name](tmp_path / name)
    found = classifier.load(bring(tmp_path / name), SMALL)
    assert torch.equal(found(batch(2)), settled(SMALL)(batch(2)))
    assert (tmp_path / "history.csv").read_text().startswith("epoch,lr,loss,")
    assert json.loads((tmp_path / "costs.json").read_text())["weights"] == str(tmp_path / name)


def without(name: str) -> State:
    return {key: value for key, value in bare().items() if key != name}


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (lambda: without("linear.bias"), r"it lacks linear\.bias\. Check net and options"),
        (
            lambda: bare() | {"head.weight": torch.zeros(2)},
            (r"it has head\.weight, which the net has not"),
        ),
        (lambda: bare() | {"linear.bias": torch.zeros(99)}, r"it has other shapes in linear\.bias"),
        (
            lambda: bare() | {"linear.bias": torch.full_like(bare()["linear.bias"], torch.nan)},
            ("it gives NaN or infinite logits"),
        ),
        (
            lambda: [1, 2],
            ("holds no state_dict, a map of names to tensors; write it with torch.save"),
        ),
        (lambda: {"epoch": 3}, "holds no state_dict"),
        (dict, "holds no state_dict"),
    ],
)
def test_what_does_not_fit_is_told(
    held: Callable[[], Any], said: str, bring: Callable[[Path], Path], tmp_path: Path
) -> None:
    torch.save(held(), tmp_path / "mine.pt")
    with pytest.raises(Refused, match=said):
        bring(tmp_path / "mine.pt")
    assert (tmp_path / "mine.pt").exists()


class Trap:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return (Path.touch, (self.mark,))


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize(
    "save",
    [torch.save, lambda value, path: path.write_bytes(pickle.dumps(value))],
    ids=["torch", "pickle"],
)
def test_a_checkpoint_is_not_executed(
    save: Callable[..., Any], bring: Callable[[Path], Path], tmp_path: Path
) -> None:
    save({"state_dict": Trap(tmp_path / "executed")}, tmp_path / "mine.pt")
    with pytest.raises(Refused, match="cannot be read as plain tensors"):
        bring(tmp_path / "mine.pt")
    assert not (tmp_path / "executed").exists()


def test_ones_own_file_is_never_renamed(bring: Callable[[Path], Path], tmp_path: Path) -> None:
    path = tmp_path / "cut.safetensors"
    save_file(bare(), path)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(Refused):
        bring(path)
    assert path.exists()
