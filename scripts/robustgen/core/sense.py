"""What a well-formed configuration may still get wrong: settings that contradict each other."""

from __future__ import annotations

from collections.abc import Iterator

from robustgen.core.plan import constant, declared
from robustgen.core.rows import CLEAN
from robustgen.core.schema import Output, Study

SELECTED = {  # sort of files -> the lists of a table or figure that select them
    "scores": ("models", "attacks"),
    "natural": ("models",),
    "detect": ("models", "attacks", "detectors"),
    "gradients": ("models",),
    "landscape": ("models", "attacks"),
    "history": ("models",),
    "data": ("datasets",),
}


def contradictions(study: Study) -> Iterator[str]:
    """A sentence for each of them."""
    yield from _splits(study)
    yield from _objectives(study)
    yield from _starts(study)
    yield from _names(study)
    yield from _sources(study)
    yield from _selections(study)
    yield from _detectors(study)


def _splits(study: Study) -> Iterator[str]:
    for name, dataset in study.datasets.items():
        if dataset.evaluate.validation > dataset.validation:
            asked, held = dataset.evaluate.validation, dataset.validation
            yield f"datasets.{name}.evaluate.validation: {asked} images are asked for, but only {held} are held out."


def _objectives(study: Study) -> Iterator[str]:
    needed = {"adversarial": "eps", "gaussian": "sigma"}
    for name, recipe in study.recipes.items():
        key = needed.get(recipe.objective.kind)
        if key and not getattr(recipe.objective, key):
            yield f"recipes.{name}.objective.{key}: must be above 0 where kind is {recipe.objective.kind}."


def _starts(study: Study) -> Iterator[str]:
    for name in study.models:
        seen, at = {name}, study.models[name].start_from
        while at and at not in seen:
            seen.add(at)
            at = study.models[at].start_from
        if at == name:
            yield f"models.{name}.start_from: leads back to {name} itself."


def _names(study: Study) -> Iterator[str]:
    if CLEAN in study.attacks:
        yield f"attacks.{CLEAN}: the name stands for natural images; choose another."
    for name in study.tables.keys() & study.figures.keys():
        yield f"figures.{name}: a table bears the same name; choose another."


def _sources(study: Study) -> Iterator[str]:
    for name, dataset in study.datasets.items():
        known = (*constant("data", dataset.kind, "SOURCES"), *constant("data", dataset.kind, "FURTHER"))
        asked = dataset.options.get("sources", known)
        if not isinstance(asked, list | tuple) or not set(asked) <= set(known) or (known and not asked):
            yield f"datasets.{name}.options.sources: must be a list out of {', '.join(known) or 'nothing'}, not {asked!r}."


def _selections(study: Study) -> Iterator[str]:
    for place, entries in (("tables", study.tables), ("figures", study.figures)):
        for name in (name for name in study.outputs if name in entries):
            for part in _unselected(place, entries[name], name):
                yield f"{place}.{name}.{part}: is empty, but the entry stands in outputs; name what it is to show."


def _unselected(place: str, entry: Output, name: str) -> list[str]:
    parts = {part for sort in declared(place, entry.kind or name) for part in SELECTED[sort]}
    return sorted(part for part in parts if not getattr(entry, part))


def _detectors(study: Study) -> Iterator[str]:
    for name, detector in study.detectors.items():
        for asked in constant("detect", detector.kind, "ASKS"):
            if getattr(detector, asked) is None:
                yield f"detectors.{name}.{asked}: is empty; a detector of kind {detector.kind} learns from that attack."
        k, batch = detector.options.get("k"), detector.options.get("batch")
        if detector.kind == "lid" and k and batch and k >= batch:
            yield f"detectors.{name}.options.k: must be below batch ({batch}), for the nearest neighbour is dropped, not {k}."
