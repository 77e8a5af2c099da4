"""Attack by detector: detection rates, or the share of images that fool the net unseen, at one
threshold for all attacks.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from robustgen.core.refusal import Refused
from robustgen.core.rows import axes_of, with_axes
from robustgen.stats.cells import at_last_step, settings
from robustgen.stats.detection import headline, summarise, united
from robustgen.tables import detected
from robustgen.tables.cells import named
from robustgen.tables.table import Format, Table, budget, data_said, percent, text

NEEDS = ("detect",)
OPTIONS = {
    "value": {
        "one_of": ("dr", "joint"),
        "default": "dr",
        "means": (
            "dr: detection rate; joint: share of images that fool the net and are not flagged."
        ),
    },
}
UNITED = "all of these"
VALUES = {
    "dr": (
        "Detection rate by attack and detector",
        "Fooled: of the test images that were attacked and that the net gets right, the share "
        "whose attacked version it gets wrong. Of each detector: "
        "share of these fooled images that it flags; empty where the attack fools none, or where "
        "it could not be fitted. ",
    ),
    "joint": (
        "Fooled and not flagged, by attack and detector",
        "Fooled: of the test images that were attacked and that the net gets right, the share "
        "whose attacked version it gets wrong. Of each detector: "
        "share of the same images whose attacked version fools it and is not flagged, which is "
        f"what the defender must fear. {UNITED}: an attacker who keeps, per image, whichever "
        "attack and step count of that budget gets through, over the images that all of them were "
        "made on. ",
    ),
}


def make(
    files: dict[str, list[str]], *, spec: dict[str, Any], paper: pd.DataFrame, absent: str
) -> Table:
    """One row per model, attack and budget, at the attack's largest step count; `options.value` is
    dr or joint.
    """
    del paper  # the paper shows one detector against one family of attacks
    value, detectors = spec["options"].get("value", "dr"), list(spec["detectors"])
    title, meaning = said(value)
    statistics, thresholds = detected.read(files["detect"], detectors)
    columns = {
        "model": text("model"),
        "attack": line(axes_of(thresholds)),
        "n": text("n"),
        "fooled %": percent("fooled"),
    }
    if detected.none_fitted(thresholds):
        return detected.unmade(title, columns, headline(thresholds), absent)
    found = cells(statistics, thresholds, value)
    columns["attack"] = line(axes_of(found), found)
    columns |= {f"{name} %": percent(name) for name in detectors if name in found}
    note = (
        f"{meaning}n: the images that are fooled. One threshold per detector for all attacks, "
        "chosen so that a stated share of "
        f"clean validation images is flagged (false positive rate; {detected.fpr_said(spec)}). "
        f"{detected.looked_at(spec)} "
        f"Brackets: 95 % intervals over {detected.over(found)}.{data_said(spec)}"
    )
    return Table(title, note + detected.unfitted(headline(thresholds)) + absent, found, columns)


def cells(statistics: pd.DataFrame, thresholds: pd.DataFrame, value: str) -> pd.DataFrame:
    """One row per attack cell; the columns of a detector are its name, name_low and name_high."""
    headlines = headline(thresholds)
    found = summarise(statistics, headlines, views=("successful",))
    long = at_last_step(detected.pick(found, "sound", "successful"))
    long = pd.concat([long, detected.never_fooled(statistics, headlines, long)], ignore_index=True)
    if value == "joint":
        long = pd.concat([long, united(statistics, headlines, name=UNITED)], ignore_index=True)
    cell, order = (
        settings(headlines),
        {name: place for place, name in enumerate([*dict.fromkeys(headlines["attack"]), UNITED])},
    )
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for _, one in long.sort_values(
        "attack", key=lambda names: names.map(order), kind="stable"
    ).iterrows():
        row = rows.setdefault(tuple(one[axis] for axis in cell), {axis: one[axis] for axis in cell})
        row |= {name: one[name] for name in ("n", "over", "fooled", "fooled_low", "fooled_high")}
        row |= {f"{one['detector']}{end}": one[f"{value}{end}"] for end in ("", "_low", "_high")}
    columns = None if rows else [*cell, "n", "over", "fooled"]
    return with_axes(pd.DataFrame(list(rows.values()), columns=columns), axes_of(headlines))


def said(value: str) -> tuple[str, str]:
    """(title, meaning) of a value."""
    if value not in VALUES:
        raise Refused(f"options.value of a matrix is one of {', '.join(VALUES)}, not {value!r}.")
    return VALUES[value]


def line(axes: list[str], rows: pd.DataFrame | None = None) -> Format:
    """A row's attack, one of `rows`; for the union of attacks only the budget."""
    told = named(axes, rows)
    return lambda row: f"{UNITED} ({budget(row['eps'])})" if row["attack"] == UNITED else told(row)
