"""Encoders: the loss by hand, a linear generator's closed form, priors, kill and resume."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from made_gan import CGAN, SEED, Affine, Means, Pixels, data, normal, settled, spec, uniform
from robustgen.core.refusal import Refused
from robustgen.core.seeds import generator as numbers
from robustgen.gan import cgan, encoder
from robustgen.gan.adversaries import OfCodes
from robustgen.gan.encoder_steps import Inverting, unlike_prior
from robustgen.gan.inverse import trainer
from robustgen.gan.types import Generator
from robustgen.nets import weights
from robustgen.training.loop import Run, train
from robustgen.training.types import Data, Part, Recipe

pytestmark = pytest.mark.usefixtures("one_thread")

SIZE = 16
ENCODER = {"widths": [8, 8], "blocks": 1}


def trained_pair() -> Generator:
    """A cGAN's generator with a discriminator."""
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Identity(), settled(cgan.build(channels=3, classes=2, size=SIZE, **CGAN))
    )
    parts = {"features": Means()}
    return cgan.freeze(net, parts, spec=spec("cgan", SIZE), dtype=torch.float32, device="cpu")


def inverting(
    generator: Generator,
    of: Data | None = None,
    *,
    epochs: int = 3,
    dtype: Any = torch.float32,
    **options: Any,
) -> Inverting:
    torch.manual_seed(0)
    model = weights.untrained(spec("encoder", SIZE, latent=generator.latent, **ENCODER))
    told = {"batch": 16, "flip": False, **options}
    return trainer(
        model,
        recipe=Recipe(epochs=epochs, trainer="inverse", options=told),
        data=of or data(SIZE),
        seed=SEED,
        dtype=dtype,
        parts={"generator": generator, "distance": Pixels()},
    )


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(seed=SEED, checkpoint=tmp_path / "checkpoint.safetensors", key="k")


# --- losses ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["image", "latent"])
def test_the_validation_loss_is_that_of_the_equations(kind: str) -> None:
    """mean D(x, G(E(x), y)) / d0 + w mean -log sigmoid(adversary), with the true classes y, and d0
    the mean distance of the pairs of 24 and 24 training images.
    """
    made = trained_pair()
    one = (
        inverting(made, adversary=kind, weight=0.7, hidden=16)
        if kind == "latent"
        else inverting(made, adversary=kind, weight=0.7)
    )
    told, part = one.judge(), one.data.validation
    x = part.images / 255
    z = one.encoder(2 * x - 1)
    again = made(z, part.labels)
    distance = 4 * (again - x).square().sum(dim=(1, 2, 3))
    order = torch.randperm(48, generator=SEED(use="typical"))
    first, second = (one.data.train.images[half] / 255 for half in order.chunk(2))
    d0 = 4 * (first - second).square().sum(dim=(1, 2, 3)).mean()
    assert one.typical.d0.item() == pytest.approx(d0.item(), rel=1e-5)
    if kind == "image":
        logits = made.discriminate(again, part.labels)
    else:
        h = z
        for layer in one.adversary.layers:
            h = layer(h) if layer.out_features == 1 else nn.functional.leaky_relu(layer(h), 0.2)
        logits = h[:, 0]
    loss = distance.mean() / d0 - 0.7 * logits.sigmoid().log().mean()
    assert told["validation_loss"] == pytest.approx(loss.item(), rel=1e-3)
    assert told["score"] == -told["validation_distance"]
    assert told["code_square"] == pytest.approx((z**2).mean().item(), rel=1e-4)


