"""A folder of results as a whole: the rows of its tables, its claims, commit and costs, whatever
version of the project wrote it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from robustgen.core.files import read_json
from robustgen.core.literals import literal
from robustgen.core.refusal import Refused
from robustgen.core.rows import CLEAN
from robustgen.report.compare import Line, lines
from robustgen.study import costs
from robustgen.tables.table import budget

GRADIENT = "gradient"  # the setting of inference that says what an attack differentiates


@dataclass(frozen=True)
class Run:
    """A study's results, with its configuration as it was."""

    folder: Path
    config: dict[str, Any]
    lines: tuple[Line, ...]

    @property
    def name(self) -> str:
        """The folder below `results`."""
        return self.folder.as_posix().removeprefix("results/")

    @property
    def label(self) -> str:
        """The name with the commit."""
        return f"{self.name} ({self.commit})" if self.commit else self.name

    @property
    def commit(self) -> str:
        """The commit that made it; empty where it was not recorded."""
        path = self.folder / "provenance.json"
        return str(read_json(path).get("commit", "")).split(",")[0] if path.exists() else ""

    @property
    def claims(self) -> list[dict[str, Any]]:
        """Its judged claims."""
        path = self.folder / "claims/verdicts.json"
        return read_json(path) if path.exists() else []

    def dataset(self, line: Line, model: str) -> str:
        """The data set of a model, as a row says it or else the configuration."""
        entry = self.config["models"].get(model, {})
        return line.cells.get("dataset") or str(entry.get("dataset", ""))

    def published(self, dataset: str) -> str:
        """The name under which the works print a data set; empty for one that they do not have."""
        return str(self.config["datasets"].get(dataset, {}).get("published") or "")

    def norm(self, line: Line) -> str:
        """The norm of a row's attack."""
        entry = self.config["attacks"].get(line.cells.get("attack", ""), {})
        return line.cells.get("norm") or str(entry.get("norm", ""))

    def eps(self, line: Line) -> str:
        """The budget of a row as it is printed; empty for clean images."""
        value = float(line.cells.get("eps") or 0)
        return printed(value, self.norm(line)) if value else ""

    def inference(self, model: str) -> str | None:
        """What attacks on a model differentiate where they do not say it; None of a model that
        offers no choice, for it has no inference of its own.
        """
        kind = self.config["models"].get(model, {}).get("kind")
        views = literal("models", kind, "VIEWS") if kind else None
        return views[GRADIENT]["default"] if views and GRADIENT in views else None

    def adaptive(self, attack: str, model: str) -> bool:
        """Whether an attack goes through the inference of a model."""
        usual = self.inference(model)
        view = self.config["attacks"].get(attack, {}).get("view") or {}
        return usual is not None and view.get(GRADIENT, usual) != usual

    def passes(self, model: str) -> str:
        """The passes of networks behind one answer of a model; several where tables differ in the
        steps of its inference, none where they were not measured.
        """
        told = (line.cells for line in self.lines if line.cells.get("model") == model)
        found = {float(cells.get("passes") or 0) for cells in told} - {0}
        return ", ".join(f"{one:g}" for one in sorted(found))

    def seconds(self, model: str) -> float | None:
        """Processor seconds per image of the jobs that scored the clean images of a model; None
        where they were not measured, or where these jobs measured other things too.
        """
        entry = self.config["models"].get(model, {})
        evaluated = self.config["datasets"].get(entry.get("dataset"), {}).get("evaluate", {})
        images = sum(evaluated.get(split, 0) for split in ("validation", "test"))
        spent = [cpu for name, cpu in _scoring(self.folder) if name == model]
        if not spent or not images or "measures" not in self.config:
            return None
        return sum(spent) / len(spent) / images


def printed(eps: float | str, norm: str) -> str:
    """A budget as it is printed; in L_2 a plain number, for pixels are no unit of it."""
    if isinstance(eps, str):  # an unbounded one in JSON
        return eps
    return f"{eps:g}" if norm == "l2" else budget(eps)


def read(folder: Path) -> Run:
    """The results in a folder; refused where it is none."""
    if not (folder / "config.json").exists():
        raise Refused(f"{folder} is no folder of results: it has no config.json.")
    return Run(folder, read_json(folder / "config.json"), tuple(lines(folder)))


def _scoring(folder: Path) -> Iterator[tuple[str, float]]:
    """(model, processor seconds) of each job that scored clean images."""
    for rule, name, cpu in _costs(folder):
        model, _, attack = name.partition("/")
        if rule == "score" and attack.rpartition("/")[2] == CLEAN:
            yield model, cpu


def _costs(folder: Path) -> Iterator[tuple[str, str, float]]:
    published = folder / "costs.csv"
    if not published.exists():
        yield from ((cost.rule, cost.name, cost.cpu) for cost in costs.costs(folder))
        return
    with published.open(encoding="utf-8", newline="") as file:
        yield from (
            (row["rule"], row["job"], float(row["cpu_seconds"])) for row in csv.DictReader(file)
        )
