"""What training takes, in plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Objective:
    """What is minimised; see the modules of training/objectives."""

    kind: str = "standard"
    sigma: float = 0.0
    norm: str = "linf"
    eps: float = 0.0
    steps: int = 7
    rel_step: float = 0.25


@dataclass(frozen=True)
class Recipe:
    """How a net is trained."""

    epochs: int
    batch: int = 128
    optimizer: str = "sgd"
    lr: float = 0.1
    weight_decay: float = 5e-4
    schedule: str = "onecycle"
    milestones: tuple[int, ...] = ()
    gamma: float = 0.1
    flip: bool = True
    crop: int = 0
    label_smoothing: float = 0.0
    objective: Objective = Objective()

    @classmethod
    def of(cls, plain: dict[str, Any]) -> Recipe:
        """The recipe of a configuration's plain map."""
        return cls(**{**plain, "milestones": tuple(plain["milestones"]), "objective": Objective(**plain["objective"])})
