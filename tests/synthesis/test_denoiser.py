"""Denoisers: Tweedie's formula, training towards a closed form, kill and resume, refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from denoisers import MEAN, SD, SEED, OfGaussian, denoising, gaussian, spec
from robustgen.core.refusal import Refused
from robustgen.data.store import to_float
from robustgen.nets import weights
from robustgen.synthesis import denoiser
from robustgen.synthesis.denoising import Denoising, trainer
from robustgen.training.loop import Run, train
from robustgen.training.types import Data, Recipe

pytestmark = pytest.mark.usefixtures("one_thread")


def noisy(sigma: float, count: int = 60) -> torch.Tensor:
    x = to_float(gaussian(count, 7).images)
    return x + sigma * torch.randn(x.shape, generator=torch.Generator().manual_seed(8))


@pytest.mark.parametrize("sigma", [0.05, 0.2, 1.0])
def test_the_score_of_a_gaussian_is_in_closed_form(sigma: float) -> None:
    """Pixels N(m, s^2) with noise are N(m, s^2 + sigma^2), whose score is
    (m - x) / (s^2 + sigma^2); D is the posterior mean, and (D - x) / sigma^2 the score.
    """
    net, x = OfGaussian(), noisy(sigma)
    wanted = (MEAN - x) / (SD**2 + sigma**2)
    torch.testing.assert_close(net.score(x, sigma), wanted)
    torch.testing.assert_close((net(x, sigma) - x) / sigma**2, wanted, rtol=1e-3, atol=1e-3)
    posterior = (SD**2 * x + sigma**2 * MEAN) / (SD**2 + sigma**2)
    torch.testing.assert_close(net(x, sigma), posterior)


def test_an_untrained_denoiser_changes_nothing_and_its_loss_is_one() -> None:
    """The last layer is zero: D(x) = x, and the mean square of standard normal noise is 1."""
    one = denoising()
    ready = denoiser.freeze(one.model, {}, spec=spec(), dtype=torch.float32, device="cpu")
    x = noisy(0.1)
    assert torch.equal(ready(x, 0.1), x)
    assert one.judge()["validation_loss"] == pytest.approx(1, abs=0.03)


def test_training_comes_near_to_the_score_of_a_gaussian(tmp_path: Path) -> None:
    """The best estimate of the noise has the loss s^2 / (s^2 + sigma^2), whose mean over log sigma
    is [u - log(s^2 + e^2u) / 2] between the ends, divided by their distance: 0.3777 for 0.1 to 0.4.
    Training ends within 10 % of it, and the score within 10 % of the closed form, in squares.
    """
    one = denoising(epochs=15, count=400, lr=0.005, least=0.1, most=0.4)
    learned = train(one, Run(SEED, tmp_path / "checkpoint.safetensors", "k"))
    one.model.load_state_dict(learned.weights)
    ready = denoiser.freeze(one.model, {}, spec=spec(), dtype=torch.float32, device="cpu")
    for sigma in (0.12, 0.2, 0.35):
        x = noisy(sigma)
        wanted = OfGaussian().score(x, sigma)
        left = (ready.score(x, sigma) - wanted).square().mean() / wanted.square().mean()
        assert left < 0.1
    assert -learned.progress.score == pytest.approx(0.3777, rel=0.1)


def test_levels_of_noise_are_log_uniform_and_the_noise_is_what_was_added() -> None:
    """log sigma is uniform, with the mean (log 0.05 + log 0.5) / 2 and the variance
    log(10)^2 / 12.
    """
    x = torch.rand(4000, 1, 2, 2, generator=torch.Generator().manual_seed(0))
    found = denoising()._noisy(x, torch.Generator().manual_seed(1))
    level = found.sigma.log()
    assert level.mean().item() == pytest.approx(-1.844, abs=0.04)
    assert level.var().item() == pytest.approx(0.442, abs=0.02)
    assert found.sigma.min() >= 0.05
    assert found.sigma.max() <= 0.5
    torch.testing.assert_close(found.x, x + found.sigma[:, None, None, None] * found.xi)
    assert found.xi.std().item() == pytest.approx(1, abs=0.02)


def test_validation_noise_is_the_same_in_every_epoch_and_the_rate_falls_to_zero() -> None:
    one = denoising(epochs=2, lr=0.01)
    assert one.judge() == one.judge()
    assert one.rate(1.5) == pytest.approx(0.0025)
    one.epoch(1)  # of two; the last of its batches of 64 has half of the first rate to go at most
    assert 0 < one.optimizer.param_groups[0]["lr"] <= 0.005


class Killed(Exception):
    pass


def test_killed_and_resumed_training_ends_with_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [Run(SEED, tmp_path / f"{name}.safetensors", "k") for name in ("whole", "killed")]
    straight = train(denoising(), runs[0])
    stepped, calls = Denoising._step, []

    def dying(self: Denoising, *given: Any) -> Any:
        calls.append(given)
        if len(calls) == 8:  # of six per epoch
            raise Killed
        return stepped(self, *given)

    with monkeypatch.context() as patch:
        patch.setattr(Denoising, "_step", dying)
        with pytest.raises(Killed):
            train(denoising(), runs[1])
    resumed = train(denoising(), runs[1])
    assert resumed.progress == straight.progress
    assert runs[0].checkpoint.read_bytes() == runs[1].checkpoint.read_bytes()


def test_bf16_trains_on_the_same_loss() -> None:
    full, half = (denoising(dtype=dtype).epoch(0) for dtype in (torch.float32, torch.bfloat16))
    assert half["loss"] == pytest.approx(full["loss"], rel=0.05)


def test_kept_weights_fit_the_kind_and_are_frozen() -> None:
    one = denoising()
    one.epoch(0)
    model = weights.untrained(spec())
    model.load_state_dict(one.kept())
    ready = denoiser.freeze(model, {}, spec=spec(), dtype=torch.float32, device="cpu")
    x = noisy(0.2)
    sigma = torch.full((len(x),), 0.2)
    torch.testing.assert_close(ready.noise(x, 0.2), one.net(x, sigma), atol=1e-4, rtol=1e-3)
    assert not any(p.requires_grad for p in ready.parameters())


def test_what_cannot_be_is_one_sentence() -> None:
    with pytest.raises(Refused, match="sigma above 0, not 0"):
        OfGaussian().score(torch.rand(1, 3, 4, 4), 0)
    with pytest.raises(Refused, match="kind denoiser has no weights"):
        denoiser.freeze(None, {}, spec=spec(), dtype=torch.float32, device="cpu")
    with pytest.raises(Refused, match=r"must be below most \(0.5\)"):
        denoising(least=0.6)
    with pytest.raises(Refused, match="trains models of kind denoiser alone"):
        trainer(
            nn.Sequential(nn.Identity(), nn.Flatten()),
            recipe=Recipe(epochs=1, trainer="denoising"),
            data=Data(gaussian(4, 1), gaussian(4, 2)),
            seed=SEED,
            dtype=torch.float32,
            parts={},
        )
