"""The search against what a linear generator's normal equations give."""

from __future__ import annotations

import pytest
import torch

from inversion.linear import SLOTS, D, K, Linear, Means, Pixels, pictures
from robustgen.core.refusal import Refused
from robustgen.inversion.descent import Codes, Inversion, Settings
from robustgen.inversion.inverting import Inverting
from robustgen.inversion.schedule import rate
from robustgen.inversion.starts import Encoded, Nearest

FP32 = torch.float32


def direct(count: int = 50, seed: int = 0) -> Inversion:
    generator = Linear()
    return Inversion(generator, Pixels(), Nearest(generator, count=count, seed=seed), FP32)


def encoded() -> Inversion:
    return Inversion(Linear(), Pixels(), Encoded(Means(), K), FP32)


def test_the_rate_goes_up_for_30_percent_down_for_60_and_stays() -> None:
    """Knots of the thesis: 0.01, 0.1, 0.001 of a maximum of 0.1."""
    assert [rate(step, 101) for step in (0, 30, 90, 100)] == pytest.approx([0.1, 1, 0.01, 0.01])
    assert rate(15, 101) == pytest.approx(0.55)
    assert rate(0, 1) == pytest.approx(0.1)


@pytest.mark.parametrize("lambda_", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("kind", ["direct", "encoded"])
def test_the_search_ends_at_the_solution_of_the_normal_equations(kind: str, lambda_: float) -> None:
    """Direct pulls to 0, an encoder's search to its own code."""
    inversion, x = (direct() if kind == "direct" else encoded()), pictures()
    found = inversion(x, Settings(steps=400, lambda_=lambda_))
    anchor = torch.zeros(len(x), D) if kind == "direct" else Means()(x)
    for k in range(K):
        z, total = Linear().best(x, k, lambda_, anchor)
        torch.testing.assert_close(found.codes[:, k], z, atol=2e-3, rtol=1e-3)
        torch.testing.assert_close(found.total[:, k], total, atol=1e-4, rtol=1e-4)


def test_each_pair_is_searched_as_if_it_were_alone() -> None:
    """The sum over the batch has independent gradients, and Adam works element by element."""
    inversion, x, settings = direct(), pictures(), Settings(steps=20)
    whole = inversion(x, settings).total
    alone = torch.cat([inversion(one[None], settings).total for one in x])
    torch.testing.assert_close(whole, alone, atol=1e-5, rtol=1e-5)


def test_further_codes_reach_a_smaller_objective() -> None:
    """With A z + A sum z_i / 10 the best split costs less than z alone: the minimum over more
    variables, of which all zero is one choice.
    """
    inversion, x = direct(), pictures()
    plain = inversion(x, Settings(steps=300, lambda_=0.1)).total
    more = inversion(x, Settings(steps=300, lambda_=0.1, plus=True)).total
    assert (more <= plain + 1e-4).all()
    assert (more < plain - 1e-4).any()


def test_the_regulariser_counts_all_codes() -> None:
    """||z - anchor||^2 + sum_i ||z_i||^2 by hand."""
    codes = Codes(torch.full((1, D), 3.0), torch.full((1, SLOTS, D), 2.0), torch.ones(1, D))
    assert codes.strength().item() == D * 4 + SLOTS * D * 4


def test_the_nearest_code_is_the_one_that_a_search_through_all_finds() -> None:
    inversion, x = direct(), pictures()
    start = inversion.start
    assert isinstance(start, Nearest)
    generator = Linear()
    for k in range(K):
        images = generator(start.codes, torch.full((len(start.codes),), k))
        apart = (x[:, None] - images[None]).flatten(2).pow(2).sum(dim=2)
        assert torch.equal(apart.argmin(dim=1), start.best(x)[:, k])


def test_the_detached_gradient_holds_the_codes_fixed() -> None:
    """d/dx 4 ||x - G(z*)||^2 = 8 (x - G(z*)), and for Direct the regulariser has no x in it."""
    model = Inverting(direct(), Settings(steps=30), at_once=100)
    x = pictures().requires_grad_()
    scores = model(x)
    (gradient,) = torch.autograd.grad(scores[:, 1].sum(), x)
    images = model.look(x.detach())["reconstructions"][:, 1]
    torch.testing.assert_close(gradient, -8 * (x.detach() - images), atol=1e-5, rtol=1e-4)


def test_at_the_optimum_the_unrolled_gradient_is_the_detached_one() -> None:
    """The envelope theorem: at a minimum over z the derivative through z* vanishes. With an encoder
    the anchor moves with x, which the detached gradient leaves out.
    """
    model = Inverting(direct(), Settings(steps=400), at_once=100)
    x = pictures(2).requires_grad_()
    gradients = [
        torch.autograd.grad(model.view(gradient=name)(x)[:, 0].sum(), x)[0]
        for name in ("detached", "unrolled")
    ]
    torch.testing.assert_close(*gradients, atol=5e-3, rtol=5e-3)


@pytest.mark.parametrize("plus", [False, True])
@pytest.mark.parametrize("kind", ["direct", "encoded"])
def test_the_unrolled_gradient_is_the_slope_of_the_scores(kind: str, plus: bool) -> None:
    """Against differences of scores at x + h v, in double precision."""
    inversion = direct() if kind == "direct" else encoded()
    for part in (inversion.generator, inversion.distance, inversion.start):
        if isinstance(part, torch.nn.Module):
            part.double()
    if isinstance(inversion.start, Encoded):
        inversion.start.encoder.double()
    else:
        inversion.start.codes = inversion.start.codes.double()
        inversion.start.images = inversion.start.images.double()
        inversion.start.squares = inversion.start.squares.double()
    torch.set_default_dtype(torch.float64)
    try:
        settings = Settings(steps=6, gradient="unrolled", plus=plus)
        model = Inverting(inversion, settings, at_once=100)
        x = pictures(2).double().requires_grad_()
        v = torch.randn(x.shape, generator=torch.Generator().manual_seed(3), dtype=x.dtype)
        (gradient,) = torch.autograd.grad(model(x)[:, 2].sum(), x)
        h = 1e-5
        with torch.no_grad():
            high, low = model(x + h * v)[:, 2].sum(), model(x - h * v)[:, 2].sum()
        slope = (high - low) / (2 * h)
        torch.testing.assert_close((gradient * v).sum(), slope, rtol=1e-4, atol=1e-6)
    finally:
        torch.set_default_dtype(torch.float32)


def test_passes_are_those_of_pairs_and_steps() -> None:
    model = Inverting(direct(), Settings(steps=5), at_once=100)
    model(pictures(2))
    assert model.passes.forwards == 2 * K * 6
    assert model.passes.backwards == 2 * K * 5


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"steps": -1}, "steps"),
        ({"lambda_": -1.0}, "lambda_"),
        ({"gradient": "both"}, "gradient"),
        ({"draws": 2}, "no setting draws"),
    ],
)
def test_settings_that_no_search_can_mean_are_refused(wrong: dict, sentence: str) -> None:
    model = Inverting(direct(), Settings(), at_once=100)
    with pytest.raises(Refused, match=sentence):
        model.view(**wrong)