def test_the_discriminator_of_images_learns_after_a_third_of_the_epochs() -> None:
    made = trained_pair()
    one, before = inverting(made, adversary="image", epochs=3), []
    for epoch in range(2):
        before.append([p.detach().clone() for p in one.adversary.parameters()])
        one.epoch(epoch)
    now = list(one.adversary.parameters())
    assert all(torch.equal(a, b) for a, b in zip(*before, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(before[1], now, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(before[0], made.trained.parameters(), strict=True))


def test_the_rate_falls_from_epoch_to_epoch_or_stays() -> None:
    """By thirds over three epochs, for encoder and adversary alike."""
    for decay, wanted in ((True, [0.3, 0.2, 0.1]), (False, [0.3, 0.3, 0.3])):
        one, rates = inverting(trained_pair(), decay=decay, lr=0.3, hidden=8), []
        for epoch in range(3):
            one._set_rate(epoch)
            rates.append([o.param_groups[0]["lr"] for o in one.optimizers.values()])
        assert [a for a, _ in rates] == [b for _, b in rates] == pytest.approx(wanted)


def test_kept_weights_are_the_encoders_alone_and_fit_it() -> None:
    one = inverting(trained_pair(), hidden=16)
    one.epoch(0)
    of = spec("encoder", SIZE, latent=6, **ENCODER)
    model = weights.untrained(of)
    model.load_state_dict(one.kept())
    x = uniform(3, 3, SIZE, SIZE)
    ready = encoder.freeze(model.eval(), {}, spec=of, dtype=torch.float32, device="cpu")
    one.model.eval()
    torch.testing.assert_close(ready(x), one.encoder(2 * x - 1), atol=1e-4, rtol=1e-3)
    assert not any(p.requires_grad for p in ready.parameters())


# --- closed forms ---------------------------------------------------------------------------------


def linear_images(made: Affine, count: int, seed: int, noise: float) -> Part:
    """Images b_y + A z + e of the generator with e orthogonal to A, so that z inverts them best."""
    source = torch.Generator().manual_seed(seed)
    z = 2 * torch.randn(count, made.latent, generator=source)
    y = torch.randint(0, 2, (count,), generator=source)
    x = made(z, y).flatten(1)
    e = noise * torch.randn(x.shape, generator=source)
    e = e - (e @ made.a) @ made.a.T
    return Part((x + e).reshape(count, 3, SIZE, SIZE), y)


def test_an_encoder_of_a_linear_generator_comes_near_to_the_projection(run: Run) -> None:
    """Of x = b_y + A z + e, with A orthonormal and e orthogonal to it, min_z ||2x - 2G(z)||^2 is
    4 ||e||^2, at z. E sees no y, and so has to find the class too. Nothing is lost by the prior, as
    its weight is 0. The encoder gets nearer than a tenth of what z = 0 leaves beside e, 4 ||z||^2.
    """
    made = Affine(size=SIZE, latent=2)
    of = Data(linear_images(made, 400, 1, 0.005), linear_images(made, 100, 2, 0.005))
    one = inverting(made, of, epochs=12, weight=0.0, lr=0.01, hidden=8, batch=40)
    learned = train(one, run)
    d0 = one.typical.d0.item()
    x, y = of.validation.images, of.validation.labels
    rest = (x - made(torch.zeros(100, 2), y)).flatten(1)
    z = rest @ made.a
    best = 4 * (rest - z @ made.a.T).square().sum(dim=1).mean().item()
    naive = 4 * rest.square().sum(dim=1).mean().item()
    found = d0 * -learned.progress.score
    assert best < found
    assert found - best < 0.1 * (naive - best)


def test_a_discriminator_of_codes_draws_them_to_the_prior(run: Run) -> None:
    """Without a distance to speak of (its unit is huge), E matches N(0, I): codes' mean square
    comes near 1, from a scale of far below.
    """
    made = Affine(size=SIZE, latent=2)
    of = Data(linear_images(made, 400, 1, 0.3), linear_images(made, 100, 2, 0.3))
    one = inverting(made, of, epochs=8, weight=1e4, lr=0.005, hidden=32, batch=40)
    before = one.judge()
    for epoch in range(8):
        one.epoch(epoch)
    after = one.judge()
    assert abs(after["code_square"] - 1) < 0.5
    assert abs(after["code_square"] - 1) < abs(before["code_square"] - 1)


@pytest.mark.parametrize("kind", ["image", "latent"])
def test_bf16_trains_on_the_same_losses(kind: str) -> None:
    """Of the first of three steps the losses differ by rounding, of all three by little more."""
    made = trained_pair()
    full, half = (
        inverting(made, adversary=kind, dtype=dtype) for dtype in (torch.float32, torch.bfloat16)
    )
    wanted, found = full.epoch(2), half.epoch(2)
    for name, value in wanted.items():
        assert found[name] == pytest.approx(value, rel=0.05, abs=0.05)


def test_codes_of_the_prior_are_told_from_others() -> None:
    """Of 2 z, the distribution function differs from z's by 0.161 at most; of z + 1 by 0.383, which
    is 2 Phi(1/2) - 1.
    """
    same, wide, moved = (
        unlike_prior(z) for z in (normal(900, 30), 2 * normal(900, 30), normal(900, 30) + 1)
    )
    assert 0.2 < same["code_p_value"] < 0.8
    assert max(wide["code_p_value"], moved["code_p_value"]) < 1e-4
    squares = [one["code_square"] for one in (same, wide, moved)]
    assert squares == pytest.approx([1, 4, 2], rel=0.05)
    assert wide["code_ks"] == pytest.approx(0.161, abs=0.02)
    assert moved["code_ks"] == pytest.approx(0.383, abs=0.02)


def test_the_discriminator_of_codes_is_1_lipschitz() -> None:
    """Three layers with sigma 1 and slopes of at most 1."""
    net = OfCodes(6, hidden=16).train()
    for _ in range(100):
        net._logits(normal(4, 6))
    a, b = normal(200, 6, seed=1), normal(200, 6, seed=2)
    gap = (net.eval()._logits(a) - net._logits(b)).abs()
    assert (gap <= 1.01 * (a - b).norm(dim=1)).all()


# --- epochs ---------------------------------------------------------------------------------------


class Killed(Exception):
    pass


@pytest.mark.parametrize("kind", ["image", "latent"])
def test_killed_and_resumed_training_ends_with_the_same_bytes(
    kind: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = trained_pair()
    whole = Run(SEED, tmp_path / "whole.safetensors", "k")
    straight = train(inverting(made, adversary=kind), whole)
    stepped, calls = Inverting._step, []

    def dying(self: Inverting, *given: Any, **named: Any) -> Any:
        calls.append(given)
        if len(calls) == 5:  # of three per epoch
            raise Killed
        return stepped(self, *given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(Inverting, "_step", dying)
        with pytest.raises(Killed):
            train(inverting(made, adversary=kind), run)
    torch.rand(5)
    resumed = train(inverting(made, adversary=kind), run)
    assert resumed.progress == straight.progress
    assert run.checkpoint.read_bytes() == whole.checkpoint.read_bytes()


# --- refusals -------------------------------------------------------------------------------------


def test_another_latent_and_another_kind_are_one_sentence() -> None:
    given: dict[str, Any] = {
        "recipe": Recipe(epochs=1, trainer="inverse"),
        "data": data(SIZE),
        "seed": numbers,
        "dtype": torch.float32,
        "parts": {"generator": Affine(size=SIZE, latent=3), "distance": Pixels()},
    }
    model = weights.untrained(spec("encoder", SIZE, latent=5, **ENCODER))
    with pytest.raises(Refused, match="`latent` is 5, its generator's 3"):
        trainer(model, **given)
    with pytest.raises(Refused, match="trains models of kind encoder alone"):
        trainer(nn.Sequential(nn.Identity(), nn.Flatten()), **given)


def test_too_many_stages_and_absent_weights_are_one_sentence() -> None:
    with pytest.raises(Refused, match="16 pixels cannot be halved 5 times"):
        encoder.build(channels=3, classes=2, size=16, widths=[4] * 6)
    with pytest.raises(Refused, match="kind encoder has no weights"):
        encoder.freeze(None, {}, spec=spec("encoder", SIZE), dtype=torch.float32, device="cpu")
