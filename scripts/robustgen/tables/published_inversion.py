"""Published numbers of chapter 3 of the thesis, given only where data set, method, metric and
setting are those of the thesis.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from robustgen.tables.published_abs import MISPRINT, value

if TYPE_CHECKING:
    import pandas as pd

METHODS = {"direct": "Direct", "enc_d": "Enc-D", "enc": "Enc"}  # a family begins with one of them
ROWS: dict[
    str, tuple[tuple[str, str], str, dict[str, Any]]
] = {  # table -> (part for each variant, form of its rows, what is fixed and not in them)
    "3_1": (("3_1a", "3_1b"), "{method} lambda={lambda_:g}", {"steps": 100, "metric": "VGG"}),
    "3_2": (
        ("3_2", ""),
        "{method} steps={steps}",
        {"lambda_": 0.1, "metric": "Robust-Corruptions"},
    ),
    "3_3": (("3_3a", "3_3b"), "{method} lambda={lambda_:g}", {"steps": 100, "metric": "VGG"}),
    "3_5": (("3_5", ""), "{method} metric={metric}", {"steps": 200, "lambda_": 10}),
    "3_6": (
        ("3_6a", "3_6b"),
        "{method} lambda={lambda_:g} metric={metric}",
        {"steps": 100},
    ),
    "3_7": (("3_7", ""), "{method} metric={metric}", {}),
    "3_8": (("3_8", ""), "{method} steps={steps}", {"metric": "LPIPS"}),
}
NOTE = (
    " Published: tables 3.1 to 3.8 of the thesis, n of which is not printed (5,000 by the grid of "
    f"its error rates on CIFAR-10); {MISPRINT}: probably misprinted there."
)


def method(family: str, *, plus: bool = False) -> str:
    """What the thesis calls a family of models by inversion; the family itself of others."""
    plain = next((said for start, said in METHODS.items() if family.startswith(start)), family)
    return plain + "+" * bool(plus) + ", pruned" * family.endswith("_pruned")


def published(
    paper: pd.DataFrame, model: dict[str, Any], table: str, row: Mapping[str, Any], column: str
) -> str:
    """A number of one of the thesis' tables for a line of ours; empty where it has none."""
    if table not in ROWS:
        return ""
    parts, form, fixed = ROWS[table]
    part = parts[bool(row["plus"])]
    if not part or any(row[name] != wanted for name, wanted in fixed.items() if name in row):
        return ""
    told = {**row, "method": method(model["family"], plus=row["plus"])}
    return value(paper, model, part, form.format(**told), column)
