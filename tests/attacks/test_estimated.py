"""PGD with estimated gradients against gradients, foolbox's estimator and closed forms."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from norms import NORMS, generator
from prototypes import Noisy, Prototypes, halfway, near, prototypes
from robustgen.attacks import estimated, sweep
from robustgen.attacks.types import Spec
from robustgen.nets.classifier import Classifier, Passes

pytestmark = [
    # foolbox's import of scipy
    pytest.mark.filterwarnings("ignore:Please import `gaussian_filter`:DeprecationWarning"),
]


def attacked(
    model: Classifier,
    x: Tensor,
    y: Tensor,
    *,
    norm: str,
    eps: float,
    steps: int = 20,
    seed: int = 0,
    **options: Any,
) -> Tensor:
    spec = Spec(eps, steps, norm, options)
    return estimated.attack(model, x, y, spec=spec, generator=generator(seed)).images


def test_the_cross_entropy_is_that_of_torch_in_float64() -> None:
    z = 8 * torch.randn(50, 5, generator=generator(1))
    y = torch.arange(50) % 5
    theirs = cross_entropy(z.double(), y, reduction="none")
    torch.testing.assert_close(estimated.cross_entropy(z, y), theirs, rtol=1e-6, atol=1e-12)


def test_the_cross_entropy_of_a_lead_of_100_is_not_0() -> None:
    """log(1 + e^-100) = e^-100 up to e^-200; torch gives 0 in float32 and in float64."""
    z, y = torch.tensor([[-10.0, -110.0]]), torch.tensor([0])
    assert cross_entropy(z.double(), y).item() == 0
    assert estimated.cross_entropy(z, y).item() == pytest.approx(3.720076e-44, rel=1e-6)


def test_the_estimate_of_a_linear_loss_is_its_gradient_in_the_mean() -> None:
    """L = <w,x>: g = 1/m sum <w,u_i> u_i, with mean w and variances (|w|^2 + w_j^2) / m."""
    w, m = torch.randn(2, 1, 3, 3, generator=generator(2)), 4000
    x = torch.full((2, 1, 3, 3), 0.5)

    def height(points: Tensor) -> Tensor:
        return (w.repeat(2, 1, 1, 1) * points).flatten(1).sum(dim=1).double()

    found = estimated.estimate(height, x, samples=m, sigma=0.01, generator=generator(3))
    deviation = ((w.square().sum(dim=(1, 2, 3), keepdim=True) + w.square()) / m).sqrt()
    assert ((found - w).abs() / deviation).max() < 4


def test_the_estimate_of_an_image_knows_nothing_of_the_others() -> None:
    """A second image whose loss is 10^6 times as steep leaves the first one's estimate as it is; in
    a sum of losses over the batch it would drown it.
    """
    w = torch.randn(1, 1, 3, 3, generator=generator(2))
    x, steep = torch.full((2, 1, 3, 3), 0.5), torch.tensor([1.0, 1e6])

    def height(points: Tensor) -> Tensor:
        return steep[: len(points) // 2].repeat(2) * (w * points).flatten(1).sum(dim=1)

    both = estimated.estimate(height, x, samples=300, sigma=0.01, generator=generator(3))
    near_w = torch.cosine_similarity(both[:1].flatten(), w.double().flatten(), dim=0)
    assert near_w > 0.9


def test_it_agrees_with_foolbox_s_estimator_in_the_mean() -> None:
    """Both on one image of a curved classifier; foolbox divides by four times as much as the
    formula says: by 2 sigma 2 S, where S/2 pairs are drawn.
    """
    import eagerpy as ep
    from foolbox.attacks import LinfPGD
    from foolbox.gradient_estimators import es_gradient_estimator

    net = nn.Sequential(nn.Flatten(), nn.Linear(9, 8), nn.Tanh(), nn.Linear(8, 3)).double()
    for weight in net.parameters():
        weight.data = torch.randn(weight.shape, generator=generator(weight.numel())).double()
    x, y = torch.full((1, 1, 3, 3), 0.5).double(), torch.tensor([1])
    pairs, sigma = 4000, 0.05

    def height(points: Tensor) -> Tensor:
        with torch.no_grad():
            return cross_entropy(net(points), y.repeat(len(points)), reduction="none")

    ours = estimated.estimate(height, x, samples=pairs, sigma=sigma, generator=generator(4))
    made = es_gradient_estimator(LinfPGD, samples=2 * pairs, sigma=sigma, bounds=(0, 1), clip=True)
    with torch.random.fork_rng():
        torch.manual_seed(5)
        _, found = made().value_and_grad(
            lambda points: ep.astensor(height(points.raw)).sum(), ep.astensor(x)
        )
    exact = torch.autograd.grad(cross_entropy(net(leaf := x.clone().requires_grad_()), y), leaf)[0]
    scale = exact.norm()
    assert (ours - exact).norm() / scale < 0.1
    assert (4 * found.raw - exact).norm() / scale < 0.1


@pytest.mark.parametrize("scale", [1.0, 100.0])
@pytest.mark.parametrize("norm", NORMS)
def test_on_two_prototypes_the_smallest_eps_that_flips_is_half_the_way_in_the_dual_norm(
    norm: str, scale: float
) -> None:
    """The boundary of scores -s ||x - p_k||^2 is a plane with normal p_b - p_y. Its distance is the
    closed form of `halfway` in l2, and that times |n|_2 / |n|_1 in linf. Leads are of 100 and more.
    """
    model = Prototypes(prototypes(2), scale=scale)
    x, y = near(model.p, 4, spread=0.02)
    normal = (model.p[1] - model.p[0]).flatten()
    exact = halfway(model, x, y).amin(dim=1)
    exact = exact if norm == "l2" else exact * normal.norm() / normal.abs().sum()
    for factor, flips in ((0.97, False), (1.1, True)):
        for image, label, eps in zip(
            x.split(1), y.split(1), (factor * exact).tolist(), strict=True
        ):
            found = attacked(model, image, label, norm=norm, eps=eps, samples=100)
            assert (model(found).argmax(dim=1) != label).tolist() == [flips]


def test_it_asks_for_scores_alone_and_its_passes_are_counted() -> None:
    """Twice `samples` passes per step and `eot`, and `eot` per restart to compare them."""
    seen: list[bool] = []

    class Watched(Prototypes):
        def forward(self, x: Tensor) -> Tensor:
            seen.append(torch.is_grad_enabled() or x.requires_grad)
            return super().forward(x)

    model = Watched(prototypes(3))
    x, y = near(model.p, 6)
    attacked(model, x, y, norm="linf", eps=0.1, steps=4, samples=5, restarts=3, eot=2)
    assert not any(seen)
    assert model.passes == Passes(6 * 3 * 2 * (4 * 2 * 5 + 1), 0)


def test_restarts_keep_the_best_of_the_single_runs() -> None:
    model = Prototypes(prototypes(3), scale=20)
    x, y = near(model.p, 12, spread=0.2)
    given: dict[str, Any] = {"norm": "linf", "eps": 0.05, "steps": 2, "samples": 3}
    spec, shared = Spec(0.05, 2, "linf", {"samples": 3}), generator(6)
    runs = [estimated.attack(model, x, y, spec=spec, generator=shared).images for _ in range(3)]
    heights = torch.stack([estimated.cross_entropy(model(images), y) for images in runs])
    expected = torch.stack(runs)[heights.argmax(dim=0), range(12)]
    assert len(set(heights.argmax(dim=0).tolist())) > 1
    assert torch.equal(attacked(model, x, y, **given, seed=6, restarts=3), expected)


@pytest.mark.parametrize("norm", NORMS)
def test_on_a_randomised_classifier_the_same_seed_gives_the_same_bytes(norm: str) -> None:
    model = Noisy(prototypes(3), std=0.1)
    x, y = near(model.p, 6)
    options = {"samples": 5, "restarts": 2, "eot": 2}
    entry = sweep.Sweep("estimated", {"eps": (0.1,), "steps": (0, 3)}, norm=norm, options=options)
    first, again, other = (
        [one.images for one in sweep.run(model, x, y, sweep=entry, seed=seed)] for seed in (1, 1, 2)
    )
    assert all(torch.equal(*pair) for pair in zip(first, again, strict=True))
    assert not torch.equal(first[1], other[1])
