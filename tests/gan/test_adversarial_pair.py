"""Training of pairs: losses of a step, what moves, average, kill and resume, collapse, samples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from made_gan import BIGGAN, CGAN, SEED, Means, data, normal, spec
from robustgen.core.refusal import Refused
from robustgen.gan.adversarial_pair import trainer
from robustgen.gan.collapse import Collapse
from robustgen.gan.pair import spread
from robustgen.gan.two_players import Players
from robustgen.measures.frechet import frechet
from robustgen.nets import weights
from robustgen.training.loop import Run, train
from robustgen.training.trainer import Stop
from robustgen.training.types import Recipe

pytestmark = pytest.mark.usefixtures("one_thread")

KINDS = {"cgan": (CGAN, 16), "biggan": (BIGGAN, 32)}
QUICK = {
    "batch": 8,
    "generator_batch": 6,
    "n_dis": 2,
    "steps_per_epoch": 2,
    "policy": ["translation", "colour"],
    "ema": 0.5,
    "ema_start": 1,
    "generator_lr": 0.01,
    "discriminator_lr": 0.01,
}


def players(
    kind: str = "cgan", *, epochs: int = 3, dtype: Any = torch.float32, **options: Any
) -> Players:
    told, size = KINDS[kind]
    torch.manual_seed(0)
    model = weights.untrained(spec(kind, size, **told))
    return trainer(
        model,
        recipe=Recipe(epochs=epochs, trainer="adversarial_pair", options={**QUICK, **options}),
        data=data(size),
        seed=SEED,
        dtype=dtype,
        parts={"features": Means()},
    )


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(seed=SEED, checkpoint=tmp_path / "checkpoint.safetensors", key="k")


# --- one step -------------------------------------------------------------------------------------


def test_each_optimiser_moves_its_own_network_n_dis_times_and_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, moved = players(), []
    descend = Players._descend

    def watched(self: Players, name: str, loss: Tensor) -> None:
        before = {n: p.detach().clone() for n, p in one.pair.named_parameters()}
        descend(self, name, loss)
        changed = {n for n, p in one.pair.named_parameters() if not torch.equal(p, before[n])}
        moved.append((name, {n.split(".")[0] for n in changed}))

    monkeypatch.setattr(Players, "_descend", watched)
    one.epoch(0)
    turn = ["discriminator", "discriminator", "generator"]
    assert moved == [(name, {name}) for name in turn * 2]


def test_the_losses_of_a_step_are_hinges_of_real_images_and_samples(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """mean max(0, 1 - D(x)) + mean max(0, 1 + D(G(z))) and -mean D(G(z)); images are 2 x - 1."""
    one = players(policy=["none"], flip=False, noise=False)
    losses: dict[str, float] = {}
    monkeypatch.setattr(
        Players, "_descend", lambda _, name, loss: losses.update({name: loss.item()})
    )
    one.model.eval()  # so that a second pass gives the same logits
    index, part = torch.arange(8), one.data.train
    told = one._discriminate(index, torch.Generator().manual_seed(5))
    told |= one._generate(torch.Generator().manual_seed(6))

    def samples(count: int, seed: int) -> Tensor:
        numbers = torch.Generator().manual_seed(seed)
        z = torch.randn(count, 6, generator=numbers)
        y = torch.randint(0, 2, (count,), generator=numbers)
        return one.discriminator(one.generator(spread(z, 3), y), y)

    real = one.discriminator(part.images[index] / 127.5 - 1, part.labels[index])
    wanted = (1 - real).relu().mean() + (1 + samples(8, 5)).relu().mean()
    assert losses["discriminator"] == pytest.approx(wanted.item(), rel=1e-4)
    assert told["real"].item() == pytest.approx(real.mean().item(), rel=1e-4)
    assert losses["generator"] == pytest.approx(-samples(6, 6).mean().item(), rel=1e-4)


def test_noise_stays_inside_of_a_grey_level() -> None:
    """(x + U(0, 1)) / 128 - 1 of bytes x is in [-1, 1) and keeps x."""
    one = players(flip=False)
    x = one._real(torch.arange(8), torch.Generator().manual_seed(0))
    assert x.min() >= -1
    assert x.max() <= 1
    assert torch.equal(((x + 1) * 128).floor().byte(), one.data.train.images[:8])


def test_the_quantisers_loss_stands_in_both_losses(monkeypatch: pytest.MonkeyPatch) -> None:
    losses: dict[str, list[float]] = {"discriminator": [], "generator": []}
    monkeypatch.setattr(Players, "_descend", lambda _, name, loss: losses[name].append(loss.item()))
    for commitment in (0.0, 3.0):
        one = players("biggan", policy=["none"])
        one.discriminator.commitment = commitment
        one.discriminator.eval().quantizers["1"]._start(normal(8, 8))
        told = one._discriminate(torch.arange(8), torch.Generator().manual_seed(5))
        one.generator.eval()
        fakes, y = one._fake(6, torch.Generator().manual_seed(6))
        plain = one._judged(fakes, y, torch.Generator())
        one._generate(torch.Generator().manual_seed(6))
    assert told["commitment"] > 0
    first, second = losses["discriminator"]
    assert second - first == pytest.approx(2 * told["commitment"].item(), rel=1e-3)
    first, second = losses["generator"]
    assert second - first == pytest.approx(plain.commitment.mean().item(), rel=1e-3)
    assert 1 < told["perplexity"] <= 8


def test_rates_fall_linearly_to_zero_unless_they_stay() -> None:
    one = players()
    rates = []
    for step in range(6):
        one._set_rates(step)
        rates.append(one.optimizers["generator"].param_groups[0]["lr"])
    np.testing.assert_allclose(rates, [0.01 * (1 - step / 6) for step in range(6)])
    still = players(decay=False)
    still._set_rates(5)
    assert still.optimizers["discriminator"].param_groups[0]["lr"] == 0.01


def test_each_epoch_shows_training_images_in_orders_without_repeats() -> None:
    """48 images in 2 x 2 batches of 8 are 32 different ones; of 4 x 4, all of them 2 2/3 times."""
    flat = torch.cat([index for step in players()._order(0) for index in step])
    assert len(flat) == len(flat.unique()) == 32
    long = players(steps_per_epoch=4, n_dis=4)._order(1)
    assert [len(step) for step in long] == [4] * 4
    counts = torch.bincount(torch.cat([index for step in long for index in step]))
    assert set(counts.tolist()) == {2, 3}


# --- epochs ---------------------------------------------------------------------------------------


class Killed(Exception):
    pass


@pytest.mark.parametrize("kind", KINDS)
def test_killed_and_resumed_training_ends_with_the_same_bytes(
    kind: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in the second epoch: codes, counts, averages and samples go on where they stood."""
    whole = Run(SEED, tmp_path / "whole.safetensors", "k")
    straight = train(players(kind), whole)
    stepped, calls = Players._generate, []

    def dying(self: Players, *given: Any) -> Any:
        calls.append(given)
        if len(calls) == 4:
            raise Killed
        return stepped(self, *given)

    with monkeypatch.context() as patch:
        patch.setattr(Players, "_generate", dying)
        with pytest.raises(Killed):
            train(players(kind), run)
    torch.rand(5)
    resumed = train(players(kind), run)
    assert resumed.progress == straight.progress
    assert run.checkpoint.read_bytes() == whole.checkpoint.read_bytes()
    extra = {"commitment", "perplexity"} if kind == "biggan" else set()
    names = {"epoch", "loss_discriminator", "loss_generator", "real", "fake", "fid"}
    assert set(straight.progress.history[0]) == names | extra


