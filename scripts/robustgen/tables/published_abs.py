"""Published numbers of chapter 2 of the thesis, given where data set, model, attack and budget are
those of the thesis.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from robustgen.core.rows import CLEAN
from robustgen.stats.bounded import ALL
from robustgen.tables.table import budget

if TYPE_CHECKING:
    import pandas as pd

WORK = "ju-2021"
ROWS = {  # family -> its name in the thesis
    "cnn": "CNN",
    "adv_linf": "Adv-Linf",
    "adv_l2": "Adv-L2",
    "abs": "ABS",
    "eabs": "E-ABS",
    "a_abs": "A-ABS",
    "d_abs": "D-ABS",
    "v_abs": "V-ABS",
    "ad_abs": "AD-ABS",
    "av_abs": "AV-ABS",
    "dv_abs": "DV-ABS",
}
ABLATION = {**ROWS, "eabs": "ADV-ABS"}  # as table 2.6 calls them
FOOLBOX = {
    "LinfDeepFool": "DeepFool",
    "L2DeepFool": "DeepFool",
    "DDN": "DDN",
    "L2CarliniWagner": "CW",
}
KINDS = {"pgd": "PGD", "growing_noise": "Noise"}
MARK = "?"  # behind a number that the thesis contradicts or misprints


@dataclass(frozen=True)
class Published:
    """A number as printed, with what is wrong with it."""

    text: str
    remark: str

    def __str__(self) -> str:
        return self.text + MARK * bool(self.remark)


def accuracy(
    paper: pd.DataFrame, *, facts: dict[str, Any], norm: str, eps: float, attack: str
) -> Published | None:
    """A cell of tables 2.2 to 2.5; `attack` is the thesis' name for it, or `all`, or `clean`."""
    column = "clean" if attack == CLEAN else f"{norm} {attack} eps={_budget(eps, norm)}"
    tables = ("table_2_2", "table_2_3", "table_2_4", "table_2_5")
    return _found(paper, tables, facts["published"], ROWS.get(facts["family"], ""), column)


def distance(paper: pd.DataFrame, *, facts: dict[str, Any], norm: str, of: str) -> Published | None:
    """A cell of table 2.6: the mean or median distance `of` PGD images in a norm, or `clean`."""
    column = "clean" if of == CLEAN else f"{norm} PGD distance {of}"
    row = ABLATION.get(facts["family"], "")
    return _found(paper, ("table_2_6",), facts["published"], row, column)


def by_setting(
    paper: pd.DataFrame, *, facts: dict[str, Any], name: str, value: float
) -> Published | None:
    """A cell of tables 2.7 to 2.9: accuracy under L_inf PGD with so many runs, restarts or
    steps.
    """
    words = {"eot": "eot_runs"}
    row = f"{ROWS.get(facts['family'], '')} {words.get(name, name)}={value:g}"
    tables = ("table_2_7", "table_2_8", "table_2_9")
    return _found(paper, tables, facts["published"], row, None)


def named(entry: dict[str, Any]) -> str:
    """The thesis' name of an attack; empty for one that it does not have."""
    if entry["made_on"]:
        return ""
    if entry["kind"] == "foolbox":
        return FOOLBOX.get(entry["options"].get("name", ""), "")
    return KINDS.get(entry["kind"], "")


def called(name: str, attacks: dict[str, dict[str, Any]]) -> str:
    """The thesis' name of an attack entry, `All`, or `clean`; empty for one that it lacks."""
    if name == ALL:
        return "All"
    return CLEAN if name == CLEAN else named(attacks[name]) if name in attacks else ""


def _budget(eps: float, norm: str) -> str:
    """The budget as the thesis prints it: 0.3, or a fraction of 255."""
    return f"{eps:g}" if norm == "l2" or abs(eps * 255 - round(eps * 255)) > 1e-6 else budget(eps)


def _found(
    paper: pd.DataFrame, tables: tuple[str, ...], dataset: str | None, row: str, column: str | None
) -> Published | None:
    mine = paper[(paper["work"] == WORK) & paper["table"].isin(tables)]
    mine = mine[(mine["dataset"] == dataset) & (mine["row"] == row)]
    if column is not None:
        mine = mine[mine["column"] == column]
    if not row or mine.empty:
        return None
    first = mine.iloc[0]
    return Published(str(first["value"]), str(first["remark"] or ""))
