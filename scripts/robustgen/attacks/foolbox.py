"""Attacks of the library foolbox behind the project's signature; `options.name` says which.

The bounded ones give foolbox's clipped images. Some results depend on the batch: L2CarliniWagner ends a search for the
whole batch once the batch's loss stalls (`abort_early`), and BoundaryAttack draws one proposal for all its images.
L2CarliniWagner raises its constant tenfold per failed binary search from `initial_const`; logits of small differences
need a larger one. LinfFastGradient starts at the image unless `options.random_start: true`.
"""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor, nn

from robustgen.attacks.library import Offer, build, judged, offer, sealed
from robustgen.attacks.types import Attacked, Spec
from robustgen.data.store import check_images


def _pgd(spec: Spec) -> dict[str, Any]:
    return {"abs_stepsize": spec.step, "steps": spec.steps, "random_start": spec.random_start}


def _steps(spec: Spec) -> dict[str, Any]:
    return {"steps": spec.steps}


OFFERS = {
    "LinfPGD": Offer(("linf",), _pgd, restarts=True),
    "L2PGD": Offer(("l2",), _pgd, restarts=True),
    "LinfFastGradient": Offer(("linf",), lambda _: {}, iterates=False, restarts=True),
    "DDN": Offer(("l2",), _steps, minimum=True),
    "L2CarliniWagner": Offer(("l2",), _steps, minimum=True),
    "L2DeepFool": Offer(("l2",), _steps, minimum=True),
    "LinfDeepFool": Offer(("linf",), _steps, minimum=True),
    "BoundaryAttack": Offer(("l2",), _steps, minimum=True),
}
CLASSES = {name: f"{name}Attack" for name in ("LinfFastGradient", "DDN", "L2CarliniWagner", "L2DeepFool", "LinfDeepFool")}


def attack(classifier: nn.Module, images: Tensor, labels: Tensor, *, spec: Spec, generator: torch.Generator) -> Attacked:
    """The library's attack from a seed drawn from `generator`; counts are batch totals divided by n."""
    import foolbox
    from foolbox.models.pytorch import PyTorchModel

    check_images(images)
    options = dict(spec.options)
    name = options.pop("name", "LinfPGD")
    chosen = offer("foolbox", name, OFFERS, spec)
    make = getattr(foolbox.attacks, CLASSES.get(name, name))
    attacker = build(make, filled=chosen.arguments(spec), options=options)
    with sealed(classifier, generator) as counter:
        model = PyTorchModel(counter, bounds=(0, 1), device=images.device)
        x = _found(name, attacker, model, images, labels, None if chosen.minimum else spec.eps, spec.restarts)
        return judged(counter, images, labels, x, minimum=chosen.minimum)


def _found(name: str, attacker: Any, model: Any, x: Tensor, y: Tensor, eps: float | None, restarts: int) -> Tensor:
    if name == "BoundaryAttack":
        return _from_starts(attacker, model, x, y)
    repeated = attacker if restarts == 1 else attacker.repeat(restarts)
    found: Tensor = repeated(model, x, y, epsilons=eps)[1]
    if name != "L2CarliniWagner":
        return found
    failed = (found == 0).flatten(1).all(dim=1)  # a black image says so, which may well be misclassified
    return torch.where(failed.reshape(-1, 1, 1, 1), x, found)


def _from_starts(attacker: Any, model: Any, images: Tensor, labels: Tensor) -> Tensor:
    """The attack on those images for which noise holds a start; the library would give up on all if one has none."""
    from foolbox.attacks.blended_noise import LinearSearchBlendedUniformNoiseAttack as Search

    search = attacker.init_attack or Search(steps=50)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*failed to draw sufficient random inputs")
        starts = search.run(model, images, labels)
    found = model(starts).argmax(dim=-1) != labels
    x = images.clone()
    if found.any():
        x[found] = attacker.run(model, images[found], labels[found], starting_points=starts[found])
    return x
