"""The image browser: test images of each model, clean and attacked side by side, with prediction,
energy, and the detectors that flag them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from robustgen.report.kept import Kept, kept
from robustgen.report.seen import Judged, Row, judged
from robustgen.report.strips import strips, uri, width
from robustgen.study.facts import facts
from robustgen.study.flow import Job
from robustgen.study.plan import Plan
from robustgen.tables.cells import words

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
    clean: str
    attacked: str
    pairs: list[Pair]
    detectors: tuple[str, ...]
    again: bool  # whether the images were attacked again for a measure
    stale: bool

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
    found = [_cut(plan, one) for one in kept(plan, jobs, MOST)]
    cleans = _cleans(plan, found)
    names = {key: f"c{k}" for k, key in enumerate(cleans)}
    attacked = strips([one.images for one in found])
    uris = dict(zip(names.values(), map(uri, strips(list(cleans.values()))), strict=True))
    uris |= {f"a{k}": uri(png) for k, png in enumerate(attacked)}
    old = {job.name for job in stale if job.rule in RULES}
    groups = [
        _group(
            plan, one, width(png) // one.images.shape[-1], (names[_key(plan, one)], f"a{k}"), old
        )
        for k, (one, png) in enumerate(zip(found, attacked, strict=True))
    ]
    groups = [group for group in groups if group.pairs]  # without rows there is nothing to tell
    used = {name for group in groups for name in (group.clean, group.attacked)}
    return {"groups": groups, "strips": {name: one for name, one in uris.items() if name in used}}


def _cut(plan: Plan, one: Kept) -> Kept:
    """The images of which the page may show so many."""
    if not plan.sources(_dataset(plan, one)):
        return one
    arrays = {name: getattr(one, name)[:OTHERS] for name in ("images", "clean", "index")}
    predictions = None if one.predictions is None else one.predictions[:, :OTHERS]
    return replace(one, **arrays, predictions=predictions)


def _cleans(plan: Plan, found: list[Kept]) -> dict[tuple[str, int], np.ndarray]:
    """The clean images of each data set, as many as any attack has."""
    stacks: dict[tuple[str, int], np.ndarray] = {}
    for one in found:
        key = _key(plan, one)
        if key not in stacks or len(stacks[key]) < len(one.clean):
            stacks[key] = one.clean
    return stacks


def _key(plan: Plan, one: Kept) -> tuple[str, int]:
    """What images share a strip: those of a data set that begin with the same one."""
    return _dataset(plan, one), int(one.index[0])


def _dataset(plan: Plan, one: Kept) -> str:
    return plan.study.models[one.model].dataset


def _group(plan: Plan, one: Kept, count: int, names: tuple[str, str], old: set[str]) -> Group:
    """The pairs of a model and an attack, the first `count` of those that are kept."""
    dataset = _dataset(plan, one)
    classes = [str(name) for name in facts(Path(plan.dataset(dataset)) / "pool.json")["names"]]
    clean, attacked = judged(plan, one.model, one.seed, one.attack, one.cell)
    if one.predictions is not None:
        clean, attacked = (_predicted(clean.rows, one, line) for line in one.predictions)
    pairs = [
        Pair(
            place,
            classes[clean.rows[k].label],
            _seen(clean, k, classes),
            _seen(attacked, k, classes),
        )
        for place, k in enumerate(map(int, one.index[:count]))
        if k in clean.rows and k in attacked.rows
    ]
    told = words(one.cell, one.cell)
    stale = f"{one.model}/seed{one.seed}/{one.attack}" in old
    again = one.predictions is not None
    flags = tuple(attacked.flagged)
    return Group(one.model, dataset, one.attack, told, *names, pairs, flags, again, stale)


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
    return Seen(classes[row.prediction], row.right, energy, flags)
