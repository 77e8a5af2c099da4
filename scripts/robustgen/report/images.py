"""The image browser: test images of each model, clean and attacked side by side, with prediction,
energy, and the detectors that flag them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from robustgen.report.kept import Kept, kept
from robustgen.report.seen import Judged, Row, Rows
from robustgen.report.strips import strips, uri, width
from robustgen.report.verdicts import setting
from robustgen.study.facts import facts
from robustgen.study.flow import Job
from robustgen.study.plan import Plan

MOST = 24  # images of a model and attack
OTHERS = 12  # of data that were downloaded, which may not be ours to give away
RULES = ("attack", "score", "detect")  # of the jobs that a group rests on


@dataclass(frozen=True)
class Seen:
    """What a model and its detectors make of an image."""

    prediction: str
    right: bool
    energy: str  # empty where it was not measured
    flags: tuple[str, ...]  # detectors that flag it


@dataclass(frozen=True)
class Pair:
    """A clean image and its attacked version; `place` is that in the strips, `label` the class."""

    place: int
    label: str
    clean: Seen
    attacked: Seen


@dataclass(frozen=True)
class Group:
    """The pairs of a model and an attack, with the names of their strips."""

    model: str
    dataset: str
    attack: str
    setting: str
    pairs: list[Pair]
    detectors: tuple[str, ...]
    again: bool  # whether the images were attacked again for a measure
    stale: bool
    clean: str = ""
    attacked: str = ""

    @property
    def fooled(self) -> int:
        """How many attacked images the model errs on."""
        return sum(not pair.attacked.right for pair in self.pairs)

    @property
    def flagged(self) -> dict[str, int]:
        """How many attacked images each detector flags."""
        flags = [pair.attacked.flags for pair in self.pairs]
        return {name: sum(name in one for one in flags) for name in self.detectors}


def browser(plan: Plan, jobs: list[Job], stale: dict[Job, str]) -> dict[str, Any]:
    """The groups of the browser, and the strips that they show by name, as data URIs."""
    rows, old = Rows(plan), {job.name for job in stale if job.rule in RULES}
    shown = [_cut(plan, one) for one in kept(plan, jobs, MOST)]
    told = [(one, _group(plan, one, rows, old)) for one in shown]
    told = [(one, group) for one, group in told if group.pairs]  # without rows nothing can be told
    cleans = _cleans([(group.dataset, one) for one, group in told])
    names = {key: f"c{k}" for k, key in enumerate(cleans)}
    uris = dict(zip(names.values(), map(uri, strips(list(cleans.values()))), strict=True))
    groups = []
    attacked = strips([one.images for one, _ in told])
    for k, (png, (one, group)) in enumerate(zip(attacked, told, strict=True)):
        uris[f"a{k}"] = uri(png)
        count = width(png) // one.images.shape[-1]
        pairs = [pair for pair in group.pairs if pair.place < count]
        clean = names[_key(group.dataset, one)]
        groups.append(replace(group, pairs=pairs, clean=clean, attacked=f"a{k}"))
    return {"groups": groups, "strips": uris}


def _cut(plan: Plan, one: Kept) -> Kept:
    """The images of which the page may show so many."""
    if not plan.sources(plan.study.models[one.model].dataset):
        return one
    arrays = {name: getattr(one, name)[:OTHERS] for name in ("images", "clean", "index")}
    predictions = None if one.predictions is None else one.predictions[:, :OTHERS]
    return replace(one, **arrays, predictions=predictions)


def _cleans(found: list[tuple[str, Kept]]) -> dict[tuple[str, int], np.ndarray]:
    """The clean images of each data set, as many as any attack has."""
    stacks: dict[tuple[str, int], np.ndarray] = {}
    for dataset, one in found:
        key = _key(dataset, one)
        if len(one.clean) > len(stacks.get(key, ())):
            stacks[key] = one.clean
    return stacks


def _key(dataset: str, one: Kept) -> tuple[str, int]:
    """What images share a strip: those of a data set that begin with the same one."""
    return dataset, int(one.index[0])


def _group(plan: Plan, one: Kept, rows: Rows, old: set[str]) -> Group:
    """The pairs of a model and an attack that rows tell something of."""
    dataset = plan.study.models[one.model].dataset
    classes = facts(Path(plan.dataset(dataset)) / "pool.json").get("names", [])
    clean, attacked = rows.judged(one)
    if one.predictions is not None:
        clean, attacked = (_predicted(clean.rows, one, line) for line in one.predictions)
    pairs = [
        Pair(
            place,
            _class(classes, clean.rows[k].label),
            _seen(clean, k, classes),
            _seen(attacked, k, classes),
        )
        for place, k in enumerate(map(int, one.index))
        if k in clean.rows and k in attacked.rows
    ]
    said = setting(one.attack, one.cell, plan.study)
    stale = f"{one.model}/seed{one.seed}/{one.attack}" in old
    flags, again = tuple(attacked.flagged), one.predictions is not None
    return Group(one.model, dataset, one.attack, said, pairs, flags, again, stale)


def _predicted(clean: dict[int, Row], one: Kept, guesses: np.ndarray) -> Judged:
    """What is known of images that a measure kept with the predictions [n] alone."""
    places = zip(map(int, one.index), map(int, guesses), strict=True)
    labels = {k: row.label for k, row in clean.items()}
    return Judged(
        {k: Row(labels[k], guess, guess == labels[k], None) for k, guess in places if k in labels}
    )


def _seen(known: Judged, place: int, classes: list[str]) -> Seen:
    row = known.rows[place]
    energy = "" if row.energy is None else f"{row.energy:.1f}"
    flags = tuple(name for name, places in known.flagged.items() if place in places)
    return Seen(_class(classes, row.prediction), row.right, energy, flags)


def _class(names: list[str], k: int) -> str:
    """The name of a class; its number where the data set has no name for it."""
    return str(names[k]) if k < len(names) else str(k)
