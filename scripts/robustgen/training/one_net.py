"""Training of one network by one Adam, on whole batches in a seeded order."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.optim import Adam

from robustgen.core.progress import progress
from robustgen.training.trainer import Trainer
from robustgen.training.types import Data, Recipe, Seed

EVALUATION_BATCH = 250


class OneNet(Trainer):
    """The last module of a model and its optimiser; a subclass says the loss and the score."""

    def __init__(
        self, model: nn.Module, recipe: Recipe, data: Data, seed: Seed, dtype: torch.dtype
    ) -> None:
        self.epochs, self.options = recipe.epochs, recipe.options
        self.data, self.seed, self.dtype = data, seed, dtype
        self.device = data.train.labels.device
        self.model = model.to(self.device).to(memory_format=torch.channels_last)
        self.net = cast(nn.Sequential, self.model)[-1]
        self.optimizer = Adam(self.net.parameters(), lr=self.options["lr"])
        self.modules, self.optimizers = {"model": self.model}, {"optimizer": self.optimizer}

    def loss(self, index: Tensor, source: torch.Generator) -> Tensor:
        """The loss on the training images of these indices."""
        raise NotImplementedError

    def rate(self, position: float) -> float:
        """The learning rate after so many epochs."""
        del position
        return float(self.options["lr"])

    def epoch(self, number: int) -> dict[str, float]:
        """One pass over the training split; the mean loss."""
        self.model.train()
        source = self.seed(use="noise", epoch=number)
        losses: list[Tensor] = []
        batches = self._batches(self.seed(use="order", epoch=number))
        what = f"epoch {number + 1}/{self.epochs}, batches"
        for index in progress(batches, total=len(batches), what=what, last=False):
            rate = self.rate(number + len(losses) / len(batches))
            self.optimizer.param_groups[0]["lr"] = rate
            losses.append(self._step(self.loss(index, source)))
        return {"loss": float(torch.stack(losses).mean())}

    def _batches(self, source: torch.Generator) -> list[Tensor]:
        """Indices of whole batches; a rest of the images is left out of this epoch."""
        count = len(self.data.train.labels)
        batch = min(self.options["batch"], count)
        order = torch.randperm(count, generator=source)[: count - count % batch]
        return list(order.to(self.device).split(batch))

    def _step(self, loss: Tensor) -> Tensor:
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return loss.detach()
