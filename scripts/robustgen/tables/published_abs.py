"""Published numbers of chapter 2 of the thesis, given only where data set, family, attack and
budget are those of the thesis, each with a mark where it is misprinted or the protocol is another.
"""

from __future__ import annotations

from math import isclose
from typing import TYPE_CHECKING, Any

from robustgen.tables.table import budget

if TYPE_CHECKING:
    import pandas as pd

WORK = "ju-2021"
FAMILIES = {"cnn": "CNN", "adv_linf": "Adv-Linf", "adv_l2": "Adv-L2", "abs": "ABS", "eabs": "E-ABS"}
ABLATION = {f"{name}_abs": f"{name.upper()}-ABS" for name in ("a", "d", "v", "ad", "av", "dv")}
ABLATION["eabs"] = "ADV-ABS"
FOOLBOX = {
    "LinfDeepFool": "DeepFool",
    "L2DeepFool": "DeepFool",
    "DDN": "DDN",
    "L2CarliniWagner": "CW",
}
MISPRINT, OTHER = "!", "~"  # marks behind a published number


def name_of(entry: dict[str, Any], model: str) -> str:
    """The name under which the thesis prints an attack on a model; empty where it does not."""
    if entry["made_on"] not in (None, model):
        return ""
    if entry["kind"] == "foolbox":
        return FOOLBOX.get(entry["options"].get("name", ""), "")
    if entry["kind"] in ("growing_noise", "noise"):
        return "Noise"
    options = entry["options"]
    plain = options.get("target", "none") == "none" and not options.get("lambda_")
    return "PGD" if entry["kind"] == "pgd" and plain else ""


def column_of(norm: str, attack: str, eps: float) -> str:
    """The column of a budget as config/paper.csv names it: `linf PGD eps=8/255`."""
    return f"{norm} {attack} eps={budget(eps) if norm == 'linf' else f'{eps:g}'}"


def value(
    paper: pd.DataFrame,
    model: dict[str, Any],
    table: str,
    row: str,
    column: str,
    *,
    other: bool = False,
) -> str:
    """A published number with its marks, in the data set of a model; empty where there is none."""
    mine = paper[(paper["work"] == WORK) & (paper["table"] == f"table_{table}")]
    mine = mine[(mine["dataset"] == model["published"]) & (mine["row"] == row)]
    hit = mine[mine["column"] == column]
    if hit.empty:
        return ""
    misprint = hit["remark"].iloc[0].startswith("misprint")
    return str(hit["value"].iloc[0]) + MISPRINT * misprint + OTHER * other


def of_ablation(paper: pd.DataFrame, *, model: dict[str, Any], column: str) -> str:
    """A cell of table 2.6 with its mark; empty where the thesis has none."""
    return value(paper, model, "2_6", ABLATION.get(model["family"], ""), column)


def distances(
    paper: pd.DataFrame, *, name: str, model: dict[str, Any], entry: dict[str, Any]
) -> str:
    """`mean / median` of table 2.6 under an attack; empty where the thesis has none."""
    if name_of(entry, name) != "PGD":
        return ""
    columns = [f"{entry['norm']} PGD distance {one}" for one in ("mean", "median")]
    found = [of_ablation(paper, model=model, column=column) for column in columns]
    return " / ".join(found) if all(found) else ""


BUDGETS = {  # axis -> table, its name in the rows of config/paper.csv, what is held fixed
    "eot": ("2_7", "eot_runs", {"restarts": 5}),
    "restarts": ("2_8", "restarts", {"steps": 100, "eot": 3}),
    "steps": ("2_9", "steps", {"restarts": 20, "eot": 3}),
}


def of_budget(
    paper: pd.DataFrame,
    *,
    name: str,
    model: dict[str, Any],
    entry: dict[str, Any],
    axis: str,
    number: float,
    eps: float,
) -> str:
    """A cell of tables 2.7 to 2.9 with its marks; empty where the thesis has none."""
    linf = entry["norm"] == "linf" and isclose(eps, 8 / 255, rel_tol=1e-4)
    if name_of(entry, name) != "PGD" or model["family"] != "eabs" or not linf:
        return ""
    table, printed, fixed = BUDGETS[axis]
    here = {one: max(entry["sweep"].get(one, [entry["options"].get(one, 1)])) for one in fixed}
    row, column = f"E-ABS {printed}={number:g}", column_of("linf", "PGD", eps)
    return value(paper, model, table, row, column, other=here != fixed)
