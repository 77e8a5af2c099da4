"""AutoAttack (the package pyautoattack, by its authors) behind the project's signature; option
`version` says which.

`standard` (APGD-CE, targeted APGD and FAB, Square), `plus` and `rand` are fixed protocols of 100
iterations and 5000 queries, and take no step counts. `custom` runs the members that the option
`attacks` names, with `steps` iterations of APGD and FAB, its own restarts and eot, and `n_queries`
of Square. Images that are misclassified already and images that withstand come back clean: the
protocol measures robust accuracy.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from robustgen.attacks.accepted import accepted
from robustgen.attacks.library import class_count, clipped, drawn, sealed
from robustgen.attacks.stages import directly, resume
from robustgen.attacks.types import Attacked, Spec
from robustgen.core.refusal import Refused
from robustgen.data.store import check_images
from robustgen.nets.classifier import Classifier

NORMS = {"linf": "Linf", "l2": "L2"}
FEWEST = {"apgd-dlr": 3, "apgd-t": 4}  # classes that the loss of a member ranks
# shares of APGD's iterations
CHECKPOINTS = {"n_iter_2": 0.22, "n_iter_min": 0.06, "size_decr": 0.03}
TAKES = {  # what each version uses of an entry
    "version": {
        "standard": ("linf", "l2", "eps"),
        "rand": ("linf", "l2", "eps"),
        "plus": ("linf", "l2", "eps"),
        "custom": ("linf", "l2", "eps", "steps"),
    },
}
NEEDS = ("stages",)  # by which a killed job goes on after the last member that ended
STEPS = {"standard": 100, "rand": 100, "plus": 100}  # of the fixed protocols
OPTIONS = {
    "version": {
        "one_of": ("standard", "rand", "plus", "custom"),
        "default": "standard",
        "means": "The authors' protocol; custom runs the members in `attacks`.",
    },
    "attacks": {
        "one_of": ("apgd-ce", "apgd-dlr", "fab", "square", "apgd-t", "fab-t"),
        "several": True,
        "only": {"version": ("custom",)},
        "means": "The members of version custom.",
    },
    "n_queries": {
        "type": "whole number",
        "least": 1,
        "default": 5000,
        "only": {"version": ("custom",)},
        "means": "Queries of square.",
    },
    "restarts": {
        "type": "whole number",
        "least": 1,
        "default": 1,
        "only": {"version": ("custom",)},
        "means": "Random restarts of each member.",
    },
    "eot": {
        "type": "whole number",
        "least": 1,
        "default": 1,
        "only": {"version": ("custom",)},
        "means": "Gradients averaged per step of apgd, for randomised classifiers.",
    },
}


def attack(
    classifier: Callable[[Tensor], Tensor],
    images: Tensor,
    labels: Tensor,
    *,
    spec: Spec,
    generator: torch.Generator,
) -> Attacked:
    """The protocol's images, from a seed drawn from `generator`."""
    check_images(images)
    spec = accepted("autoattack", spec)
    keep = spec.options.get("stages", directly)
    with sealed(classifier, generator) as model, _warnings() as said:
        runner = _build(model, spec, images)
        resume(runner, model, keep, f"{spec.eps:g}-{spec.steps}")
        x = runner.run_standard_evaluation(images, labels, batch_size=len(images))[0]
        return Attacked(clipped(x), warning=" ".join(dict.fromkeys(said)))


def _build(classifier: Classifier, spec: Spec, images: Tensor) -> Any:
    from pyautoattack.autoattack import AutoAttack

    members, norm = spec.options.get("attacks"), NORMS[spec.norm]
    given: dict[str, Any] = {"eps": spec.eps, "norm": norm, "device": images.device}
    runner = AutoAttack(
        classifier,
        version=spec.options["version"],
        attacks=list(members) if members else None,
        seed=drawn(),
        **given,
    )
    classes = class_count(classifier, images)
    _enough(classes, runner.attacks_to_run)
    runner.apgd_targeted.n_target_classes = runner.fab.n_target_classes = min(9, classes - 1)
    if spec.options["version"] == "custom":
        _customise(runner, spec)
    return runner


def _enough(classes: int, members: list[str]) -> None:
    for member in members:
        fewest = FEWEST.get(member, 2)
        if classes < fewest:
            raise Refused(
                f"{member} needs at least {fewest} classes, the classifier has {classes}; choose "
                "others in version custom."
            )


def _customise(runner: Any, spec: Spec) -> None:
    for apgd in (runner.apgd, runner.apgd_targeted):
        apgd.n_iter = apgd.n_iter_orig = spec.steps
        apgd.eot_iter = spec.options["eot"]
        for name, share in CHECKPOINTS.items():
            setattr(apgd, name, max(int(share * spec.steps), 1))
    runner.fab.n_iter = spec.steps
    runner.square.n_queries = spec.options["n_queries"]
    for member in (runner.apgd, runner.apgd_targeted, runner.fab, runner.square):
        member.n_restarts = spec.options["restarts"]


@contextmanager
def _warnings() -> Iterator[list[str]]:
    """The library's warnings as they come, which are logged too, as nothing else of it is; the
    tracing function that its check of the classifier drops is put back.
    """
    from pyautoattack import checks

    # the library counts a classifier's own gradients for good, and would warn of every later one
    checks.funcs.update(dict.fromkeys(checks.funcs, 0))
    logger, trace, said = logging.getLogger("auto-attack"), sys.gettrace(), list[str]()
    level, keeper = logger.level, logging.Handler(logging.WARNING)
    keeper.emit = lambda record: said.append(_sentence(record.getMessage()))  # type: ignore[method-assign]
    logger.setLevel(logging.WARNING)
    logger.addHandler(keeper)
    try:
        yield said
    finally:
        logger.removeHandler(keeper)
        logger.setLevel(level)
        sys.settrace(trace)


def _sentence(message: str) -> str:
    """A warning without the pointer to the library's own page."""
    return message.split(" See flags_doc.md")[0]
