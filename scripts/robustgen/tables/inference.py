"""Classifiers that search for noise at inference against their base models: tables 4.1 to 4.3 of An
Ju's thesis.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from robustgen.core.rows import axes_of, read_rows, with_axes
from robustgen.stats.defended import WORST, defended
from robustgen.tables.published_smoothing import said_of, table_4
from robustgen.tables.table import Table, budget, data_said, percent, text

NEEDS = ("scores", "inference_passes")
OPTIONS = {
    "reported": {
        "type": "attack",
        "means": "The attack by which the thesis reports, against which the worst case is held.",
    },
}


def make(
    files: dict[str, list[str]], *, spec: dict[str, Any], paper: pd.DataFrame, absent: str
) -> Table:
    """One row per model, budget and attack, and per model and budget the worst of all."""
    rows = with_passes(defended(read_rows(files["scores"]), spec), files)
    rows = rows[~_alone(rows)].reset_index(drop=True)
    rows["inference"] = [said_of(spec["models"][model]) for model in rows["model"]]
    told = [
        table_4(paper, spec=spec, model=row.model, attack=row.attack, eps=row.eps)
        for row in rows.itertuples()
    ]
    published = any(told)
    for name in ("clean", "adversarial"):
        rows[f"published_{name}"] = [one.get(name, "") for one in told]
    columns = {
        "data set": text("dataset"),
        "model": text("model"),
        "inference": text("inference"),
        "passes per image": lambda row: f"{row['passes']:g}" if row["passes"] else "",
        "natural %": percent("natural"),
        "attack": text("attack"),
        "eps": lambda row: budget(row["eps"]),
        "n": text("n"),
        "adversarial %": percent("adversarial"),
        "gain in natural accuracy, points": percent("natural_gain"),
        "gain in adversarial accuracy, points": percent("gain"),
        "p": lambda row: f"{row['gain_p']:.3g}" if row["gain_p"] == row["gain_p"] else "",
    }
    if published:
        columns |= {
            "published natural %": text("published_clean"),
            "published adversarial %": text("published_adversarial"),
        }
    note = f"{verdict(rows, spec['options']['reported'])}{NOTE}{data_said(spec)}"
    return Table("Inference by variational smoothing", note + absent, rows, columns)


NOTE = (
    "Accuracy: share of fresh draws that are right, averaged over test images; a model without "
    "randomness has one draw. The attack itself may have stopped at a single wrong draw. Gain: of "
    "a classifier over its base model under the same attack, image by image, with a two-sided "
    "p-value against no gain. Worst of all: per image the attack (or none) under which most draws "
    "are wrong. Passes: forward and backward passes of the base model behind one answer, a "
    "backward one counted as two. Brackets: 95 % intervals over images (Clopper-Pearson; of gains "
    "Agresti-Min), or over seeds where there are several."
)


def with_passes(rows: pd.DataFrame, files: dict[str, list[str]]) -> pd.DataFrame:
    """The rows with `passes` of networks behind one answer; 0 where they were not measured."""
    measured = [path for path in files["inference_passes"] if path.endswith(".parquet")]
    counted = read_rows(measured)
    if counted.empty:
        return with_axes(rows.assign(passes=0), axes_of(rows))
    means = counted.groupby("model")[["forwards", "backwards"]].mean()
    passes = means["forwards"] + 2 * means["backwards"]
    held = rows.assign(passes=rows["model"].map(passes).fillna(0))
    return with_axes(held, axes_of(rows))


def verdict(rows: pd.DataFrame, reported: str) -> str:
    """The first sentences of the note: what the worst case leaves of each reported gain."""
    return "".join(
        _said(model, eps, part, reported)
        for (model, eps), part in rows[rows["gain"].notna()].groupby(["model", "eps"], sort=False)
        if {reported, WORST} <= set(part["attack"])
    )


def _said(model: str, eps: float, part: pd.DataFrame, reported: str) -> str:
    first, worst = (part[part["attack"] == name].iloc[0] for name in (reported, WORST))
    gained = [percent("gain")(row) for row in (first, worst)]
    if worst["gain_low"] > 0:
        left = "a gain remains"
    elif worst["gain_high"] < 0:
        left = "the gain is gone, and accuracy is lost"
    else:
        left = "no gain can be told from none"
    return (
        f"{model} at {budget(eps)}: under {reported} it gains {gained[0]} points over its base "
        f"model; in the worst case of all attacks {gained[1]}, so that {left}. "
    )


def _alone(rows: pd.DataFrame) -> pd.Series:
    """Whether a row is the worst of a single attack."""
    attacks = rows.groupby(["model", "eps"])["attack"].transform("size")
    found: pd.Series = (rows["attack"] == WORST) & (attacks == 2)
    return found
