"""Evaluation in one call, without a study: attacks and detectors on any classifier.

The rows are those that the jobs of a study write for the same images, settings and seeds.
`robustgen.stats.detection.summarise(it.statistics, it.thresholds)` gives the rates of the
detectors with intervals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from robustgen.attacks.cells import Sweep
from robustgen.core.literals import constant
from robustgen.core.progress import progress
from robustgen.core.refusal import Refused
from robustgen.core.rows import CLEAN, averaged, joined, with_axes
from robustgen.core.seeds import generator
from robustgen.data.store import Images
from robustgen.detect.rows import beside
from robustgen.jobs import attack, detect, measure, score
from robustgen.jobs.given import (
    Attack,
    Entry,
    attack_of,
    classes_of,
    classifier_of,
    detector_of,
    images_of,
    measured_by,
    measured_with,
)
from robustgen.jobs.inputs import Attacked, Version, clean_versions
from robustgen.measures.types import Reference
from robustgen.nets import device as devices
from robustgen.nets.classifier import Classifier

Labelled = tuple[Any, Any]  # images float [n,c,h,w] in [0,1], labels [n]; tensors or arrays
Rows = dict[str, pd.DataFrame]  # attack -> rows


@dataclass(frozen=True)
class Evaluation:
    """What was measured: rows as a study writes them, and the attacked test images."""

    scores: pd.DataFrame  # one row per image and cell; clean images first
    statistics: pd.DataFrame  # one row per test image, cell and detector
    thresholds: pd.DataFrame  # one row per threshold, or the reason why there is none
    images: dict[str, list[Version]]  # attack -> its cells, each with images [n,c,h,w]


@dataclass(frozen=True)
class Setting:
    """The classifier and the settings that all parts of an evaluation share."""

    model: Classifier
    dataset: str
    name: str
    draws: int
    study_seed: int
    seed: int
    batch: int
    device: str

    def identity(self, attack: str) -> dict[str, Any]:
        """The columns that every row begins with."""
        return {"dataset": self.dataset, "model": self.name, "seed": self.seed, "attack": attack}

    def spans(self, part: Images) -> list[slice]:
        """The batches of a split."""
        return [slice(at, at + self.batch) for at in range(0, len(part), self.batch)]


def evaluate(
    classifier: Callable[[Tensor], Tensor],
    images: Any,
    labels: Any,
    *,
    validation: Labelled,
    reference: Labelled | None = None,
    attacks: Mapping[str, Entry] | None = None,
    detectors: Mapping[str, Entry] | None = None,
    dataset: str = "data",
    model: str = "model",
    draws: int = 5,
    study_seed: int = 0,
    seed: int = 0,
    batch: int = 250,
    device: str = "auto",
) -> Evaluation:
    """Score clean and attacked images, and judge them by detectors.

    `classifier` maps images float [n,c,h,w] in [0,1] to scores [n,K]; of a module a copy in
    evaluation mode is used. `images` and `labels` are the test split. Thresholds are chosen on
    `validation`; a detector that compares with training images takes them from `reference`.
    `attacks` and `detectors` are entries by name, in the form of a configuration. `dataset` and
    `model` are names in the rows. All is computed in fp32.
    """
    used = devices.use(device=device, threads=torch.get_num_threads())
    ready = classifier_of(classifier, device=used)
    setting = Setting(ready, dataset, model, draws, study_seed, seed, batch, used)
    names = classes_of(ready, images, device=used)
    given = {"validation": validation, "test": (images, labels)}
    parts = {split: images_of(split, *both, names=names) for split, both in given.items()}
    sweeps = {name: attack_of(name, entry) for name, entry in (attacks or {}).items()}
    judges = _judges(setting, detectors or {}, parts["test"])
    made, scores = _scored(setting, sweeps, parts)
    rows = {name: averaged(frame) for name, frame in scores.items()}
    for name in (name for name, entry in judges.items() if measured_with(entry)):
        compared = _reference(setting, name, reference, names)
        rows = _measured(setting, judges[name], made, rows, compared)
    statistics, thresholds = _detected(rows, sweeps, judges)
    return Evaluation(
        scores=joined(list(scores.values())),
        statistics=statistics,
        thresholds=thresholds,
        images={name: made[name].versions["test"] for name in sweeps},
    )


def _judges(
    setting: Setting, detectors: Mapping[str, Entry], test: Images
) -> dict[str, dict[str, Any]]:
    """The entries of detectors, checked on two test images."""
    probe = test.tensors()[0][:2].to(setting.device)
    return {
        name: detector_of(name, entry, setting.model, probe) for name, entry in detectors.items()
    }


def _scored(
    setting: Setting, sweeps: Mapping[str, Attack], parts: dict[str, Images]
) -> tuple[dict[str, Attacked], Rows]:
    """The clean images and those of each attack, and their score rows, by attack."""
    made = {CLEAN: Attacked(parts, clean_versions(parts), [])}
    scores = {CLEAN: _scores(setting, CLEAN, made[CLEAN])}
    for name, one in sweeps.items():
        made[name] = _attacked(setting, name, one, parts, scores[CLEAN])
        scores[name] = _scores(setting, name, made[name])
    return made, scores


def _detected(
    rows: Rows, sweeps: Mapping[str, Attack], judges: dict[str, dict[str, Any]]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The statistics and the thresholds of all detectors on all attacks."""
    pairs = [detect.run(rows[CLEAN], rows[name], rows, entries=judges) for name in sweeps if judges]
    return joined([statistics for statistics, _ in pairs]), joined([chosen for _, chosen in pairs])


