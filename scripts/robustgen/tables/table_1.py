"""Table 1 of Beadini & Masi: attack detection with the energy function."""

from __future__ import annotations

from typing import Any

import pandas as pd

from robustgen.stats.detection import summarise
from robustgen.tables import detected, published
from robustgen.tables.detected import KEY, pick
from robustgen.tables.table import Table, budget, data_said, percent, text

NEEDS = ("detect",)
OPTIONS: dict[str, dict[str, object]] = {}
PRINTED = {"energy": "Energy", "kd_bu": "KD+BU", "lid": "LID"}  # the paper's names of detectors


def make(files: dict[str, list[str]], *, spec: dict[str, Any], paper: pd.DataFrame, absent: str) -> Table:
    """One row per model, detector, attack and budget, at the attack's largest step count."""
    statistics, thresholds = detected.read(files["detect"], list(spec["detectors"]))
    found = detected.at_last_step(summarise(statistics, thresholds))
    rows = pick(found, "sound", "all")
    others = {"paper": pick(found, "paper", "as shown"), "success": pick(found, "sound", "successful")}
    for prefix, other in others.items():
        named = other.rename(columns={name: f"{prefix}_{name}" for name in other if name not in KEY})
        rows = rows.merge(named, on=KEY, how="left")
    printed = [_published(row, spec, paper) for _, row in rows.iterrows()]
    rows = rows.assign(**{name: [one.get(name, "") for one in printed] for name in ("DR", "FPR", "remark")})
    columns = {
        "data set": text("dataset"),
        "defence (net)": lambda row: f"{row['detector']} ({row['model']})",
        "attack": detected.attack,
        "n": text("n"),
        "DR %": percent("dr"),
        "FPR %": percent("fpr"),
        "AUROC %": percent("auroc"),
        "DR %, successful only": percent("success_dr"),
        "DR %, paper's protocol": percent("paper_dr"),
        "FPR %, paper's protocol": percent("paper_fpr"),
    }
    if rows["DR"].any():
        columns |= {
            "DR %, published": text("DR"),
            "FPR %, published": text("FPR"),
            "remark on the published value": text("remark"),
        }
    return Table(_title(), _note(rows, spec) + detected.unfitted(detected.at_last_step(thresholds)) + absent, rows, columns)


def _published(row: pd.Series, spec: dict[str, Any], paper: pd.DataFrame) -> dict[str, str]:
    entry = spec["attacks"][row["attack"]]
    attack = published.printed_attack(entry, steps=row["steps"], weight=row["weight"])
    if attack is None:
        return {}
    model = spec["models"][row["model"]]
    label = PRINTED.get(spec["detectors"][row["detector"]]["kind"], "")
    found = published.table_1(paper, model=model, row=label, attack=attack, eps=budget(row["eps"]))
    remarks = [found[name] for name in ("DR remark", "FPR remark") if found.get(name)]
    return {**found, "remark": "; ".join(remarks)}


def _title() -> str:
    return "Table 1. Attack detection with the energy function (Beadini & Masi 2023)"


def _note(rows: pd.DataFrame, spec: dict[str, Any]) -> str:
    return (
        "DR, FPR, AUROC: one threshold for all attacks, chosen on clean validation images at a stated FPR "
        f"({detected.fpr_said(spec)}). Energy: T = 1; KD+BU and LID: fitted once, on the attack that the configuration "
        "names, against training images. Paper's protocol, per attack and on that very attack: for the energy a threshold "
        "and a temperature (Youden's J, as in the authors' code; the paper says G-mean, which table_1_detail shows too), on "
        "all images; for KD+BU and LID a fit of its own (LID with the clean twins at hand) and a probability of 1/2, on "
        "fooled images against correctly classified ones. All attacked against all clean test images; successful only: "
        "fooled against correctly classified ones. "
        f"Brackets: 95 % intervals over {detected.over(rows)}.{data_said(spec)}"
    )
