"""Transfer: images attacked on one model put before others, and before their detectors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from robustgen.core.refusal import Refused
from robustgen.core.rows import CLEAN, axes_of, read_rows, with_axes
from robustgen.stats.cells import at_last_step, settings
from robustgen.stats.detection import bounds, headline, summarise
from robustgen.stats.intervals import Interval, share
from robustgen.tables import detected
from robustgen.tables.cells import named
from robustgen.tables.table import Format, Table, data_said, percent, text

NEEDS = ("scores", "detect")
OPTIONS = {
    "value": {
        "one_of": ("accuracy", "success"),
        "default": "accuracy",
        "means": "accuracy: share of images that the model gets right; success: share of those "
        "that it gets right unattacked and gets wrong attacked.",
    },
}
VALUES = {
    "accuracy": "Accuracy: share of attacked test images that the model gets right.",
    "success": "Success: of the test images that the model gets right, the share whose attacked "
    "version it gets wrong.",
}


def make(
    files: dict[str, list[str]], *, spec: dict[str, Any], paper: pd.DataFrame, absent: str
) -> Table:
    """One row per attack and setting; for each model its accuracy or the attack's success, and the
    share that each detector flags.
    """
    del paper
    value = spec["options"].get("value", "accuracy")
    rows = crossed(files, spec, value)
    columns: dict[str, Format] = {
        "data set": text("dataset"),
        "attack": named(axes_of(rows)),
        "made on": text("made_on"),
        **{f"{head} %": percent(name) for head, name in quantities(rows, spec, value).items()},
    }
    note = (
        f"Each attack's images are made on one model (each model's own where it says itself) and "
        f"put before every model. {VALUES[value]} DR (detection rate): share of attacked test "
        "images that a detector of that model flags, at its one threshold, chosen so that a stated "
        f"share of clean validation images is flagged ({detected.fpr_said(spec)}). Brackets: 95 % "
        f"intervals over {detected.over(rows)}.{data_said(spec)}"
    )
    return Table("Transfer of attacks", note + absent, rows, columns)


def crossed(files: dict[str, list[str]], spec: dict[str, Any], value: str) -> pd.DataFrame:
    """A row per attack and setting, at the last step, with `made_on`; a model's columns are its
    name and model:detector, each with _low and _high.
    """
    scores = read_rows(files["scores"])
    scores = scores[(scores["split"] == "test") & scores["model"].isin(list(spec["models"]))]
    cell = [name for name in settings(scores) if name != "model"]
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for key, row in (*_scored(scores, cell, spec, value), *_flagged(files, cell, spec)):
        rows.setdefault(key, dict(zip(cell, key, strict=True))).update(row)
    if not rows:
        raise Refused("No model has scores under one of the attacks; see the logs of their jobs.")
    made = [spec["attacks"][row["attack"]]["made_on"] or "itself" for row in rows.values()]
    found = pd.DataFrame(list(rows.values())).assign(made_on=made)
    order = {name: place for place, name in enumerate(spec["attacks"])}
    found = found.sort_values("attack", key=lambda names: names.map(order), kind="stable")
    return with_axes(found.reset_index(drop=True), axes_of(scores))


def quantities(rows: pd.DataFrame, spec: dict[str, Any], value: str) -> dict[str, str]:
    """Heading -> column of what is known of each model, model by model."""
    found: dict[str, str] = {}
    for model in spec["models"]:
        found |= {f"{value}, {model}": model}
        found |= {f"DR of {name}, {model}": f"{model}:{name}" for name in spec["detectors"]}
    return {heading: name for heading, name in found.items() if name in rows}


def _scored(
    scores: pd.DataFrame, cell: list[str], spec: dict[str, Any], value: str
) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    """(cell, columns of a model) from score rows."""
    clean = scores[(scores["attack"] == CLEAN) & (scores["success"] < 0.5)]
    right = clean.set_index(["model", "seed", "index"]).index
    attacked = at_last_step(scores[scores["attack"].isin(list(spec["attacks"]))])
    for (model, *key), part in attacked.groupby(["model", *cell], sort=False):
        known = part.set_index(["model", "seed", "index"]).index.isin(right)
        shown = part if value == "accuracy" else part[known]
        if len(shown):
            yield (
                tuple(key),
                bounds(model, [_share(one, value) for _, one in shown.groupby("seed")]),
            )


def _share(part: pd.DataFrame, value: str) -> Interval:
    success = float(part["success"].sum())
    return share(success if value == "success" else len(part) - success, len(part))


def _flagged(
    files: dict[str, list[str]], cell: list[str], spec: dict[str, Any]
) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    """(cell, columns of a model's detector) from detection."""
    if not files.get("detect"):
        return
    statistics, thresholds = detected.read(files["detect"], list(spec["detectors"]))
    chosen = headline(thresholds)
    chosen = at_last_step(chosen[chosen["attack"].isin(list(spec["attacks"]))])
    for one in summarise(statistics, chosen, views=("all",)).to_dict("records"):
        name = f"{one['model']}:{one['detector']}"
        key = tuple(one.get(axis, 0) for axis in cell)
        yield key, {f"{name}{end}": one[f"dr{end}"] for end in ("", "_low", "_high")}
