"""What tables and figures of detection share: reading it, picking the headline, and sentences on
detectors.
"""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from robustgen.core.rows import CELL, CLEAN, read_rows
from robustgen.stats.intervals import over_seeds, share
from robustgen.tables.table import Format, Table, budget

FILES = ("statistics", "thresholds")
CELLS = [axis for axis in CELL if axis != "seed"]
KEY = [*CELLS, "detector"]
LOOKED_AT = {  # kind of a detector, or statistic of one that offers several -> what it looks at
    "energy": "the energy E(x), low values",
    "two_sided": "the distance of E(x) from its median on clean images",
    "one_class": "how rare E(x), the largest logit and the margin are together among clean images",
    "kd_bu": "kernel density and Bayesian uncertainty",
    "lid": "local intrinsic dimensionality",
}
RATES = (
    "DR (detection rate): share of attacked test images that the detector flags. FPR (false "
    "positive rate): share of clean, "
    "that is unattacked, test images that it flags. AUROC (area under the ROC curve): how often it "
    "ranks an attacked "
    "image above a clean one."
)
# attack, eps, steps, lambda, as the rows name it
FITTED_ON = re.compile(r"fitted on (\w+) (\S+) (\d+) (\S+)")


def read(paths: list[str], detectors: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(statistics, thresholds) of several detection jobs, of these detectors."""
    statistics, thresholds = (
        read_rows(path for path in paths if path.endswith(f"{name}.parquet")) for name in FILES
    )
    return statistics[statistics["detector"].isin(detectors)], thresholds[
        thresholds["detector"].isin(detectors)
    ]


def pick(found: pd.DataFrame, protocol: str, view: str) -> pd.DataFrame:
    """Of summarised rows those that stand for a protocol, in a view; `as shown` takes the view of
    the protocol's authors.
    """
    mine = found[(found["protocol"] == protocol) & (found["shown"] != "")]
    return mine[mine["view"] == (mine["shown"] if view == "as shown" else view)]


def at_last_step(found: pd.DataFrame) -> pd.DataFrame:
    """The rows of each attack's largest step count."""
    return found[found["steps"] == found.groupby(["model", "attack"])["steps"].transform("max")]


def attack(row: pd.Series) -> str:
    """An attack with its budget, steps and lambda."""
    return f"{row['attack']} ({_cell(row['eps'], row['steps'], row['weight'])})"


def _cell(eps: float, steps: float, weight: float) -> str:
    said = [
        budget(eps),
        f"{steps:.0f} step{'s' if steps > 1 else ''}" if steps else "",
        f"lambda {weight:g}" if weight else "",
    ]
    return ", ".join(filter(None, said))


def never_fooled(
    statistics: pd.DataFrame, headlines: pd.DataFrame, found: pd.DataFrame
) -> pd.DataFrame:
    """Rows for the attacks that fool no image at all: no share of fooled images is flagged, and
    none gets through.
    """
    cells_there = at_last_step(headlines[headlines["why"] == ""]).drop_duplicates(KEY)
    absent = cells_there[~cells_there.set_index(CELLS).index.isin(found.set_index(CELLS).index)]
    rows = []
    for _, one in absent.iterrows():
        clean = statistics[
            (statistics["attack"] == CLEAN)
            & (statistics["model"] == one["model"])
            & ~statistics["success"]
        ]
        none = share(0, clean[["seed", "index"]].drop_duplicates().shape[0])
        rates = {
            f"{name}{end}": rate
            for name in ("fooled", "joint")
            for end, rate in zip(("", "_low", "_high"), none, strict=True)
        }
        unknown = {f"dr{end}": float("nan") for end in ("", "_low", "_high")}
        rows.append(
            {axis: one[axis] for axis in KEY} | {"n": 0, "over": "images"} | rates | unknown
        )
    return pd.DataFrame(rows)


def clean_accuracy(statistics: pd.DataFrame) -> pd.DataFrame:
    """Per data set and model the share of clean test images that the net gets right, in columns
    clean, clean_low, clean_high.
    """
    rows = statistics[statistics["attack"] == CLEAN].drop_duplicates(
        ["dataset", "model", "seed", "index"]
    )
    found = []
    for (dataset, model), part in rows.groupby(["dataset", "model"], sort=False):
        seeds = [share(int((~one["success"]).sum()), len(one)) for _, one in part.groupby("seed")]
        value, _ = over_seeds(seeds)
        found.append(
            {
                "dataset": dataset,
                "model": model,
                "clean": value.value,
                "clean_low": value.low,
                "clean_high": value.high,
            }
        )
    return pd.DataFrame(found)


def statistic(row: pd.Series) -> str:
    """A detector's statistic as a reader is told it: `fitted on pgd, 8/255, 5 steps`."""
    return FITTED_ON.sub(
        lambda found: f"fitted on {found[1]}, {_cell(*map(float, found.groups()[1:]))}",
        row["variant"],
    )


def none_fitted(thresholds: pd.DataFrame) -> bool:
    """Whether no detector could be fitted at all, so that there is no rate to show."""
    return bool((thresholds["why"] != "").all())


def unmade(title: str, columns: dict[str, Format], thresholds: pd.DataFrame, absent: str) -> Table:
    """The table without rows where no detector could be fitted; its note tells why."""
    note = f"No rows, for no detector could be fitted.{unfitted(at_last_step(thresholds))}{absent}"
    return Table(title, note, pd.DataFrame(columns=KEY), columns)


def over(rows: pd.DataFrame) -> str:
    """What the intervals of a table are over, for its note."""
    return " and ".join(sorted(set(rows["over"])))


def unfitted(thresholds: pd.DataFrame) -> str:
    """A note's sentences on the detectors that could not be fitted, each reason once with the
    attacks that it concerns.
    """
    lost = thresholds[thresholds["why"] != ""]
    said = []
    for why, rows in lost.groupby("why", sort=False):
        whose = [
            "/".join(dict.fromkeys(rows[name]))
            for name in ("detector", "model", "protocol", "attack")
        ]
        said.append(
            f" Not fitted: {whose[0]} on {whose[1]} ({whose[2]} protocol; {whose[3]}): {why}"
        )
    return "".join(said)


def fpr_said(spec: dict[str, Any]) -> str:
    """The false positive rates that the headline thresholds were chosen for."""
    return "; ".join(
        f"{name}: {100 * entry['fpr']:g} %" for name, entry in spec["detectors"].items()
    )


def looked_at(spec: dict[str, Any]) -> str:
    """A sentence on what each detector looks at; of a kind of the user's own only the kind
    is told.
    """
    kinds = {
        name: entry["options"].get("statistic", entry["kind"])
        for name, entry in spec["detectors"].items()
    }
    said = [f"{name}, {LOOKED_AT.get(kind, f'as {kind} says')}" for name, kind in kinds.items()]
    return f"What the detectors look at: {'; '.join(said)}."