def test_what_is_kept_is_the_average_and_its_samples(run: Run) -> None:
    """The state of the best epoch fits the net; its generator is the average, whose samples stand
    in the places of moments that have not come.
    """
    one = players(epochs=2)
    one.epoch(0)
    one.judge()
    kept = one.kept()
    model = weights.untrained(spec("cgan", 16, **CGAN))
    model.load_state_dict(kept)
    z, y = normal(4, 6), torch.tensor([0, 1, 0, 1])
    for mine, theirs in ((model[1].generator.eval(), one.ema.average),):
        torch.testing.assert_close(mine(spread(z, 3), y), theirs(spread(z, 3), y))
    progress = model[1].progress
    assert progress.shape == (2, 2, 2, 3, 16, 16)
    assert torch.equal(progress[0], progress[1])  # the second moment is the end of epoch 2
    assert torch.equal(one.pair.progress[0], progress[0])
    assert one.pair.progress[1].eq(0).all()
    one.epoch(1)
    later = one.kept()["1.progress"]
    assert torch.equal(later[0], progress[0])
    assert not torch.equal(later[1], progress[1])


def test_the_average_begins_as_the_generator_and_then_follows_it() -> None:
    """Step 0 copies; with decay 1/2, step 1 goes half the way."""
    one = players()
    weight, mine = one.generator.linear.weight, one.ema.average.linear.weight
    weight.data.fill_(1.0)
    one._average(0)
    assert mine.eq(1).all()
    weight.data.fill_(3.0)
    one._average(1)
    assert mine.eq(2).all()


