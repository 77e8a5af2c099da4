"""Inference with linear decoders G_k(z) = A_k z + b_k, whose optimum is known in closed form.

Without a discriminator and not variational, l_k(x) = min_z ||x - A z - b||^2 + beta/2 ||z||^2, and
a zero gradient, -2 A'(x - b - A z) + beta z = 0, gives z* = (2 A'A + beta I)^-1 2 A'(x - b).

Variational, E over N(mu, diag s^2) of the error is ||x - A mu - b||^2 + sum_j s_j^2 ||a_j||^2, with
columns a_j of A, and beta KL = beta/2 sum_j (mu_j^2 + s_j^2 - 1 - log s_j^2). So mu* = z*, and from
||a_j||^2 + beta/2 - beta/(2 s_j^2) = 0 follows s_j^2 = beta / (2 ||a_j||^2 + beta).
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from made_abs import LATENT, SIDE, Linear, networks, normal
from robustgen.abs.candidates import RADIUS, candidates
from robustgen.abs.inference import Inference
from robustgen.abs.synthesis import Synthesis

CLASSES, BETA = 3, 2.0
TOLD = {"at_once": 600, "steps": 300, "lr": 0.05, "samples": 1}
pytestmark = pytest.mark.usefixtures("one_thread")


def linear(variational: bool, **told: Any) -> Synthesis:
    decoder = Linear(CLASSES)
    net = networks(CLASSES, adversarial=False, beta=BETA)
    sizes = {"count": 50, "noisy": variational, "pixels": SIDE**2, "most": 1.0}
    infer = Inference(net, decoder, candidates(net, decoder, **sizes), variational=variational)
    found = Synthesis(infer, decoder, TOLD | told)
    found.reseed(torch.Generator().manual_seed(3))
    return found


def near(count: int) -> tuple[Tensor, Tensor]:
    """Images near what decoder 0, 1, ... makes of some latents, and those classes."""
    decoder, y = Linear(CLASSES), torch.arange(count) % CLASSES
    z = normal(count, 1, LATENT, seed=4).expand(-1, CLASSES, -1)
    made = decoder(z)[torch.arange(count), y]
    return made + 0.05 * normal(count, 1, SIDE, SIDE, seed=5), y


def closed(x: Tensor) -> tuple[Tensor, Tensor]:
    """(z* [n,K,M], l_k [n,K]) in double precision."""
    decoder = Linear(CLASSES)
    a, left = decoder.a.double(), x.flatten(1).double()[:, None] - decoder.b.double()
    square = 2 * a.mT @ a + BETA * torch.eye(LATENT).double()
    z = torch.linalg.solve(square, 2 * torch.einsum("kpm,nkp->knm", a, left).mT).mT.transpose(0, 1)
    error = left - torch.einsum("kpm,nkm->nkp", a, z)
    return z, (error**2).sum(dim=2) + BETA / 2 * (z**2).sum(dim=2)


def test_inference_of_a_point_finds_the_closed_form() -> None:
    x, y = near(12)
    z, least = closed(x)
    assert z.norm(dim=2).max() < RADIUS  # so that the ball changes nothing
    model = linear(variational=False)
    seen = model.look(x)
    torch.testing.assert_close(seen["means"].double(), z, rtol=0, atol=2e-3)
    torch.testing.assert_close(-model(x).double(), least, rtol=1e-4, atol=1e-3)
    assert torch.equal(model(x).argmax(dim=1), least.argmin(dim=1))
    assert torch.equal(least.argmin(dim=1), y)
    assert (seen["log_variances"] == 0).all()
    torch.testing.assert_close(seen["scores"], -seen["costs"] - seen["priors"])
    torch.testing.assert_close(seen["priors"], BETA / 2 * (seen["means"] ** 2).sum(dim=2))


def test_no_step_makes_the_score_of_a_point_lower_than_the_optimum() -> None:
    """l_k is a minimum: with any number of steps the estimate lies above it, and more steps bring
    the mean nearer.
    """
    x, _ = near(12)
    _, least = closed(x)
    gaps = [(-linear(False, steps=n)(x).double() - least) for n in (0, 20, 300)]
    assert all((gap > -1e-3).all() for gap in gaps)
    assert gaps[0].mean() > gaps[1].mean() > gaps[2].mean()


def test_a_point_stays_in_the_ball() -> None:
    """Of an image that latents of four times its radius made the search ends on the sphere, near
    their direction; Adam's steps, which are of one size in all coordinates, keep it from the point
    itself.
    """
    decoder = Linear(CLASSES)
    z = 4 * RADIUS * torch.nn.functional.normalize(normal(5, 1, LATENT), dim=2)
    x = decoder(z.expand(-1, CLASSES, -1))[:, 0]
    found = linear(False).look(x)["means"][:, 0]
    torch.testing.assert_close(found.norm(dim=1), torch.full((5,), RADIUS))
    assert torch.nn.functional.cosine_similarity(found, z[:, 0]).min() > 0.9


def test_variational_inference_finds_mean_and_variance() -> None:
    """Single draws make Adam's path noisy, so that means over 100 paths of one image are held
    against the closed form. So is the minimum, ||x - A z* - b||^2 + beta/2 ||z*||^2
    + sum_j s_j^2 ||a_j||^2 + beta/2 sum_j (s_j^2 - 1 - log s_j^2).
    """
    image, _ = near(1)
    x = image.expand(100, -1, -1, -1)
    z, least = closed(image)
    model = linear(True, samples=20)
    seen = model.look(x)
    columns = (Linear(CLASSES).a ** 2).sum(dim=1)
    variance = BETA / (2 * columns + BETA)
    torch.testing.assert_close(seen["means"].double().mean(dim=0)[None], z, rtol=0, atol=0.03)
    found = seen["log_variances"].mean(dim=0)
    torch.testing.assert_close(found, variance.log(), rtol=0, atol=0.1)
    spread = (variance * columns + BETA / 2 * (variance - 1 - variance.log())).sum(dim=1)
    torch.testing.assert_close(
        -seen["scores"].double().mean(dim=0), (least[0] + spread.double()), rtol=0.01, atol=0.1
    )


@pytest.mark.parametrize("variational", [True, False])
def test_predictions_of_both_forms_are_the_classes_that_made_the_images(variational: bool) -> None:
    x, y = near(9)
    assert torch.equal(linear(variational, steps=100)(x).argmax(dim=1), y)
