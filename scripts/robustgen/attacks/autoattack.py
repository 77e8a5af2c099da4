"""AutoAttack (the package pyautoattack, by its authors) behind the project's signature;
`options.version` says which.

`standard` (APGD-CE, targeted APGD and FAB, Square), `plus` and `rand` are fixed protocols of 100
iterations and 5000 queries: `steps` is not used, and restarts and eot belong to the protocol.
`custom` runs the members that `options.attacks` names, with `steps` iterations of APGD and FAB, the
Spec's restarts and eot, and `options.n_queries` of Square. Images that are misclassified already
and images that withstand come back clean: the protocol measures robust accuracy.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, get_args

import torch
from torch import Tensor, nn

from robustgen.attacks.library import Counter, budget, judged, sealed, untargeted
from robustgen.attacks.types import Attacked, Spec
from robustgen.core.refusal import Refused
from robustgen.data.store import check_images

NORMS = {"linf": "Linf", "l2": "L2"}
VERSIONS = ("standard", "rand", "plus", "custom")
FEWEST = {"apgd-dlr": 3, "apgd-t": 4}  # classes that the loss of a member ranks
# shares of APGD's iterations
CHECKPOINTS = {"n_iter_2": 0.22, "n_iter_min": 0.06, "size_decr": 0.03}
TAKES = {  # what each version uses of an entry
    "version": {
        "standard": ("linf", "l2", "eps"),
        "rand": ("linf", "l2", "eps"),
        "plus": ("linf", "l2", "eps"),
        "custom": ("linf", "l2", "eps", "steps", "restarts", "eot"),
    },
}
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
}


def attack(
    classifier: nn.Module, images: Tensor, labels: Tensor, *, spec: Spec, generator: torch.Generator
) -> Attacked:
    """The protocol's images from a seed drawn from `generator`; counts are batch totals over n, its
    checks included.
    """
    check_images(images)
    _check(spec)
    with sealed(classifier, generator) as counter, _quiet():
        runner = _build(counter, spec, images)
        x = runner.run_standard_evaluation(images, labels, batch_size=len(images))[0]
        return judged(counter, images, labels, x)


def _check(spec: Spec) -> None:
    untargeted("AutoAttack", spec)
    budget("AutoAttack", spec)
    version = spec.options.get("version", "standard")
    if version not in VERSIONS:
        raise Refused(
            f"AutoAttack has no version {version!r}; options.version may be {', '.join(VERSIONS)}."
        )
    for wrong in sorted(set(spec.options) - {"version", "attacks", "n_queries"}):
        raise Refused(
            f"AutoAttack takes no option {wrong!r}; it takes version and, for custom, attacks "
            "and n_queries."
        )
    if version == "custom":
        _check_members(spec.options.get("attacks"))
    elif len(spec.options) > ("version" in spec.options) or spec.restarts != 1 or spec.eot != 1:
        raise Refused(
            f"AutoAttack {version} is a fixed protocol; attacks, n_queries, restarts and eot "
            "are for version custom."
        )


def _check_members(members: Any) -> None:
    from pyautoattack.autoattack import AttackName

    known = get_args(AttackName)
    if not isinstance(members, list | tuple) or not members or set(members) - set(known):
        raise Refused(
            f"AutoAttack custom needs options.attacks, a list of {', '.join(known)}; it is "
            f"{members!r}."
        )


def _build(counter: Counter, spec: Spec, images: Tensor) -> Any:
    from pyautoattack.autoattack import AutoAttack

    version, members = spec.options.get("version", "standard"), spec.options.get("attacks")
    seed, norm = int(torch.randint(2**31, ())), NORMS[spec.norm]
    given: dict[str, Any] = {"eps": spec.eps, "norm": norm, "seed": seed, "device": images.device}
    runner = AutoAttack(
        counter, version=version, attacks=list(members) if members else None, **given
    )
    classes = counter.classes(images)
    _enough(classes, runner.attacks_to_run)
    runner.apgd_targeted.n_target_classes = runner.fab.n_target_classes = min(9, classes - 1)
    if version == "custom":
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
        apgd.eot_iter = spec.eot
        for name, share in CHECKPOINTS.items():
            setattr(apgd, name, max(int(share * spec.steps), 1))
    runner.fab.n_iter = spec.steps
    runner.square.n_queries = spec.options.get("n_queries", runner.square.n_queries)
    for member in (runner.apgd, runner.apgd_targeted, runner.fab, runner.square):
        member.n_restarts = spec.restarts


@contextmanager
def _quiet() -> Iterator[None]:
    """Only the library's warnings are logged; the tracing function that its check of the classifier
    drops is put back.
    """
    logger, trace = logging.getLogger("auto-attack"), sys.gettrace()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
        sys.settrace(trace)
