"""Published numbers from config/paper.csv, given only where data set, net and protocol are the
paper's.
"""

from __future__ import annotations

from math import isclose
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

WORK = "beadini-masi-2023"
STEPS = 40
# options of attacks that the paper left at these values, which are their defaults
PLAIN = {"target": "none", "restarts": 1, "eot": 1, "lambda_": 0, "fixed": False, "loss": None}
# the paper's net; these are also the net's defaults
RESNET10 = {"blocks": [1, 1, 1, 1], "width": 64}


def read(path: str | Path) -> pd.DataFrame:
    """All published numbers as text, for budgets are printed as fractions and decimals must stay as
    printed.
    """
    import pandas as pd

    return pd.read_csv(path, dtype=str, keep_default_na=False)


def table_1(
    paper: pd.DataFrame, *, model: dict[str, Any], row: str, attack: str, eps: str
) -> dict[str, str]:
    """DR, FPR and remarks of Table 1 for one cell; empty where the study's cell is another one."""
    if not model["published"] or not is_resnet10(model):
        return {}
    mine = paper[
        (paper["work"] == WORK)
        & (paper["table"] == "table_1")
        & (paper["dataset"] == model["published"])
    ]
    found: dict[str, str] = {}
    for column in ("DR", "FPR"):
        hit = mine[(mine["row"] == row) & (mine["column"] == f"linf {attack} eps={eps} {column}")]
        if len(hit):
            found |= {column: hit["value"].iloc[0], f"{column} remark": hit["remark"].iloc[0]}
    return found


def printed_attack(entry: dict[str, Any], *, steps: int, lambda_: float) -> str | None:
    """The name under which table 1 prints an attack; None for one that the paper did not run just
    so.

    Its protocol, from the authors' code: L_inf, untargeted, one start; PGD with 40 steps of 1/255;
    the library's APGD with 40 steps, as published.
    """
    options = {**PLAIN, **entry["options"]}
    plain = all(options[name] == value for name, value in PLAIN.items())
    if not plain or entry["norm"] != "linf" or lambda_ or steps != STEPS:
        return None
    if entry["kind"] == "torchattacks" and options.get("name") == "APGD":
        return "APGD"
    step = options.get("step")
    started = entry["kind"] == "pgd" and options.get("random_start")
    return "PGD" if started and step and isclose(step, 1 / 255) else None


def is_resnet10(model: dict[str, Any]) -> bool:
    """Whether a model is the paper's ResNet10, normally trained."""
    options = {**RESNET10, **model["options"]}
    return (
        model["kind"] == "resnet"
        and model["objective"]["kind"] == "standard"
        and RESNET10.items() <= options.items()
    )
