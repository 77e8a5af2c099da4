"""Input gradients in numbers: how rough, how coarse and how close to the image's edges (behind
figure 4).
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from robustgen.core.rows import read_rows
from robustgen.stats.cells import images
from robustgen.stats.detection import bounds
from robustgen.stats.intervals import mean
from robustgen.tables.table import Table, budget, data_said, interval, text

NEEDS = ("gradients",)
OPTIONS: dict[str, dict[str, object]] = {}
MEASURES = ("total_variation", "low_frequency", "edge_agreement")


def make(
    files: dict[str, list[str]], *, spec: dict[str, Any], paper: pd.DataFrame, absent: str
) -> Table:
    """One row per model, on test images."""
    del paper  # the paper shows these only as pictures
    found = read_rows([path for path in files["gradients"] if path.endswith(".parquet")])
    groups = {model: found[found["model"] == model] for model in spec["models"]}
    rows = pd.DataFrame(
        [_row(spec["models"][model], group) for model, group in groups.items() if len(group)]
    )
    columns = {
        "model": text("model"),
        "trained": text("trained"),
        "n": text("n"),
        "without a gradient": text("left_out"),
        "total variation": interval("total_variation"),
        "low-frequency share": interval("low_frequency"),
        "agreement with edges": interval("edge_agreement"),
    }
    note = (
        "Of the gradient of the cross entropy with respect to the pixels, at clean test images; "
        "means over images. Total "
        "variation: sum of absolute differences of neighbouring pixels over the sum of absolute "
        "values; 0 where constant, 4 for "
        "single far-apart pixels. "
        "Low-frequency share: spectral energy within a quarter of the Nyquist radius, the mean "
        "included; 0.05 for white noise. "
        "Agreement with edges: Spearman's correlation over pixels with the image's Sobel "
        "magnitude. Images whose gradient is "
        "zero in every pixel are counted and left out. Brackets: 95 % intervals over "
        f"{_said(rows)}.{data_said(spec)}"
    )
    return Table("Input gradients", note + absent, rows, columns)


def trained(objective: dict[str, Any]) -> str:
    """How a net was trained, in words, from its recipe's objective."""
    match objective:
        case {"kind": "standard"}:
            return "standard"
        case {"kind": "adversarial", "norm": norm, "eps": eps}:
            return (
                f"adversarial, L_inf {budget(eps)}"
                if norm == "linf"
                else (f"adversarial, L_2 {eps:g}")
            )
        case {"kind": "gaussian", "sigma": sigma}:
            return f"noise, sd {sigma:g}"
    return str(objective["kind"])


def _row(facts: dict[str, Any], group: pd.DataFrame) -> dict[str, Any]:
    seeds = [part for _, part in group.groupby("seed")]
    first = group.iloc[0]
    row: dict[str, Any] = {
        "dataset": first["dataset"],
        "model": first["model"],
        "trained": trained(facts["objective"]),
    }
    row |= {
        "n": images(group),
        "seeds": len(seeds),
        "left_out": sum(int(part["left_out"].iloc[0]) for part in seeds),
    }
    for name in MEASURES:
        row |= bounds(name, [mean(part[name].to_numpy()) for part in seeds])
    return row


def _said(rows: pd.DataFrame) -> str:
    return " or ".join(dict.fromkeys(rows["over"]))
