"""Attacks of the library foolbox behind the project's signature; `options.name` says which.

The bounded ones give foolbox's clipped images. Some results depend on the batch: L2CarliniWagner
ends a search for the whole batch once the batch's loss stalls (`abort_early`), and BoundaryAttack
draws one proposal for all its images: each image's walk has the right law, but they depend on each
other (`batch: 1` in the entry parts them). L2CarliniWagner raises its constant tenfold per failed
binary search from `initial_const`; logits of small differences need a larger one, and a randomised
classifier `abort_early: false`, for its noise looks like a stall. LinfFastGradient starts at the
image unless `random_start: true`.

BoundaryAttack and HopSkipJumpAttack start from noise that is misclassified, blended with the image
unless the classifier is randomised. HopSkipJumpAttack needs a classifier that answers alike each
time. The library gives its directions length 1 over the whole batch, so that steps shrink as
batches grow; here each image's has length 1. Its grid search, which chooses one length of step for
the whole batch, is not offered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from robustgen.attacks.accepted import accepted
from robustgen.attacks.decision import fools
from robustgen.attacks.foolbox_starts import from_starts
from robustgen.attacks.library import clipped, or_clean, own_arguments, sealed
from robustgen.attacks.types import Attacked, Spec
from robustgen.core.refusal import Refused
from robustgen.data.store import check_images
from robustgen.nets.classifier import Classifier, as_classifier

TINY = 1e-12

TAKES = {  # what each attack uses of an entry
    "name": {
        "LinfPGD": ("linf", "eps", "steps", "start"),
        "L2PGD": ("l2", "eps", "steps", "start"),
        "LinfFastGradient": ("linf", "eps"),
        "DDN": ("l2", "nearest", "steps"),
        "L2CarliniWagner": ("l2", "nearest", "steps"),
        "L2DeepFool": ("l2", "nearest", "steps"),
        "LinfDeepFool": ("linf", "nearest", "steps"),
        "BoundaryAttack": ("l2", "nearest", "steps"),
        "HopSkipJumpAttack": ("l2", "nearest", "steps"),
    },
}
STEPS = {"LinfFastGradient": 1}
OPTIONS = {
    "name": {
        "one_of": (
            "LinfPGD",
            "L2PGD",
            "LinfFastGradient",
            "DDN",
            "L2CarliniWagner",
            "L2DeepFool",
            "LinfDeepFool",
            "BoundaryAttack",
            "HopSkipJumpAttack",
        ),
        "default": "LinfPGD",
        "means": "The library's attack.",
    },
    "step": {
        "type": "number",
        "above": 0,
        "default": None,
        "only": {"name": ("LinfPGD", "L2PGD")},
        "means": "Step size in pixel units.",
    },
    "rel_step": {
        "type": "number",
        "above": 0,
        "default": None,
        "instead": "step",
        "only": {"name": ("LinfPGD", "L2PGD")},
        "means": "Step size in units of eps, in the place of step; 0.125 where neither is given.",
    },
    "restarts": {
        "type": "whole number",
        "least": 1,
        "default": 1,
        "only": {"name": ("LinfPGD", "L2PGD", "LinfFastGradient")},
        "means": "Runs of the attack; per image one that fools the classifier is kept.",
    },
    "random_start": {
        "type": "true or false",
        "default": None,
        "only": {"name": ("LinfPGD", "L2PGD", "LinfFastGradient")},
        "means": (
            "Start at a random point of the ball; where left out, PGD does and LinfFastGradient "
            "does not."
        ),
    },
    "init_epsilon": {
        "type": "number",
        "above": 0,
        "default": 1.0,
        "only": {"name": ("DDN",)},
        "means": "First radius of DDN.",
    },
    "gamma": {
        "type": "number",
        "above": 0,
        "below": 1,
        "default": 0.05,
        "only": {"name": ("DDN",)},
        "means": "By what share DDN changes its radius.",
    },
    "binary_search_steps": {
        "type": "whole number",
        "least": 1,
        "default": 9,
        "only": {"name": ("L2CarliniWagner",)},
        "means": "Searches for the constant of Carlini and Wagner.",
    },
    "stepsize": {
        "type": "number",
        "above": 0,
        "default": 0.01,
        "only": {"name": ("L2CarliniWagner",)},
        "means": "Learning rate of Carlini and Wagner.",
    },
    "confidence": {
        "type": "number",
        "least": 0,
        "default": 0,
        "only": {"name": ("L2CarliniWagner",)},
        "means": "Lead of the wrong class.",
    },
    "initial_const": {
        "type": "number",
        "above": 0,
        "default": 0.001,
        "only": {"name": ("L2CarliniWagner",)},
        "means": (
            "First constant of Carlini and Wagner; ten times as much after each search that fails."
        ),
    },
    "abort_early": {
        "type": "true or false",
        "default": True,
        "only": {"name": ("L2CarliniWagner",)},
        "means": "End a search for the whole batch once its loss stalls.",
    },
    "candidates": {
        "type": "whole number",
        "least": 2,
        "default": 10,
        "only": {"name": ("L2DeepFool", "LinfDeepFool")},
        "means": "Classes among which DeepFool looks for the nearest boundary.",
    },
    "overshoot": {
        "type": "number",
        "least": 0,
        "default": 0.02,
        "only": {"name": ("L2DeepFool", "LinfDeepFool")},
        "means": "By what share DeepFool goes beyond the boundary.",
    },
    "loss": {
        "one_of": ("logits", "crossentropy"),
        "default": "logits",
        "only": {"name": ("L2DeepFool", "LinfDeepFool")},
        "means": "Whose zero DeepFool takes for the boundary.",
    },
    "spherical_step": {
        "type": "number",
        "above": 0,
        "default": 0.01,
        "only": {"name": ("BoundaryAttack",)},
        "means": "Step along the boundary.",
    },
    "source_step": {
        "type": "number",
        "above": 0,
        "default": 0.01,
        "only": {"name": ("BoundaryAttack",)},
        "means": "Step towards the image.",
    },
    "source_step_convergance": {
        "type": "number",
        "above": 0,
        "default": 1e-7,
        "only": {"name": ("BoundaryAttack",)},
        "means": "Step towards the image below which the attack ends.",
    },
    "step_adaptation": {
        "type": "number",
        "above": 1,
        "default": 1.5,
        "only": {"name": ("BoundaryAttack",)},
        "means": "Factor by which steps grow and shrink.",
    },
    "update_stats_every_k": {
        "type": "whole number",
        "least": 1,
        "default": 10,
        "only": {"name": ("BoundaryAttack",)},
        "means": "After how many steps the step sizes are looked at.",
    },
    "initial_gradient_eval_steps": {
        "type": "whole number",
        "least": 1,
        "default": 100,
        "only": {"name": ("HopSkipJumpAttack",)},
        "means": "Queries for the first direction; for the k-th sqrt(k) times as many.",
    },
    "max_gradient_eval_steps": {
        "type": "whole number",
        "least": 1,
        "default": 10000,
        "only": {"name": ("HopSkipJumpAttack",)},
        "means": "Most queries for a direction.",
    },
}


def _pgd(spec: Spec) -> dict[str, Any]:
    start = spec.options["random_start"]
    return {
        "abs_stepsize": spec.step,
        "steps": spec.steps,
        "random_start": True if start is None else start,
    }


def _fgsm(spec: Spec) -> dict[str, Any]:
    return {"random_start": bool(spec.options["random_start"])}


def _steps(spec: Spec) -> dict[str, Any]:
    return {"steps": spec.steps}


def _hop(spec: Spec) -> dict[str, Any]:
    search = {"constraint": "l2", "gamma": 1.0, "stepsize_search": "geometric_progression"}
    return {"steps": spec.steps, **search}


ARGUMENTS: dict[str, Callable[[Spec], dict[str, Any]]] = {
    "LinfPGD": _pgd,
    "L2PGD": _pgd,
    "LinfFastGradient": _fgsm,
    "DDN": _steps,
    "L2CarliniWagner": _steps,
    "L2DeepFool": _steps,
    "LinfDeepFool": _steps,
    "BoundaryAttack": _steps,
    "HopSkipJumpAttack": _hop,
}
FROM_STARTS = ("BoundaryAttack", "HopSkipJumpAttack")
CLASSES = {
    name: f"{name}Attack"
    for name in ("LinfFastGradient", "DDN", "L2CarliniWagner", "L2DeepFool", "LinfDeepFool")
}


def attack(
    classifier: Callable[[Tensor], Tensor],
    images: Tensor,
    labels: Tensor,
    *,
    spec: Spec,
    generator: torch.Generator,
) -> Attacked:
    """The library's images, from a seed drawn from `generator`. A search for the nearest image
    gives those back that are misclassified already.
    """
    import foolbox
    from foolbox.models.pytorch import PyTorchModel

    check_images(images)
    spec = accepted("foolbox", spec)
    name = spec.options["name"]
    make = getattr(foolbox.attacks, CLASSES.get(name, name))
    attacker = make(**ARGUMENTS[name](spec), **own_arguments(spec))
    if name == "HopSkipJumpAttack":
        _same_each_time(as_classifier(classifier))
        attacker.approximate_gradients = _of_length_1(attacker.approximate_gradients)
    with sealed(classifier, generator) as sealed_one:
        model = PyTorchModel(sealed_one, bounds=(0, 1), device=images.device)
        if "nearest" not in TAKES["name"][name]:
            return Attacked(clipped(_bounded(attacker, model, images, labels, spec)))
        given, random = (attacker, model, images, labels), sealed_one.stochastic
        x = or_clean(sealed_one, images, labels, clipped(_nearest(name, *given, random=random)))
        wrong = fools(sealed_one, images, labels)
        return Attacked(torch.where(wrong.reshape(-1, 1, 1, 1), images, x))


def _bounded(attacker: Any, model: Any, x: Tensor, y: Tensor, spec: Spec) -> Tensor:
    restarts = spec.options["restarts"]
    repeated = attacker if restarts == 1 else attacker.repeat(restarts)
    found: Tensor = repeated(model, x, y, epsilons=spec.eps)[1]
    return found


def _nearest(name: str, attacker: Any, model: Any, x: Tensor, y: Tensor, *, random: bool) -> Tensor:
    if name in FROM_STARTS:
        return from_starts(attacker, model, x, y, random=random)
    found: Tensor = attacker(model, x, y, epsilons=None)[1]
    if name != "L2CarliniWagner":
        return found
    # a black image says that none was found, and may well be misclassified
    failed = (found == 0).flatten(1).all(dim=1)
    return torch.where(failed.reshape(-1, 1, 1, 1), x, found)


def _same_each_time(classifier: Classifier) -> None:
    """Refuse a randomised classifier, on which the library's assertions fail."""
    if classifier.stochastic:
        raise Refused(
            "HopSkipJumpAttack needs a classifier that answers alike each time, and this one is "
            "randomised; use BoundaryAttack, or kind estimated."
        )


def _of_length_1(approximate: Callable[..., Any]) -> Callable[..., Any]:
    """The library's directions with length 1 for each image instead of for the batch."""
    from foolbox.devutils import atleast_kd, flatten

    def directions(*given: Any) -> Any:
        found = approximate(*given)
        return found / atleast_kd(flatten(found).norms.l2(axis=-1).maximum(TINY), found.ndim)

    return directions
