"""What tables and figures of detection share: reading it, picking the headline, and the sentences on what could not be fitted."""

from __future__ import annotations

from typing import Any

import pandas as pd

from robustgen.core.rows import CELL, read_rows
from robustgen.tables.table import budget

FILES = ("statistics", "thresholds")
KEY = [axis for axis in CELL if axis != "seed"] + ["detector"]


def read(paths: list[str], detectors: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(statistics, thresholds) of several detection jobs, of these detectors."""
    statistics, thresholds = (read_rows(path for path in paths if path.endswith(f"{name}.parquet")) for name in FILES)
    return statistics[statistics["detector"].isin(detectors)], thresholds[thresholds["detector"].isin(detectors)]


def pick(found: pd.DataFrame, protocol: str, view: str) -> pd.DataFrame:
    """Of summarised rows those that stand for a protocol, in a view; `as shown` takes the view of the protocol's authors."""
    mine = found[(found["protocol"] == protocol) & (found["shown"] != "")]
    return mine[mine["view"] == (mine["shown"] if view == "as shown" else view)]


def at_last_step(found: pd.DataFrame) -> pd.DataFrame:
    """The rows of each attack's largest step count."""
    return found[found["steps"] == found.groupby(["model", "attack"])["steps"].transform("max")]


def attack(row: pd.Series) -> str:
    """An attack with its budget, steps and lambda."""
    weight = f", lambda {row['weight']:g}" if row["weight"] else ""
    steps = f", {row['steps']} step{'s' if row['steps'] > 1 else ''}" if row["steps"] else ""
    return f"{row['attack']} ({budget(row['eps'])}{steps}{weight})"


def over(rows: pd.DataFrame) -> str:
    """What the intervals of a table are over, for its note."""
    return " and ".join(sorted(set(rows["over"]))) or "nothing, for no detector could be fitted"


def unfitted(thresholds: pd.DataFrame) -> str:
    """A note's sentences on the detectors that could not be fitted, each reason once with the attacks that it concerns."""
    lost = thresholds[thresholds["why"] != ""]
    said = []
    for why, rows in lost.groupby("why", sort=False):
        whose = ["/".join(dict.fromkeys(rows[name])) for name in ("detector", "model", "protocol", "attack")]
        said.append(f" Not fitted: {whose[0]} on {whose[1]} ({whose[2]} protocol; {whose[3]}): {why}")
    return "".join(said)


def fpr_said(spec: dict[str, Any]) -> str:
    """The false positive rates that the headline thresholds were chosen for."""
    return "; ".join(f"{name}: {entry['fpr']:.0%}" for name, entry in spec["detectors"].items())
