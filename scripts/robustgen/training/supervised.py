"""Supervised training of a classifier by one optimiser: the loss of an objective, learning rates by
a schedule, the best state by accuracy as the objective judges it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, Optimizer

from robustgen.core import kinds
from robustgen.core.progress import progress
from robustgen.data.store import to_float
from robustgen.training.augment import augment
from robustgen.training.objectives import standard
from robustgen.training.schedule import rate
from robustgen.training.trainer import Trainer
from robustgen.training.types import Data, Part, Recipe, Seed

EVALUATION_BATCH = 500
OPTIONS = {
    "batch": {"type": "whole number", "least": 1, "default": 128, "means": "Images per step."},
    "optimizer": {
        "one_of": ("sgd", "adam"),
        "default": "sgd",
        "means": "SGD with momentum 0.9, or Adam.",
    },
    "lr": {
        "type": "number",
        "above": 0,
        "default": 0.1,
        "means": "Learning rate; the peak of a one-cycle schedule.",
    },
    "weight_decay": {"type": "number", "least": 0, "default": 5e-4, "means": "L2 penalty."},
    "schedule": {
        "one_of": ("onecycle", "multistep", "cosine", "constant"),
        "default": "onecycle",
        "means": "How the learning rate moves.",
    },
    "milestones": {
        "type": "whole number",
        "several": True,
        "least": 0,
        "rising": True,
        "below_epochs": True,
        "only": {"schedule": ("multistep",)},
        "means": "Epochs, counted from 0, at which a multistep rate falls.",
    },
    "gamma": {
        "type": "number",
        "above": 0,
        "default": 0.1,
        "only": {"schedule": ("multistep",)},
        "means": "Factor by which it falls.",
    },
    "flip": {"type": "true or false", "default": True, "means": "Random horizontal flips."},
    "crop": {
        "type": "whole number",
        "least": 0,
        "default": 0,
        "below_size": True,
        "means": "Random shifts by up to so many pixels, zero padded.",
    },
    "label_smoothing": {
        "type": "number",
        "least": 0,
        "below": 1,
        "default": 0.0,
        "means": "Label smoothing of the cross entropy.",
    },
}


def trainer(
    model: nn.Module,
    *,
    recipe: Recipe,
    data: Data,
    seed: Seed,
    dtype: torch.dtype,
    parts: Mapping[str, nn.Module],
) -> Supervised:
    """The trainer of a classifier, images [n,c,h,w] in [0,1] -> logits [n,K]; it needs no parts."""
    return Supervised(model, recipe, data, seed, dtype)


class Supervised(Trainer):
    """One classifier and one optimiser."""

    def __init__(
        self, model: nn.Module, recipe: Recipe, data: Data, seed: Seed, dtype: torch.dtype
    ) -> None:
        self.epochs, self.options, self.objective = recipe.epochs, recipe.options, recipe.objective
        self.data, self.seed, self.dtype = data, seed, dtype
        self.device = data.train.labels.device
        self.model = model.to(self.device).to(memory_format=torch.channels_last)
        self.optimizer = _optimizer(self.model, self.options)
        self.modules, self.optimizers = {"model": self.model}, {"optimizer": self.optimizer}
        self.goal = kinds.load("objectives", self.objective.kind)
        self.start = 0.0  # of the epoch, for the images per second

    def epoch(self, number: int) -> dict[str, float]:
        """One pass over the training split in a fresh order."""
        self.start = time.monotonic()
        self.model.train()
        noise = self.seed(use="noise", epoch=number)
        batches = self._batches(number)
        totals = torch.zeros(2, device=self.device)
        what = f"epoch {number + 1}/{self.epochs}, batches"
        shown = progress(batches, total=len(batches), what=what, last=False)
        for position, index in enumerate(shown):
            self._set_rate(number + (position + 0.5) / len(batches))
            totals += self._step(index, noise)
        loss, right = (totals / sum(map(len, batches))).tolist()
        lr = rate(self.options, number + 0.5, epochs=self.epochs)
        return {"lr": lr, "loss": loss, "train_accuracy": right}

    def judge(self) -> dict[str, float]:
        """Accuracy on clean validation images, and the accuracy as the objective judges it (for
        robust recipes under attack), which is the score.
        """
        clean, judged = self._accuracies(self.data.validation)
        return {"validation_accuracy": clean, "judged_accuracy": judged, "score": judged}

    def describe(self, entry: dict[str, float]) -> str:
        """Loss, accuracies and speed."""
        clean, judged = entry["validation_accuracy"], entry["judged_accuracy"]
        speed = len(self.data.train.labels) / (time.monotonic() - self.start)
        return (
            f"epoch {entry['epoch']}/{self.epochs}: loss {entry['loss']:.4f}, "
            f"train {entry['train_accuracy']:.2%}, validation {clean:.2%}"
            + (f", under attack {judged:.2%}" if judged != clean else "")
            + f", {speed:.0f} images/s"
        )

    def _batches(self, number: int) -> list[Tensor]:
        """Indices of the epoch's batches."""
        generator = self.seed(use="order", epoch=number)
        order = torch.randperm(len(self.data.train.labels), generator=generator)
        return _whole_batches(order.to(self.device), self.options["batch"])

    def _set_rate(self, position: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = rate(self.options, position, epochs=self.epochs)

    def _step(self, index: Tensor, noise: torch.Generator) -> Tensor:
        """Take one step on a batch; (sum of losses, images that were right)."""
        options, part = self.options, self.data.train
        x, y = to_float(part.images[index]), part.labels[index]
        x = augment(x, flip=options["flip"], crop=options["crop"], generator=noise)
        with self._autocast():
            loss, z = self.goal.loss(
                self.model,
                x.contiguous(memory_format=torch.channels_last),
                y,
                options=self.objective.options,
                label_smoothing=options["label_smoothing"],
                generator=noise,
            )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return torch.stack([loss.detach() * len(y), (z.argmax(dim=1) == y).sum()])

    def _accuracies(self, part: Part) -> tuple[float, float]:
        """Accuracy on clean images, and as the objective judges it."""
        self.model.eval()
        generator, right = self.seed(use="validation"), torch.zeros(2)
        options = self.objective.options
        images, labels = part.images.split(EVALUATION_BATCH), part.labels.split(EVALUATION_BATCH)
        with self._autocast():
            for image, y in zip(images, labels, strict=True):
                given = (self.model, to_float(image), y)
                right[0] += standard.correct(*given, options={}, generator=generator).sum().cpu()
                if self.goal is not standard:
                    judged = self.goal.correct(*given, options=options, generator=generator)
                    right[1] += judged.sum().cpu()
        clean, other = (right / len(part.labels)).tolist()
        return clean, clean if self.goal is standard else other

    def _autocast(self) -> torch.autocast:
        enabled = self.dtype == torch.bfloat16
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=enabled)


def _whole_batches(order: Tensor, size: int) -> list[Tensor]:
    """Batches of `size`; a rest too small for batch statistics is left out of this epoch."""
    batches = list(order.split(size))
    return batches[:-1] if len(batches) > 1 and len(batches[-1]) < size / 4 else batches


def _optimizer(model: nn.Module, options: Mapping[str, Any]) -> Optimizer:
    lr, weight_decay = options["lr"], options["weight_decay"]
    if options["optimizer"] == "adam":
        return Adam(model.parameters(), lr=lr, weight_decay=weight_decay)
    return SGD(model.parameters(), lr=lr, momentum=0.9, weight_decay=weight_decay)
