"""Attacks that know a detector of what is unlike clean images (robustgen.measures.natural), fitted
as the defender fits it, on clean validation images; see robustgen.detect.switching.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from robustgen.attacks.accepted import accepted
from robustgen.attacks.types import Attacked, Spec
from robustgen.core.refusal import Refused
from robustgen.data.store import check_images
from robustgen.detect.switching import Detector, Seen, attacked
from robustgen.measures.natural import NAMES, STATISTICS, Columns, halves
from robustgen.measures.scores import label_free
from robustgen.nets.classifier import Classifier, as_classifier

TAKES = ("linf", "l2", "eps", "steps")
REPEATS = ("restarts", "eot")  # options that multiply its passes
# energies, largest scores and margins of clean validation images, under options["clean"]
NEEDS = ("clean",)
OPTIONS = {
    "detector": {
        "one_of": ("two_sided", "one_class"),
        "means": "The statistic that the attack knows: a band of the energy, or a density of "
        "energy, largest score and margin.",
    },
    "aim": {
        "type": "number",
        "above": 0,
        "below": 1,
        "default": 0.2,
        "means": "Share of clean images beyond the limit that the attack keeps: stricter than any "
        "detector's false positive rate.",
    },
    "step": {"type": "number", "above": 0, "default": None, "means": "Step size in pixel units."},
    "rel_step": {
        "type": "number",
        "above": 0,
        "default": None,
        "instead": "step",
        "means": "Step size in units of eps, in the place of step; 0.125 where neither is given.",
    },
    "restarts": {
        "type": "whole number",
        "least": 1,
        "default": 1,
        "means": "Random restarts; per image the best point of all is kept.",
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
        "means": "Gradients averaged per step, for randomised classifiers.",
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
    """The best point of a trajectory of `spec.steps` steps, and of several restarts the best."""
    check_images(images)
    options, clean = accepted("evade", spec).options, _clean(spec)
    known = _detector(as_classifier(classifier), clean, options["detector"], options["aim"])
    return Attacked(
        attacked(known, images, labels, spec=spec, options=options, generator=generator)
    )


def _clean(spec: Spec) -> Columns:
    """What the attack is told of clean images."""
    clean: Columns = spec.options.get("clean", {})
    if not set(NAMES) <= set(clean):
        raise Refused(
            f"Attacks of kind evade ask for {', '.join(NAMES)} of clean validation images in "
            "options['clean']; hand them in."
        )
    return clean


def _detector(classifier: Classifier, clean: Columns, name: str, aim: float) -> Detector:
    """The statistic of that name and its limit, fitted as the defender does it."""
    for_fit, for_limit = halves(clean)
    statistic = STATISTICS[name].fit(for_fit)

    def see(x: Tensor) -> Seen:
        z = classifier(x)
        columns = {key: value.double() for key, value in label_free(z).items()}
        return Seen(z, statistic(columns, torch))

    return Detector(see, float(np.quantile(statistic(for_limit), 1 - aim)))
