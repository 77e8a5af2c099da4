"""What the tests of wrapped attacks share: two nets with images, how an attack is asked for, and
the libraries' arguments.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from norms import generator
from robustgen.attacks.types import Spec
from robustgen.nets.classifier import as_classifier

CLASSES, SHAPE, COUNT = 6, (1, 8, 8), 16
Case = tuple[nn.Module, Tensor, Tensor]

TORCH = {
    "FGSM": ({"steps": 1}, {}),
    "PGD": ({"step": 0.03}, {"alpha": 0.03, "steps": 4}),
    "PGDL2": ({"norm": "l2", "step": 0.03}, {"alpha": 0.03, "steps": 4}),
    "EOTPGD": ({"eot": 3, "step": 0.03}, {"alpha": 0.03, "steps": 4, "eot_iter": 3}),
    "APGD": (
        {"norm": "l2", "restarts": 2, "loss": "dlr"},
        {"norm": "L2", "steps": 4, "n_restarts": 2, "loss": "dlr"},
    ),
    "APGDT": ({}, {"steps": 4, "n_classes": CLASSES}),
    "Square": ({"steps": 40, "restarts": 2}, {"n_queries": 40, "n_restarts": 2}),
}
FOOLBOX = {
    "LinfPGD": (
        "LinfPGD",
        {"step": 0.03},
        {"abs_stepsize": 0.03, "steps": 4, "random_start": True},
    ),
    "L2PGD": (
        "L2PGD",
        {"norm": "l2", "step": 0.03},
        {"abs_stepsize": 0.03, "steps": 4, "random_start": True},
    ),
    "LinfFastGradient": ("LinfFastGradientAttack", {"steps": 1}, {}),
    "DDN": ("DDNAttack", {"norm": "l2"}, {"steps": 4}),
    "L2CarliniWagner": ("L2CarliniWagnerAttack", {"norm": "l2"}, {"steps": 4}),
    "L2DeepFool": ("L2DeepFoolAttack", {"norm": "l2"}, {"steps": 4}),
    "LinfDeepFool": ("LinfDeepFoolAttack", {}, {"steps": 4}),
    "BoundaryAttack": ("BoundaryAttack", {"norm": "l2"}, {"steps": 4}),
}
MINIMUM = ("DDN", "L2CarliniWagner", "L2DeepFool", "LinfDeepFool", "BoundaryAttack")


def small_net() -> Case:
    """A small net with steep logits, images, and labels of which every fourth is wrong."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(4 * 36, CLASSES)
        ).eval()
        x = torch.rand(COUNT, *SHAPE)
    net[3].weight.data *= 20
    with torch.no_grad():
        net[3].bias -= net(x).mean(dim=0)
        y = net(x).argmax(dim=1)
    return net, x, torch.where(torch.arange(COUNT) % 4 == 0, (y + 1) % CLASSES, y)


def linear_net() -> Case:
    """A linear classifier around the middle of the cube, whose nearest adversarial images have
    closed forms.
    """
    rng = generator(1)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, CLASSES))
    model[1].weight.data = 3 * torch.randn(CLASSES, 64, generator=rng)
    model[1].bias.data = -model[1].weight.data.sum(dim=1) / 2
    x = 0.35 + 0.3 * torch.rand(COUNT, *SHAPE, generator=rng)
    return model.eval(), x, model(x).argmax(dim=1)


def spec(name: str | None = None, **changes: Any) -> Spec:
    """A Spec of 4 steps within 0.1; what is no field of a Spec is an option."""
    fields = {"eps": 0.1, "steps": 4} | {
        key: changes.pop(key) for key in ("eps", "steps", "norm") if key in changes
    }
    return Spec(**fields, options=({"name": name} if name else {}) | changes)


@dataclass(frozen=True)
class Found:
    """Attacked images, which of them fool the classifier, and the passes per image that the
    classifier counted.
    """

    images: Tensor
    success: Tensor
    forwards: float
    backwards: float


def run(module: ModuleType, case: Case, given: Spec, seed: int = 3) -> Found:
    """An attack's images, with what the classifier says and counts."""
    classifier, (x, y) = as_classifier(case[0]), case[1:]
    before = classifier.passes.copy()
    images = module.attack(classifier, x, y, spec=given, generator=generator(seed)).images
    spent = classifier.passes - before
    success = wrong((case[0], images, y))
    return Found(images, success, spent.forwards / len(x), spent.backwards / len(x))


def wrong(case: Case) -> Tensor:
    model, x, y = case
    with torch.no_grad():
        return model(x).argmax(dim=1) != y
