"""PGD with gradients that are estimated from scores alone, by natural evolution strategies (Ilyas
et al. 2018), for classifiers whose own gradients may be masked.

The estimate of an image rests on its own scores. The one of foolbox sums the loss over the batch,
so that the other images are noise to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import softplus

from robustgen.attacks.accepted import accepted
from robustgen.attacks.balls import ball
from robustgen.attacks.loop import ascend
from robustgen.attacks.types import Attacked, Spec
from robustgen.data.store import check_images
from robustgen.nets.classifier import Classifier, as_classifier

TAKES = ("linf", "l2", "eps", "steps", "start")  # start: it can be shown after 0 steps
REPEATS = ("restarts", "samples", "eot")  # options that multiply its passes
OPTIONS = {
    "step": {"type": "number", "above": 0, "default": None, "means": "Step size in pixel units."},
    "rel_step": {
        "type": "number",
        "above": 0,
        "default": None,
        "instead": "step",
        "means": "Step size in units of eps, in the place of step; 0.125 where neither is given.",
    },
    "samples": {
        "type": "whole number",
        "least": 1,
        "default": 50,
        "means": "Random directions per step; each is tried forwards and backwards, two passes.",
    },
    "sigma": {
        "type": "number",
        "above": 0,
        "default": 0.01,
        "means": "Search width: standard deviation of a direction per value of the image.",
    },
    "restarts": {
        "type": "whole number",
        "least": 1,
        "default": 1,
        "means": "Random restarts; per image the one with the highest loss is kept.",
    },
    "random_start": {
        "type": "true or false",
        "default": True,
        "means": "Start at a random point of the ball instead of the image.",
    },
    "eot": {
        "type": "whole number",
        "least": 1,
        "default": 1,
        "means": "Passes over which each loss is averaged, for randomised classifiers.",
    },
}

Height = Callable[[Tensor], Tensor]  # images [m,c,h,w] -> [m], float64


def attack(
    classifier: Callable[[Tensor], Tensor],
    images: Tensor,
    labels: Tensor,
    *,
    spec: Spec,
    generator: torch.Generator,
) -> Attacked:
    """The image after `spec.steps` steps x <- P(x + step * steepest(estimate of grad L)), where L
    is the cross entropy; of several restarts the one of highest loss.
    """
    check_images(images)
    model, spec = as_classifier(classifier), accepted("estimated", spec)
    eot, restarts = spec.options["eot"], spec.options["restarts"]

    def height(x: Tensor) -> Tensor:
        return _height(model, x, labels, eot=eot)

    runs = [_last(_trajectory(height, images, spec, generator)) for _ in range(restarts)]
    if restarts == 1:
        return Attacked(runs[0])
    best = torch.stack([height(x) for x in runs]).argmax(dim=0)
    return Attacked(torch.stack(runs)[best, torch.arange(len(best), device=best.device)])


def estimate(
    height: Height, x: Tensor, *, samples: int, sigma: float, generator: torch.Generator
) -> Tensor:
    """g = 1/(2 m sigma) sum_i [L(x + sigma u_i) - L(x - sigma u_i)] u_i with m samples
    u_i ~ N(0,1) per value, of each image by itself [n,c,h,w], float64.

    Its mean is the gradient of L smoothed by Gaussian noise. Points are clipped to [0,1].
    """
    total = torch.zeros_like(x, dtype=torch.float64)
    for _ in range(samples):
        u = torch.randn(x.shape, generator=generator).to(x)
        up, down = height(torch.cat([x + sigma * u, x - sigma * u]).clamp_(0, 1)).chunk(2)
        total += (up - down)[:, None, None, None] * u
    return total / (2 * samples * sigma)


def cross_entropy(z: Tensor, y: Tensor) -> Tensor:
    """CE(z,y) = log(1 + exp(m)) with m = logsumexp_{k != y} z_k - z_y, from scores [n,K], float64.

    Written so, it does not round to 0 where the label leads by far, and differences remain.
    """
    z = z.double()
    others = z.scatter(1, y[:, None], -torch.inf).logsumexp(dim=1)
    return softplus(others - z.gather(1, y[:, None])[:, 0])


def _height(model: Classifier, x: Tensor, y: Tensor, *, eot: int) -> Tensor:
    """The loss of images, which may stand there several times in the order of their labels."""
    y = y.repeat(len(x) // len(y))
    with torch.no_grad():
        return torch.stack([cross_entropy(model(x), y) for _ in range(eot)]).mean(dim=0)


def _trajectory(
    height: Height, images: Tensor, spec: Spec, generator: torch.Generator
) -> Iterator[Tensor]:
    region, options = ball(spec.norm, spec.eps), spec.options
    search: dict[str, Any] = {name: options[name] for name in ("samples", "sigma")}
    return ascend(
        region.start(images, generator) if options["random_start"] else images,
        gradient=lambda x: estimate(height, x, **search, generator=generator),
        move=lambda x, gradient: x + (spec.step * region.steepest(gradient)).to(x),
        project=lambda x: region.project(x, images),
        steps=spec.steps,
    )


def _last(points: Iterator[Tensor]) -> Tensor:
    """The last point."""
    *_, last = points
    return last
