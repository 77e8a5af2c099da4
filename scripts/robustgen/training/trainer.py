"""What a trainer is: the parts that learn, one epoch of learning, and a score.

A kind of the room `trainers` is a module with a literal OPTIONS and a function

    trainer(model, *, recipe, data, seed, dtype, parts) -> Trainer

`model` is the module to train, `recipe` a Recipe with all options filled, `data` a Data on the
training device, `seed` the function from named axes to a generator, `dtype` the precision, `parts`
maps the model's roles to ready modules.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.optim import Optimizer


class Stop(Exception):
    """Raised in an epoch to end training early, with the reason; the best state so far is kept."""


class Trainer:
    """Parts that learn together, and how. Whatever an epoch depends on beside its number lies in
    `modules` (buffers among them) or `optimizers`; else a resumed run would differ.
    """

    epochs: int  # how many there are
    modules: dict[str, nn.Module]  # by names without a dot
    optimizers: dict[str, Optimizer]

    def epoch(self, number: int) -> dict[str, float]:
        """Train epoch `number`, the first being 0; give the metrics that history shows."""
        raise NotImplementedError

    def judge(self) -> dict[str, float]:
        """Further metrics of the present state, and `score`, of which more is better.

        History shows all but `score`: what it is made of has a name of its own.
        """
        raise NotImplementedError

    def kept(self) -> dict[str, Tensor]:
        """What the weights file holds of the state."""
        return self.modules["model"].state_dict()

    def describe(self, entry: dict[str, float]) -> str:
        """The line that is printed after an epoch; `entry` is that epoch's line of the history."""
        metrics = ", ".join(
            f"{name.replace('_', ' ')} {value:.4g}"
            for name, value in entry.items()
            if name != "epoch"
        )
        return f"epoch {entry['epoch']}/{self.epochs}: {metrics}"
