"""Flags of gradient masking (Athalye et al. 2018): signs that it is the attack that is weak."""

from __future__ import annotations

from typing import Any

import pandas as pd

from robustgen.core.rows import read_rows
from robustgen.tables.cells import number
from robustgen.tables.masking import MEANS, flags
from robustgen.tables.table import Table, data_said, interval, text

NEEDS = ("scores", "gradients")
OPTIONS = {
    "unbounded": {
        "type": "attack",
        "several": True,
        "default": [],
        "means": "Attacks that must fool every image; those of an infinite budget where left out.",
    },
    "one_step": {
        "type": "attack",
        "several": True,
        "default": [],
        "means": "Attacks of one step.",
    },
    "black_box": {
        "type": "attack",
        "several": True,
        "default": [],
        "means": "Attacks that see no gradient.",
    },
    "white_box": {
        "type": "attack",
        "several": True,
        "default": [],
        "means": "Attacks that see it; where left out, all others made on the model itself.",
    },
}


def make(
    files: dict[str, list[str]], *, spec: dict[str, Any], paper: pd.DataFrame, absent: str
) -> Table:
    """One row per model, flag and comparison."""
    del paper
    gradients = [path for path in files.get("gradients", []) if path.endswith(".parquet")]
    scores = read_rows(files["scores"])
    rows = flags(scores, spec, gradients=read_rows(gradients) if gradients else None)
    columns = {
        "model": text("model"),
        "flag": text("flag"),
        "attack": text("attack"),
        "against": text("against"),
        "eps": lambda row: number("eps", row["eps"]) if row["attack"] else "",
        "n": text("n"),
        "value": lambda row: interval("value", digits=3)(row) if row["n"] else "",
        "verdict": text("verdict"),
        "why": text("why"),
    }
    means = "; ".join(f"{flag}: {said}" for flag, said in MEANS.items())
    note = (
        f"Flags of gradient masking. {means}. Success: of the test images that the net gets right, "
        "the share that the attack gets wrong; attacks are compared at the same budget and image "
        "by image. A flag is raised where the whole 95 % interval (in brackets; Clopper-Pearson "
        "for shares, Agresti-Min for differences) tells of masking: below 1 for an attack without "
        f"a bound, else above 0. A raised flag doubts the reported robustness.{data_said(spec)}"
    )
    return Table("Flags of gradient masking", note + absent, rows, columns)
