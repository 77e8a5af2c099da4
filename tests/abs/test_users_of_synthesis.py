"""Who uses the classifier by inference: another inference of its networks, and attacks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import foolbox
import pytest
import torch
import torchattacks
from torch import nn

from made_abs import classifier, images, spec
from robustgen.abs import reinferred
from robustgen.abs.synthesis import Synthesis
from robustgen.attacks import pgd
from robustgen.attacks.types import Spec
from robustgen.core.refusal import Refused
from robustgen.nets.classifier import Wrapped

K = 3
pytestmark = pytest.mark.usefixtures("one_thread")


def seeded(model: Synthesis) -> Synthesis:
    model.reseed(torch.Generator().manual_seed(7))
    return model


# --- another inference of trained networks --------------------------------------------------------


def another(model: Any, **options: Any) -> Synthesis:
    of = replace(spec(K), kind="reinferred", options=options)
    return reinferred.freeze(None, {"trained": model}, spec=of, dtype=torch.float32, device="cpu")


@pytest.mark.parametrize("variational", [True, False])
def test_reinferred_shares_the_networks_and_changes_the_inference_alone(variational: bool) -> None:
    """Its scores are those of a model of the same networks that has always been so."""
    trained = classifier(K, variational=not variational, steps=2, beta=0.5)
    found = another(trained, variational=variational)
    assert found.infer.net is trained.infer.net
    assert found.stochastic == variational
    changed = {name for name in found.told if found.told[name] != trained.told[name]}
    assert changed == {"variational"}
    x, straight = images(3), classifier(K, variational=variational, steps=2, beta=0.5)
    assert torch.equal(seeded(found)(x), seeded(straight)(x))


def test_reinferred_takes_no_other_kind() -> None:
    with pytest.raises(Refused, match="must be a model of kind eabs"):
        another(Wrapped(lambda x: x))


# --- attacks --------------------------------------------------------------------------------------


def test_pgd_of_both_libraries_is_ours() -> None:
    """Sign steps along the exact gradient, from the image itself, of a classifier without noise."""
    model = classifier(K, variational=False)
    x = images(4)
    y = model(x).argmax(dim=1)
    told = Spec(eps=0.05, steps=3, options={"step": 0.02, "random_start": False})
    ours = pgd.attack(model, x, y, spec=told, generator=torch.Generator()).images
    one = torchattacks.PGD(model, eps=0.05, alpha=0.02, steps=3, random_start=False)(x, y)
    torch.testing.assert_close(one, ours, rtol=0, atol=1e-6)
    attack = foolbox.attacks.LinfPGD(steps=3, abs_stepsize=0.02, random_start=False)
    other = attack(foolbox.PyTorchModel(model, bounds=(0, 1), device="cpu"), x, y, epsilons=0.05)
    torch.testing.assert_close(other[1], ours, rtol=0, atol=1e-6)
    assert (ours - x).abs().max() > 0.04


def test_a_sign_step_follows_the_reconstructions() -> None:
    """The cross entropy of scores -l has d/dx = sum_k (p_k - [k = y]) (-2) (x - G_k), and as the
    weights sum to 0 this is 2 sum_k (p_k - [k = y]) G_k. A temperature of 100 divides scores,
    for p_y - 1 is rounded to 0 where costs differ by more than 17.
    """
    model, x, y = classifier(K, variational=False), images(4), torch.arange(4) % K
    seen = model.look(x)
    weights = (seen["scores"] / 100).softmax(dim=1) - nn.functional.one_hot(y, K)
    assert weights.abs().max() < 1  # no probability is rounded to 0 or 1
    slope = 2 * torch.einsum("nk,nkchw->nchw", weights, seen["reconstructions"])
    milder = model.view(temperature=100)
    once = Spec(eps=0.05, steps=1, options={"step": 0.02, "random_start": False})
    found = pgd.attack(milder, x, y, spec=once, generator=torch.Generator()).images
    clear = slope.abs() > 1e-3 * slope.abs().max()
    moved = (x + 0.02 * slope.sign()).clamp(0, 1)
    torch.testing.assert_close(found[clear], moved[clear], rtol=0, atol=1e-6)
    assert clear.float().mean() > 0.9


def test_an_unrolled_view_can_be_attacked() -> None:
    model = classifier(K)
    x = images(2)
    found = pgd.attack(
        model.view(gradient="unrolled"),
        x,
        model(x).argmax(dim=1),
        spec=Spec(eps=0.05, steps=2, options={"rel_step": 0.5}),
        generator=torch.Generator().manual_seed(0),
    ).images
    assert 0 < (found - x).abs().max() <= 0.05 + 1e-6
