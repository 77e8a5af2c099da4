"""The settings of the command `scripts/bench.py`; its flags are these fields."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from robustgen.core.refusal import Refused


def flag(default: Any, words: str, *choices: str) -> Any:
    """A field with what the command says of it."""
    return field(default=default, metadata={"help": words, "choices": choices or None})


@dataclass(frozen=True)
class Settings:
    """Sizes that end within five minutes on two cores; larger ones steady the numbers."""

    images: int = flag(192, "images to attack")
    batch: int = flag(16, "images per call; contenders take turns at every batch")
    steps: int = flag(40, "steps of the attacks")
    rounds: int = flag(1, "how often all images are attacked")
    width: int = flag(32, "channels of the ResNet10's first stage")
    train: int = flag(1000, "images on which the net is trained beforehand")
    device: str = flag("cpu", "where all nets compute", "auto", "cpu", "cuda")
    precision: str = flag("auto", "of our net", "auto", "bf16", "fp32")
    threads: int = flag(2, "threads of all contenders")

    def __post_init__(self) -> None:
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        empty = [name for name, value in given.items() if isinstance(value, int) and value < 1]
        if empty:
            flags = ", ".join(f"--{name}" for name in empty)
            raise Refused(f"The bench needs at least 1 for {flags}.")
