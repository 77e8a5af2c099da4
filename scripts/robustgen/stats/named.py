"""Statistics of claims by name: functions of this folder's `statistics*.py`, or dotted names."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from robustgen.core.kinds import find
from robustgen.core.refusal import Refused
from robustgen.core.words import nearest

if TYPE_CHECKING:
    import pandas as pd

    from robustgen.stats.intervals import Interval

    # (rows of the cell, rows it is held against)
    Statistic = Callable[[pd.DataFrame, pd.DataFrame], Interval]

HERE = Path(__file__).resolve().parent
PUBLIC = re.compile(r"^def ([a-z]\w*)\(", re.MULTILINE)


@cache
def names() -> dict[str, str]:
    """Statistic -> module of this folder that has it, read without importing any."""
    return {
        name: f"{__package__}.{path.stem}"
        for path in sorted(HERE.glob("statistics*.py"))
        for name in PUBLIC.findall(path.read_text(encoding="utf-8"))
    }


def unknown(name: str) -> str:
    """Why there is no statistic of that name; empty where there is one."""
    if "." not in name:
        return "" if name in names() else f"unknown statistic{nearest(name, names())}"
    own = module(name)
    if "." not in own:
        return "a statistic of your own is named like my_lab.statistics.gap"
    return "" if find("tables", own) else f"there is no module {own}"


def module(name: str) -> str:
    """The dotted name of the module that has a statistic."""
    return name.rpartition(".")[0] if "." in name else names()[name]


def statistic(name: str) -> Statistic:
    """The function of that name."""
    if why := unknown(name):
        raise Refused(f"Statistic {name}: {why}.")
    function = getattr(import_module(module(name)), name.rpartition(".")[2], None)
    if not callable(function):
        raise Refused(f"Statistic {name}: {module(name)} defines no such function.")
    found: Statistic = function
    return found
