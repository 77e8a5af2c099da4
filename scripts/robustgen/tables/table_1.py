"""Table 1 of Beadini & Masi: attack detection with the energy function."""

from __future__ import annotations

from typing import Any

import pandas as pd

from robustgen.core.rows import read_rows
from robustgen.stats.detection import summarise
from robustgen.tables import published
from robustgen.tables.table import Table, budget, data_said, percent, text

NEEDS = ("detect",)
KEY = ["dataset", "model", "attack", "eps", "steps", "weight", "detector"]


def make(files: dict[str, list[str]], *, spec: dict[str, Any], paper: pd.DataFrame, absent: str) -> Table:
    """One row per model, detector, attack and budget, at the attack's largest step count."""
    found = summarise(*read_detected(files["detect"]))
    found = found[found["steps"] == found.groupby(["model", "attack"])["steps"].transform("max")]
    headline = _pick(found, "sound", "fpr", False, "all")
    others = {
        "paper": _pick(found, "paper", "youden", True, "all"),
        "success": _pick(found, "sound", "fpr", False, "successful"),
    }
    rows = headline
    for prefix, other in others.items():
        named = other.rename(columns={name: f"{prefix}_{name}" for name in other if name not in KEY})
        rows = rows.merge(named, on=KEY, how="left")
    printed = [_published(row, spec, paper) for _, row in rows.iterrows()]
    rows = rows.assign(**{name: [one.get(name, "") for one in printed] for name in ("DR", "FPR", "remark")})
    columns = {
        "data set": text("dataset"),
        "defence (net)": lambda row: f"{row['detector']} ({row['model']})",
        "attack": _attack,
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
    return Table(_title(), _note(rows, spec) + absent, rows, columns)


def read_detected(paths: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(statistics, thresholds) of several detection jobs."""
    return (
        read_rows(path for path in paths if path.endswith(".statistics.parquet")),
        read_rows(path for path in paths if path.endswith(".thresholds.parquet")),
    )


def _pick(found: pd.DataFrame, protocol: str, rule: str, searched: bool, view: str) -> pd.DataFrame:
    wanted = {"protocol": protocol, "rule": rule, "searched": searched, "view": view}
    for name, value in wanted.items():
        found = found[found[name] == value]
    return found


def _attack(row: pd.Series) -> str:
    weight = f", lambda {row['weight']:g}" if row["weight"] else ""
    return f"{row['attack']} ({budget(row['eps'])}, {row['steps']} steps{weight})"


def _published(row: pd.Series, spec: dict[str, Any], paper: pd.DataFrame) -> dict[str, str]:
    entry = spec["attacks"][row["attack"]]
    attack = published.printed_attack(entry, steps=row["steps"], weight=row["weight"])
    if attack is None:
        return {}
    model = spec["models"][row["model"]]
    found = published.table_1(paper, model=model, row="Energy", attack=attack, eps=budget(row["eps"]))
    remarks = [found[name] for name in ("DR remark", "FPR remark") if found.get(name)]
    return {**found, "remark": "; ".join(remarks)}


def _title() -> str:
    return "Table 1. Attack detection with the energy function (Beadini & Masi 2023)"


def _note(rows: pd.DataFrame, spec: dict[str, Any]) -> str:
    fpr = "; ".join(f"{name}: {entry['fpr']:.0%}" for name, entry in spec["detectors"].items())
    over = " and ".join(sorted(set(rows["over"])))
    return (
        f"DR, FPR, AUROC: one threshold for all attacks, chosen on clean validation images at a stated FPR ({fpr}), T = 1. "
        "Paper's protocol: a threshold and a temperature per attack, chosen on validation images under that same attack "
        "(Youden's J, as in the authors' code; the paper says G-mean, which table_1_detail shows too). "
        "All attacked against all clean test images; successful only: fooled against correctly classified ones. "
        f"Brackets: 95 % intervals over {over}.{data_said(spec)}"
    )
