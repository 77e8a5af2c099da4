"""What tables and figures of detection share: reading it, picking the headline, and sentences on
detectors.
"""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from robustgen.core.rows import CLEAN, axes_of, read_rows, with_axes
from robustgen.stats.cells import at_last_step, settings
from robustgen.stats.detection import bounds
from robustgen.stats.intervals import share
from robustgen.tables.cells import words
from robustgen.tables.table import Format, Table

FILES = ("statistics", "thresholds")
LOOKED_AT = {  # kind of a detector, or statistic of one that offers several -> what it looks at
    "energy": "the energy E(x), low values",
    "likelihood": "the energy E(x), high values, which an image has that a model finds unlikely",
    "two_sided": "the distance of E(x) from its median on clean images",
    "one_class": "how rare E(x), the largest logit and the margin are together among clean images",
    "kd_bu": "kernel density and Bayesian uncertainty",
    "lid": "local intrinsic dimensionality",
}
RATES = (
    "DR (detection rate): share of attacked test images that the detector flags. FPR (false "
    "positive rate): share of clean "
    "(unattacked) test images that it flags. AUROC (area under the ROC curve): how often it "
    "ranks an attacked "
    "image above a clean one."
)
FITTED_ON_EACH = re.compile(r"fitted on (\w+) \S.*")  # which is the row's own attack cell


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


def key(rows: pd.DataFrame) -> list[str]:
    """The columns that name a detector's cell."""
    return [*settings(rows), "detector"]


def never_fooled(
    statistics: pd.DataFrame, headlines: pd.DataFrame, found: pd.DataFrame
) -> pd.DataFrame:
    """Rows for the attacks that fool no image at all: no share of fooled images is flagged, and
    none gets through.
    """
    cell = settings(headlines)
    cells_there = at_last_step(headlines[headlines["why"] == ""]).drop_duplicates(key(headlines))
    absent = cells_there[~cells_there.set_index(cell).index.isin(found.set_index(cell).index)]
    rows = []
    right = statistics[(statistics["attack"] == CLEAN) & (statistics["success"] < 0.5)]
    right = right[["model", "seed", "index"]].drop_duplicates()
    for _, one in absent.iterrows():
        attacked = statistics[(statistics[cell] == one[cell]).all(axis=1)].merge(right)
        if attacked.empty:
            continue
        each = attacked.groupby("seed")["index"].nunique()
        none = [share(0, n) for n in each]
        unknown = {f"dr{end}": float("nan") for end in ("", "_low", "_high")}
        rates = bounds("fooled", none) | bounds("joint", none) | unknown
        rows.append({axis: one[axis] for axis in key(headlines)} | {"n": 0} | rates)
    return with_axes(pd.DataFrame(rows), axes_of(headlines))


def clean_accuracy(statistics: pd.DataFrame) -> pd.DataFrame:
    """Per data set and model the share of clean test images that the net gets right, in columns
    clean, clean_low, clean_high.
    """
    cell = ["dataset", "model"]
    rows = statistics[statistics["attack"] == CLEAN].drop_duplicates([*cell, "seed", "index"])
    found = []
    for names, part in rows.groupby(cell, sort=False):
        right = [share((1 - one["success"]).sum(), len(one)) for _, one in part.groupby("seed")]
        found.append(dict(zip(cell, names, strict=True)) | bounds("clean", right))
    return pd.DataFrame(found).drop(columns="over")


def statistic(axes: list[str]) -> Format:
    """A detector's statistic as a reader is told it: `fitted on pgd, 8/255, 5 steps`."""
    return lambda row: FITTED_ON_EACH.sub(
        lambda found: ", ".join(filter(None, (f"fitted on {found[1]}", words(row, axes)))),
        row["variant"],
    )


def none_fitted(thresholds: pd.DataFrame) -> bool:
    """Whether no detector could be fitted at all, so that there is no rate to show."""
    return bool((thresholds["why"] != "").all())


def unmade(title: str, columns: dict[str, Format], thresholds: pd.DataFrame, absent: str) -> Table:
    """The table without rows where no detector could be fitted; its note tells why."""
    note = f"No rows, for no detector could be fitted.{unfitted(at_last_step(thresholds))}{absent}"
    return Table(title, note, pd.DataFrame(columns=key(thresholds)), columns)


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
