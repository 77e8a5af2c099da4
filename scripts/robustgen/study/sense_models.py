"""What models and recipes may get wrong together: nets too deep for their images, training that
cannot work, blind detectors.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

from robustgen.core import kinds
from robustgen.core.literals import constant, literal
from robustgen.core.options import declared as declared_options
from robustgen.core.options import filled
from robustgen.study.schema import Detector, Model, Objective, Recipe, Study
from robustgen.study.sense_data import parts, too_large

FROM_DATA = ("channels", "classes", "size")  # what a net is told of its data set


def contradictions(study: Study) -> Iterator[str]:
    """A sentence for each of them."""
    for name, recipe in study.recipes.items():
        sizes = {
            study.datasets[model.dataset].size
            for model in study.models.values()
            if model.recipe == name
        }
        yield from (f"recipes.{name}.{said}" for said in _recipe(recipe, sizes))
    for name, model in study.models.items():
        yield from (f"models.{name}.{said}" for said in _model(study, name, model))
    found: dict[str, str] = {}
    for line in _looks(study):
        # several outputs and detectors may lack the same
        found.setdefault(line.split(": ")[0], line)
    yield from found.values()


def _recipe(recipe: Recipe, sizes: set[int]) -> Iterator[str]:
    falls = recipe.milestones
    if list(falls) != sorted(set(falls)):
        yield f"milestones: must rise from one to the next, not {list(falls)}."
    elif falls and falls[-1] >= recipe.epochs:
        yield (
            f"milestones: {falls[-1]} lies beyond the last of {recipe.epochs} epochs, which "
            "are counted from 0."
        )
    elif bool(falls) != (recipe.schedule == "multistep"):
        yield (
            f"milestones: {'are not used by' if falls else 'are missing for'} schedule "
            f"{recipe.schedule}."
        )
    if sizes and recipe.crop >= min(sizes):
        yield (
            f"crop: shifts by {recipe.crop} pixels leave nothing of images of {min(sizes)}; "
            "write a few pixels, such as 4."
        )
    yield from (f"objective.{said}" for said in _objective(recipe.objective))


def _weights(model: Model, *, asked: bool) -> Iterator[str]:
    """What is wrong with a model's recipe and weights; a file is looked for where an output asks
    for the model.
    """
    if model.recipe is None and model.weights is None:
        yield (
            "recipe: is missing; name one of `recipes`, or a file of trained weights under "
            "`weights`."
        )
    elif model.recipe is not None and model.weights is not None:
        yield "weights: are given beside a recipe; keep one of the two."
    elif model.weights is not None and model.start_from is not None:
        yield "start_from: is not used where `weights` are given; leave it out."
    elif model.weights is not None and asked and not Path(model.weights).is_file():
        yield (
            f"weights: there is no file {model.weights}; a relative path begins in the folder "
            f"of the run, {Path.cwd()}."
        )


def _objective(objective: Objective) -> Iterator[str]:
    for name in constant("objectives", objective.kind, "ASKS"):
        if not getattr(objective, name):
            yield f"{name}: must be above 0 where kind is {objective.kind}."
    taken = literal("objectives", objective.kind, "TAKES")
    for name, field in Objective.model_fields.items() if taken is not None else ():
        if name not in ("kind", *taken) and getattr(objective, name) != field.default:
            yield f"{name}: is not used by kind {objective.kind}; leave it out."
    if objective.norm == "linf" and (why := too_large(objective.eps)):
        yield f"eps: {why}"


def _model(study: Study, name: str, model: Model) -> Iterator[str]:
    yield from _weights(model, asked=any(name in entry.models for entry in study.shown()))
    seen, at = {name}, model.start_from
    while at and at not in seen:
        seen.add(at)
        at = study.models[at].start_from
    if at == name:
        yield f"start_from: leads back to {name} itself."
    for option in (option for option in FROM_DATA if option in model.options):
        yield f"options.{option}: comes from the data set; leave it out."
    yield from _side(model, study.datasets[model.dataset].size)


def _side(model: Model, size: int) -> Iterator[str]:
    """Whether the last stage's output is as large as the net needs it, by what its module declares
    in SIDE.
    """
    form, options = literal("models", model.net, "SIDE"), filled("models", model.net, model.options)
    known = declared_options("models", model.net) or {}
    if not form or not all(
        known[name].fits(options[name])
        for name in (form["divided_by"], form["halved_after_each_of"])
    ):
        return
    divisor = options[form["divided_by"]] * 2 ** (len(options[form["halved_after_each_of"]]) - 1)
    if -(-size // divisor) < form["least"]:
        least = (form["least"] - 1) * divisor + 1
        yield (
            f"dataset: images of {size} pixels are too small for {model.net} with these "
            f"options; it needs {least}."
        )


def _looks(study: Study) -> Iterator[str]:
    """What detectors that look into a net lack: layers that the net shows, dropout, images to
    compare with.
    """
    looking, maps = kinds.kinds("measures"), (study.tables, study.figures)
    shown = [entry for entries in maps for name, entry in entries.items() if name in study.outputs]
    for model, name in (pair for entry in shown for pair in product(entry.models, entry.detectors)):
        detector = study.detectors[name]
        if detector.kind in looking:
            yield from (
                f"models.{model}.{said}" for said in _blind(study.models[model], name, detector)
            )
            yield from _counts(study, study.models[model].dataset, name, detector)


def _blind(model: Model, name: str, detector: Detector) -> Iterator[str]:
    asked, there = (
        constant("measures", detector.kind, "LOOKS_AT"),
        constant("models", model.net, "SHOWS"),
    )
    if missing := [part for part in asked if part not in there]:
        hint = "give it those of nets/resnet.py and name them in SHOWS"
        yield (
            f"net: {model.net} shows no {', '.join(missing)}, by which detector {name} looks "
            f"into a net; {hint}."
        )
    elif "dropout" in asked and not filled("models", model.net, model.options).get("dropout", True):
        yield (
            f"options.dropout: is 0, but detector {name} measures uncertainty by dropout; "
            "write 0.2, say."
        )


def _counts(study: Study, dataset: str, name: str, detector: Detector) -> Iterator[str]:
    entry, path = study.datasets[dataset], f"datasets.{dataset}.evaluate"
    evaluate, train = entry.evaluate.model_dump(), parts(entry)[0]
    if train is not None and entry.validation < train < evaluate["reference"] + entry.validation:
        asked, left = evaluate["reference"], train - entry.validation
        yield (
            f"{path}.reference: {asked} images are asked for, but {left} are left to train on; "
            "lower it."
        )
    values: dict[str, Any] = filled("detectors", detector.kind, detector.options)
    for option, form in (declared_options("detectors", detector.kind) or {}).items():
        for part in (part for part in (*form.up_to, *form.below_each) if form.fits(values[option])):
            if values[option] > evaluate[part] - (part in form.below_each):
                bound = "must be below" if part in form.below_each else "must not be above"
                yield (
                    f"detectors.{name}.options.{option}: {bound} {path}.{part} "
                    f"({evaluate[part]}), not {values[option]}."
                )
