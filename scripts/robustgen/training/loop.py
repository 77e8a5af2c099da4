"""The one training loop: epochs that depend on nothing but their number and the state
before them.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from robustgen.core import kinds
from robustgen.core.progress import progress as with_progress
from robustgen.core.refusal import Refused
from robustgen.data.store import to_float
from robustgen.training import checkpoint
from robustgen.training.augment import augment
from robustgen.training.checkpoint import Progress, State
from robustgen.training.schedule import rate
from robustgen.training.types import Recipe

Seed = Callable[..., torch.Generator]  # named axes -> generator
EVALUATION_BATCH = 500


class Diverged(Refused):
    """The loss is no number any more; the last good state is kept."""


@dataclass(frozen=True)
class Part:
    """Images (uint8 [n,c,h,w]) and labels of a split, on the training device."""

    images: Tensor
    labels: Tensor


@dataclass(frozen=True)
class Run:
    """All that a training run is made of, apart from the model."""

    recipe: Recipe
    train: Part
    validation: Part
    seed: Seed
    dtype: torch.dtype
    checkpoint: Path
    key: str


def train(model: nn.Module, run: Run) -> tuple[State, Progress]:
    """Train `model`; the weights of best validation accuracy and the history, one entry per epoch.

    A run that was killed goes on after its last whole epoch and ends with the same bytes.
    """
    model.to(run.train.images.device).to(memory_format=torch.channels_last)
    optimizer = _optimizer(model, run.recipe)
    best, progress = checkpoint.resume(run.checkpoint, model, optimizer, run.key) or (
        _copy(model),
        Progress(),
    )
    while progress.epoch < run.recipe.epochs:
        best = _epoch(model, optimizer, run, best, progress)
        checkpoint.save(run.checkpoint, model, optimizer, best, progress, run.key)
    return best, progress


def accuracy(model: nn.Module, part: Part, run: Run) -> tuple[float, float]:
    """Accuracy on natural images, and the accuracy by which checkpoints are compared (for robust
    recipes under attack).
    """
    model.eval()
    natural, judged = (
        kinds.load("objectives", "standard"),
        kinds.load("objectives", run.recipe.objective.kind),
    )
    generator, right = run.seed(use="validation"), torch.zeros(2)
    with _autocast(part, run):
        for image, y in zip(
            part.images.split(EVALUATION_BATCH), part.labels.split(EVALUATION_BATCH), strict=True
        ):
            x = to_float(image)
            right[0] += (
                natural.correct(model, x, y, recipe=run.recipe, generator=generator).sum().cpu()
            )
            if judged is not natural:
                right[1] += (
                    judged.correct(model, x, y, recipe=run.recipe, generator=generator).sum().cpu()
                )
    clean, other = (right / len(part.labels)).tolist()
    return clean, clean if judged is natural else other


def _epoch(
    model: nn.Module, optimizer: torch.optim.Optimizer, run: Run, best: State, progress: Progress
) -> State:
    """One epoch: train, judge, note; the better of `best` and the new weights."""
    start, epoch = time.monotonic(), progress.epoch + 1
    mean_loss, train_accuracy = _pass(model, optimizer, run, progress.epoch)
    if mean_loss != mean_loss or mean_loss == float("inf"):
        raise Diverged(
            f"Training diverged in epoch {epoch}: the mean loss is {mean_loss}. The state after "
            f"epoch {progress.epoch} is "
            f"kept in {run.checkpoint.name}; lower recipes.*.lr (now {run.recipe.lr:g}) or set "
            "compute.precision to fp32."
        )
    clean, judged = accuracy(model, run.validation, run)
    entry = {
        "epoch": epoch,
        "lr": rate(run.recipe, epoch - 0.5),
        "loss": mean_loss,
        "train_accuracy": train_accuracy,
    }
    progress.history.append(entry | {"validation_accuracy": clean, "judged_accuracy": judged})
    progress.epoch = epoch
    print(
        f"epoch {epoch}/{run.recipe.epochs}: loss {mean_loss:.4f}, train {train_accuracy:.2%}, "
        f"validation {clean:.2%}"
        + (f", under attack {judged:.2%}" if judged != clean else "")
        + f", {len(run.train.labels) / (time.monotonic() - start):.0f} images/s",
        file=sys.stderr,
        flush=True,
    )
    if judged > progress.best:
        progress.best, progress.best_epoch = judged, epoch
        return _copy(model)
    return best


def _pass(
    model: nn.Module, optimizer: torch.optim.Optimizer, run: Run, epoch: int
) -> tuple[float, float]:
    """(mean loss, accuracy) of one pass over the training split."""
    model.train()
    recipe, part = run.recipe, run.train
    order = torch.randperm(len(part.labels), generator=run.seed(use="order", epoch=epoch)).to(
        part.labels.device
    )
    noise = run.seed(use="noise", epoch=epoch)
    # dropout takes no generator
    torch.manual_seed(run.seed(use="dropout", epoch=epoch).initial_seed())
    objective = kinds.load("objectives", recipe.objective.kind)
    totals = torch.zeros(2, device=part.labels.device)
    batches = _whole_batches(order, recipe.batch)
    shown = with_progress(
        batches,
        total=len(batches),
        what=(f"epoch {epoch + 1}/{recipe.epochs}, batches"),
        last=False,
    )
    for position, index in enumerate(shown):
        x = augment(
            to_float(part.images[index]), flip=recipe.flip, crop=recipe.crop, generator=noise
        )
        y = part.labels[index]
        for group in optimizer.param_groups:
            group["lr"] = rate(recipe, epoch + (position + 0.5) / len(batches))
        with _autocast(part, run):
            loss, z = objective.loss(
                model,
                x.contiguous(memory_format=torch.channels_last),
                y,
                recipe=recipe,
                generator=noise,
            )
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        totals += torch.stack([loss.detach() * len(y), (z.argmax(dim=1) == y).sum()])
    mean_loss, right = (totals / sum(map(len, batches))).tolist()
    return mean_loss, right


def _whole_batches(order: Tensor, size: int) -> list[Tensor]:
    """Batches of `size`; a rest too small for batch statistics is left out of this epoch."""
    batches = list(order.split(size))
    return batches[:-1] if len(batches) > 1 and len(batches[-1]) < size / 4 else batches


def _autocast(part: Part, run: Run) -> torch.autocast:
    return torch.autocast(
        part.labels.device.type, dtype=torch.bfloat16, enabled=run.dtype == torch.bfloat16
    )


def _optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    if recipe.optimizer == "adam":
        return torch.optim.Adam(model.parameters(), lr=recipe.lr, weight_decay=recipe.weight_decay)
    return torch.optim.SGD(
        model.parameters(), lr=recipe.lr, momentum=0.9, weight_decay=recipe.weight_decay
    )


def _copy(model: nn.Module) -> State:
    return {name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}
