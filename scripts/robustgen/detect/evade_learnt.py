"""Attacks that know a detector which learns from attacks, such as KD+BU or LID, and lower its own
statistic; see robustgen.detect.switching.

The attacker fits the detector as the defender does: by its `sound`, on the same rows of validation
images. The statistic is differentiated through the detector's `columns`, which is its measure in
tensors, and the weights of its logistic regression.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from robustgen.attacks.accepted import accepted
from robustgen.attacks.types import Attacked, Spec
from robustgen.core import kinds
from robustgen.core.literals import constant
from robustgen.core.refusal import Refused
from robustgen.data.store import check_images, read_split
from robustgen.detect.rows import filled, read, validation
from robustgen.detect.supervised import LogOdds
from robustgen.detect.switching import Detector, Seen, attacked
from robustgen.measures.types import Look, Reference
from robustgen.nets.classifier import Classifier, as_classifier

TAKES = ("linf", "l2", "eps", "steps")
REPEATS = ("restarts", "eot")  # options that multiply its passes
# what the detector is fitted on, a map of plain values under options["learnt"]:
# settings   the detector's name, kind, fpr and options
# rows       {attack: {"scores": path, "measured": path}} of `clean` and of the attacks that its
#            options name: score rows, and rows of its measure
# data       folder of the model's data set
# reference  number of training images with which the measure compares
# seed       of the generator that the measure is given
# batch      images that a net sees at a time
NEEDS = ("learnt",)
PRECISION = "fp32"  # that of the detector's own looks
OPTIONS = {
    "detector": {"type": "detector", "means": "The detector that the attack knows."},
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
    """The best point of a trajectory of `spec.steps` steps, and of several restarts the best; the
    passes by which the detector is fitted are not counted.
    """
    check_images(images)
    told = {name: value for name, value in spec.options.items() if name not in NEEDS}
    options = accepted("evade_learnt", replace(spec, options=told)).options
    model = as_classifier(classifier)
    known = detector(model, spec, aim=options["aim"], device=str(images.device))
    before, n = model.passes.copy(), len(images)
    found = attacked(known, images, labels, spec=spec, options=options, generator=generator)
    spent = model.passes - before
    return Attacked(found, spent.forwards / n, spent.backwards / n)


def detector(classifier: Classifier, spec: Spec, *, aim: float, device: str) -> Detector:
    """The detector as the attack knows it."""
    if "learnt" not in spec.options:
        raise Refused(
            "Attacks of kind evade_learnt ask for what their detector is fitted on, in "
            "options['learnt']; hand it in."
        )
    if getattr(classifier, "dtype", torch.float32) != torch.float32:
        raise Refused(
            "Attacks of kind evade_learnt look into the net as the detector does, in fp32; set "
            "their precision to fp32."
        )
    statistic, clean = _fitted(classifier, json.dumps(spec.options["learnt"]), device)

    def see(x: Tensor) -> Seen:
        look = classifier.look(x)
        return Seen(look["scores"], statistic(look))

    return Detector(see, float(np.quantile(clean, 1 - aim)))


@lru_cache(maxsize=1)
def _fitted(
    classifier: Classifier, told: str, device: str
) -> tuple[Callable[[Look], Tensor], np.ndarray]:
    """(the detector's statistic of looks, that of the clean images that chose its threshold); the
    same for all batches of a job.
    """
    learnt = json.loads(told)
    settings = filled(learnt["settings"]["name"], learnt["settings"])
    module = kinds.load("detectors", settings["kind"])
    rows = {
        name: read(files["scores"], {settings["name"]: files["measured"]})
        for name, files in learnt["rows"].items()
    }
    known = validation(rows["clean"], rows, settings)
    (fit,) = module.sound(known, settings=settings)
    if not hasattr(module, "columns") or not isinstance(fit.statistic, LogOdds):
        raise Refused(
            f"Detector {settings['name']} of kind {settings['kind']} has no `columns`, through "
            "which its statistic could be differentiated; name a detector that has them."
        )
    images = read_split(Path(learnt["data"]), "train", learnt["reference"])
    columns = module.columns(
        classifier,
        Reference(classifier, images, learnt["batch"], device),
        options=_measured_by(settings),
        generator=torch.Generator().manual_seed(learnt["seed"]),
    )
    clean = fit.statistic(known.clean.iloc[1::2])
    return log_odds(columns, fit.statistic, settings["name"], device), clean


def log_odds(
    columns: Callable[[Look], dict[str, Tensor]], of: LogOdds, name: str, device: str
) -> Callable[[Look], Tensor]:
    """The log-odds [n] of looks, which can be differentiated, in float64."""
    weights, bias = of.linear()
    w = torch.from_numpy(weights).to(device)
    names = [column.removeprefix(f"{name}.") for column in of.columns]

    def statistic(look: Look) -> Tensor:
        found = columns(look)
        return torch.stack([found[column].double() for column in names], dim=1) @ w + bias

    return statistic


def _measured_by(settings: dict[str, Any]) -> dict[str, Any]:
    """The options that the detector's measure uses."""
    names = constant("detectors", settings["kind"], "MEASURED_BY")
    return {name: settings["options"][name] for name in names}
