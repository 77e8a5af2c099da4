"""What training takes, in plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from robustgen.core.values import number, one_of, whole

NORMS, OPTIMIZERS = ("linf", "l2"), ("sgd", "adam")
SCHEDULES = ("onecycle", "cosine", "multistep", "constant")


@dataclass(frozen=True)
class Objective:
    """What is minimised; see the modules of training/objectives."""

    kind: str = "standard"
    sigma: float = 0.0
    norm: str = "linf"
    eps: float = 0.0
    steps: int = 7
    rel_step: float = 0.25

    def __post_init__(self) -> None:
        """Refuse what would be taken for something else."""
        one_of("An objective's norm", self.norm, NORMS)
        whole("An objective's steps", self.steps, least=1)
        for name in ("sigma", "eps", "rel_step"):
            number(f"An objective's {name}", getattr(self, name), least=0)


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

    def __post_init__(self) -> None:
        """Refuse what would be taken for something else."""
        one_of("A recipe's optimizer", self.optimizer, OPTIMIZERS)
        one_of("A recipe's schedule", self.schedule, SCHEDULES)
        for name, least in (("epochs", 1), ("batch", 1), ("crop", 0)):
            whole(f"A recipe's {name}", getattr(self, name), least=least)
        for name in ("lr", "weight_decay", "gamma", "label_smoothing"):
            number(f"A recipe's {name}", getattr(self, name), least=0)

    @classmethod
    def of(cls, plain: dict[str, Any]) -> Recipe:
        """The recipe of a configuration's plain map."""
        return cls(
            **{
                **plain,
                "milestones": tuple(plain["milestones"]),
                "objective": Objective(**plain["objective"]),
            }
        )
