"""Models ready for use: built from the configuration's graph, parts first, each frozen by its kind,
and a classifier found to answer as one must.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from robustgen.core import kinds
from robustgen.core.contracts import Broken, blamed
from robustgen.core.literals import literal
from robustgen.core.refusal import Refused
from robustgen.core.values import form
from robustgen.data.store import Images, to_float
from robustgen.nets import weights
from robustgen.nets.classifier import Classifier, Plain
from robustgen.nets.spec import Model

PROBE = 2  # images on which a classifier is tried


def ready(
    model: Model, images: Images, *, dtype: torch.dtype = torch.float32, device: str = "cpu"
) -> Classifier:
    """The classifier of a model, tried on the first images."""
    found = frozen(model, dtype=dtype, device=device)
    if not isinstance(found, Classifier):
        raise Refused(
            f"Model {model.name} of kind {model.kind} is no classifier; it can be a part of one."
        )
    found.reseed(torch.Generator().manual_seed(0))
    spec = model.spec()
    check_scores(found, probe(images).to(device), kind=model.kind, classes=spec.classes)
    return found


def frozen(model: Model, *, dtype: torch.dtype, device: str) -> Any:
    """A model as its kind freezes it for inference; a plain net unless the kind says otherwise."""
    spec, module = model.spec(), kinds.load("models", model.kind)
    net = weights.load(model.weights, spec) if model.weights else None
    if not hasattr(module, "freeze"):
        if net is None:
            raise Refused(f"Model {model.name} has no weights; train it, or name a file of them.")
        return Plain(net, dtype=dtype, device=device)
    parts = {role: frozen(part, dtype=dtype, device=device) for role, part in used(model).items()}
    with blamed("Model", model.kind):
        return module.freeze(net, parts, spec=spec, dtype=dtype, device=device)


def used(model: Model) -> dict[str, Model]:
    """The parts that a model answers with; others served its training alone."""
    roles = literal("models", model.kind, "PARTS", {})
    return {role: part for role, part in model.parts.items() if role in roles}


def probe(images: Images) -> Tensor:
    """The images on which a classifier is tried."""
    return to_float(torch.from_numpy(images.images[:PROBE]))


def check_scores(model: nn.Module, x: Tensor, *, kind: str, classes: int) -> None:
    """Refuse a module that does not give one finite score per class for images x [n,c,h,w]."""
    with blamed("Net", kind), torch.no_grad(), torch.random.fork_rng(devices=[]):
        z = model(x)
        if not isinstance(z, Tensor) or not z.is_floating_point() or z.shape != (len(x), classes):
            raise Broken(
                f"logits must be float [{len(x)}, {classes}], one per class of the data set, not "
                f"{form(z)}."
            )
        if not z.isfinite().all():
            raise Broken(
                "it gives NaN or infinite logits, before any training or attack; look for the "
                "layer that makes them."
            )