def test_the_fid_is_the_frechet_distance_of_samples_of_the_validation_classes() -> None:
    one = players(judged=14)
    found = one.judge()
    part = one.data.validation
    z = torch.randn((14, 6), generator=SEED(use="judged"))
    x = (one.ema.average(spread(z, 3), part.labels[:14]) + 1) / 2
    real, fake = (
        Means()(images).features.double().numpy() for images in (part.images[:14] / 255, x)
    )
    assert found["fid"] == pytest.approx(frechet(real, fake), rel=1e-4)
    assert found["score"] == -found["fid"]


def test_a_collapse_ends_training_after_patience_epochs_in_turn() -> None:
    """Above twice the best for two epochs; an epoch below that in between starts the count anew."""
    collapse = Collapse(patience=2)
    for fid in (10.0, 25.0, 19.0, 21.0, 8.0, 17.0):
        collapse.check(fid)
    again = Collapse(patience=2)
    again.load_state_dict(collapse.state_dict())
    with pytest.raises(Stop, match="above twice its best, 8, for 2 epochs"):
        again.check(16.5)


@pytest.mark.parametrize("kind", KINDS)
def test_bf16_trains_on_the_same_losses(kind: str) -> None:
    """The first step's logits differ by rounding alone, for both draw the same numbers."""
    full, half = (
        players(kind, dtype=dtype, steps_per_epoch=1, n_dis=1)
        for dtype in (torch.float32, torch.bfloat16)
    )
    wanted, found = full.epoch(0), half.epoch(0)
    for name in ("real", "fake", "loss_discriminator"):
        assert found[name] == pytest.approx(wanted[name], rel=0.05, abs=0.05)
    assert half.judge()["fid"] == pytest.approx(full.judge()["fid"], rel=0.2)
    assert next(half.generator.parameters()).dtype == torch.float32


def test_two_colours_are_learnt(run: Run) -> None:
    """Class 0 is red and class 1 is blue: Means' logits of samples say so for nearly all."""
    one = players(
        epochs=8, steps_per_epoch=12, policy=["none"], n_dis=1, batch=16, generator_batch=16
    )
    learned = train(one, run)
    fids = [entry["fid"] for entry in learned.progress.history]
    y = torch.arange(100) % 2
    x = one.sampler.draw(normal(100, 6), y)
    assert (Means()(x).logits.argmax(dim=1) == y).float().mean() > 0.95
    assert -learned.progress.score == min(fids) < fids[0] / 2


def test_it_trains_no_other_kind() -> None:
    for net in (nn.Flatten(), biggan_alone()):
        with pytest.raises(Refused, match="generators with a discriminator alone"):
            trainer(
                nn.Sequential(nn.Identity(), net),
                recipe=Recipe(epochs=1, trainer="adversarial_pair"),
                data=data(16),
                seed=SEED,
                dtype=torch.float32,
                parts={"features": Means()},
            )


def biggan_alone() -> nn.Module:
    told = {**BIGGAN, "discriminator": False}
    return weights.untrained(spec("biggan", 32, **told))[1]
