"""Accuracy and energy by attack and steps: the numbers behind figures 2b and 3b."""

from __future__ import annotations

from typing import Any

import pandas as pd

from robustgen.core.rows import read_rows
from robustgen.stats.intervals import mean, over_seeds, share
from robustgen.tables.table import Table, budget, data_said, interval, percent, text

NEEDS = ("scores",)
OPTIONS: dict[str, dict[str, object]] = {}
AXES = ["dataset", "model", "attack", "eps", "steps", "weight"]


def make(
    files: dict[str, list[str]], *, spec: dict[str, Any], paper: pd.DataFrame, absent: str
) -> Table:
    """One row per model, attack, budget and step count, on test images."""
    del paper  # the paper shows these only as pictures
    scores = read_rows(files["scores"])
    groups = scores[scores["split"] == "test"].groupby(AXES, sort=False)
    rows = pd.DataFrame(
        [dict(zip(AXES, axes, strict=True)) | _row(group) for axes, group in groups]
    )
    columns = {
        "model": text("model"),
        "attack": text("attack"),
        "eps": lambda row: budget(row["eps"]),
        "steps": text("steps"),
        "lambda": lambda row: f"{row['weight']:g}",
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
    return Table("Accuracy and energy by attack and steps", note + absent, rows, columns)


def _row(group: pd.DataFrame) -> dict[str, Any]:
    seeds = [part for _, part in group.groupby("seed")]
    row: dict[str, Any] = {"n": len(group), "seeds": len(seeds), "energy_sd": group["energy"].std()}
    row |= {name: group[name].mean() for name in ("forwards", "backwards")}
    found = {"accuracy": [share(int((~part["success"]).sum()), len(part)) for part in seeds]}
    found |= {
        name: [mean(part[name].to_numpy()) for part in seeds]
        for name in ("energy", "energy_y", "ce")
    }
    for name, intervals in found.items():
        value, over = over_seeds(intervals)
        row |= {
            name: value.value,
            f"{name}_low": value.low,
            f"{name}_high": value.high,
            "over": over,
        }
    return row
