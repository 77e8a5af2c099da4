"""Supervised training: a loop written out by hand gives the same bytes, and so does a run that is
killed and goes on.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from robustgen.core import kinds
from robustgen.core.seeds import generator
from robustgen.training import augment as augmentation
from robustgen.training.checkpoint import Learned
from robustgen.training.loop import Diverged, Run, train
from robustgen.training.trainer import Trainer
from robustgen.training.types import Data, Part, Recipe

pytestmark = pytest.mark.usefixtures("one_thread")

SEED = partial(generator, 3, seed=0, model="m")
SIDE, CLASSES, TRAIN, VALIDATION = 8, 4, 110, 60
Disturb = Callable[[nn.Module, Tensor, Tensor, torch.Generator], Tensor]


class Killed(Exception):
    pass


def net(*, norm: bool = True) -> nn.Sequential:
    """A small net, with all that draws or counts in training unless `norm` is false."""
    torch.manual_seed(1)
    between = [nn.BatchNorm2d(6)] if norm else []
    last = [nn.Dropout(0.2)] if norm else []
    layers = [nn.Conv2d(1, 6, 3), *between, nn.ReLU(), nn.Flatten(), *last]
    return nn.Sequential(*layers, nn.Linear(6 * (SIDE - 2) ** 2, CLASSES))


def part(n: int, seed: int) -> Part:
    """Noise with a bright bar whose height is the class."""
    rng = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, CLASSES, (n,), generator=rng)
    images = torch.randint(0, 150, (n, 1, SIDE, SIDE), generator=rng, dtype=torch.uint8)
    for image, label in zip(images, labels, strict=True):
        image[0, 2 * int(label) : 2 * int(label) + 2] += 60
    return Part(images, labels)


DATA = Data(part(TRAIN, 1), part(VALIDATION, 2))


def recipe(objective: str, given: dict[str, Any], epochs: int = 3, **options: Any) -> Recipe:
    return Recipe.of(
        {
            "epochs": epochs,
            "options": options,
            "objective": {"kind": objective, "options": given},
        }
    )


def make(model: nn.Module, how: Recipe, dtype: torch.dtype = torch.float32) -> Trainer:
    room = kinds.load("trainers", how.trainer)
    return room.trainer(model, recipe=how, data=DATA, seed=SEED, dtype=dtype, parts={})


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    """Whether names and bytes are equal."""
    return one.keys() == other.keys() and all(
        one[name].contiguous().numpy().tobytes() == other[name].contiguous().numpy().tobytes()
        for name in one
    )


# --- a loop by hand -------------------------------------------------------------------------------


def clean(_model: nn.Module, x: Tensor, _y: Tensor, _noise: torch.Generator) -> Tensor:
    return x


def noisy(_model: nn.Module, x: Tensor, _y: Tensor, noise: torch.Generator) -> Tensor:
    return x + 0.2 * torch.randn(x.shape, generator=noise)


def attacked(model: nn.Module, x: Tensor, y: Tensor, noise: torch.Generator) -> Tensor:
    """FGSM-RS with eps 0.1: from a uniform start one step of 1.25 eps along the gradient's sign,
    clipped to the ball and to images.
    """
    start = (x + 0.1 * (2 * torch.rand(x.shape, generator=noise) - 1)).clamp(0, 1).requires_grad_()
    loss = cross_entropy(model(start), y, reduction="sum")
    moved = start.detach() + 0.125 * torch.autograd.grad(loss, start)[0].sign()
    return (x + (moved - x).clamp(-0.1, 0.1)).clamp(0, 1)


def by_hand(model: nn.Module, disturb: Disturb, *, epochs: int, smoothing: float) -> list[float]:
    """Train by SGD with a cosine rate from 0.05 in batches of 50; the mean loss of each epoch."""
    model.to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0, momentum=0.9, weight_decay=1e-3)
    found = []
    for epoch in range(epochs):
        order = torch.randperm(TRAIN, generator=SEED(use="order", epoch=epoch))
        noise = SEED(use="noise", epoch=epoch)
        torch.manual_seed(SEED(use="dropout", epoch=epoch).initial_seed())
        total = 0.0
        for position, index in enumerate((order[:50], order[50:100])):  # 10 are below a quarter
            x = DATA.train.images[index].float() / 255
            x = augmentation.augment(x, flip=True, crop=1, generator=noise)
            x, y = x.contiguous(memory_format=torch.channels_last), DATA.train.labels[index]
            share = (epoch + (position + 0.5) / 2) / epochs
            optimizer.param_groups[0]["lr"] = 0.05 * (1 + math.cos(math.pi * share)) / 2
            x = disturb(model, x, y, noise)
            loss = cross_entropy(model(x), y, label_smoothing=smoothing)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += 50 * loss.item()
        found.append(total / 100)
    return found


@pytest.mark.parametrize(
    ("objective", "given", "disturb", "norm", "smoothing"),
    [
        ("standard", {}, clean, True, 0.0),
        ("standard", {}, clean, True, 0.1),
        ("gaussian", {"sigma": 0.2}, noisy, True, 0.0),
        # without a norm, whose means would count the passes that the attack makes
        ("adversarial", {"eps": 0.1, "steps": 1, "rel_step": 1.25}, attacked, False, 0.0),
    ],
)
def test_a_loop_by_hand_gives_the_same_weights(
    tmp_path: Path,
    objective: str,
    given: dict[str, Any],
    disturb: Disturb,
    norm: bool,
    smoothing: float,
) -> None:
    settings = {"batch": 50, "lr": 0.05, "schedule": "cosine", "weight_decay": 1e-3, "crop": 1}
    how = recipe(objective, given, **settings, label_smoothing=smoothing)
    ours, theirs = net(norm=norm), net(norm=norm)
    learned = train(make(ours, how), Run(SEED, tmp_path / "c.safetensors", "k"))
    losses = by_hand(theirs, disturb, epochs=3, smoothing=smoothing)
    assert same(ours.state_dict(), theirs.state_dict())
    history = learned.progress.history
    assert [entry["loss"] for entry in history] == pytest.approx(losses, rel=1e-6)
    rates = [0.05 * (1 + math.cos(math.pi * share)) / 2 for share in (1 / 6, 1 / 2, 5 / 6)]
    assert [entry["lr"] for entry in history] == pytest.approx(rates)
    theirs.eval()
    right = theirs(DATA.validation.images.float() / 255).argmax(dim=1) == DATA.validation.labels
    assert history[-1]["validation_accuracy"] == pytest.approx(right.float().mean().item())


# --- kill and resume ------------------------------------------------------------------------------

RECIPES = {
    "standard": recipe("standard", {}, batch=50, lr=0.05, crop=1, label_smoothing=0.1),
    "gaussian, adam": recipe(
        "gaussian", {"sigma": 0.2}, batch=40, optimizer="adam", lr=0.003, schedule="constant"
    ),
    "adversarial": recipe("adversarial", {"eps": 0.05, "steps": 2}, batch=50, lr=0.05),
}


def dies_after(model: nn.Module, passes: int) -> nn.Module:
    """The model, whose next pass in training after so many is as if the job were killed."""
    left = [passes]

    def count(module: nn.Module, _inputs: object) -> None:
        left[0] -= module.training
        if left[0] < 0:
            raise Killed

    model.register_forward_pre_hook(count)
    return model


def passes_per_epoch(how: Recipe) -> int:
    """Passes in training of one epoch, counted."""
    model, seen = net(), []
    model.register_forward_pre_hook(lambda module, _: seen.append(1) if module.training else None)
    make(model, how).epoch(0)
    return len(seen)


def whole_and_killed(
    how: Recipe, dtype: torch.dtype, folder: Path
) -> tuple[tuple[nn.Module, Learned], tuple[nn.Module, Learned]]:
    """(model, what is learned) of an uninterrupted run, and of one that is killed within epoch 2
    and goes on.
    """
    whole, killed = (Run(SEED, folder / f"{name}.safetensors", "k") for name in ("a", "b"))
    straight, resumed = net(), net()
    one = train(make(straight, how, dtype), whole)
    with pytest.raises(Killed):
        train(make(dies_after(net(), passes_per_epoch(how) + 1), how, dtype), killed)
    torch.rand(5)  # the state of torch's own numbers is another one in a new process
    other = train(make(resumed, how, dtype), killed)
    assert killed.checkpoint.read_bytes() == whole.checkpoint.read_bytes()
    return (straight, one), (resumed, other)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("name", RECIPES)
def test_killed_within_an_epoch_and_resumed_ends_with_the_same_bytes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, dtype: torch.dtype
) -> None:
    (straight, one), (resumed, other) = whole_and_killed(RECIPES[name], dtype, tmp_path)
    assert same(one.weights, other.weights)
    assert same(straight.state_dict(), resumed.state_dict())
    assert one.progress == other.progress
    assert capsys.readouterr().err.count("epoch 1/3: ") == 2  # the third start began at epoch 2


# --- what is shown and kept -----------------------------------------------------------------------


def test_columns_of_the_history_and_the_printed_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(SEED, tmp_path / "c.safetensors", "k")
    learned = train(make(net(), recipe("standard", {}, epochs=1, lr=0.05)), run)
    (entry,) = learned.progress.history
    names = ["epoch", "lr", "loss", "train_accuracy", "validation_accuracy", "judged_accuracy"]
    assert list(entry) == names
    assert entry["validation_accuracy"] == entry["judged_accuracy"] == learned.progress.score
    said = (
        f"epoch 1/1: loss {entry['loss']:.4f}, train {entry['train_accuracy']:.2%}, "
        f"validation {entry['validation_accuracy']:.2%}, "
    )
    assert re.fullmatch(re.escape(said) + r"\d+ images/s\n", capsys.readouterr().err)


def test_a_robust_recipe_keeps_the_state_that_is_best_under_attack(tmp_path: Path) -> None:
    run = Run(SEED, tmp_path / "c.safetensors", "k")
    learned = train(make(net(), recipe("adversarial", {"eps": 0.2, "steps": 1}, lr=0.05)), run)
    judged = [entry["judged_accuracy"] for entry in learned.progress.history]
    clean = [entry["validation_accuracy"] for entry in learned.progress.history]
    assert learned.progress.score == max(judged)
    assert judged != clean


def test_a_rate_that_explodes_is_a_sentence(tmp_path: Path) -> None:
    settings = {"schedule": "multistep", "milestones": (1,), "gamma": 1e30, "batch": 50}
    run = Run(SEED, tmp_path / "c.safetensors", "k")
    with pytest.raises(Diverged, match=r"diverged in epoch 2: its loss is (nan|inf)\."):
        train(make(net(), recipe("standard", {}, lr=0.05, **settings)), run)