def _attacked(
    setting: Setting, name: str, one: Attack, parts: dict[str, Images], clean: pd.DataFrame
) -> Attacked:
    """The images of each split as an attack leaves them."""
    sweep = one.sweep
    if "clean" in constant("attacks", sweep.kind, "NEEDS"):
        sweep = sweep.handed(clean=attack.known(averaged(clean)))
    model = setting.model.view(**one.view) if one.view else setting.model
    chosen = {split: one.first(part) for split, part in parts.items()}
    versions = {
        split: _versions(setting, model, sweep, split, part, what=f"{name}, {split} images")
        for split, part in chosen.items()
    }
    return Attacked(chosen, versions, sweep.axes())


def _versions(
    setting: Setting, model: Classifier, sweep: Sweep, split: str, part: Images, *, what: str
) -> list[Version]:
    """The cells of an attack on the images of a split, batch by batch."""
    x, y = part.tensors()
    spans, cells = setting.spans(part), sweep.cells()
    images: list[list[np.ndarray]] = [[] for _ in cells]
    counts: list[list[np.ndarray]] = [[] for _ in cells]
    warnings: list[list[str | None]] = [[] for _ in cells]
    for span in progress(spans, total=len(spans), what=f"{what}, batches"):
        results = attack.attacked(
            model,
            x[span].to(setting.device),
            y[span].to(setting.device),
            sweep=sweep,
            study_seed=setting.study_seed,
            seed=setting.seed,
            split=split,
            start=span.start,
        )
        for number, one in enumerate(results):
            images[number].append(one.images.detach().cpu().numpy())
            counts[number].append(np.tile([one.forwards, one.backwards], (len(one.images), 1)))
            warnings[number].append(one.warning)
    return [
        Version(cell, np.concatenate(x), np.concatenate(n), attack.joined(said))
        for cell, x, n, said in zip(cells, images, counts, warnings, strict=True)
    ]


def _scores(setting: Setting, name: str, made: Attacked) -> pd.DataFrame:
    """The score rows of clean images, or of those of an attack."""
    frames: list[pd.DataFrame] = []
    for split, part in made.parts.items():
        for version in made.versions[split]:
            z = np.concatenate(
                [_drawn(setting, split, part, version, span) for span in setting.spans(part)],
                axis=1,
            )
            axes = {**setting.identity(name), **version.cell, "split": split}
            drawn = setting.model.stochastic
            frames += score.frames(part, version, z, axes=axes, stochastic=drawn)
    return with_axes(pd.concat(frames, ignore_index=True), made.axes)


def _drawn(setting: Setting, split: str, part: Images, version: Version, span: slice) -> np.ndarray:
    """The scores [draws,n,K] of one batch."""
    return score.drawn(
        setting.model,
        score.images(part, version, span),
        draws=setting.draws,
        batch=setting.batch,
        device=setting.device,
        rng=score.batch_rng(setting.study_seed, seed=setting.seed, split=split, start=span.start),
    )


def _reference(
    setting: Setting, name: str, given: Labelled | None, names: tuple[str, ...]
) -> Reference:
    """The training images that a detector compares with."""
    if given is None:
        raise Refused(
            f"Detector {name} compares with training images; give some as reference=(images, "
            "labels)."
        )
    images = images_of("reference", *given, names=names)
    return Reference(setting.model, images, setting.batch, setting.device)


def _measured(
    setting: Setting, entry: dict[str, Any], made: dict[str, Attacked], rows: Rows, of: Reference
) -> Rows:
    """The rows with the columns of a detector's measure."""
    name, kind = entry["name"], entry["kind"]
    rng = partial(generator, setting.study_seed, seed=setting.seed)
    measured = {}
    for attack_name, images in made.items():
        # made anew for each attack, as each job of a study does, for a measure may draw as it goes
        measuring = measure.Measuring.of(
            name, kind, of, options=measured_by(entry), model=setting.name, rng=rng
        )
        chunks = measure.chunks(images, kind)
        done = {item: measuring.columns(images, item, chunk) for item, chunk in chunks.items()}
        columns = measure.identified(measure.frame(images, done), setting.identity(attack_name))
        columns = with_axes(columns, images.axes)
        measured[attack_name] = beside(rows[attack_name], columns, name, f"The measure of {name}")
    return measured
