"""Defences in order of what the attacks of all runs leave of them, by data set, norm and budget."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from math import isfinite

from robustgen.core.rows import CLEAN
from robustgen.report.compare import Line
from robustgen.report.runs import Run
from robustgen.stats import defended, robust
from robustgen.stats.intervals import Interval

WORST = (defended.WORST, robust.WORST)
SHARES = ("adversarial", "accuracy")  # the column with the accuracy under a row's attack
NATURAL = "natural"  # the column with the clean accuracy, where it stands in every row


@dataclass(frozen=True)
class Accuracy:
    """The accuracy of a model under an attack, or on clean images."""

    run: Run
    dataset: str
    model: str
    norm: str
    eps: float
    attack: str
    share: Interval
    n: str  # images; empty where the table does not say it


@dataclass(frozen=True)
class Threat:
    """What an attacker may do."""

    dataset: str
    norm: str
    eps: float


@dataclass(frozen=True)
class Defence:
    """A model under all attacks of a run within one budget."""

    run: Run
    model: str
    attacks: int
    clean: Accuracy | None
    best: Accuracy | None  # the attack that leaves least, of those that do not know the defence
    adaptive: Accuracy | None  # of those that do
    worst: Accuracy | None  # all of them, image by image

    @property
    def judged(self) -> bool:
        """Whether an attack went through its inference, where it has one."""
        return self.adaptive is not None or self.run.inference(self.model) is None

    @property
    def least(self) -> float:
        """The least accuracy by any attack."""
        found = (self.best, self.adaptive, self.worst)
        return min(one.share.value for one in found if one)


def ranking(runs: Iterable[Run]) -> dict[Threat, list[Defence]]:
    """The defences under each threat, the one that keeps most first; last those that are not
    judged.
    """
    ranked: dict[Threat, list[Defence]] = defaultdict(list)
    for run in runs:
        found = list(accuracies(run))
        clean = {one.model: one for one in reversed(found) if one.attack == CLEAN}
        groups: dict[tuple[Threat, str], list[Accuracy]] = defaultdict(list)
        for one in found:
            if one.attack != CLEAN and one.norm and one.eps > 0 and isfinite(one.eps):
                groups[Threat(one.dataset, one.norm, one.eps), one.model].append(one)
        for (threat, model), attacked in groups.items():
            ranked[threat].append(_defence(run, model, clean.get(model), attacked))
    by_data = sorted(ranked, key=lambda threat: (threat.dataset, threat.norm, threat.eps))
    return {
        threat: sorted(ranked[threat], key=lambda one: (not one.judged, -one.least))
        for threat in by_data
    }


def _defence(run: Run, model: str, clean: Accuracy | None, attacked: list[Accuracy]) -> Defence:
    worst = [one for one in attacked if one.attack in WORST]
    single = [one for one in attacked if one.attack not in WORST]
    knowing = [one for one in single if run.adaptive(one.attack, model)]
    return Defence(
        run,
        model,
        len({one.attack for one in single}),
        clean,
        _least([one for one in single if one not in knowing]),
        _least(knowing),
        _least(worst),
    )


def _least(found: list[Accuracy]) -> Accuracy | None:
    return min(found, key=lambda one: one.share.value, default=None)


def accuracies(run: Run) -> list[Accuracy]:
    """Every accuracy in the tables of a run that name attack and budget, clean ones among them."""
    found: list[Accuracy] = []
    for table in dict.fromkeys(line.table for line in run.lines):
        mine = [line for line in run.lines if line.table == table]
        if {"attack", "eps"} <= mine[0].cells.keys():
            read = _of_model if "model" in mine[0].cells else _of_models
            found += _with_norms([one for line in mine for one in read(run, line)])
    return found


def _of_model(run: Run, line: Line) -> Iterator[Accuracy]:
    """The accuracies in a row that names its model."""
    cells, model = line.cells, line.cells["model"]
    share = next((found for name in SHARES if (found := line.interval(name))), None)
    if share is None:
        return
    dataset, eps, n = run.dataset(line, model), float(cells["eps"] or 0), cells.get("n", "")
    yield Accuracy(run, dataset, model, run.norm(line), eps, cells["attack"], share, n)
    if natural := line.interval(NATURAL):
        yield Accuracy(run, dataset, model, "", 0, CLEAN, natural, "")


def _of_models(run: Run, line: Line) -> Iterator[Accuracy]:
    """The accuracies in a row with a column for each model."""
    cells = line.cells
    for model in run.config["models"]:
        if f"{model}_n" in cells and (share := line.interval(model)):
            yield Accuracy(
                run,
                run.dataset(line, model),
                model,
                run.norm(line),
                float(cells["eps"] or 0),
                cells["attack"],
                share,
                f"{float(cells[f'{model}_n']):.0f}",
            )


def _with_norms(found: list[Accuracy]) -> list[Accuracy]:
    """The accuracies, with a norm also in the worst of attacks that all have the same one."""
    norms: dict[tuple[str, float], set[str]] = defaultdict(set)
    for one in found:
        if one.attack not in WORST:
            norms[one.model, one.eps].add(one.norm)
    return [
        replace(one, norm=next(iter(mine)))
        if one.attack in WORST and not one.norm and len(mine := norms[one.model, one.eps]) == 1
        else one
        for one in found
    ]
