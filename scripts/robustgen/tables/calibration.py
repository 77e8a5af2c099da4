"""Calibration of each net, and what its robustness costs and brings: two phenomena of the paper's
introduction as numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from robustgen.core.refusal import Refused
from robustgen.core.rows import CLEAN, axes_of, read_rows
from robustgen.stats.calibration import BINS, brier, confidence_of, ece
from robustgen.stats.cells import first_setting
from robustgen.stats.detection import bounds
from robustgen.stats.intervals import Interval, Rate, mean, share
from robustgen.tables.cells import last_steps
from robustgen.tables.table import Format, Table, budget, data_said, interval, percent, text

NEEDS = ("scores",)
OPTIONS: dict[str, dict[str, object]] = {}
BALLS = {"linf": "L_inf", "l2": "L2"}


def make(
    files: dict[str, list[str]], *, spec: dict[str, Any], paper: pd.DataFrame, absent: str
) -> Table:
    """One row per model, on test images; the paper states these phenomena without numbers."""
    del paper
    scores = read_rows(files["scores"])
    groups = dict(list(scores[scores["split"] == "test"].groupby("model", sort=False)))
    shown = [
        model
        for model in spec["models"]
        if model in groups and (groups[model]["attack"] == CLEAN).any()
    ]
    if not shown:
        raise Refused("None of the models has scores of clean images; see the logs of their jobs.")
    rows = pd.DataFrame([_row(groups[model], model, spec) for model in shown])
    columns = {
        "data set": text("dataset"),
        "model": text("model"),
        "training": text("training"),
        "n": text("n"),
        "clean accuracy %": percent("accuracy"),
        **{f"accuracy %, {attack}": _under(attack) for attack in spec["attacks"]},
        "mean confidence %": percent("confidence"),
        "ECE %": percent("ece"),
        "Brier": interval("brier", digits=3),
    }
    return Table(
        "Calibration and the price of robustness", _note(rows, spec) + absent, rows, columns
    )


def _row(scores: pd.DataFrame, model: str, spec: dict[str, Any]) -> dict[str, Any]:
    clean, facts = scores[scores["attack"] == CLEAN], spec["models"][model]
    row = {"dataset": facts["dataset"], "model": model, "training": _training(facts)}
    row |= {"n": clean["index"].nunique(), "seeds": clean["seed"].nunique()}
    row |= _estimate("accuracy", clean, _accuracy) | _estimate("confidence", clean, _confidence)
    row |= _estimate("ece", clean, lambda part: ece(*_judged(part)))
    row |= _estimate("brier", clean, lambda part: brier(*_judged(part)))
    for attack in spec["attacks"]:
        row |= _attacked(attack, scores[scores["attack"] == attack])
    return row


def _attacked(attack: str, rows: pd.DataFrame) -> dict[str, Any]:
    """Accuracy under an attack at the first value of each axis, after its last step."""
    name, axes = f"accuracy_{attack}", axes_of(rows)
    if rows.empty:
        columns = (name, f"{name}_low", f"{name}_high", *(f"{axis}_{attack}" for axis in axes))
        return dict.fromkeys(columns, "")
    rows = first_setting(rows)
    settings = {f"{axis}_{attack}": rows[axis].iloc[0] for axis in axes}
    return _estimate(name, rows, _accuracy) | settings


def _estimate(
    name: str, rows: pd.DataFrame, measure: Callable[[pd.DataFrame], Interval]
) -> dict[str, Any]:
    return bounds(name, [measure(part) for _, part in rows.groupby("seed")])


def _accuracy(part: pd.DataFrame) -> Interval:
    return share((1 - part["success"]).sum(), len(part))


def _confidence(part: pd.DataFrame) -> Interval:
    return Rate.of(mean(confidence_of(part)))


def _judged(part: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    return confidence_of(part), 1 - part["success"].to_numpy(float)


def _training(facts: dict[str, Any]) -> str:
    """How a net was trained: `adversarial, L2 ball of 0.01`; its family where it has no objective,
    or names one beside the plain objective, which trainers without objectives are told to have.
    """
    objective = facts.get("objective") or {"kind": facts.get("family", "")}
    match objective["kind"]:
        case "adversarial":
            norm, eps = objective["norm"], objective["eps"]
            said = budget(eps) if norm == "linf" else f"{eps:g}"
            return f"adversarial, {BALLS[norm]} ball of {said}"
        case "gaussian":
            return f"gaussian, sigma {objective['sigma']:g}"
        case "standard":
            return str(facts.get("family") or "standard")
        case kind:
            return str(kind)


def _under(attack: str) -> Format:
    """Accuracy under an attack with the budget at which it holds; empty where the model was not
    attacked.
    """
    accuracy = percent(f"accuracy_{attack}")
    return lambda row: (
        f"{accuracy(row)} at {budget(eps)}" if (eps := row.get(f"eps_{attack}", "")) != "" else ""
    )


def _note(rows: pd.DataFrame, spec: dict[str, Any]) -> str:
    lasting = {attack: last_steps(entry) for attack, entry in spec["attacks"].items()}
    under = [f"{attack} after {said}" if said else attack for attack, said in lasting.items()]
    attacks = f" Attacked: {', '.join(under)}, at the first of its budgets." if under else ""
    return (
        "On clean (unattacked) test images unless an attack is named: what robustness "
        "costs there stands beside what it "
        "brings under attack. Accuracy: share of images that the net gets right. "
        f"Confidence: largest class probability. ECE: expected calibration error in {BINS} bins of "
        "equal width; on few images it "
        "is too high, least so where nearly all confidences lie in one bin. Brier: mean of "
        "(confidence - correct)^2, correct "
        "being 1 or 0; it has no such bias, but rewards accuracy as well as calibration."
        f"{attacks} Brackets: 95 % intervals over "
        f"{' and '.join(dict.fromkeys(rows['over']))}.{data_said(spec)}"
    )
