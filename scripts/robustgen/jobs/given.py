"""What a Python call gives for an evaluation, checked and brought into the form of a study: the
classifier, images, and entries of attacks and detectors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from robustgen.attacks.cells import Sweep
from robustgen.attacks.takes import EPS, STEPS, taken
from robustgen.core.literals import constant, module
from robustgen.core.options import filled
from robustgen.core.refusal import Refused
from robustgen.core.rows import CLEAN
from robustgen.core.words import nearest
from robustgen.data.store import Images, check_images, to_float
from robustgen.detect.rows import filled as filled_detector
from robustgen.nets.classifier import Classifier, Plain, as_classifier

Entry = Mapping[str, Any]  # of a configuration

ATTACK = ("kind", "norm", "sweep", "options", "view", "images")
DETECTOR = ("kind", "fpr", "options")
TOLD = ("clean", "place", "stages")  # what an attack may need beside its options
FPR = 0.05  # of a detector that names none
PROBE = 2  # images on which a classifier is tried


@dataclass(frozen=True)
class Attack:
    """An attack's entry with all its settings."""

    sweep: Sweep
    view: dict[str, Any]  # settings of inference under attack
    images: int | None  # images of each split; all where none

    def first(self, part: Images) -> Images:
        """The images of a split that are attacked."""
        return part.at(slice(self.images))


def classifier_of(function: Callable[[Tensor], Tensor], *, device: str) -> Classifier:
    """A classifier as it is; of a plain module a copy, made ready as a study does it with nets."""
    if isinstance(function, nn.Module) and not isinstance(function, Classifier):
        return Plain(nn.Sequential(nn.Identity(), function), device=device)
    return as_classifier(function)


def classes_of(model: Classifier, x: Any, *, device: str) -> tuple[str, ...]:
    """Names of as many classes as the classifier has scores for images x."""
    images = _floats(x)[:PROBE]
    with torch.no_grad():
        z = model(images.to(device))
    if z.ndim != 2 or len(z) != len(images):
        raise Refused(
            "A classifier gives scores [n,K] for images [n,c,h,w]; this one gives "
            f"{tuple(z.shape)} for {len(images)} images."
        )
    return tuple(f"class {k}" for k in range(z.shape[1]))


def images_of(name: str, x: Any, y: Any, *, names: tuple[str, ...]) -> Images:
    """Images and labels as a split of that name; their places are 0, 1, ..."""
    images, labels = _floats(x), torch.as_tensor(y).cpu()
    if labels.shape != (len(images),) or labels.is_floating_point():
        raise Refused(
            f"The {len(images)} {name} images need a label each, whole numbers [{len(images)}], "
            f"not {labels.dtype} of shape {tuple(labels.shape)}."
        )
    if not (labels.min() >= 0 and labels.max() < len(names)):
        raise Refused(
            f"The classifier has {len(names)} scores, so that labels are 0 to {len(names) - 1}; "
            f"{name} labels go from {int(labels.min())} to {int(labels.max())}."
        )
    return Images(images.numpy(), labels.long().numpy(), np.arange(len(labels)), names)


def attack_of(name: str, given: Entry) -> Attack:
    """The attack of an entry of that name."""
    if name == CLEAN:
        raise Refused(f"`{CLEAN}` is the name of unattacked images; call the attack otherwise.")
    _check_keys(f"Attack {name}", given, ATTACK)
    kind, options = given["kind"], given.get("options", {})
    if studied := set(constant("attacks", kind, "NEEDS")) - set(TOLD):
        raise Refused(
            f"Attack {name} of kind {kind} must be told what is {', '.join(studied)}, which only "
            "the files of a study hold; run it in a study."
        )
    swept = {axis: _several(axis, values) for axis, values in given.get("sweep", {}).items()}
    uses = taken(kind, filled("attacks", kind, options))
    if uses and STEPS in uses.names and STEPS not in swept:
        raise Refused(f"Attack {name} takes steps; name them in its sweep, as steps: [40].")
    entry = {"kind": kind, "norm": given.get("norm", "linf"), "sweep": swept, "options": options}
    return Attack(Sweep.of(entry), dict(given.get("view", {})), given.get("images"))


def detector_of(name: str, given: Entry, model: Classifier, x: Tensor) -> dict[str, Any]:
    """The settings of a detector, which can look into the classifier at images x."""
    _check_keys(f"Detector {name}", given, DETECTOR)
    entry = filled_detector(name, {"fpr": FPR, **given})
    if measured_with(entry):
        shown = model.look(x)
        asked = constant("detectors", entry["kind"], "LOOKS_AT")
        net = getattr(model, "net", None)
        lacking = [part for part in asked if part not in shown and not hasattr(net, part)]
        if lacking:
            raise Refused(
                f"Detector {name} looks at {', '.join(lacking)}, which this classifier does not "
                "show; give its module the methods and layers that docs/your-own.md tells of "
                "nets, or leave the detector out."
            )
    return entry


def measured_with(entry: Entry) -> bool:
    """Whether a detector has a measure of its own."""
    found = module("detectors", entry["kind"])
    return found is not None and "measure" in found.names


def measured_by(entry: Entry) -> dict[str, Any]:
    """The options of a detector that its measure is handed."""
    options = entry["options"]
    names = constant("detectors", entry["kind"], "MEASURED_BY") or tuple(options)
    return {name: options[name] for name in names if name in options}


def _floats(x: Any) -> Tensor:
    """Images float [n,c,h,w] in [0,1] on the CPU; bytes are divided by 255."""
    images = torch.as_tensor(x).detach().cpu()
    images = to_float(images) if images.dtype == torch.uint8 else images
    check_images(images)
    return images.float()


def _several(axis: str, values: Any) -> list[Any]:
    """The values of an axis as a list; `unbounded` is a radius without a bound."""
    several = list(values) if isinstance(values, list | tuple) else [values]
    return [inf if axis == EPS and value == "unbounded" else value for value in several]


def _check_keys(what: str, given: Entry, keys: tuple[str, ...]) -> None:
    if "kind" not in given:
        raise Refused(f"{what} needs a `kind`.")
    if unknown := [key for key in given if key not in keys]:
        raise Refused(
            f"{what} is given as {', '.join(keys)}, not {unknown[0]!r}{nearest(unknown[0], keys)}"
        )
