"""Accuracy and energy by attack and steps: the numbers behind figures 2b and 3b."""

from __future__ import annotations

from typing import Any

import pandas as pd

from robustgen.core.rows import axes_of, read_rows, with_axes
from robustgen.stats.cells import images, settings, spread
from robustgen.stats.detection import bounds
from robustgen.stats.intervals import mean, share
from robustgen.tables import cells
from robustgen.tables.table import Table, data_said, interval, percent, text

NEEDS = ("scores",)
OPTIONS: dict[str, dict[str, object]] = {}


def make(
    files: dict[str, list[str]], *, spec: dict[str, Any], paper: pd.DataFrame, absent: str
) -> Table:
    """One row per model, attack, budget and step count, on test images."""
    del paper  # the paper shows these only as pictures
    scores = read_rows(files["scores"])
    cell = settings(scores)
    groups = scores[scores["split"] == "test"].groupby(cell, sort=False)
    rows = pd.DataFrame([dict(zip(cell, key, strict=True)) | _row(part) for key, part in groups])
    columns = {
        "model": text("model"),
        "attack": text("attack"),
        **cells.columns(axes_of(scores)),
        "n": text("n"),
        "accuracy %": percent("accuracy"),
        "E(x)": interval("energy"),
        "sd of E(x)": lambda row: f"{row['energy_sd']:.2f}",
        "E(x,y)": interval("energy_y"),
        "CE": interval("ce"),
        "forward + backward passes per image": lambda row: (
            f"{row['forwards']:.0f} + {row['backwards']:.0f}"
        ),
    }
    note = (
        "On test images; clean: unattacked. Accuracy: share of images that the net gets right, "
        "attacked or not. E(x) = "
        "-logsumexp of the logits, E(x,y) = -logit of the label, sd: standard deviation over "
        "images. CE: cross entropy, E(x,y) - "
        "E(x). Steps 0: where the attack starts. Lambda: weight of E(x) in the attack's loss, 0 "
        "for plain PGD. Passes: through "
        "the net, to make and check the attacked image. "
        f"Brackets: 95 % intervals over {rows['over'].iloc[0]}.{data_said(spec)}"
    )
    rows = with_axes(rows, axes_of(scores))
    return Table("Accuracy and energy by attack and steps", note + absent, rows, columns)


def _row(group: pd.DataFrame) -> dict[str, Any]:
    seeds = [part for _, part in group.groupby("seed")]
    row: dict[str, Any] = {
        "n": images(group),
        "seeds": len(seeds),
        "energy_sd": spread(group, "energy"),
    }
    row |= {name: group[name].mean() for name in ("forwards", "backwards")}
    row |= bounds("accuracy", [share((1 - part["success"]).sum(), len(part)) for part in seeds])
    for name in ("energy", "energy_y", "ce"):
        row |= bounds(name, [mean(part[name].to_numpy()) for part in seeds])
    return row
