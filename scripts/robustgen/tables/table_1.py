"""Table 1 of Beadini & Masi: attack detection with the energy function."""

from __future__ import annotations

from typing import Any

import pandas as pd

from robustgen.core.rows import axes_of
from robustgen.stats.cells import at_last_step
from robustgen.stats.detection import headline, summarise
from robustgen.tables import detected, published
from robustgen.tables.cells import named
from robustgen.tables.detected import pick
from robustgen.tables.table import Format, Table, budget, data_said, percent, text

NEEDS = ("detect",)
OPTIONS: dict[str, dict[str, object]] = {}
TITLE = "Table 1. Attack detection with the energy function (Beadini & Masi 2023)"
COLUMNS: dict[str, Format] = {
    "data set": text("dataset"),
    "defence (net)": lambda row: f"{row['detector']} ({row['model']})",
    "attack": text("attack"),
    "n": text("n"),
    "clean accuracy %": percent("clean"),
    "fooled %": percent("success_fooled"),
    "DR %": percent("dr"),
    "FPR %": percent("fpr"),
    "AUROC %": percent("auroc"),
    "DR %, fooled only": percent("success_dr"),
    "DR %, paper's protocol": percent("paper_dr"),
    "FPR %, paper's protocol": percent("paper_fpr"),
}
PUBLISHED: dict[str, Format] = {
    "DR %, published": text("DR"),
    "FPR %, published": text("FPR"),
    "remark on the published value": text("remark"),
}
PRINTED = {"energy": "Energy", "kd_bu": "KD+BU", "lid": "LID"}  # the paper's names of detectors


def make(
    files: dict[str, list[str]], *, spec: dict[str, Any], paper: pd.DataFrame, absent: str
) -> Table:
    """One row per model, detector, attack and budget, at the attack's largest step count."""
    statistics, thresholds = detected.read(files["detect"], list(spec["detectors"]))
    columns = COLUMNS | {"attack": named(axes_of(thresholds))}
    if detected.none_fitted(thresholds):
        return detected.unmade(TITLE, columns, thresholds, absent)
    rows = _rows(statistics, thresholds)
    printed = [_published(row, spec, paper) for _, row in rows.iterrows()]
    rows = rows.assign(
        **{name: [one.get(name, "") for one in printed] for name in ("DR", "FPR", "remark")}
    )
    columns = columns | (PUBLISHED if rows["DR"].any() else {})
    return Table(
        TITLE,
        _note(rows, spec) + detected.unfitted(at_last_step(thresholds)) + absent,
        rows,
        columns,
    )


def _rows(statistics: pd.DataFrame, thresholds: pd.DataFrame) -> pd.DataFrame:
    """The sound protocol on all images; beside it the paper's protocol, fooled images alone, and
    the net's clean accuracy.
    """
    found = at_last_step(summarise(statistics, thresholds, views=("all", "successful")))
    key = detected.key(thresholds)
    rows, fooled = pick(found, "sound", "all"), pick(found, "sound", "successful")
    fooled = pd.concat(
        [fooled, detected.never_fooled(statistics, headline(thresholds), fooled)], ignore_index=True
    )
    for prefix, other in {"paper": pick(found, "paper", "as shown"), "success": fooled}.items():
        named = other.rename(
            columns={name: f"{prefix}_{name}" for name in other if name not in key}
        )
        rows = rows.merge(named, on=key, how="left")
    return rows.merge(detected.clean_accuracy(statistics), on=["dataset", "model"], how="left")


def _published(row: pd.Series, spec: dict[str, Any], paper: pd.DataFrame) -> dict[str, str]:
    entry = spec["attacks"][row["attack"]]
    attack = published.printed_attack(entry, steps=row["steps"], lambda_=row.get("lambda_", 0))
    if attack is None:
        return {}
    model = spec["models"][row["model"]]
    label = PRINTED.get(spec["detectors"][row["detector"]]["kind"], "")
    found = published.table_1(paper, model=model, row=label, attack=attack, eps=budget(row["eps"]))
    remarks = [found[name] for name in ("DR remark", "FPR remark") if found.get(name)]
    return {**found, "remark": "; ".join(remarks)}


def _note(rows: pd.DataFrame, spec: dict[str, Any]) -> str:
    return (
        "Clean accuracy: share of clean (unattacked) test images that the net gets right. "
        "Fooled (the attack's success): "
        f"share of these whose attacked version it gets wrong. {detected.RATES} DR, FPR and AUROC "
        "compare all n attacked with "
        "all clean test images, at one threshold for all attacks, which flags a stated share of "
        "clean validation images "
        f"({detected.fpr_said(spec)}); fooled only: of the images that the net gets right, the "
        "attacked versions that fool it. "
        f"{detected.looked_at(spec)} The energy is taken at temperature T = 1; KD+BU and LID are "
        "fitted once, on the attack that "
        "the configuration names, and compare with training images. Paper's protocol: a threshold "
        "per attack, from validation "
        "images under that very attack. For the energy a temperature is chosen too, and rates are "
        "over all images (rule: "
        "Youden's J, the largest DR - FPR, as in the authors' code; the paper says G-mean, which "
        "table_1_detail shows too). "
        "KD+BU and LID are fitted for each attack (LID with the clean twins at hand) and flag from "
        "a probability of 1/2 on; "
        "rates are over fooled images against clean ones that the net gets right. "
        f"Brackets: 95 % intervals over {detected.over(rows)}.{data_said(spec)}"
    )
