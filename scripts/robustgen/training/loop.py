"""The one training loop: it repeats a trainer's epochs, keeps the best state and the history, and
goes on where a killed run stopped.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

import torch

from robustgen.core.contracts import Broken
from robustgen.core.refusal import Refused
from robustgen.training import checkpoint
from robustgen.training.checkpoint import Learned, Progress, State
from robustgen.training.trainer import Stop, Trainer
from robustgen.training.types import Seed


class Diverged(Refused):
    """A metric is no finite number any more; the last good state is kept."""


@dataclass(frozen=True)
class Run:
    """What a training run needs beside its trainer."""

    seed: Seed
    checkpoint: Path
    key: str  # a checkpoint of another key is not taken up


def train(trainer: Trainer, run: Run) -> Learned:
    """The weights of best score, and the history, one entry per epoch.

    A run that was killed goes on after its last whole epoch and ends with the same bytes.
    """
    modules, optimizers = trainer.modules, trainer.optimizers
    learned = checkpoint.resume(run.checkpoint, modules, optimizers, run.key)
    learned = learned or Learned({}, Progress())
    while learned.progress.epoch < trainer.epochs:
        try:
            _epoch(trainer, run, learned)
        except Stop as reason:
            _stopped(str(reason), learned.progress)
            break
        checkpoint.save(run.checkpoint, modules, optimizers, learned, run.key)
    return learned


def _epoch(trainer: Trainer, run: Run, learned: Learned) -> None:
    """One epoch: train, judge, note; keep the new weights where they are better."""
    progress = learned.progress
    # layers such as dropout take no generator
    torch.manual_seed(run.seed(use="dropout", epoch=progress.epoch).initial_seed())
    trained = _finite(trainer.epoch(progress.epoch), run, progress)
    judged = _finite(trainer.judge(), run, progress)
    score = _score(judged)
    entry = _entry(trained, judged, progress)
    progress.history.append(entry)
    progress.epoch += 1
    print(trainer.describe(entry), file=sys.stderr, flush=True)
    if progress.score is None or score > progress.score:
        progress.score, progress.best_epoch = score, progress.epoch
        learned.weights = _copy(trainer.kept())


def _finite(metrics: dict[str, float], run: Run, progress: Progress) -> dict[str, float]:
    """The metrics as plain numbers, refused where one is NaN or infinite."""
    numbers = {name: float(value) for name, value in metrics.items()}
    for name, value in numbers.items():
        if not isfinite(value):
            raise Diverged(
                f"Training diverged in epoch {progress.epoch + 1}: its {name} is {value}."
                + _where_kept(run, progress)
                + " Lower the learning rate of the recipe, or set compute.precision to fp32."
            )
    return numbers


def _where_kept(run: Run, progress: Progress) -> str:
    if not progress.epoch:
        return ""
    return f" The state after epoch {progress.epoch} is kept in {run.checkpoint.name}."


def _score(judged: dict[str, float]) -> float:
    """Take the score out of what the judge says."""
    if "score" not in judged:
        raise Broken(
            "a trainer's judge must give `score`, by which the best state is kept; it gives "
            f"{', '.join(judged) or 'nothing'}."
        )
    return judged.pop("score")


def _entry(
    trained: dict[str, float], judged: dict[str, float], progress: Progress
) -> dict[str, float]:
    """The epoch's line of the history, of the same columns as the lines before."""
    names = ["epoch", *trained, *judged]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise Broken(f"{', '.join(twice)} names two columns of the history; rename one metric.")
    entry = {"epoch": progress.epoch + 1} | trained | judged
    if progress.history and list(entry) != list(progress.history[0]):
        raise Broken(
            f"the metrics of epoch {entry['epoch']} are {', '.join(entry)}, those of epoch 1 were "
            f"{', '.join(progress.history[0])}; give the same ones, in the same order."
        )
    return entry


def _stopped(reason: str, progress: Progress) -> None:
    """Say why training ends early; refused where there is no state to keep."""
    if progress.score is None:
        raise Diverged(f"Training stopped in epoch 1, before it had a state to keep: {reason}")
    print(
        f"stopped in epoch {progress.epoch + 1}: {reason}; the state of epoch "
        f"{progress.best_epoch} is kept",
        file=sys.stderr,
        flush=True,
    )


def _copy(state: State) -> State:
    return {name: tensor.detach().cpu().clone() for name, tensor in state.items()}