@pytest.mark.parametrize(("scale", "shift"), [(255, 0), (2, -1)])
def test_images_outside_of_0_to_1_are_refused(scale: float, shift: float) -> None:
    model = Inverting(direct(), Settings(steps=1), at_once=6)
    assert model(pictures(2) + 0.01).shape == (2, K)
    with pytest.raises(Refused, match=r"Images to invert must lie in \[0,1\]"):
        model(pictures(2) * scale + shift)


def test_images_of_random_codes_beyond_the_memory_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("robustgen.inversion.starts.MOST", 1e-9)
    with pytest.raises(Refused, match="lower the option codes"):
        direct()


def test_pruning_gives_up_the_classes_that_lag_and_leaves_the_others_as_they_are() -> None:
    """Pairs are independent, so that a class that goes on to the end has the objective of the full
    search, and one that was given up a larger one or the same.
    """
    inversion, x = direct(), pictures()
    full = inversion(x, Settings(steps=20)).total
    pruned = inversion(x, Settings(steps=20, pruned=True)).total
    same = torch.isclose(full, pruned, rtol=1e-5)
    assert (same.sum(dim=1) >= 1).all()
    assert not same.all()
    assert torch.equal(full.argmin(dim=1), pruned.argmin(dim=1))


def test_pruning_counts_the_passes_that_it_saves() -> None:
    """Of 10 classes 10 are searched in steps 0 to 3, 5 in 4 to 9, 3 from 10 on; 10 and 5 pairs are
    compared where classes are given up.
    """
    from robustgen.inversion.pruning import active, judged

    assert active(20, 10, pruned=True) == [10] * 4 + [5] * 6 + [3] * 10
    assert judged(20, 10, pruned=True) == 15
    assert active(20, 10, pruned=False) == [10] * 20
    assert judged(20, 10, pruned=False) == 0
