"""Algorithm 1: what each step moves, the schedule, kill and resume, and that it learns."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from scipy.stats import binom
from torch import Tensor, nn

from made_abs import SIDE, spec
from robustgen.abs import autoencoder, eabs
from robustgen.abs.autoencoder import Players, trainer
from robustgen.core.refusal import Refused
from robustgen.core.seeds import generator
from robustgen.core.tensors import read_meta
from robustgen.nets import weights
from robustgen.training.loop import Run, train
from robustgen.training.types import Data, Part, Recipe

pytestmark = pytest.mark.usefixtures("one_thread")

SEED = partial(generator, 3, seed=0, model="m")
EABS: dict[str, Any] = {}
KINDS = {
    "E-ABS": EABS,
    "A, no D": {"discriminative": False},
    "D, no A": {"adversarial": False},
    "ABS": {"adversarial": False, "discriminative": False},
}


def bars(count: int, seed: int) -> Part:
    """Images of two classes: a bright bar in the left or in the right half, anywhere in it, on
    noise of which nothing can be learned.
    """
    numbers = torch.Generator().manual_seed(seed)
    y = torch.arange(count) % 2
    x = 60 * torch.rand(count, 1, SIDE, SIDE, generator=numbers)
    for image, label in zip(x, y, strict=True):
        place = int(torch.randint(0, 10, (), generator=numbers)) + 14 * int(label)
        image[:, :, place : place + 4] += 150
    return Part(x.byte(), y)


DATA = Data(bars(48, seed=1), bars(20, seed=2))


def players(told: dict[str, Any], *, epochs: int = 3, data: Data = DATA, **options: Any) -> Players:
    torch.manual_seed(0)
    model = weights.untrained(spec(2, **told))
    recipe = Recipe(epochs=epochs, trainer="autoencoder", options={"batch": 16, **options})
    return trainer(model, recipe=recipe, data=data, seed=SEED, dtype=torch.float32, parts={})


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(seed=SEED, checkpoint=tmp_path / "checkpoint.safetensors", key="k")


# --- one step -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_each_optimiser_moves_its_own_networks_alone(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step of the autoencoders moves all of the encoder and the decoder, one of the discriminator
    all of that; the two take turns.
    """
    one = players(KINDS[kind], epochs=1)
    moved: list[set[str]] = []
    descend = autoencoder._descend

    def watched(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
        before = {name: tensor.detach().clone() for name, tensor in one.net.named_parameters()}
        descend(optimizer, loss)
        after = one.net.named_parameters()
        moved.append({name for name, tensor in after if not torch.equal(tensor, before[name])})

    monkeypatch.setattr(autoencoder, "_descend", watched)
    one.epoch(0)
    names = {name for name, _ in one.net.named_parameters()}
    own = {name for name in names if name.startswith("discriminator.")}
    turns = [names - own, own] if own else [names]
    assert moved == turns * (len(moved) // len(turns))
    assert len(moved) == 3 * len(turns)  # 48 images in batches of 16


def test_the_loss_of_a_step_is_that_of_algorithm_1(monkeypatch: pytest.MonkeyPatch) -> None:
    """c(x, G_y(z)) - beta log D(z) - gamma log softmax(-c)_y of the noisy batch, and
    -log D(z~) - log(1 - D(z)) with as many draws of the prior as there are images.
    """
    one = players({"dropout": 0.0, "beta": 2.0}, gamma=3.0, noise=0.1)
    net, index = one.net.train(), torch.arange(6)
    losses: list[float] = []
    monkeypatch.setattr(autoencoder, "_descend", lambda _, loss: losses.append(loss.item()))
    judged: list[int] = []
    net.discriminator.register_forward_hook(lambda *_: judged.append(len(_[2])))
    terms = one._step(index, torch.Generator().manual_seed(5))
    numbers = torch.Generator().manual_seed(5)
    x, y = DATA.train.images[index].float() / 255, DATA.train.labels[index]
    x = x + 0.1 * torch.randn(x.shape, generator=numbers)
    mean, log_variance = (tensor[:, 0] for tensor in net.encode(x))
    z = mean + (log_variance / 2).exp() * torch.randn(6, 1, 3, generator=numbers)[:, 0]
    drawn = torch.randn(6, 1, 3, generator=numbers)
    made = net.decoder(z[:, None].expand(-1, 2, -1))
    costs = ((x[:, None] - made) ** 2).sum(dim=(2, 3, 4))
    d = net.discriminator(z[:, None])[:, 0].sigmoid()
    own = costs[torch.arange(6), y]
    told = -torch.log_softmax(-costs, dim=1)[torch.arange(6), y]
    whole = (own - 2 * d.log() + 3 * told).mean().item()
    assert losses[0] == pytest.approx(whole, rel=1e-4)
    prior = net.discriminator(drawn)[:, 0].sigmoid()
    assert losses[1] == pytest.approx(-(prior.log() + (1 - d).log()).mean().item(), rel=1e-4)
    assert terms["reconstruction"].item() == pytest.approx(own.mean().item(), rel=1e-4)
    assert judged[1:3] == [6, 6]


def test_class_wise_discriminators_also_see_latents_of_other_classes() -> None:
    """Of balanced batches, each encoder of K classes is shown an image of another one; the norms
    do not see those images.
    """
    one = players({"discriminative": False})
    net, seen = one.net.train(), []
    net.encoder.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    before = {name: tensor.clone() for name, tensor in net.encoder.named_buffers()}
    x = torch.stack([DATA.train.images[k : k + 8 : 2].float() for k in (0, 1)], dim=1)
    one._of_others(x, torch.Generator().manual_seed(0))
    assert torch.equal(seen[0], x[:, [1, 0]])
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.encoder.named_buffers())
    assert net.encoder.training


def test_a_class_of_the_data_set_without_training_images_is_one_sentence() -> None:
    empty = Part(DATA.train.images, torch.zeros_like(DATA.train.labels))
    one = players({"discriminative": False}, data=replace(DATA, train=empty))
    with pytest.raises(Refused, match="No training image is of class 1"):
        one.epoch(0)


def test_it_trains_no_other_kind() -> None:
    recipe = Recipe(epochs=1, trainer="autoencoder")
    net = nn.Sequential(nn.Identity(), nn.Flatten())
    with pytest.raises(Refused, match="trains models of kind eabs alone"):
        trainer(net, recipe=recipe, data=DATA, seed=SEED, dtype=torch.float32, parts={})


# --- epochs ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_history_has_finite_losses_and_a_rate_that_is_halved(run: Run, kind: str) -> None:
    """Every second epoch; a state's score is the negative of the validation loss."""
    learned = train(players(KINDS[kind], epochs=5, lr=0.004, halved_every=2), run)
    history = learned.progress.history
    assert [entry["lr"] for entry in history] == [0.004, 0.004, 0.002, 0.002, 0.001]
    assert learned.progress.score == -min(entry["validation_loss"] for entry in history)
    extra = {"deception"} if "adversarial" not in KINDS[kind] else set()
    extra |= {"discrimination"} if "discriminative" not in KINDS[kind] else set()
    judged = {"validation_reconstruction", "validation_prior", "validation_loss"}
    common = {"epoch", "lr", "reconstruction", "prior", "encoder_accuracy"}
    assert set(history[0]) == common | judged | extra


class Killed(Exception):
    pass


@pytest.mark.parametrize("kind", ["E-ABS", "A, no D"])
@pytest.mark.parametrize("step", [3, 7])  # the first of epoch 2, one inside of epoch 3
def test_killed_and_resumed_training_ends_with_the_same_bytes(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, step: int
) -> None:
    whole = Run(SEED, tmp_path / "whole.safetensors", "k")
    straight = train(players(KINDS[kind]), whole)
    stepped, calls = Players._step, []

    def dying(self: Players, *given: Any) -> Any:
        calls.append(given)
        if len(calls) == step + 1:
            raise Killed
        return stepped(self, *given)

    with monkeypatch.context() as patch:
        patch.setattr(Players, "_step", dying)
        with pytest.raises(Killed):
            train(players(KINDS[kind]), run)
    assert f'"epoch": {step // 3}' in read_meta(run.checkpoint)["progress"]
    torch.rand(5)
    resumed = train(players(KINDS[kind]), run)
    assert resumed.progress == straight.progress
    assert run.checkpoint.read_bytes() == whole.checkpoint.read_bytes()


def test_e_abs_learns_to_tell_two_classes_apart(run: Run) -> None:
    """Guessing is right on 52 or more of 60 images with a probability of less than 1e-8, so that a
    model that has learned nothing does not pass. Weights are loaded as a job loads them.
    """
    least = int(binom.isf(1e-8, 60, 0.5)) + 1
    one = players(
        {"width": 0.25}, epochs=14, data=Data(bars(240, seed=1), bars(40, seed=2)), lr=0.01
    )
    learned = train(one, run)
    of = spec(2, width=0.25, candidates=200, steps=20)
    model = weights.filled(weights.untrained(of), learned.weights, "weights")
    found = eabs.freeze(model, {}, spec=of, dtype=torch.float32, device="cpu")
    found.reseed(torch.Generator().manual_seed(0))
    test = bars(60, seed=9)
    right = int((found(test.images.float() / 255).argmax(dim=1) == test.labels).sum())
    assert right >= least
