"""Attack by detector: detection rates, or the share of images that fool the net unseen, at one threshold for all attacks."""

from __future__ import annotations

from typing import Any

import pandas as pd

from robustgen.core.refusal import Refused
from robustgen.core.rows import CLEAN
from robustgen.stats.detection import headline, summarise, united
from robustgen.stats.intervals import share
from robustgen.tables import detected
from robustgen.tables.table import Table, budget, data_said, percent, text

NEEDS = ("detect",)
OPTIONS = {
    "value": {
        "one_of": ("dr", "joint"),
        "default": "dr",
        "means": "dr: detection rate; joint: share of images that fool the net and are not flagged.",
    },
}
AXES = [axis for axis in detected.KEY if axis != "detector"]
UNITED = "all of these"
VALUES = {
    "dr": (
        "Detection rate by attack and detector",
        "Share of images that the net gets right and the attack fools which each detector flags; empty where it fools none, or "
        "where the detector could not be fitted. ",
    ),
    "joint": (
        "Fooled and not flagged, by attack and detector",
        "Share of the images that the net gets right whose attacked version fools it and is not flagged: what the defender must "
        f"fear. {UNITED}: an attacker who keeps, per image, whichever attack and step count of that budget gets through. ",
    ),
}


def make(files: dict[str, list[str]], *, spec: dict[str, Any], paper: pd.DataFrame, absent: str) -> Table:
    """One row per model, attack and budget, at the attack's largest step count; `options.value` is dr or joint."""
    del paper  # the paper shows one detector against one family of attacks
    value, detectors = spec["options"].get("value", "dr"), list(spec["detectors"])
    title, meaning = said(value)
    statistics, thresholds = detected.read(files["detect"], detectors)
    found = cells(statistics, thresholds, value)
    columns = {"model": text("model"), "attack": line, "n": text("n"), "fooled %": percent("fooled")}
    columns |= {f"{name} %": percent(name) for name in detectors if name in found}
    note = (
        f"{meaning}One threshold per detector, chosen on clean validation images at a stated FPR ({detected.fpr_said(spec)}). "
        f"Brackets: 95 % intervals over {detected.over(found)}.{data_said(spec)}"
    )
    return Table(title, note + detected.unfitted(headline(thresholds)) + absent, found, columns)


def cells(statistics: pd.DataFrame, thresholds: pd.DataFrame, value: str) -> pd.DataFrame:
    """One row per attack cell; the columns of a detector are its name, name_low and name_high."""
    headlines = headline(thresholds)
    long = detected.at_last_step(detected.pick(summarise(statistics, headlines), "sound", "successful"))
    long = pd.concat([long, never_fooled(statistics, headlines, long)], ignore_index=True)
    if value == "joint":
        long = pd.concat([long, united(statistics, headlines, name=UNITED)], ignore_index=True)
    order = {name: place for place, name in enumerate([*dict.fromkeys(headlines["attack"]), UNITED])}
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for _, one in long.sort_values("attack", key=lambda names: names.map(order), kind="stable").iterrows():
        row = rows.setdefault(tuple(one[axis] for axis in AXES), {axis: one[axis] for axis in AXES})
        row |= {name: one[name] for name in ("n", "over", "fooled", "fooled_low", "fooled_high")}
        row |= {f"{one['detector']}{end}": one[f"{value}{end}"] for end in ("", "_low", "_high")}
    return pd.DataFrame(rows.values()) if rows else pd.DataFrame(columns=[*AXES, "n", "over", "fooled"])


def never_fooled(statistics: pd.DataFrame, headlines: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """Rows for the attacks that fool no image at all: no share of fooled images is flagged, and none gets through."""
    cells_there = detected.at_last_step(headlines[headlines["why"] == ""]).drop_duplicates(detected.KEY)
    absent = cells_there[~cells_there.set_index(AXES).index.isin(found.set_index(AXES).index)]
    rows = []
    for _, one in absent.iterrows():
        natural = statistics[(statistics["attack"] == CLEAN) & (statistics["model"] == one["model"]) & ~statistics["success"]]
        none = share(0, natural[["seed", "index"]].drop_duplicates().shape[0])
        rates = {
            f"{name}{end}": rate for name in ("fooled", "joint") for end, rate in zip(("", "_low", "_high"), none, strict=True)
        }
        unknown = {f"dr{end}": float("nan") for end in ("", "_low", "_high")}
        rows.append({axis: one[axis] for axis in detected.KEY} | {"n": 0, "over": "images"} | rates | unknown)
    return pd.DataFrame(rows)


def said(value: str) -> tuple[str, str]:
    """(title, meaning) of a value."""
    if value not in VALUES:
        raise Refused(f"options.value of a matrix is one of {', '.join(VALUES)}, not {value!r}.")
    return VALUES[value]


def line(row: pd.Series) -> str:
    """A row's attack; for the union of attacks only the budget."""
    return f"{UNITED} ({budget(row['eps'])})" if row["attack"] == UNITED else detected.attack(row)
